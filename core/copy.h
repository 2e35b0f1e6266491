/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Copying pixels, where the C library's memcpy() is slow.
 */
#ifndef SHMIMAGE_COPY_H
#define SHMIMAGE_COPY_H

#include <stddef.h>
#include <stdint.h>

/**
 * Copy bytes between places that do not overlap. What was written is visible to
 * another thread once this one has done a release operation, as with any other
 * store.
 */
void shmi_copy(uint8_t *dst, const uint8_t *src, size_t size);

/**
 * The same for an image.
 *
 * @param dst        its first row, and
 * @param dst_stride bytes from there to the next; negative when that lies
 *                   before it
 * @param src, src_stride the same
 * @param row        bytes of a row
 */
void shmi_copy_rows(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                    ptrdiff_t src_stride, size_t row, uint32_t height);

#endif /* SHMIMAGE_COPY_H */
