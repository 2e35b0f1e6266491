/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * How large images may be, in numbers and in words.
 */
#ifndef SHMIMAGE_TOOLS_EXTENT_H
#define SHMIMAGE_TOOLS_EXTENT_H

#include <stdint.h>

enum {
    EXTENT_SIZE = 64,
};

/** Bytes of an image, or UINT64_MAX if that is too small a type. */
uint64_t extent_bytes(uint32_t width, uint32_t height);

/** The largest well-known size whose images fit; 0x0 if none does. */
void extent_example(uint64_t payload, uint32_t *width, uint32_t *height);

/** Something like "3333325 pixels, such as 1920x1080". */
void extent_describe(char text[EXTENT_SIZE], uint64_t payload);

#endif /* SHMIMAGE_TOOLS_EXTENT_H */
