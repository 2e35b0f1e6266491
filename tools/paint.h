/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Small drawing primitives on rgb24 pictures. All of them clip to the picture
 * and use integers only, so that every machine draws the same.
 */
#ifndef SHMIMAGE_TOOLS_PAINT_H
#define SHMIMAGE_TOOLS_PAINT_H

#include <stddef.h>
#include <stdint.h>

typedef struct Picture {
    uint8_t *pixels;   /**< the top row */
    ptrdiff_t stride;  /**< bytes from a row to the one below; may be < 0 */
    int width, height;
} Picture;

typedef struct Colour {
    uint8_t r, g, b;
} Colour;

/** Coverage of a shape: 0 is outside, 255 inside. */
typedef struct Mask {
    uint8_t *data;     /**< width * height bytes, NULL for an empty mask */
    int width, height;
} Mask;

/** The largest integer whose square is not above n. */
uint32_t paint_isqrt(uint64_t n);

/** The address of a pixel that is inside the picture. */
static inline uint8_t *paint_at(const Picture *pic, int x, int y)
{
    return pic->pixels + y * pic->stride + (ptrdiff_t)x * 3;
}

static inline int paint_clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/** Mix a colour into one pixel; alpha goes from 0 to 255. */
static inline void paint_blend(uint8_t *p, Colour c, int alpha)
{
    const int part = alpha + (alpha >> 7); /* of 256 */

    p[0] = (uint8_t)((p[0] * (256 - part) + c.r * part) >> 8);
    p[1] = (uint8_t)((p[1] * (256 - part) + c.g * part) >> 8);
    p[2] = (uint8_t)((p[2] * (256 - part) + c.b * part) >> 8);
}

/**
 * How much of a pixel a circle covers, 0 to 255.
 *
 * @param radius of the circle, sixteenths of a pixel, at least 16
 * @param square of the distance from the centre to the pixel's middle
 */
int paint_cover(int64_t radius, int64_t square);

/** Fill the rectangle from (x0, y0) up to, without, (x1, y1). */
void paint_rect(const Picture *pic, int x0, int y0, int x1, int y1, Colour c,
                int alpha);

/** Fill a circle; centre and radius in sixteenths of a pixel. */
void paint_disc(const Picture *pic, int cx, int cy, int radius, Colour c,
                int alpha);

/** Lay a colour on the picture through a mask whose corner is at (x, y). */
void paint_mask(const Picture *pic, int x, int y, const Mask *mask, Colour c,
                int alpha);

#endif /* SHMIMAGE_TOOLS_PAINT_H */
