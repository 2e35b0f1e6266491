/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <time.h>

#include "pace.h"

int64_t pace_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * PACE_SECOND + now.tv_nsec;
}

int64_t pace_due(const Pace *pace, uint64_t index)
{
    const uint64_t num = pace->rate.num;
    const uint64_t den = pace->rate.den;
    uint64_t seconds, rest;

    if (!num)
        return pace->start;
    /* Whole seconds first: no product here gets past 64 bits. */
    seconds = index / num * den;
    rest = index % num * den;
    seconds += rest / num;
    rest = rest % num * (uint64_t)PACE_SECOND / num;
    return pace->start + (int64_t)seconds * PACE_SECOND + (int64_t)rest;
}

uint64_t pace_index(const Pace *pace, int64_t time)
{
    const uint64_t elapsed = (uint64_t)(time - pace->start);
    uint64_t index;

    if (!pace->rate.num || time <= pace->start)
        return 0;
    index = (uint64_t)((long double)elapsed * pace->rate.num /
                       pace->rate.den / PACE_SECOND);
    while (index && pace_due(pace, index) > time)
        index--;
    while (pace_due(pace, index + 1) <= time)
        index++;
    return index;
}

int pace_sleep_until(int64_t time, PaceIdle idle, void *opaque)
{
    for (;;) {
        const int64_t now = pace_now();
        const int64_t until = time - now > PACE_SLICE ? now + PACE_SLICE : time;
        const struct timespec deadline = {
            .tv_sec  = until / PACE_SECOND,
            .tv_nsec = until % PACE_SECOND,
        };
        int ret = idle(opaque);

        if (ret || now >= time)
            return ret;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
    }
}
