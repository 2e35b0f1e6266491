/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "cells.h"

enum {
    COLUMNS  = 16,
    TOP      = 1,  /* part where a column's upper cell begins */
    BOTTOM   = 37, /* and its lower one */
    ALWAYS   = 18, /* part where the light mark begins */
    NEVER    = 20, /* and the dark one */
    SMALLEST = 32, /* below this a cell is no longer a pixel */
    STEPS    = 2 * CELLS_PARTS,
};

static const Colour dark  = { 10, 12, 20 };
static const Colour light = { 250, 250, 250 };

/* The part where a column begins. */
static int column_part(int column)
{
    return 2 + column * 2 + (column < COLUMNS / 2 ? 0 : 4);
}

/* Where a part begins, to the nearest pixel. */
static int part_edge(int part, int length)
{
    return (part * length + CELLS_PARTS / 2) / CELLS_PARTS;
}

static void draw_cell(const Picture *pic, int part_x, int part_y, int lit)
{
    int x0 = part_edge(part_x, pic->width);
    int x1 = part_edge(part_x + 2, pic->width);
    int y0 = part_edge(part_y, pic->height);
    int y1 = part_edge(part_y + 2, pic->height);
    int inset = (y1 - y0 < x1 - x0 ? y1 - y0 : x1 - x0) / 9;

    paint_rect(pic, x0, y0, x1, y1, dark, 200);
    paint_rect(pic, x0 + inset, y0 + inset, x1 - inset, y1 - inset,
               lit ? light : dark, 255);
}

void cells_draw(const Picture *pic, uint32_t number)
{
    for (int i = 0; i < COLUMNS; i++) {
        draw_cell(pic, column_part(i), TOP, number >> (31 - 2 * i) & 1);
        draw_cell(pic, column_part(i), BOTTOM, number >> (30 - 2 * i) & 1);
    }
    draw_cell(pic, ALWAYS, BOTTOM, 1);
    draw_cell(pic, NEVER, BOTTOM, 0);
}

typedef struct Source {
    const uint8_t *pixels;
    int width, height;
    ptrdiff_t stride;
} Source;

/* How much of pixel i lies between two places; a pixel is STEPS long. */
static int overlap(int i, int64_t from, int64_t to)
{
    int64_t start = (int64_t)i * STEPS;
    int64_t end = start + STEPS;

    start = start > from ? start : from;
    end = end < to ? end : to;
    return (int)(end - start);
}

/* From the brightness of a cell's middle: 1 light, 0 dark, -1 neither. In
 * small pictures its pixels count by what they have of the middle. */
static int read_cell(const Source *s, int part_x, int part_y)
{
    const int64_t left = (int64_t)(part_x * 2 + 1) * s->width;
    const int64_t right = (int64_t)(part_x * 2 + 3) * s->width;
    const int64_t top = (int64_t)(part_y * 2 + 1) * s->height;
    const int64_t bottom = (int64_t)(part_y * 2 + 3) * s->height;
    int64_t sum = 0;

    for (int y = (int)(top / STEPS); (int64_t)y * STEPS < bottom; y++) {
        int x = (int)(left / STEPS);
        const uint8_t *p = s->pixels + y * s->stride + (ptrdiff_t)x * 3;
        int64_t row = 0;

        for (; (int64_t)x * STEPS < right; x++, p += 3)
            row += (p[0] + 2 * p[1] + p[2]) * overlap(x, left, right);
        sum += row * overlap(y, top, bottom);
    }
    sum /= (right - left) * (bottom - top) * 4;
    return sum >= 144 ? 1 : sum < 112 ? 0 : -1;
}

int cells_read(const uint8_t *pixels, int width, int height, ptrdiff_t stride,
               uint32_t *number)
{
    const Source source = { pixels, width, height, stride };
    uint32_t value = 0;

    if (width < SMALLEST || height < SMALLEST ||
        read_cell(&source, ALWAYS, BOTTOM) != 1 ||
        read_cell(&source, NEVER, BOTTOM) != 0)
        return -1;
    for (int i = 0; i < COLUMNS * 2; i++) {
        int bit = read_cell(&source, column_part(i / 2), i % 2 ? BOTTOM : TOP);

        if (bit < 0)
            return -1;
        value = value << 1 | (uint32_t)bit;
    }
    *number = value;
    return 0;
}
