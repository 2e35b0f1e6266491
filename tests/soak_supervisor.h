/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Who decides, in a soak test, whom to kill, stop or start, and when.
 */
#ifndef SHMIMAGE_TESTS_SOAK_SUPERVISOR_H
#define SHMIMAGE_TESTS_SOAK_SUPERVISOR_H

#include "soak_actor.h"

/** A run. What has no comment is 0 at first. */
typedef struct Soak {
    const char *path;       /**< a stream's file, to be filled in */
    bool threads;           /**< threads, not processes; to be filled in */
    uint64_t seed;          /**< of all decisions; to be filled in */
    SoakLedger *ledger;     /**< to be filled in */
    SoakRandom random;
    SoakActor actor[2];
    SoakActor hung;         /**< stopped, and replaced meanwhile */
    uint64_t births;
    uint64_t kills[2];      /**< of servers and of clients, as all of these */
    uint64_t ends[2];       /**< in good order */
    uint64_t stops[2];
    uint64_t take_overs[2];
    uint64_t resumed;       /**< times that the stream was seen to go on */
    double slowest;         /**< of those, in seconds */
    bool stuck;
} Soak;

/**
 * Go on for so many seconds, and until there were so many kills (with threads,
 * ends), or a signal comes, or something goes wrong.
 */
void soak_run(Soak *soak, double seconds, uint64_t kills);

/** Whether nothing has gone wrong. */
bool soak_is_good(const Soak *soak);

#endif /* SHMIMAGE_TESTS_SOAK_SUPERVISOR_H */
