/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Copying pixels into a shared buffer, where the C library's memcpy() is slow.
 */
#ifndef SHMIMAGE_COPY_H
#define SHMIMAGE_COPY_H

#include <stddef.h>
#include <stdint.h>

/**
 * Copy bytes that this process does not read again, between places that do not
 * overlap. What was written is visible to another thread once this one has
 * done a release operation, as with any other store.
 */
void shmi_copy_out(uint8_t *dst, const uint8_t *src, size_t size);

#endif /* SHMIMAGE_COPY_H */
