/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the server and the client of a soak test do, in a process or a thread
 * of their own, until they are told to stop or are killed.
 */
#ifndef SHMIMAGE_TESTS_SOAK_ROLES_H
#define SHMIMAGE_TESTS_SOAK_ROLES_H

#include <time.h>

#include "soak_ledger.h"
#include "soak_random.h"

typedef struct SoakTask {
    SoakLedger *ledger;
    const char *path;
    uint64_t seed;          /**< of all that it does */
    unsigned flags;         /**< SHMIMAGE_TAKE_OVER or 0 */
    const atomic_bool *stop;
} SoakTask;

/** Put images at full speed, on the ledger's newest page. */
void soak_serve(const SoakTask *task);

/** Take images at full speed, more or less. */
void soak_take(const SoakTask *task);

static inline void soak_pause(uint32_t microseconds)
{
    const struct timespec time = { .tv_sec  = microseconds / 1000000,
                                   .tv_nsec = microseconds % 1000000 * 1000L };

    nanosleep(&time, NULL);
}

#endif /* SHMIMAGE_TESTS_SOAK_ROLES_H */
