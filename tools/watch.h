/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Looking at a stream again and again, and showing what is found.
 */
#ifndef SHMIMAGE_TOOLS_WATCH_H
#define SHMIMAGE_TOOLS_WATCH_H

#include <stdint.h>

typedef struct WatchOptions {
    const char *path;
    int64_t interval; /**< between two reports, nanoseconds */
    uint64_t count;   /**< reports until it ends, or 0 for no end */
    int json;
} WatchOptions;

/** Watch until interrupted. Returns an exit code. */
int watch_run(const WatchOptions *options);

#endif /* SHMIMAGE_TOOLS_WATCH_H */
