/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What keeps the library's binary interface stable.
 */
#ifndef SHMIMAGE_ABI_H
#define SHMIMAGE_ABI_H

#include <stddef.h>
#include <string.h>

/** Marks the definitions that libshmimage.sym lists; all others are hidden. */
#define SHMI_EXPORT __attribute__((visibility("default")))

/**
 * Fill in a caller's struct that may be older and shorter, or newer and longer,
 * than the library's own; fields that the library does not know become 0.
 */
static inline void shmi_copy_struct(void *dst, size_t dst_size,
                                    const void *src, size_t src_size)
{
    memset(dst, 0, dst_size);
    memcpy(dst, src, dst_size < src_size ? dst_size : src_size);
}

#endif /* SHMIMAGE_ABI_H */
