/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleeping and waking, as in core/wait.c. */

#ifdef WAITING
#define AS_SERVER 0
#define AS_CLIENT 1

/* What a process noted, the words that it sleeps on, and whether it was woken.
 * Only a wake-up ends a sleep here: the real time limits would hide that one
 * was lost. */
typedef Watch {
    unsigned seen0 : 3;
    unsigned seen1 : 3;
    bool on[2];
    bool woken
};
Watch watch[2];

inline shmi_watch_begin(who)
{
    watch[who].seen0 = file[0].state;
    watch[who].seen1 = file[1].state
}

inline end_watch(who)
{
    atomic {
        watch[who].seen0 = 0; watch[who].seen1 = 0;
        watch[who].on[0] = false; watch[who].on[1] = false;
        watch[who].woken = false
    }
}

/* The kernel goes through the words: it compares one and queues for it, with
 * wakers locked out, and then the next. */
inline shmi_watch_sleep(who)
{
    if
    :: d_step { file[0].state == watch[who].seen0 -> watch[who].on[0] = true }
        if
        :: d_step {
                file[1].state == watch[who].seen1 ->
#ifndef FAULT_SLEEP_ON_ONE
                watch[who].on[1] = true
#endif
            }
            watch[who].woken
        :: else
        fi
    :: else
    fi
    end_watch(who)
}

inline shmi_wake(b)
{
    d_step {
        watch[0].woken = watch[0].woken || watch[0].on[b];
        watch[1].woken = watch[1].woken || watch[1].on[b]
    }
}
#else
#define shmi_wake(b) skip
#endif
