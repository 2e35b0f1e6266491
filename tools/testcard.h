/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A moving test card whose pictures know their number.
 *
 * The same size, label and number always give the same picture, bit for bit,
 * on every machine. What is on it:
 *
 * - a flow that drifts and a white bar that sweeps from left to right, both in
 *   even steps: they stutter where images are lost or late;
 * - a ring of 60 dots, one of which is lit: it goes on by one dot an image;
 * - the number in digits, and in black and white cells for programs;
 * - a circle (aspect ratio), a grid, a border of one pixel and arrows that
 *   touch the edges (cropping), "TOP" (flipping), colour bars, a grey ramp of
 *   eleven steps and gratings of 1, 2, 3 and 4 pixels (scaling).
 *
 * The cells. With the picture divided into 40 parts across and 40 parts down,
 * there are 16 columns of cells, 2 parts wide: eight from part 2 to part 18,
 * eight from part 22 to part 38. Each has two cells, one at the top edge from
 * part 1 to part 3, one at the bottom edge from part 37 to part 39. Read column
 * by column from the left, the top cell before the bottom one, they are the 32
 * bits of the number, most significant first; a light cell is 1. In the gap
 * at the bottom a light mark from part 18 to part 20 and a dark one from part
 * 20 to part 22 tell a card from any other picture. Cells and marks fill at
 * least the middle half of their places. They survive scaling, also to another
 * aspect ratio, as well as subsampled colour and lossy coding, down to pictures
 * of 32x32; of a picture upside down no number is read.
 *
 * Pictures less than 64 pixels wide or high are too small to draw all this.
 * They show a plain pattern, which changes from each number to the next.
 */
#ifndef SHMIMAGE_TOOLS_TESTCARD_H
#define SHMIMAGE_TOOLS_TESTCARD_H

#include <stddef.h>
#include <stdint.h>

enum {
    TESTCARD_MIN = 64,     /**< below this, only a plain pattern */
    TESTCARD_MAX = 32768,  /**< in each direction */
};

typedef struct TestCard TestCard;

/**
 * Prepare a card.
 *
 * @param width  pixels, 1 to TESTCARD_MAX
 * @param height pixels, 1 to TESTCARD_MAX
 * @param label  a short text for the picture, like "60 fps"; may be ""
 * @return NULL without memory, or when a size is out of range
 */
TestCard *testcard_new(int width, int height, const char *label);

/**
 * Draw one picture, rgb24, every byte of it.
 *
 * @param pixels the top row
 * @param stride bytes from a row to the one below; negative to draw the
 *               picture upside down from its last row on
 */
void testcard_draw(TestCard *card, uint32_t number, uint8_t *pixels,
                   ptrdiff_t stride);

void testcard_free(TestCard *card);

/**
 * Read the number from a picture, also after it was scaled or coded with loss.
 *
 * @return 0, or -1 when the picture shows no such number
 */
int testcard_read_number(const uint8_t *pixels, int width, int height,
                         ptrdiff_t stride, uint32_t *number);

#endif /* SHMIMAGE_TOOLS_TESTCARD_H */
