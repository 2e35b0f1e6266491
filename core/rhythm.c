/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rhythm.h"
#include "wait.h"

void shmi_rhythm_note(ShmiRhythm *r, int64_t now, bool waited)
{
    if (r->exact && waited) {
        r->interval[r->known % SHMI_RHYTHM_SIZE] = now - r->last;
        r->known++;
        if (r->known == 2 * SHMI_RHYTHM_SIZE)
            r->known = SHMI_RHYTHM_SIZE;
    }
    r->last  = now;
    r->exact = waited;
}

static int64_t shortest_interval(const ShmiRhythm *r)
{
    int64_t shortest = r->interval[0];

    for (int i = 1; i < SHMI_RHYTHM_SIZE; i++)
        if (shortest > r->interval[i])
            shortest = r->interval[i];
    return shortest;
}

int64_t shmi_rhythm_pause(const ShmiRhythm *r, int64_t now)
{
    int64_t silence = now - r->last, interval, pause;

    if (silence >= SHMI_RHYTHM_IDLE)
        return SHMI_RHYTHM_IDLE_PAUSE;
    if (r->known < SHMI_RHYTHM_SIZE)
        return SHMI_POLL_INTERVAL;
    interval = shortest_interval(r);
    if (silence > interval / 4 * 5)
        return SHMI_POLL_INTERVAL;
    pause = interval / 4 * 3 - silence;
    if (pause > SHMI_RHYTHM_LONGEST)
        return SHMI_RHYTHM_LONGEST;
    return pause > SHMI_RHYTHM_SHORTEST ? pause : SHMI_RHYTHM_SHORTEST;
}
