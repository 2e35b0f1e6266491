/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "copy.h"

#define PAGE 4096

/* From so many bytes on, the stores go past the caches: the image would not
 * stay in them until its reader comes, and to fetch what is overwritten takes
 * half of the memory's time. */
#define STREAM_SIZE (16 << 20)

/* What is fetched ahead of such stores. The processor's own guess ends with the
 * page; further ahead than this gains nothing. */
#define AHEAD 2048

/* Pixels begin at byte 24 of a page, and those of a large malloc() at 16. When
 * the destination lies so little behind the source, modulo the page, the "rep
 * movsb" of AMD's Zen 3 and Zen 4 copies a tenth of what it can. The C library
 * uses it from about 2 KiB on, and up to the size of the core's own cache;
 * so it gets less at a time. */
#define CLOSE       64
#define PIECE       2032
#define PIECES_SIZE (1 << 20)

static bool is_close_behind(const uint8_t *dst, const uint8_t *src)
{
    return ((uintptr_t)dst - (uintptr_t)src) % PAGE < CLOSE;
}

static void copy_in_pieces(uint8_t *dst, const uint8_t *src, size_t size)
{
    for (; size > PIECE; dst += PIECE, src += PIECE, size -= PIECE)
        memcpy(dst, src, PIECE);
    memcpy(dst, src, size);
}

#ifdef __SSE2__

#define LINE 64 /* bytes */

static void stream_line(uint8_t *dst, const uint8_t *src)
{
    __m128i part[LINE / sizeof(__m128i)];

    _mm_prefetch((const char *)src + AHEAD, _MM_HINT_NTA);
    memcpy(part, src, sizeof(part));
    for (size_t i = 0; i < LINE / sizeof(*part); i++)
        _mm_stream_si128((__m128i *)(void *)dst + i, part[i]);
}

static void stream(uint8_t *dst, const uint8_t *src, size_t size)
{
    size_t head = (LINE - (uintptr_t)dst % LINE) % LINE;

    memcpy(dst, src, head);
    for (dst += head, src += head, size -= head; size >= LINE;
         dst += LINE, src += LINE, size -= LINE)
        stream_line(dst, src);
    memcpy(dst, src, size);
    /* Such stores are not ordered by a release operation alone. */
    _mm_sfence();
}

#else

static void stream(uint8_t *dst, const uint8_t *src, size_t size)
{
    memcpy(dst, src, size);
}

#endif

void shmi_copy(uint8_t *dst, const uint8_t *src, size_t size)
{
    if (size >= STREAM_SIZE)
        stream(dst, src, size);
    else if (size < PIECES_SIZE && is_close_behind(dst, src))
        copy_in_pieces(dst, src, size);
    else
        memcpy(dst, src, size);
}

void shmi_copy_rows(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                    ptrdiff_t src_stride, size_t row, uint32_t height)
{
    if (dst_stride == (ptrdiff_t)row && src_stride == dst_stride) {
        shmi_copy(dst, src, row * height);
        return;
    }
    for (uint32_t y = 0; y < height; y++)
        shmi_copy(dst + y * dst_stride, src + y * src_stride, row);
}
