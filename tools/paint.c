/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "paint.h"

uint32_t paint_isqrt(uint64_t n)
{
    uint64_t root = 0;
    uint64_t bit = (uint64_t)1 << 62;

    while (bit > n)
        bit >>= 2;
    for (; bit; bit >>= 2) {
        if (n >= root + bit) {
            n -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

void paint_rect(const Picture *pic, int x0, int y0, int x1, int y1, Colour c,
                int alpha)
{
    x0 = paint_clamp(x0, 0, pic->width);
    x1 = paint_clamp(x1, x0, pic->width);
    y0 = paint_clamp(y0, 0, pic->height);
    y1 = paint_clamp(y1, y0, pic->height);
    for (int y = y0; y < y1; y++) {
        uint8_t *p = paint_at(pic, x0, y);

        if (alpha == 255 && y > y0) {
            memcpy(p, p - pic->stride, (size_t)(x1 - x0) * 3);
            continue;
        }
        for (int x = x0; x < x1; x++, p += 3)
            paint_blend(p, c, alpha);
    }
}

int paint_cover(int64_t radius, int64_t square)
{
    /* Near the edge r^2 - d^2 is about 2r (r - d). */
    int64_t cover = (radius * radius - square) * 8 / radius + 128;

    return cover < 0 ? 0 : cover > 255 ? 255 : (int)cover;
}

void paint_disc(const Picture *pic, int cx, int cy, int radius, Colour c,
                int alpha)
{
    int x0 = paint_clamp((cx - radius - 16) / 16, 0, pic->width);
    int x1 = paint_clamp((cx + radius + 32) / 16, 0, pic->width);
    int y0 = paint_clamp((cy - radius - 16) / 16, 0, pic->height);
    int y1 = paint_clamp((cy + radius + 32) / 16, 0, pic->height);

    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            int64_t dx = x * 16 + 8 - cx;
            int64_t dy = y * 16 + 8 - cy;
            int cover = paint_cover(radius, dx * dx + dy * dy);

            if (cover)
                paint_blend(paint_at(pic, x, y), c, cover * alpha / 255);
        }
    }
}

void paint_mask(const Picture *pic, int x, int y, const Mask *mask, Colour c,
                int alpha)
{
    int x0 = paint_clamp(-x, 0, mask->width);
    int x1 = paint_clamp(pic->width - x, x0, mask->width);
    int y0 = paint_clamp(-y, 0, mask->height);
    int y1 = paint_clamp(pic->height - y, y0, mask->height);

    if (x0 == x1)
        return;
    for (int row = y0; row < y1; row++) {
        const uint8_t *cover = mask->data + (size_t)row * mask->width;
        uint8_t *p = paint_at(pic, x + x0, y + row);

        for (int i = x0; i < x1; i++, p += 3)
            if (cover[i])
                paint_blend(p, c, cover[i] * alpha / 255);
    }
}
