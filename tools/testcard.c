/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "flow.h"
#include "glyphs.h"
#include "paint.h"
#include "roundel.h"
#include "testcard.h"

enum {
    FULL_MIN   = 160, /* below this there is room for digits and cells only */
    SWEEP      = 128, /* images that the bar takes; divides 2^32 */
    GRID       = 9,   /* squares from top to bottom */
    MAX_DIGITS = 10,
    SIZES      = 3,   /* of the digits, the more the smaller */
};

static const Colour black = { 10, 12, 20 };
static const Colour white = { 250, 250, 250 };
static const Colour soft  = { 158, 168, 184 };

struct TestCard {
    int width, height;
    int line;            /* thickness of lines, pixels */
    int grid;            /* pixels from line to line */
    int tail;            /* pixels that the bar drags behind it */
    Flow *flow;          /* NULL when only the plain pattern fits */
    Roundel *roundel;    /* NULL when only digits and cells fit */
    int digits[SIZES];   /* how many fit, from size to size */
    int unit[SIZES];
    Mask digit[SIZES][10];
    Mask title, size, label, top;
};

static int digits_new(TestCard *card)
{
    static const int full[SIZES] = { 6, 8, MAX_DIGITS };
    static const int small[SIZES] = { 4, 6, MAX_DIGITS };
    const int width = card->roundel ? roundel_radius(card->roundel) * 17 / 10 :
                      card->width * 15;
    const int highest = glyphs_fit(1, card->height * 16 *
                                      (GLYPH_ADVANCE - 1) / GLYPH_HEIGHT);
    char text[2] = "0";
    int ret = 0;

    for (int size = 0; size < SIZES; size++) {
        const int digits = card->roundel ? full[size] : small[size];

        card->digits[size] = digits;
        card->unit[size] = glyphs_fit(digits, width);
        /* Drawing digits that are larger than the image takes seconds. */
        if (card->unit[size] > highest)
            card->unit[size] = highest;
        for (int i = 0; i < 10; i++) {
            text[0] = (char)('0' + i);
            ret |= glyphs_render(&card->digit[size][i], text,
                                 card->unit[size]);
        }
    }
    return ret;
}

static int texts_new(TestCard *card, const char *label)
{
    const int radius = roundel_radius(card->roundel);
    const int letters = (int)strlen(label);
    char size[32];
    int ret = 0;

    snprintf(size, sizeof(size), "%dx%d", card->width, card->height);
    ret |= glyphs_render(&card->title, "shmimage", glyphs_fit(8, radius));
    ret |= glyphs_render(&card->size, size, glyphs_fit(9, radius * 9 / 10));
    ret |= glyphs_render(&card->label, label,
                         glyphs_fit(letters > 12 ? letters : 12, radius));
    ret |= glyphs_render(&card->top, "TOP", glyphs_fit(3, radius / 5));
    return ret;
}

TestCard *testcard_new(int width, int height, const char *label)
{
    int shorter = width < height ? width : height;
    TestCard *card;

    if (width < 1 || height < 1 || width > TESTCARD_MAX ||
        height > TESTCARD_MAX)
        return NULL;
    card = calloc(1, sizeof(*card));
    if (!card)
        return NULL;
    card->width = width;
    card->height = height;
    card->line = shorter / 1000 + 1;
    card->grid = (shorter + GRID - 1) / GRID;
    card->tail = width / 16;
    if (shorter < TESTCARD_MIN)
        return card;
    card->flow = flow_new(width, height);
    if (shorter >= FULL_MIN)
        card->roundel = roundel_new(width, height);
    if (!card->flow || (shorter >= FULL_MIN && !card->roundel) ||
        digits_new(card) < 0 || (card->roundel && texts_new(card, label) < 0)) {
        testcard_free(card);
        return NULL;
    }
    return card;
}

void testcard_free(TestCard *card)
{
    if (!card)
        return;
    for (int size = 0; size < SIZES; size++)
        for (int i = 0; i < 10; i++)
            glyphs_free(&card->digit[size][i]);
    glyphs_free(&card->title);
    glyphs_free(&card->size);
    glyphs_free(&card->label);
    glyphs_free(&card->top);
    roundel_free(card->roundel);
    flow_free(card->flow);
    free(card);
}

/* Spread the number, so that the next one changes every pixel. */
static void draw_plain(const Picture *pic, uint32_t number)
{
    uint32_t mixed = number * 2654435761u;

    for (int y = 0; y < pic->height; y++) {
        uint8_t *p = paint_at(pic, 0, y);

        for (int x = 0; x < pic->width; x++, p += 3) {
            p[0] = (uint8_t)((mixed >> 24) + (unsigned)x * 4);
            p[1] = (uint8_t)((mixed >> 16) + (unsigned)y * 4);
            p[2] = (uint8_t)((mixed >> 8) + (unsigned)(x + y) * 2);
        }
    }
}

/* Where a line of the grid meets a row or column whose middle is given. */
static int on_grid(const TestCard *card, int at, int middle)
{
    int distance = at - middle + card->line / 2 + card->grid * 4096;

    return distance % card->grid < card->line;
}

static void draw_grid_row(const TestCard *card, const Picture *pic, int y,
                          int x0, int x1)
{
    int first = (card->width / 2 - card->line / 2) % card->grid;

    if (on_grid(card, y, card->height / 2)) {
        paint_rect(pic, x0, y, x1, y + 1, white, 52);
        return;
    }
    while (first < x0)
        first += card->grid;
    for (int x = first; x < x1; x += card->grid)
        paint_rect(pic, x, y, x + card->line, y + 1, white, 52);
}

