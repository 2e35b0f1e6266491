/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "roundel.h"

enum {
    BANDS = 6,
    TRAIL = 14, /* dots behind the lit one that still glow */
};

/* The bands end at so many hundredths of the radius below the centre. */
static const int band_end[BANDS] = { -58, -30, 30, 44, 58, 200 };

static const Colour ground = { 10, 12, 20 };
static const Colour outline = { 244, 246, 250 };
static const Colour dark_dot = { 6, 8, 14 };
static const Colour lit_dot = { 255, 210, 74 };

/* Lengths are in sixteenths of a pixel. */
struct Roundel {
    int cx, cy;
    int outer, inner;     /* radii of the outline's edges */
    int ring, dot;        /* radii of the ring of dots, and of a dot */
    int width;            /* pixels of a band's row */
    uint8_t *band[BANDS]; /* one row of each */
    int dot_x[ROUNDEL_DOTS], dot_y[ROUNDEL_DOTS];
};

static Colour bar_colour(int x, int width)
{
    static const Colour bars[7] = {
        { 191, 191, 191 }, { 191, 191,   0 }, {   0, 191, 191 },
        {   0, 191,   0 }, { 191,   0, 191 }, { 191,   0,   0 },
        {   0,   0, 191 },
    };

    return bars[(int64_t)x * 7 / width];
}

static Colour ramp_colour(int x, int width)
{
    uint8_t level = (uint8_t)((int64_t)x * 11 / width * 255 / 10);

    return (Colour){ level, level, level };
}

/* Lines that are 4, 3, 2, 1, 1, 2, 3 and 4 pixels wide. */
static Colour grating_colour(int x, int width)
{
    int part = (int)((int64_t)x * 8 / width);
    int line = part < 4 ? 4 - part : part - 3;
    uint8_t level = x / line % 2 ? 230 : 20;

    return (Colour){ level, level, level };
}

static Colour band_colour(int band, int x, int width)
{
    switch (band) {
    case 1:
        return bar_colour(x, width);
    case 3:
        return ramp_colour(x, width);
    case 4:
        return grating_colour(x, width);
    default:
        return ground;
    }
}

static int make_bands(Roundel *r)
{
    r->width = r->outer / 8 + 4;
    for (int i = 0; i < BANDS; i++) {
        r->band[i] = malloc((size_t)r->width * 3);
        if (!r->band[i])
            return -1;
        for (int x = 0; x < r->width; x++) {
            Colour c = band_colour(i, x, r->width);

            memcpy(r->band[i] + (ptrdiff_t)x * 3, &c, 3);
        }
    }
    return 0;
}

static void make_dots(Roundel *r)
{
    /* A quarter of a turn in 15 steps; the others are its rotations. */
    static const int sine[16] = {
        0, 1045, 2079, 3090, 4067, 5000, 5878, 6691, 7431, 8090, 8660, 9135,
        9511, 9781, 9945, 10000,
    };

    for (int i = 0; i < ROUNDEL_DOTS / 4; i++) {
        int x = (int)((int64_t)sine[i] * r->ring / 10000);
        int y = -(int)((int64_t)sine[15 - i] * r->ring / 10000);

        for (int dot = i; dot < ROUNDEL_DOTS; dot += ROUNDEL_DOTS / 4) {
            int turned = -y;

            r->dot_x[dot] = r->cx + x;
            r->dot_y[dot] = r->cy + y;
            y = x;
            x = turned;
        }
    }
}

Roundel *roundel_new(int width, int height)
{
    Roundel *r = calloc(1, sizeof(*r));
    int radius = height * 37 < width * 43 ? height * 37 : width * 43;
    int line;

    if (!r)
        return NULL;
    radius = radius / 25 * 4;
    line = radius / 56 > 32 ? radius / 56 : 32;
    r->cx = width * 8;
    r->cy = height * 8;
    r->outer = radius;
    r->inner = radius - line;
    r->ring = radius * 107 / 100;
    r->dot = radius / 50 > 20 ? radius / 50 : 20;
    make_dots(r);
    if (make_bands(r) < 0) {
        roundel_free(r);
        return NULL;
    }
    return r;
}

void roundel_free(Roundel *r)
{
    if (!r)
        return;
    for (int i = 0; i < BANDS; i++)
        free(r->band[i]);
    free(r);
}

int roundel_radius(const Roundel *r)
{
    return r->outer;
}

/* Half the width of a circle on a row, or -1 where it does not reach. */
static int half_width(const Roundel *r, int radius, int y)
{
    int64_t dy = y * 16 + 8 - r->cy;
    int64_t rest = (int64_t)radius * radius - dy * dy;

    return rest < 0 ? -1 : (int)paint_isqrt((uint64_t)rest);
}

void roundel_span(const Roundel *r, int y, int *x0, int *x1)
{
    int half = half_width(r, (r->outer + r->inner) / 2, y);

    *x0 = *x1 = r->cx / 16;
    if (half >= 0) {
        *x0 = (r->cx - half) / 16;
        *x1 = (r->cx + half) / 16;
    }
}

static void draw_outline(const Roundel *r, const Picture *pic, int y, int x0,
                         int x1)
{
    int64_t dy = y * 16 + 8 - r->cy;

    for (int x = x0; x < x1; x++) {
        int64_t dx = x * 16 + 8 - r->cx;
        int64_t square = dx * dx + dy * dy;
        int cover = paint_cover(r->outer, square) -
                    paint_cover(r->inner, square);

        if (cover > 0)
            paint_blend(paint_at(pic, x, y), outline, cover);
    }
}

static int band_at(const Roundel *r, int y)
{
    int dy = y * 16 + 8 - r->cy;
    int band = 0;

    while (dy * (int64_t)100 >= (int64_t)band_end[band] * r->outer)
        band++;
    return band;
}

void roundel_draw_row(const Roundel *r, const Picture *pic, int y)
{
    int half = half_width(r, r->outer + 16, y);
    int hole = half_width(r, r->inner - 16, y);
    int x0, x1;

    if (half < 0)
        return;
    roundel_span(r, y, &x0, &x1);
    if (x0 < x1)
        memcpy(paint_at(pic, x0, y),
               r->band[band_at(r, y)] +
               (ptrdiff_t)(x0 - r->cx / 16 + r->width / 2) * 3,
               (size_t)(x1 - x0) * 3);
    x0 = (r->cx - half) / 16;
    x1 = (r->cx + half) / 16 + 1;
    if (hole < 0) {
        draw_outline(r, pic, y, x0, x1);
    } else {
        draw_outline(r, pic, y, x0, (r->cx - hole) / 16 + 1);
        draw_outline(r, pic, y, (r->cx + hole) / 16, x1);
    }
}

void roundel_draw_dots(const Roundel *r, const Picture *pic, uint32_t number)
{
    int lit = (int)(number % ROUNDEL_DOTS);

    for (int i = 0; i < ROUNDEL_DOTS; i++) {
        int behind = (lit - i + ROUNDEL_DOTS) % ROUNDEL_DOTS;
        int glow = behind < TRAIL ? 230 * (TRAIL - behind) / TRAIL : 0;
        int x = r->dot_x[i];
        int y = r->dot_y[i];

        paint_disc(pic, x, y, r->dot, dark_dot, 150);
        if (behind == 0)
            paint_disc(pic, x, y, r->dot * 3 / 2, lit_dot, 255);
        else if (glow)
            paint_disc(pic, x, y, r->dot, lit_dot, glow);
    }
}
