/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The server or the client of a soak test, seen from the supervisor: a process
 * or a thread that can be started, stopped and ended.
 */
#ifndef SHMIMAGE_TESTS_SOAK_ACTOR_H
#define SHMIMAGE_TESTS_SOAK_ACTOR_H

#include <pthread.h>
#include <sys/types.h>

#include "soak_roles.h"

typedef struct SoakActor {
    int role;               /**< SOAK_SERVER or SOAK_CLIENT */
    bool is_thread;
    bool runs;
    SoakTask task;
    pid_t pid;
    pthread_t thread;
    atomic_bool returned;   /**< of the thread */
} SoakActor;

/** Start what the task says. */
void soak_actor_start(SoakActor *actor);

/**
 * Wait until it has ended by itself.
 *
 * @param seconds at the most
 * @return whether it has, and, of a process, with success
 */
bool soak_actor_join(SoakActor *actor, double seconds);

/** Whether it has ended although nobody has asked for that. */
bool soak_actor_is_gone(SoakActor *actor);

/** Kill a process, stopped or not, and wait until the system knows it. */
void soak_actor_kill(SoakActor *actor);

/** Stop a process and wait until it stands still. */
void soak_actor_freeze(SoakActor *actor);

/** Let a stopped process go on. */
void soak_actor_thaw(SoakActor *actor);

/** Seconds on a clock that only goes forward. */
double soak_now(void);

#endif /* SHMIMAGE_TESTS_SOAK_ACTOR_H */
