/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "lines.h"
#include "pace.h"
#include "shmimage.h"
#include "stop.h"
#include "tally.h"
#include "view.h"
#include "watch.h"

/* Looks a second: so many for each image, but within limits. */
enum {
    LOOKS_AN_IMAGE = 4,
    LEAST_LOOKS    = 100,
    MOST_LOOKS     = 1000,
    FIRST_LOOKS    = 500,
};

/* When a terminal shows its first figures at the latest. */
#define SOON (PACE_SECOND / 4)

typedef struct Watch {
    const WatchOptions *options;
    Watched watched;
    View view;
    int on_screen;
    int64_t due;      /* end of the period */
    int64_t spacing;  /* between two looks, on average */
    char problem[512];
} Watch;

static volatile sig_atomic_t resized, suspended;

static void notice(int number)
{
    if (number == SIGTSTP)
        suspended = 1;
    else
        resized = 1;
}

static void look(Watch *w)
{
    Look now = { .time = pace_now() };
    const char *path = w->options->path;
    struct stat st = { 0 };
    int ret;

    if (stat(path, &st) == 0) {
        now.device = st.st_dev;
        now.inode  = st.st_ino;
    }
    ret = shmimage_file_info(path, &now.info, sizeof(now.info));
    if (ret < 0) {
        now.file = ret == SHMIMAGE_ERROR_NOT_FOUND   ? LOOK_MISSING
                   : ret == SHMIMAGE_ERROR_FILE_SIZE ? LOOK_SHORT
                                                     : LOOK_UNREADABLE;
        snprintf(w->problem, sizeof(w->problem), "%s",
                 shmimage_error_message());
    }
    tally_look(&w->watched, &now);
}

/* Anything between half and one and a half of the spacing, so that the looks
 * do not keep step with the images. */
static int64_t some_time(const Watch *w)
{
    return w->spacing / 2 + (int64_t)((double)rand() / RAND_MAX *
                                      (double)w->spacing);
}

static void sleep_until(int64_t time)
{
    const struct timespec deadline = {
        .tv_sec  = time / PACE_SECOND,
        .tv_nsec = time % PACE_SECOND,
    };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
}

static void choose_spacing(Watch *w)
{
    double looks = tally_rate(&w->watched.period) * LOOKS_AN_IMAGE;

    if (looks < LEAST_LOOKS)
        looks = LEAST_LOOKS;
    if (looks > MOST_LOOKS)
        looks = MOST_LOOKS;
    w->spacing = (int64_t)((double)PACE_SECOND / looks);
}

/* Give the terminal back while the shell has it. */
static void suspend(Watch *w)
{
    screen_leave(&w->view.screen);
    raise(SIGSTOP);
    screen_enter(&w->view.screen);
    suspended = 0;
    resized = 1;
}

static void watch_period(Watch *w)
{
    int64_t now = pace_now();

    while (now < w->due && !stop_requested) {
        const int64_t next = now + some_time(w);

        if (suspended && w->on_screen)
            suspend(w);
        if (resized && w->on_screen) {
            resized = 0;
            view_draw(&w->view, &w->watched);
        }
        sleep_until(next < w->due ? next : w->due);
        look(w);
        now = pace_now();
    }
    /* After a stop of the whole program, the next period begins now. */
    w->due += w->options->interval;
    if (w->due < now)
        w->due = now + w->options->interval;
}

/* Returns 0, or -1 when nobody can see it any more. */
static int report(Watch *w)
{
    choose_spacing(w);
    tally_next_period(&w->watched);
    if (w->on_screen) {
        view_note(&w->view, &w->watched);
        return view_draw(&w->view, &w->watched);
    }
    lines_print(&w->watched, w->options->json);
    return fflush(stdout) ? -1 : 0;
}

static void begin(Watch *w)
{
    struct sigaction action = { .sa_handler = notice };

    stop_catch();
    w->spacing = PACE_SECOND / FIRST_LOOKS;
    w->due     = pace_now() + w->options->interval;
    if (!w->on_screen)
        return;
    sigemptyset(&action.sa_mask);
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGTSTP, &action, NULL);
    w->view.path    = w->options->path;
    w->view.problem = w->problem;
    screen_enter(&w->view.screen);
    if (w->options->interval > SOON)
        w->due = pace_now() + SOON;
}

/* That lines can't be written is said where the program ends. */
static int lost(const Watch *w)
{
    if (w->on_screen)
        command_failed(&info_command, "can't write to the terminal: %s",
                       strerror(errno));
    return COMMAND_FAILED;
}

static int go_on(Watch *w)
{
    uint64_t count = 0;
    int ret = COMMAND_OK;

    while (ret == COMMAND_OK && !stop_requested &&
           (!w->options->count || count < w->options->count)) {
        watch_period(w);
        count++;
        if (!stop_requested && report(w) < 0)
            ret = lost(w);
    }
    return ret;
}

int watch_run(const WatchOptions *options)
{
    Watch *w = calloc(1, sizeof(*w));
    int ret;

    if (!w)
        return command_failed(&info_command, "out of memory");
    w->options   = options;
    w->on_screen = !options->json && screen_is_possible(STDOUT_FILENO);
    look(w);
    if (w->watched.last.file != LOOK_OK) {
        ret = command_failed(&info_command, "%s", w->problem);
    } else {
        begin(w);
        ret = go_on(w);
        if (w->on_screen)
            screen_leave(&w->view.screen);
        lines_print_summary(&w->watched, options->path);
    }
    free(w);
    return ret;
}
