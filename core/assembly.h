/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Putting together an image that arrives in several blocks of scanlines.
 */
#ifndef SHMIMAGE_ASSEMBLY_H
#define SHMIMAGE_ASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

/** The image of which some blocks are there. Zeroed, it is valid and empty. */
typedef struct ShmiAssembly {
    uint32_t number;
    uint32_t width;
    uint32_t height;
    uint32_t missing;   /**< scanlines that have not come yet */
    uint8_t *pixels;    /**< the whole image; NULL when there is none */
    uint8_t *present;   /**< a byte a scanline: 1 when it has come */
} ShmiAssembly;

/**
 * Add a block. One of another image drops what is there first.
 *
 * @param header  checked
 * @param pixels  of the block
 * @param[in,out] incomplete counts the images that were dropped with scanlines
 *                missing, this one included when its last block leaves gaps
 * @return SHMIMAGE_OK: that was the last block and the image is complete;
 *         SHMIMAGE_NO_FRAME: it is not; SHMIMAGE_ERROR_MEMORY
 */
int shmi_assembly_add(ShmiAssembly *assembly, const ShmiHeader *header,
                      const uint8_t *pixels, uint64_t *incomplete);

/** Take the pixels of a complete image; to be freed with free(). */
uint8_t *shmi_assembly_take(ShmiAssembly *assembly);

/** Drop what is there, if anything, and count it. */
void shmi_assembly_drop(ShmiAssembly *assembly, uint64_t *incomplete);

#endif /* SHMIMAGE_ASSEMBLY_H */
