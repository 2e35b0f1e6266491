/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "layout.h"

_Static_assert(sizeof(ShmiHeader) == SHMI_STATE_OFFSET,
               "the state follows the last field at once");

/* A server that starts again may write a header while the reader copies it;
 * the reader looks at the state again afterwards and so never uses such a
 * copy. That is the one race that ThreadSanitizer need not report. */
#if defined(__SANITIZE_THREAD__)
#define RACE_IS_NOTICED __attribute__((no_sanitize("thread"), noinline))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACE_IS_NOTICED __attribute__((no_sanitize("thread"), noinline))
#endif
#endif
#ifndef RACE_IS_NOTICED
#define RACE_IS_NOTICED
#endif

size_t shmi_buffer_offset(size_t size, int buffer)
{
    return buffer ? size / SHMI_BUFFERS : 0;
}

size_t shmi_payload_size(size_t size)
{
    size_t half = size / SHMI_BUFFERS;

    return half < SHMI_HEADER_SIZE ? 0 : half - SHMI_HEADER_SIZE;
}

RACE_IS_NOTICED static void copy_fields(uint8_t *dst, const uint8_t *src)
{
    for (size_t i = 0; i < sizeof(ShmiHeader); i++)
        dst[i] = src[i];
}

void shmi_header_read(ShmiHeader *header, const uint8_t *src)
{
    copy_fields((uint8_t *)header, src);
}

void shmi_header_write(uint8_t *dst, const ShmiHeader *header)
{
    copy_fields(dst, (const uint8_t *)header);
}

size_t shmi_image_size(uint32_t width, uint32_t height, size_t limit)
{
    uint64_t pixels = (uint64_t)width * height;

    if (pixels > limit / SHMI_BYTES_PER_PIXEL)
        return 0;
    return (size_t)pixels * SHMI_BYTES_PER_PIXEL;
}

int shmi_header_check(ShmiHeader *header, size_t payload)
{
    if (header->num_scanlines == 0 && header->offset == 0)
        header->num_scanlines = header->height;
    if (header->offset > header->height ||
        header->num_scanlines > header->height - header->offset)
        return -1;
    if (!shmi_image_size(header->width, header->num_scanlines, payload) ||
        !shmi_image_size(header->width, header->height, SHMI_MAX_IMAGE_SIZE))
        return -1;
    return 0;
}
