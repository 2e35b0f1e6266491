/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Where things lie in the file, and whether a header can be believed.
 *
 * The file is cut into two halves of floor(length / 2) bytes; each begins with
 * a header of 24 bytes, and the rest is its payload. The fields are in native
 * byte order. A file may have any length, so the second half may begin at any
 * byte: nothing but the state byte may be accessed in place.
 */
#ifndef SHMIMAGE_LAYOUT_H
#define SHMIMAGE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define SHMI_BUFFERS         2
#define SHMI_HEADER_SIZE     24
#define SHMI_STATE_OFFSET    20
#define SHMI_BYTES_PER_PIXEL 3

/** Smaller files are refused. */
#define SHMI_MIN_FILE_SIZE    10000000
/** Files that we make are at least this large. */
#define SHMI_MIN_CREATED_SIZE 20000000
/** No image is larger, so that its size fits an int with room to spare. */
#define SHMI_MAX_IMAGE_SIZE   (UINT32_C(1) << 30)

/** A header but for its state, copied out of the file. */
typedef struct ShmiHeader {
    uint32_t frame_number;
    uint32_t width;         /**< of the whole image, pixels */
    uint32_t height;        /**< of the whole image, pixels */
    uint32_t offset;        /**< first scanline of this block; 0 ends it */
    uint32_t num_scanlines; /**< scanlines in this payload */
} ShmiHeader;

/** Where buffer 0 or 1 of a file of size bytes begins. */
size_t shmi_buffer_offset(size_t size, int buffer);

/** Bytes of pixels that a buffer of a file of size bytes holds. */
size_t shmi_payload_size(size_t size);

/** Copy the fields out of the header at src. */
void shmi_header_read(ShmiHeader *header, const uint8_t *src);

/** Copy the fields into the header at dst. Leaves the state alone. */
void shmi_header_write(uint8_t *dst, const ShmiHeader *header);

/**
 * Bytes of an image, or of a block.
 *
 * @return 0 when a dimension is 0 or the result exceeds limit
 */
size_t shmi_image_size(uint32_t width, uint32_t height, size_t limit);

/**
 * Decide whether a header from the other process fits, and replace the 0 that
 * stands for all scanlines by their number.
 *
 * @param header  a copy, never in the mapping
 * @param payload bytes that a buffer holds
 * @return 0 if every scanline that it claims lies within the payload and within
 *         the image, and the image within SHMI_MAX_IMAGE_SIZE; -1 if not
 */
int shmi_header_check(ShmiHeader *header, size_t payload);

/** Whether a checked header describes an image that is all in one block. */
static inline int shmi_header_is_whole(const ShmiHeader *header)
{
    return header->offset == 0 && header->num_scanlines == header->height;
}

/** Whether number a comes before number b, counted modulo 2^32. */
static inline int shmi_number_before(uint32_t a, uint32_t b)
{
    return a != b && b - a < UINT32_C(0x80000000);
}

#endif /* SHMIMAGE_LAYOUT_H */
