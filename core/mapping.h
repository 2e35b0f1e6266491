/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Opening a stream's file safely, and mapping it.
 */
#ifndef SHMIMAGE_MAPPING_H
#define SHMIMAGE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "layout.h"
#include "presence.h"
#include "state.h"

/** A mapped file in one of the two roles. */
typedef struct ShmiMapping {
    int fd;
    ShmiRole role;
    char *path;                      /**< as opened, for messages */
    uint8_t *base;
    size_t size;
    size_t payload;                  /**< bytes of pixels in a buffer */
    uint8_t *header[SHMI_BUFFERS];
    uint8_t *pixels[SHMI_BUFFERS];
    ShmiState *state[SHMI_BUFFERS];
    /** The role's lock was held by another open file when this one was made. */
    bool shared_role;
} ShmiMapping;

/**
 * Open a regular file that is large enough. Never waits, not even for a FIFO.
 *
 * @param access O_RDONLY or O_RDWR
 * @param[out] st what fstat() says of it
 * @return a descriptor, or one of SHMIMAGE_ERROR_*, with a message
 */
int shmi_open_file(const char *path, int access, struct stat *st);

/**
 * Put a failure of open() or the like into a status, with a message.
 *
 * @param error errno
 * @param what  what was tried, as in "can't WHAT"
 */
int shmi_file_error(const char *path, int error, const char *what);

/**
 * Open and map a file, and take the role's lock.
 *
 * @param flags SHMIMAGE_TAKE_OVER to go on where the role is taken
 * @return SHMIMAGE_OK, or one of SHMIMAGE_ERROR_*, with a message
 */
int shmi_mapping_open(const char *path, ShmiRole role, unsigned flags,
                      ShmiMapping *mapping);

/** Unmap and close. */
void shmi_mapping_close(ShmiMapping *mapping);

/** Whether the peer is known to wake this side. */
bool shmi_mapping_peer_wakes(const ShmiMapping *mapping);

#endif /* SHMIMAGE_MAPPING_H */