static void draw_sweep_row(const TestCard *card, const Picture *pic, int y,
                           int x0, int x1, uint32_t number)
{
    int head = (int)((int64_t)(number % SWEEP) * (card->width + card->tail) /
                     SWEEP);
    int from = paint_clamp(head - card->tail, x0, x1);
    int to = paint_clamp(head + card->line * 2, x0, x1);
    uint8_t *p = paint_at(pic, from, y);

    for (int x = from; x < to; x++, p += 3) {
        int behind = card->tail - (head - x);

        paint_blend(p, white, x >= head ? 235 : behind * 90 / card->tail);
    }
}

static void draw_rows(const TestCard *card, const Picture *pic,
                      uint32_t number)
{
    for (int y = 0; y < card->height; y++) {
        int edge[4] = { 0, card->width, card->width, card->width };

        if (card->roundel)
            roundel_span(card->roundel, y, &edge[1], &edge[2]);
        for (int i = 0; i < 4; i += 2) {
            if (edge[i] == edge[i + 1])
                continue;
            flow_draw_row(card->flow, y, edge[i], edge[i + 1],
                          paint_at(pic, 0, y));
            draw_grid_row(card, pic, y, edge[i], edge[i + 1]);
            draw_sweep_row(card, pic, y, edge[i], edge[i + 1], number);
        }
        if (card->roundel)
            roundel_draw_row(card->roundel, pic, y);
    }
}

static void draw_border(const TestCard *card, const Picture *pic)
{
    int w = card->width;
    int h = card->height;
    int size = (w < h ? w : h) / 36;

    paint_rect(pic, 0, 0, w, 1, white, 255);
    paint_rect(pic, 0, h - 1, w, h, white, 255);
    paint_rect(pic, 0, 0, 1, h, white, 255);
    paint_rect(pic, w - 1, 0, w, h, white, 255);
    for (int i = 0; i < size; i++) {
        int half = i * 3 / 5;

        paint_rect(pic, i, h / 2 - half, i + 1, h / 2 + half + 1, white, 255);
        paint_rect(pic, w - 1 - i, h / 2 - half, w - i, h / 2 + half + 1,
                   white, 255);
    }
}

static void centre_mask(const Picture *pic, int y, const Mask *mask, Colour c)
{
    paint_mask(pic, (pic->width - mask->width) / 2, y - mask->height / 2,
               mask, c, 255);
}

/* What is between the cells at the top is never light, as the mark in its
 * place at the bottom is: so nobody reads a picture upside down. */
static void draw_gap(const TestCard *card, const Picture *pic)
{
    paint_rect(pic, card->width * 18 / CELLS_PARTS,
               card->height / CELLS_PARTS, card->width * 22 / CELLS_PARTS,
               card->height * 3 / CELLS_PARTS, black, 200);
}

static void draw_texts(const TestCard *card, const Picture *pic)
{
    int radius = roundel_radius(card->roundel) / 16;
    int y = card->height / 2;

    centre_mask(pic, y - radius * 75 / 100, &card->title, white);
    centre_mask(pic, y + radius * 70 / 100, &card->size, white);
    centre_mask(pic, y + radius * 86 / 100, &card->label, soft);
    centre_mask(pic, card->height * 2 / CELLS_PARTS, &card->top, white);
}

static void draw_number(const TestCard *card, const Picture *pic,
                        uint32_t number)
{
    char text[MAX_DIGITS + 1];
    const int length = snprintf(text, sizeof(text), "%0*u",
                                card->roundel ? card->digits[0] : 1,
                                (unsigned)number);
    const Mask *digit;
    int size = 0;
    int unit, width, x, y;
    int leading = 1;

    while (card->digits[size] < length)
        size++;
    digit = card->digit[size];
    unit = card->unit[size];
    width = (length * GLYPH_ADVANCE - 1) * unit / 16;
    x = (card->width - width) / 2;
    y = (card->height - digit->height) / 2;
    if (!card->roundel)
        paint_rect(pic, x - 2, y - 2, x + width + 2, y + digit->height + 1,
                   black, 220);
    for (int i = 0; i < length; i++) {
        leading = leading && text[i] == '0' && i < length - 1;
        paint_mask(pic, x + i * GLYPH_ADVANCE * unit / 16, y,
                   &digit[text[i] - '0'], white, leading ? 60 : 255);
    }
}

void testcard_draw(TestCard *card, uint32_t number, uint8_t *pixels,
                   ptrdiff_t stride)
{
    const Picture pic = { pixels, stride, card->width, card->height };

    if (!card->flow) {
        draw_plain(&pic, number);
        return;
    }
    flow_advance(card->flow, number);
    draw_rows(card, &pic, number);
    draw_border(card, &pic);
    cells_draw(&pic, number);
    draw_gap(card, &pic);
    if (card->roundel) {
        roundel_draw_dots(card->roundel, &pic, number);
        draw_texts(card, &pic);
    }
    draw_number(card, &pic, number);
}

int testcard_read_number(const uint8_t *pixels, int width, int height,
                         ptrdiff_t stride, uint32_t *number)
{
    return cells_read(pixels, width, height, stride, number);
}
