/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The file that the images come through.
 */
#ifndef SHMIMAGE_TOOLS_SOURCE_H
#define SHMIMAGE_TOOLS_SOURCE_H

#include "command.h"
#include "options.h"

/** What is wrong with both options. */
#define SOURCE_NO_WAIT "--create makes FILE, so there is nothing to wait " \
                       "for; leave --wait-file out"

/**
 * Wait for a file to be created, and say so. Signals have to be caught.
 *
 * @param timeout nanoseconds to wait at the most, or 0 for no limit
 * @return an exit code, with what is wrong reported; COMMAND_OK also when
 *         stop_requested has ended the wait
 */
int source_wait(const Command *command, const char *path, int64_t timeout);

/**
 * Refuse the file of a stranger in a directory where everybody may create
 * files.
 *
 * @param owner number of another user who is trusted, or -1
 * @return an exit code, with what is wrong reported
 */
int source_check_owner(const Command *command, const char *path, int64_t owner);

/**
 * See that a file to receive images from is there, is no stranger's, and
 * carries a stream, without writing into it.
 *
 * @param size  make the file first if it does not exist, for images of that
 *              size; 0x0 for no
 * @param owner as above
 * @return an exit code, with what is wrong reported
 */
int source_prepare(const Command *command, const char *path, Size size,
                   int64_t owner, int quiet);

#endif /* SHMIMAGE_TOOLS_SOURCE_H */
