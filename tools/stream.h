/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The server behind "shmimage send".
 */
#ifndef SHMIMAGE_TOOLS_STREAM_H
#define SHMIMAGE_TOOLS_STREAM_H

#include <stdint.h>

#include "options.h"

enum {
    STREAM_SIZES = 16,
};

typedef struct StreamOptions {
    const char *path;
    const char *input;      /**< raw images, or NULL for the test card */
    Size size[STREAM_SIZES];
    int sizes;
    uint64_t size_every;    /**< images of one size before the next size */
    Rate rate;
    char label[32];         /**< the rate, for the picture */
    uint64_t frames;        /**< how many images, 0 for no end */
    uint32_t start;         /**< the first image's number */
    int64_t owner;          /**< another user whose file is trusted, or -1 */
    int wait;               /**< for a client and free buffers */
    int flip, create, take_over, quiet;
} StreamOptions;

/** Send until the end, a signal or an error; returns an exit code. May be
 *  called again after that. */
int stream_run(const StreamOptions *options);

#endif /* SHMIMAGE_TOOLS_STREAM_H */
