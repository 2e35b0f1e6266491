/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The file that images are to be received from.
 */
#ifndef SHMIMAGE_TOOLS_SOURCE_H
#define SHMIMAGE_TOOLS_SOURCE_H

#include "command.h"
#include "options.h"

/**
 * See that a file is there and carries a stream, without writing into it.
 *
 * @param size make the file first if it does not exist, for images of that
 *             size; 0x0 for no
 * @return an exit code, with what is wrong reported
 */
int source_prepare(const Command *command, const char *path, Size size,
                   int quiet);

#endif /* SHMIMAGE_TOOLS_SOURCE_H */
