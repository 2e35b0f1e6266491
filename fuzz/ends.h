/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A reader and a writer on the stage, what is called of them, and what must
 * hold after each call, whatever somebody else does to the headers.
 */
#ifndef SHMIMAGE_FUZZ_ENDS_H
#define SHMIMAGE_FUZZ_ENDS_H

#include <stdint.h>

/** The lower four bits of a call; the upper four are its argument. */
typedef enum Call {
    CALL_OPEN_READER,   /**< argument 1: take over */
    CALL_ACQUIRE,       /**< argument: how long to wait, if that is allowed */
    CALL_RELEASE_OLDEST,
    CALL_RELEASE_NEWEST,
    CALL_CLOSE_READER,
    CALL_READER_STATS,
    CALL_OPEN_WRITER,   /**< argument 1: take over, 2: flip */
    CALL_PUT,           /**< argument: which size */
    CALL_BEGIN,         /**< argument: which size */
    CALL_COMMIT,
    CALL_ABORT,
    CALL_WAIT,          /**< argument as of CALL_ACQUIRE */
    CALL_WRITER_STATS,
    CALL_CLOSE_WRITER,
    CALL_INFO,
    CALL_RESET,         /**< argument 1: take over */
} Call;

/** Who is at work in a call, and so may change what. */
typedef enum Role {
    ROLE_NONE,
    ROLE_READER,
    ROLE_WRITER,
} Role;

/**
 * Begin, with nothing open.
 *
 * @param enter called right before the library is
 * @param leave called when it returns
 * @param wait  whether calls may wait
 */
void ends_begin(void (*enter)(Role role), void (*leave)(void), int wait);

void ends_call(uint8_t call);

/** Release and close everything. */
void ends_finish(void);

#endif /* SHMIMAGE_FUZZ_ENDS_H */
