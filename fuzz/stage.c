/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "stage.h"

/* Pixels are not 0 in the payload's first bytes and in its last ones. */
#define PATTERN 4096

char stage_path[64];

static int stage_fd = -1;
static int peer_fd;
static uint8_t *base;
static size_t length;

static void open_stage(void)
{
    stage_fd = memfd_create("shmimage-fuzz", MFD_CLOEXEC);
    require(stage_fd >= 0, "no file in memory can be had");
    snprintf(stage_path, sizeof(stage_path), "/proc/self/fd/%d", stage_fd);
    peer_fd = open(stage_path, O_RDWR | O_CLOEXEC);
    require(peer_fd >= 0, "%s can't be opened", stage_path);
    base = mmap(NULL, STAGE_MAX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                stage_fd, 0);
    require(base != MAP_FAILED, "%s can't be mapped", stage_path);
}

size_t stage_payload(void)
{
    return length / 2 < STAGE_HEADER ? 0 : length / 2 - STAGE_HEADER;
}

size_t stage_offset(int buffer)
{
    return buffer ? length / 2 : 0;
}

uint8_t *stage_buffer(int buffer)
{
    return base + stage_offset(buffer);
}

uint8_t stage_pixel(int buffer, size_t n, uint8_t stamp)
{
    if (n < STAGE_STAMP)
        return (uint8_t)(stamp + n * 29 + (size_t)buffer * 101);
    if (n < PATTERN || n >= stage_payload() - STAGE_EDGE)
        return (uint8_t)((n * 2654435761u >> 11) + (size_t)buffer * 101);
    return 0;
}

static void fill(int buffer, size_t from, size_t to)
{
    uint8_t *pixels = stage_buffer(buffer) + STAGE_HEADER;

    for (size_t i = from; i < to; i++)
        pixels[i] = stage_pixel(buffer, i, 0);
}

size_t stage_set(uint32_t size)
{
    if (stage_fd < 0)
        open_stage();
    length = size > STAGE_MAX_SIZE ? size % STAGE_MAX_SIZE : size;
    require(ftruncate(stage_fd, 0) == 0 &&
                ftruncate(stage_fd, (off_t)length) == 0,
            "%s can't be resized", stage_path);
    for (int i = 0; i < 2 && length >= STAGE_MIN_SIZE; i++) {
        fill(i, 0, PATTERN);
        fill(i, stage_payload() - STAGE_EDGE, stage_payload());
    }
    return length;
}

uint8_t stage_load(const uint8_t *byte)
{
    return __atomic_load_n(byte, __ATOMIC_RELAXED);
}

void stage_store(uint8_t *byte, uint8_t value)
{
    __atomic_store_n(byte, value, __ATOMIC_RELAXED);
}

void stage_copy_header(uint8_t copy[STAGE_HEADER], int buffer)
{
    const uint8_t *header = stage_buffer(buffer);

    for (int i = 0; i < STAGE_HEADER; i++)
        copy[i] = stage_load(&header[i]);
}

Fields stage_fields(int buffer)
{
    uint8_t header[STAGE_HEADER];
    Fields fields;

    stage_copy_header(header, buffer);
    memcpy(&fields, header, sizeof(fields));
    return fields;
}

void stage_stamp(int buffer, uint8_t stamp)
{
    uint8_t *pixels = stage_buffer(buffer) + STAGE_HEADER;

    for (size_t i = 0; i < STAGE_STAMP; i++)
        pixels[i] = stage_pixel(buffer, i, stamp);
}

void stage_require_edges(void)
{
    for (int b = 0; b < 2; b++)
        for (size_t i = stage_payload() - STAGE_EDGE; i < stage_payload(); i++)
            require(stage_buffer(b)[STAGE_HEADER + i] ==
                        stage_pixel(b, i, 0),
                    "byte %zu of buffer %d's payload was overwritten", i, b);
}

void stage_lock(int byte, int locked)
{
#ifdef F_OFD_SETLK
    struct flock lock = { .l_type = locked ? F_WRLCK : F_UNLCK,
                          .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    fcntl(peer_fd, F_OFD_SETLK, &lock);
#else
    (void)byte;
    (void)locked;
#endif
}
