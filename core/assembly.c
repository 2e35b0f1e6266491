/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "shmimage.h"

static bool same_image(const ShmiAssembly *assembly, const ShmiHeader *header)
{
    return assembly->pixels && assembly->number == header->frame_number &&
           assembly->width == header->width &&
           assembly->height == header->height;
}

static int start_image(ShmiAssembly *assembly, const ShmiHeader *header)
{
    size_t size = shmi_image_size(header->width, header->height,
                                  SHMI_MAX_IMAGE_SIZE);
    uint8_t *pixels  = malloc(size + SHMIMAGE_PADDING);
    uint8_t *present = calloc(header->height, 1);

    if (!pixels || !present) {
        free(pixels);
        free(present);
        return SHMIMAGE_ERROR_MEMORY;
    }
    memset(pixels + size, 0, SHMIMAGE_PADDING);
    *assembly = (ShmiAssembly){
        .number  = header->frame_number,
        .width   = header->width,
        .height  = header->height,
        .missing = header->height,
        .pixels  = pixels,
        .present = present,
    };
    return SHMIMAGE_OK;
}

int shmi_assembly_add(ShmiAssembly *assembly, const ShmiHeader *header,
                      const uint8_t *pixels, uint64_t *incomplete)
{
    size_t row = (size_t)header->width * SHMI_BYTES_PER_PIXEL;

    if (!same_image(assembly, header)) {
        int ret;

        shmi_assembly_drop(assembly, incomplete);
        ret = start_image(assembly, header);
        if (ret < 0)
            return ret;
    }
    memcpy(assembly->pixels + header->offset * row, pixels,
           header->num_scanlines * row);
    for (uint32_t i = 0; i < header->num_scanlines; i++) {
        uint8_t *present = &assembly->present[header->offset + i];

        assembly->missing -= !*present;
        *present = 1;
    }
    if (header->offset)
        return SHMIMAGE_NO_FRAME;
    if (!assembly->missing)
        return SHMIMAGE_OK;
    shmi_assembly_drop(assembly, incomplete);
    return SHMIMAGE_NO_FRAME;
}

uint8_t *shmi_assembly_take(ShmiAssembly *assembly)
{
    uint8_t *pixels = assembly->pixels;

    free(assembly->present);
    *assembly = (ShmiAssembly){ 0 };
    return pixels;
}

void shmi_assembly_drop(ShmiAssembly *assembly, uint64_t *incomplete)
{
    if (assembly->pixels) {
        free(shmi_assembly_take(assembly));
        ++*incomplete;
    }
}
