/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What was watched, as lines for programs, and in a sentence at the end.
 */
#ifndef SHMIMAGE_TOOLS_LINES_H
#define SHMIMAGE_TOOLS_LINES_H

#include "tally.h"

/** Print the last period: NAME=VALUE with spaces between, or a JSON object. */
void lines_print(const Watched *w, int json);

/** Print on standard error what became of it all. */
void lines_print_summary(const Watched *w, const char *path);

#endif /* SHMIMAGE_TOOLS_LINES_H */
