/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The test card's font: letters on a grid of 5x7 points. Small text shows the
 * points as they are; large text joins neighbouring points with round strokes.
 */
#ifndef SHMIMAGE_TOOLS_GLYPHS_H
#define SHMIMAGE_TOOLS_GLYPHS_H

#include "paint.h"

enum {
    GLYPH_WIDTH   = 5,
    GLYPH_HEIGHT  = 7,
    GLYPH_ADVANCE = 6,  /**< from one letter to the next, in points */
};

/**
 * Draw a line of text into a new mask.
 *
 * @param mask set to the text, without space around it; empty on error
 * @param text letters the font does not have are left blank
 * @param unit size of a point in sixteenths of a pixel, see glyphs_fit()
 * @return 0, or -1 without memory
 */
int glyphs_render(Mask *mask, const char *text, int unit);

/**
 * The largest unit with which a text does not get wider than so many
 * sixteenths of a pixel; at least 16, and a whole number of pixels where
 * strokes would be too thin.
 */
int glyphs_fit(int letters, int width);

void glyphs_free(Mask *mask);

#endif /* SHMIMAGE_TOOLS_GLYPHS_H */
