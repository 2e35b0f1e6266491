/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Raw images from a file, a pipe or standard input.
 */
#ifndef SHMIMAGE_TOOLS_INPUT_H
#define SHMIMAGE_TOOLS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "pace.h"

enum {
    INPUT_IMAGE,    /**< the buffer is full */
    INPUT_END,      /**< the input ended where an image did */
    INPUT_STOPPED,  /**< idle() said so */
    INPUT_SHORT,    /**< the input ended within an image */
    INPUT_ERROR,    /**< see errno */
};

/** @param path "-" for standard input; returns a descriptor or -1 */
int input_open(const char *path);

/**
 * Read an image. Asks idle() often, however slow the input is.
 *
 * @param got set to the number of bytes read
 */
int input_read(int fd, uint8_t *buffer, size_t size, size_t *got,
               PaceIdle idle, void *opaque);

void input_close(int fd);

#endif /* SHMIMAGE_TOOLS_INPUT_H */
