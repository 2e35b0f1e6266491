/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * When each image is due. The times are computed from the start, not from
 * each other, so that errors don't add up.
 */
#ifndef SHMIMAGE_TOOLS_PACE_H
#define SHMIMAGE_TOOLS_PACE_H

#include <stdint.h>

#include "options.h"

#define PACE_SECOND INT64_C(1000000000)

/** How long anything may wait before it has to ask whether to go on. */
#define PACE_SLICE (PACE_SECOND / 10)

/** Asked while waiting; anything but 0 ends the wait. */
typedef int (*PaceIdle)(void *opaque);

typedef struct Pace {
    Rate rate;
    int64_t start; /**< when image 0 is due */
} Pace;

/** Nanoseconds of a clock that never jumps. */
int64_t pace_now(void);

/** When an image is due; at the start if the rate is 0. */
int64_t pace_due(const Pace *pace, uint64_t index);

/** Of the images that are due at a time, the last one. */
uint64_t pace_index(const Pace *pace, int64_t time);

/** @return 0 when the time has come, or what idle() answered */
int pace_sleep_until(int64_t time, PaceIdle idle, void *opaque);

#endif /* SHMIMAGE_TOOLS_PACE_H */
