/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A line on a terminal that says how far one long call has come.
 */
#ifndef SHMIMAGE_TOOLS_PROGRESS_H
#define SHMIMAGE_TOOLS_PROGRESS_H

#include <pthread.h>
#include <stdint.h>

typedef struct Progress {
    const char *path;
    const char *what;  /**< is being done with it */
    uint64_t bytes;    /**< that its file system is going to give, or 0 */
    uint64_t free;     /**< bytes that this had at the start */
    int64_t start;
    int running;
    int shown;
    int done;          /**< guarded by mutex, with changed */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} Progress;

/**
 * Show progress on standard error from now on, if that is a terminal and it
 * takes a while.
 *
 * @param quiet not 0 to show nothing
 * @param bytes that are reserved on the file system of path, or 0 to show only
 *              how long it has taken
 */
void progress_start(Progress *p, const char *path, const char *what,
                    uint64_t bytes, int quiet);

/** Take the line away again. */
void progress_stop(Progress *p);

#endif /* SHMIMAGE_TOOLS_PROGRESS_H */
