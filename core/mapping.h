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
#include <sys/types.h>

#include "guard.h"
#include "layout.h"
#include "presence.h"
#include "state.h"

/** A flag of shmi_mapping_open(): see who has the role, but do not take it. */
#define SHMI_NO_ROLE 0x80000000u

/** A mapped file in one of the two roles. */
typedef struct ShmiMapping {
    int fd;
    ShmiRole role;
    unsigned flags;                  /**< as opened */
    char *path;                      /**< as opened */
    dev_t device;                    /**< with inode, which file this is */
    ino_t inode;
    ShmiGuard *guard;                /**< NULL when it was not wanted */
    bool was_short;                  /**< see shmi_mapping_is_short() */
    uint8_t *base;
    size_t size;
    size_t payload;                  /**< bytes of pixels in a buffer */
    uint8_t *header[SHMI_BUFFERS];
    uint8_t *pixels[SHMI_BUFFERS];
    ShmiState *state[SHMI_BUFFERS];
    /** Another open file had the role when this one was made, and may yet. */
    bool shared_role;
    pid_t process;                   /**< that has opened it */
} ShmiMapping;

/** A name in the directory of path, to be freed; NULL: out of memory. */
char *shmi_beside(const char *path, const char *name);

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
 * @param flags SHMIMAGE_TAKE_OVER to go on where the role is taken,
 *              SHMIMAGE_NO_GUARD
 * @return SHMIMAGE_OK, or one of SHMIMAGE_ERROR_*, with a message
 */
int shmi_mapping_open(const char *path, ShmiRole role, unsigned flags,
                      ShmiMapping *mapping);

/**
 * Open the file that has taken the name of another one.
 *
 * @return SHMIMAGE_OK; SHMIMAGE_NO_FRAME: there is none, or it can't be opened
 */
int shmi_mapping_follow(ShmiMapping *old, ShmiMapping *mapping);

/**
 * Ask for a role that was taken over from somebody who had it.
 *
 * @return true, once: that one is gone by now, and nobody else has the role
 */
bool shmi_mapping_inherit(ShmiMapping *mapping);

/** Give up the role, tell the peer, close and unmap. */
void shmi_mapping_close(ShmiMapping *mapping);

/**
 * Whether the file has been shortened, so that what was read from the mapping
 * before this call may be nothing. One that is longer than it was when it was
 * mapped has been written anew, and its halves are elsewhere. Once seen so, a
 * mapping stays so when the file has its size again: what was cut off is lost.
 */
bool shmi_mapping_is_short(ShmiMapping *mapping);

/** The status for a file that was shortened, with a message. */
int shmi_mapping_short_error(const ShmiMapping *mapping);

/** Whether the peer is known to wake this side. */
bool shmi_mapping_peer_wakes(const ShmiMapping *mapping);

#endif /* SHMIMAGE_MAPPING_H */
