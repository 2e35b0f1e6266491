/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "stop.h"

volatile sig_atomic_t stop_requested;

static void stop(int number)
{
    (void)number;
    stop_requested = stop_requested + 1;
}

void stop_catch(void)
{
    struct sigaction action = { .sa_handler = stop };
    struct sigaction old;

    stop_requested = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Whoever is started by nohup is meant to go on. */
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}
