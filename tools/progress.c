/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "pace.h"
#include "progress.h"
#include "screen.h"

/* What takes no longer needs no progress, and how often it is shown. */
#define PATIENCE (PACE_SECOND / 2)
#define STEP     (PACE_SECOND / 4)

static uint64_t free_bytes(const char *path)
{
    const char *name = strrchr(path, '/');
    struct statvfs fs;
    char *folder;
    int ret;

    if (!name)
        folder = strdup(".");
    else
        folder = strndup(path, (size_t)(name - path) + 1);
    if (!folder)
        return 0;
    ret = statvfs(folder, &fs);
    free(folder);
    return ret == 0 ? (uint64_t)fs.f_bfree * fs.f_frsize : 0;
}

static void show(Progress *p)
{
    fprintf(stderr, SCREEN_LINE "%s: %s", p->path, p->what);
    if (p->bytes && p->free) {
        /* Others may take or give back space as well: it is a hint. */
        const uint64_t left = free_bytes(p->path);
        uint64_t part = p->free > left ? p->free - left : 0;

        if (part > p->bytes)
            part = p->bytes;
        fprintf(stderr, ", %.0f %%", 100. * (double)part / (double)p->bytes);
    }
    fprintf(stderr, ", %.1f s" SCREEN_LINE_END,
            (double)(pace_now() - p->start) / (double)PACE_SECOND);
    p->shown = 1;
}

/* Returns whether it is done. */
static int wait_until(Progress *p, int64_t time)
{
    const struct timespec deadline = {
        .tv_sec  = time / PACE_SECOND,
        .tv_nsec = time % PACE_SECOND,
    };
    int ret = 0, done;

    pthread_mutex_lock(&p->mutex);
    while (!p->done && !ret)
        ret = pthread_cond_timedwait(&p->changed, &p->mutex, &deadline);
    done = p->done;
    pthread_mutex_unlock(&p->mutex);
    return done;
}

static void *show_until_done(void *opaque)
{
    Progress *p = opaque;
    int64_t next = p->start + PATIENCE;

    for (; !wait_until(p, next); next += STEP)
        show(p);
    return NULL;
}

static void give_back(Progress *p)
{
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
}

void progress_start(Progress *p, const char *path, const char *what,
                    uint64_t bytes, int quiet)
{
    pthread_condattr_t clock;
    sigset_t all, old;

    *p = (Progress){ .path = path, .what = what, .bytes = bytes };
    if (quiet || !screen_is_possible(STDERR_FILENO))
        return;
    p->start = pace_now();
    p->free  = bytes ? free_bytes(path) : 0;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &clock);
    pthread_condattr_destroy(&clock);
    /* Signals are for the thread that works, which may not want them now. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    p->running = !pthread_create(&p->thread, NULL, show_until_done, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!p->running)
        give_back(p);
}

void progress_stop(Progress *p)
{
    if (!p->running)
        return;
    pthread_mutex_lock(&p->mutex);
    p->done = 1;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    give_back(p);
    if (p->shown)
        fputs(SCREEN_NO_LINE, stderr);
    p->running = 0;
}
