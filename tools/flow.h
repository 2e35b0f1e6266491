/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The test card's background: layers of a fluid, rolled up by vortices that
 * drift through the picture, in the colours of a simulation.
 *
 * The field is computed on a coarse lattice for each image and interpolated
 * from there, so that its cost hardly depends on the size of the picture. Time
 * is the image's number, and wraps with it without a jump.
 */
#ifndef SHMIMAGE_TOOLS_FLOW_H
#define SHMIMAGE_TOOLS_FLOW_H

#include <stdint.h>

typedef struct Flow Flow;

/** @return NULL without memory */
Flow *flow_new(int width, int height);

/** Compute the field of an image; flow_draw_row() then draws it. */
void flow_advance(Flow *flow, uint32_t number);

/**
 * Draw the pixels from x0 up to, without, x1 of a row.
 *
 * @param row the whole row's first pixel
 */
void flow_draw_row(Flow *flow, int y, int x0, int x1, uint8_t *row);

void flow_free(Flow *flow);

#endif /* SHMIMAGE_TOOLS_FLOW_H */
