/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Sleeping until the other process changes a state byte, and waking it.
 *
 * The state byte is the first of an aligned 32-bit word, if the buffer begins
 * at a multiple of 4; on that word a process can sleep in the kernel. The word
 * belongs to the shared file, so the futex must not be a private one.
 *
 * No wake-up is lost: a waiter notes both words first (shmi_watch_begin), looks
 * at the states after that, and goes to sleep only if there was nothing for it
 * (shmi_watch_sleep). The kernel compares the words with the noted ones, with
 * the waker locked out, before it lets the waiter sleep. So a change before the
 * note is seen by the look, a change between note and sleep ends the sleep at
 * once, and one after it is followed by a wake-up.
 *
 * A peer that wakes nobody, or a word that is not aligned, leaves polling: the
 * sleep then ends after a pause that the caller chooses.
 */
#ifndef SHMIMAGE_WAIT_H
#define SHMIMAGE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "state.h"

/** Nanoseconds between two looks at a peer that wakes nobody. */
#define SHMI_POLL_INTERVAL  INT64_C(1000000)
/** Nanoseconds of sleep after which to check that the peer still wakes. */
#define SHMI_CHECK_INTERVAL INT64_C(250000000)

/** What a waiter noted before it looked. */
typedef struct ShmiWatch {
    uint32_t *word[SHMI_BUFFERS]; /**< those that are aligned */
    uint32_t seen[SHMI_BUFFERS];
    int words;
} ShmiWatch;

/** The system's part, so that a test can be the system. Times are in ns. */
typedef struct ShmiWaitOps {
    int64_t (*now)(void);
    /**
     * Sleep while all words of the watch are as noted, for a time at the most;
     * may return early for no reason. Returns false if it can't.
     */
    bool (*sleep_on)(const ShmiWatch *watch, int64_t time);
    void (*sleep)(int64_t time);
    void (*wake)(uint32_t *word);
} ShmiWaitOps;

/** The real system. */
extern const ShmiWaitOps shmi_wait_system;
/** The one in use. Set it while no other thread is in the library. */
extern const ShmiWaitOps *shmi_wait_ops;

/** Whether this build can wake and be woken at all. */
bool shmi_wait_can_wake(void);

/**
 * The moment at which a time-out ends.
 *
 * @param timeout in microseconds; negative for never
 * @return for shmi_watch_sleep()
 */
int64_t shmi_deadline(int64_t timeout);

/** Note the words of both states, before looking at them. */
void shmi_watch_begin(ShmiWatch *watch, ShmiState *const state[SHMI_BUFFERS]);

/**
 * Sleep until a state has changed since it was noted, or may have.
 *
 * @param peer_wakes the other process is known to call shmi_wake()
 * @param pause      nanoseconds to sleep at the most if it does not, or can't
 * @return false, without a sleep, when the deadline has passed
 */
bool shmi_watch_sleep(const ShmiWatch *watch, int64_t deadline,
                      bool peer_wakes, int64_t pause);

/** Wake whoever sleeps on a state. Call it after each change. */
void shmi_wake(ShmiState *state);

#endif /* SHMIMAGE_WAIT_H */
