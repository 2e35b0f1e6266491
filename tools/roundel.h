/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The circle in the middle of the test card: bands of colour bars, grey steps
 * and gratings, an outline, and a ring of dots around it.
 */
#ifndef SHMIMAGE_TOOLS_ROUNDEL_H
#define SHMIMAGE_TOOLS_ROUNDEL_H

#include "paint.h"

enum {
    ROUNDEL_DOTS = 60,
};

typedef struct Roundel Roundel;

/**
 * @param width  of the picture, in whose middle it lies
 * @param height of the picture
 * @return NULL without memory
 */
Roundel *roundel_new(int width, int height);

/** The radius in sixteenths of a pixel, without the dots. */
int roundel_radius(const Roundel *r);

/** What a row of it hides of the background: x0 up to, without, x1. */
void roundel_span(const Roundel *r, int y, int *x0, int *x1);

/** Draw a row of it over the background. */
void roundel_draw_row(const Roundel *r, const Picture *pic, int y);

/** Draw the dots, after all rows. The lit one goes on with the number. */
void roundel_draw_dots(const Roundel *r, const Picture *pic, uint32_t number);

void roundel_free(Roundel *r);

#endif /* SHMIMAGE_TOOLS_ROUNDEL_H */
