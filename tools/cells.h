/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The number of a picture in black and white cells; testcard.h says where.
 */
#ifndef SHMIMAGE_TOOLS_CELLS_H
#define SHMIMAGE_TOOLS_CELLS_H

#include "paint.h"

enum {
    CELLS_PARTS = 40, /**< of the picture, across and down */
};

/** Draw the cells on a picture of at least 64x64 pixels. */
void cells_draw(const Picture *pic, uint32_t number);

/** @return 0, or -1 when there are no such cells */
int cells_read(const uint8_t *pixels, int width, int height, ptrdiff_t stride,
               uint32_t *number);

#endif /* SHMIMAGE_TOOLS_CELLS_H */
