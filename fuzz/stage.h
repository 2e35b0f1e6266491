/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The file of a stream, and a peer's own mapping of it. Written from the
 * description of the layout alone, so that it does not share the core's
 * mistakes.
 */
#ifndef SHMIMAGE_FUZZ_STAGE_H
#define SHMIMAGE_FUZZ_STAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
    STAGE_HEADER   = 24,
    STAGE_STATE    = 20,
    STAGE_MIN_SIZE = 10000000,
    STAGE_MAX_SIZE = 64 << 20,
    STAGE_STAMP    = 16,  /**< bytes at the start that change */
    STAGE_EDGE     = 64,  /**< bytes at the end that are not 0 */
};

/** The fields of a header, in the file's order. */
typedef struct Fields {
    uint32_t number, width, height, offset, num_scanlines;
} Fields;

/** A path that leads to the file. It has no name of its own, so that nothing
 * is left of it. */
extern char stage_path[];

/**
 * Give the file a length and make it new: all headers 0, known pixels.
 *
 * @return the length, which is at most STAGE_MAX_SIZE
 */
size_t stage_set(uint32_t size);

/** Bytes of pixels in a buffer. */
size_t stage_payload(void);

/** Where a buffer begins in the file, and in the peer's mapping. */
size_t stage_offset(int buffer);
uint8_t *stage_buffer(int buffer);

/** Load or store a byte that another thread may use at the same time. */
uint8_t stage_load(const uint8_t *byte);
void stage_store(uint8_t *byte, uint8_t value);

/** Copy a header, all of its 24 bytes. */
void stage_copy_header(uint8_t copy[STAGE_HEADER], int buffer);
Fields stage_fields(int buffer);

/** Mark a buffer's pixels, so that they differ from what was there before. */
void stage_stamp(int buffer, uint8_t stamp);

/** What byte n of a buffer's payload is while it has that stamp. */
uint8_t stage_pixel(int buffer, size_t n, uint8_t stamp);

/** Whether the last bytes of both payloads are still what they were. */
void stage_require_edges(void);

/** Lock or unlock a byte of the file, like another process would. */
void stage_lock(int byte, int locked);

#endif /* SHMIMAGE_FUZZ_STAGE_H */
