/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Looking at a program before it is started.
 */
#ifndef SHMIMAGE_TOOLS_PROGRAM_H
#define SHMIMAGE_TOOLS_PROGRAM_H

/**
 * Find a command the way execvp() does.
 *
 * @return its path, to be freed, or NULL with errno set
 */
char *program_find(const char *command);

/** Why a program won't load preloaded libraries, or NULL if it will. */
const char *program_ignores_preload(const char *path);

#endif /* SHMIMAGE_TOOLS_PROGRAM_H */
