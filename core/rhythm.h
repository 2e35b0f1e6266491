/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * How often to look at a peer that wakes nobody.
 *
 * Looking once a millisecond finds an image early enough, but most of those
 * looks come when nothing can be expected: a server that draws 60 images a
 * second needs some 16 ms for the next one. So the shortest of the last few
 * intervals is taken for its rhythm, and the looks begin when three quarters of
 * that have passed: twice a millisecond while it is due, and once when it is
 * late. An image that comes earlier waits until then, once: it makes the
 * shortest interval shorter.
 */
#ifndef SHMIMAGE_RHYTHM_H
#define SHMIMAGE_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

/** Intervals that have to be known before anything is made of them. */
#define SHMI_RHYTHM_SIZE 8
/** Nanoseconds between two looks while an image is due. */
#define SHMI_RHYTHM_SHORTEST INT64_C(500000)
/** Nanoseconds to the next look at the most, should the peer become faster. */
#define SHMI_RHYTHM_LONGEST INT64_C(20000000)
/** Nanoseconds without anything after which the peer is taken to be idle. */
#define SHMI_RHYTHM_IDLE INT64_C(1000000000)
/** Nanoseconds between two looks then. */
#define SHMI_RHYTHM_IDLE_PAUSE INT64_C(4000000)

/** When the peer acted. Zeroed, it is valid: nothing is known. */
typedef struct ShmiRhythm {
    int64_t last;       /**< nanoseconds */
    bool exact;         /**< the waiter was there when it came */
    unsigned known;
    int64_t interval[SHMI_RHYTHM_SIZE];
} ShmiRhythm;

/**
 * Note that the peer has acted.
 *
 * @param now    as shmi_wait_ops says
 * @param waited the caller was waiting for it; otherwise it may have come long
 *               before
 */
void shmi_rhythm_note(ShmiRhythm *rhythm, int64_t now, bool waited);

/** Nanoseconds until the next look: from the shortest to the longest. */
int64_t shmi_rhythm_pause(const ShmiRhythm *rhythm, int64_t now);

#endif /* SHMIMAGE_RHYTHM_H */
