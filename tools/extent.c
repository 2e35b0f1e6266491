/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>

#include "extent.h"

static const uint32_t sizes[][2] = {
    { 15360, 8640 }, { 7680, 4320 }, { 5120, 2880 }, { 3840, 2160 },
    {  2560, 1440 }, { 1920, 1080 }, { 1600,  900 }, { 1280,  720 },
};

uint64_t extent_bytes(uint32_t width, uint32_t height)
{
    uint64_t pixels = (uint64_t)width * height;

    return pixels > UINT64_MAX / 3 ? UINT64_MAX : pixels * 3;
}

void extent_example(uint64_t payload, uint32_t *width, uint32_t *height)
{
    *width = *height = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        if (extent_bytes(sizes[i][0], sizes[i][1]) > payload)
            continue;
        *width = sizes[i][0];
        *height = sizes[i][1];
        return;
    }
}

void extent_describe(char text[EXTENT_SIZE], uint64_t payload)
{
    uint32_t width, height;
    int length = snprintf(text, EXTENT_SIZE, "%llu pixels",
                          (unsigned long long)(payload / 3));

    extent_example(payload, &width, &height);
    if (width)
        snprintf(text + length, (size_t)(EXTENT_SIZE - length),
                 ", such as %ux%u", width, height);
}
