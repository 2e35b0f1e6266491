/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The module that adds the device to FFmpeg programs that lack it.
 */
#ifndef SHMIMAGE_TOOLS_PRELOAD_H
#define SHMIMAGE_TOOLS_PRELOAD_H

#include "command.h"

/**
 * Have the module preloaded into every program that is started from now on.
 *
 * @param command that reports what is wrong
 * @param module  its path, or NULL to look for it
 * @return an exit code
 */
int preload_module(const Command *command, const char *module);

#endif /* SHMIMAGE_TOOLS_PRELOAD_H */
