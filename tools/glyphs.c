/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "glyphs.h"

/* Below this size strokes would only blur the points. */
#define STROKE_UNIT (3 * 16)

typedef struct Glyph {
    char letter;
    uint8_t rows[GLYPH_HEIGHT]; /* bit 4 is the leftmost point */
} Glyph;

static const Glyph font[] = {
    { '0', { 0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e } },
    { '1', { 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e } },
    { '2', { 0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f } },
    { '3', { 0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e } },
    { '4', { 0x02, 0x04, 0x08, 0x12, 0x1f, 0x02, 0x02 } },
    { '5', { 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e } },
    { '6', { 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e } },
    { '7', { 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 } },
    { '8', { 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e } },
    { '9', { 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c } },
    { '.', { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04 } },
    { '/', { 0x01, 0x01, 0x02, 0x04, 0x08, 0x10, 0x10 } },
    { 'O', { 0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e } },
    { 'P', { 0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10 } },
    { 'T', { 0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04 } },
    { 'a', { 0x00, 0x00, 0x0e, 0x01, 0x0f, 0x11, 0x0f } },
    { 'e', { 0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e } },
    { 'f', { 0x06, 0x08, 0x08, 0x1e, 0x08, 0x08, 0x08 } },
    { 'g', { 0x00, 0x00, 0x0f, 0x11, 0x0f, 0x01, 0x0e } },
    { 'h', { 0x10, 0x10, 0x1e, 0x11, 0x11, 0x11, 0x11 } },
    { 'i', { 0x04, 0x00, 0x0c, 0x04, 0x04, 0x04, 0x0e } },
    { 'm', { 0x00, 0x00, 0x1e, 0x15, 0x15, 0x15, 0x15 } },
    { 'n', { 0x00, 0x00, 0x1e, 0x11, 0x11, 0x11, 0x11 } },
    { 'p', { 0x00, 0x00, 0x1e, 0x11, 0x1e, 0x10, 0x10 } },
    { 'r', { 0x00, 0x00, 0x16, 0x18, 0x10, 0x10, 0x10 } },
    { 's', { 0x00, 0x00, 0x0f, 0x10, 0x0e, 0x01, 0x1e } },
    { 'u', { 0x00, 0x00, 0x11, 0x11, 0x11, 0x11, 0x0f } },
    { 'x', { 0x00, 0x00, 0x11, 0x0a, 0x04, 0x0a, 0x11 } },
};

static int point(const uint8_t *rows, int x, int y)
{
    return x >= 0 && x < GLYPH_WIDTH && y < GLYPH_HEIGHT &&
           rows[y] >> (GLYPH_WIDTH - 1 - x) & 1;
}

static void draw_points(Mask *mask, const uint8_t *rows, int x0, int unit)
{
    int size = unit / 16;

    for (int y = 0; y < GLYPH_HEIGHT * size; y++)
        for (int x = 0; x < GLYPH_WIDTH * size; x++)
            if (point(rows, x / size, y / size))
                mask->data[(size_t)y * mask->width + x0 + x] = 255;
}

/* How far (px, py) is from a stroke that starts at the origin and has one of
 * the directions that join neighbours. */
static uint32_t distance(int px, int py, int dx, int dy, int length)
{
    int along = dx * px + dy * py;
    int square = dx * dx + dy * dy;

    along = square ? paint_clamp(along / square, 0, length) : 0;
    px -= along * dx;
    py -= along * dy;
    return paint_isqrt((uint64_t)((int64_t)px * px + (int64_t)py * py));
}

/* One stroke from the middle of point (x, y) to its neighbour. */
static void draw_stroke(Mask *mask, int x0, int x, int y, int dx, int dy,
                        int unit)
{
    int radius = unit * 7 / 16;
    int ax = (2 * x + 1) * unit / 2;
    int ay = (2 * y + 1) * unit / 2;
    int left = (ax + (dx < 0 ? -unit : 0) - radius) / 16 - 1;
    int right = (ax + (dx > 0 ? unit : 0) + radius) / 16 + 2;
    int top = (ay - radius) / 16 - 1;
    int bottom = (ay + (dy > 0 ? unit : 0) + radius) / 16 + 2;

    right = paint_clamp(right, 0, mask->width - x0);
    bottom = paint_clamp(bottom, 0, mask->height);
    for (int v = paint_clamp(top, 0, bottom); v < bottom; v++) {
        uint8_t *row = mask->data + (size_t)v * mask->width + x0;

        for (int u = paint_clamp(left, 0, right); u < right; u++) {
            int d = (int)distance(u * 16 + 8 - ax, v * 16 + 8 - ay, dx, dy,
                                  unit);
            int cover = paint_clamp((radius + 8 - d) * 16, 0, 255);

            if (cover > row[u])
                row[u] = (uint8_t)cover;
        }
    }
}

static void draw_strokes(Mask *mask, const uint8_t *rows, int x0, int unit)
{
    for (int y = 0; y < GLYPH_HEIGHT; y++) {
        for (int x = 0; x < GLYPH_WIDTH; x++) {
            int right, below;

            if (!point(rows, x, y))
                continue;
            right = point(rows, x + 1, y);
            below = point(rows, x, y + 1);
            draw_stroke(mask, x0, x, y, 0, 0, unit);
            if (right)
                draw_stroke(mask, x0, x, y, 1, 0, unit);
            if (below)
                draw_stroke(mask, x0, x, y, 0, 1, unit);
            if (!right && !below && point(rows, x + 1, y + 1))
                draw_stroke(mask, x0, x, y, 1, 1, unit);
            if (!below && !point(rows, x - 1, y) && point(rows, x - 1, y + 1))
                draw_stroke(mask, x0, x, y, -1, 1, unit);
        }
    }
}

int glyphs_fit(int letters, int width)
{
    int unit = width / (letters > 0 ? letters * GLYPH_ADVANCE - 1 : 1);

    if (unit < STROKE_UNIT)
        unit = unit / 16 * 16;
    return unit < 16 ? 16 : unit;
}

int glyphs_render(Mask *mask, const char *text, int unit)
{
    const int letters = (int)strlen(text);

    mask->width = letters * GLYPH_ADVANCE * unit / 16 + 1;
    mask->height = GLYPH_HEIGHT * unit / 16 + 1;
    mask->data = calloc((size_t)mask->width, (size_t)mask->height);
    if (!mask->data) {
        mask->width = mask->height = 0;
        return -1;
    }
    for (int i = 0; i < letters; i++) {
        int x0 = i * GLYPH_ADVANCE * unit / 16;

        for (size_t j = 0; j < sizeof(font) / sizeof(*font); j++) {
            if (font[j].letter != text[i])
                continue;
            if (unit < STROKE_UNIT)
                draw_points(mask, font[j].rows, x0, unit);
            else
                draw_strokes(mask, font[j].rows, x0, unit);
        }
    }
    return 0;
}

void glyphs_free(Mask *mask)
{
    free(mask->data);
    *mask = (Mask){ 0 };
}
