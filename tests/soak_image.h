/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Images that say of themselves who made them, and that they are whole.
 */
#ifndef SHMIMAGE_TESTS_SOAK_IMAGE_H
#define SHMIMAGE_TESTS_SOAK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "soak_random.h"

/** Bytes of the largest image. */
#define SOAK_MAX_IMAGE (3 * 640 * 480)

/** What stands in an image's first bytes. */
typedef struct SoakLabel {
    uint64_t server;    /**< which server made it: 1, 2, 3 … */
    uint64_t place;     /**< in the server's record of what it published */
    uint32_t number;    /**< as in the header */
    uint32_t width;
    uint32_t height;
    uint32_t padding;
    uint64_t checksum;  /**< of all that is above, and of all that follows */
} SoakLabel;

/** Draw lots for the size of an image: most are small, some are not. */
void soak_image_choose_size(SoakRandom *random, uint32_t *width,
                            uint32_t *height);

/** Fill in an image of the label's size; checksum is worked out. */
void soak_image_draw(uint8_t *pixels, SoakLabel *label);

/** Read the label of an image, which may say anything. */
SoakLabel soak_image_label(const uint8_t *pixels);

/** Whether every byte is as soak_image_draw() left it. */
bool soak_image_is_whole(const uint8_t *pixels, size_t size);

#endif /* SHMIMAGE_TESTS_SOAK_IMAGE_H */
