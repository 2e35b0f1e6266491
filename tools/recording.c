/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "pace.h"
#include "recording.h"
#include "report.h"
#include "shmimage.h"
#include "stop.h"

enum {
    TICK       = 50,  /* milliseconds between two looks at the signals */
    LAG_PERIOD = 3,   /* seconds an encoder may fall behind unwarned */
    LOSS       = 10,  /* images for one that may be lost unwarned */
};

/* Whether ffmpeg keeps both buffers occupied while images go missing. */
typedef struct Load {
    unsigned looks, full;
    uint64_t missing;
} Load;

typedef struct Recording {
    const Film *film;
    const Ffmpeg *ffmpeg;
    MovieFile *files;
    Child child;
    Feed log, progress, control;
    int filter;      /* the end of its pipe, until the size is known, or -1 */
    int stopping;    /* the device has been told to end */
    int signals;     /* of stop_requested that were answered */
    int asked;       /* whether to give up what goes on */
    int64_t first;   /* when the first image was there, or 0 */
    Counts counts;
    Load load;       /* since the first image */
    Load before;     /* the same as of the last second */
    int64_t looked;  /* when the buffers were looked at */
    int behind;      /* seconds that the encoder has fallen behind */
    int warned;      /* that it does */
    Report report;
} Recording;

static int start_failed(Recording *r, const char *what, int error)
{
    report_say(&r->report, "can't %s: %s", what, strerror(error));
    return COMMAND_FAILED;
}

/* Starts ffmpeg; the ends for it are closed here in any case. */
static int start_child(Recording *r, const Words *words, ChildFiles *files)
{
    int error = words->failed ? ENOMEM
                              : child_start(&r->child, r->ffmpeg->path,
                                            words->word, files);

    child_close(&files->err);
    for (int i = 0; i < CHILD_INHERIT; i++)
        child_close(&files->inherit[i]);
    return error ? start_failed(r, "start ffmpeg", error) : COMMAND_OK;
}

/* What both ffmpegs have: a log and their progress. */
static int open_log(Recording *r, ChildFiles *files)
{
    int log, progress;

    if (child_pipe(&log, &files->err) < 0)
        return start_failed(r, "make a pipe", errno);
    feed_open(&r->log, log);
    if (child_pipe(&progress, &files->inherit[0]) < 0)
        return start_failed(r, "make a pipe", errno);
    feed_open(&r->progress, progress);
    return COMMAND_OK;
}

static int start_recording(Recording *r)
{
    ChildFiles files = { -1, -1, { -1, -1, -1 } };
    Words words = { 0 };
    int control[2], ret = open_log(r, &files);

    if (ret == COMMAND_OK &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
        ret = start_failed(r, "make a socket", errno);
    if (ret == COMMAND_OK) {
        feed_open(&r->control, control[0]);
        files.inherit[1] = control[1];
        if (child_pipe(&files.inherit[2], &r->filter) < 0)
            ret = start_failed(r, "make a pipe", errno);
    }
    if (ret == COMMAND_OK) {
        const FilmPipes pipes = {
            .progress = files.inherit[0],
            .control  = files.inherit[1],
            .filter   = files.inherit[2],
        };

        film_record(r->film, &pipes, r->files->sequence ? r->files->movie
                                                        : r->files->part,
                    &words);
        ret = start_child(r, &words, &files);
    }
    words_free(&words);
    return ret;
}

/* Tells the device to deliver what it has, and to end. */
static void stop_recording(Recording *r)
{
    r->stopping = 1;
    if (r->control.fd >= 0)
        shutdown(r->control.fd, SHUT_WR);
}

/* ffmpeg reads its filter once it has the first image. */
static void give_filter(Recording *r)
{
    char text[512];
    size_t length;

    if (r->filter < 0 || !r->counts.width)
        return;
    r->first = pace_now();
    film_print_filter(r->film, r->counts.width, r->counts.height, text,
                      sizeof(text));
    length = strlen(text);
    if (film_wants_size(r->film) &&
        write(r->filter, text, length) != (ssize_t)length)
        start_failed(r, "tell ffmpeg its filter", errno);
    child_close(&r->filter);
}

static void read_feeds(Recording *r)
{
    Feed *const feeds[] = { &r->log, &r->progress, &r->control };
    struct pollfd ready[3];
    const char *line;

    for (int i = 0; i < 3; i++)
        ready[i] = (struct pollfd){ .fd = feeds[i]->fd, .events = POLLIN };
    if (poll(ready, 3, TICK) <= 0)
        return;
    for (int i = 0; i < 3; i++) {
        if (!ready[i].revents)
            continue;
        feed_fill(feeds[i]);
        while ((line = feed_next(feeds[i])))
            if (i == 0)
                report_log(&r->report, line, r->stopping, !r->counts.width);
            else
                report_count(&r->counts, line);
    }
}

static void answer_signals(Recording *r)
{
    if (r->signals == stop_requested)
        return;
    r->signals = stop_requested;
    if (!r->stopping)
        report_say(&r->report, "finishing");
    else if (!r->asked++)
        report_say(&r->report, "still finishing; Ctrl-C again leaves it as %s",
                   r->files->sequence ? "it is" : r->files->part);
    else
        kill(-r->child.pid, SIGKILL);
    stop_recording(r);
}

/* ffmpeg may see that it has all images, or has failed, only when one more
 * comes. */
static void look_at_limits(Recording *r)
{
    const FilmOptions *o = r->film->options;
    const uint64_t most = film_most_images(r->film);

    if (r->stopping || !r->first)
        return;
    if (r->report.failed || (most && r->counts.delivered >= most))
        stop_recording(r);
    if (o->duration && !o->rate && pace_now() - r->first >= o->duration)
        stop_recording(r);
}

static void look_at_buffers(Recording *r)
{
    const int64_t now = pace_now();
    ShmImageFileInfo info;
    int full = 1;

    /* Not whenever ffmpeg has a line: that is when it has taken an image. */
    if (!r->first || r->stopping || now - r->looked < TICK * PACE_SECOND / 1000)
        return;
    r->looked = now;
    if (shmimage_file_info(r->film->options->stream, &info, sizeof(info)) < 0)
        return;
    for (int i = 0; i < 2; i++)
        full &= info.buffer[i].state == SHMIMAGE_STATE_CLIENT ||
                info.buffer[i].state == SHMIMAGE_STATE_CLIENT_LOCKED;
    r->load.full += (unsigned)full;
    r->load.looks++;
}

static int is_overloaded(const Load *from, const Load *to)
{
    return (to->full - from->full) * 2 > to->looks - from->looks &&
           to->missing > from->missing;
}

static void warn_of_loss(Recording *r)
{
    const char *faster = film_faster(r->film);

    if (r->warned++)
        return;
    if (faster)
        report_say(&r->report, "the encoder is too slow, and images are lost; "
                   "--preset %s is faster", faster);
    else
        report_say(&r->report, "the encoder is too slow, and images are lost; "
                   "smaller images would be faster");
}

static void look_at_load(Recording *r)
{
    r->load.missing = r->counts.missing;
    r->behind = is_overloaded(&r->before, &r->load) ? r->behind + 1 : 0;
    r->before = r->load;
    if (r->behind >= LAG_PERIOD && !r->stopping)
        warn_of_loss(r);
}

/* It may have been too short for that. */
static void look_at_loss(Recording *r)
{
    const Load nothing = { 0 };

    r->load.missing = r->counts.missing;
    if (is_overloaded(&nothing, &r->load) &&
        r->counts.missing > r->counts.delivered / LOSS)
        warn_of_loss(r);
}

/* The files of a sequence have no time, unless their numbers make it. */
static void look_at_clock(Recording *r)
{
    if (r->files->sequence && !r->film->options->rate && r->first &&
        !r->stopping)
        r->counts.time = (pace_now() - r->first) / 1000;
}

/* Until ffmpeg has ended. */
static void watch(Recording *r)
{
    while (r->log.fd >= 0 || r->progress.fd >= 0) {
        read_feeds(r);
        give_filter(r);
        look_at_clock(r);
        answer_signals(r);
        look_at_limits(r);
        look_at_buffers(r);
        if (report_status(&r->report, &r->counts))
            look_at_load(r);
    }
    child_wait(&r->child);
    while (r->control.fd >= 0)
        read_feeds(r);
    look_at_loss(r);
}

/* A copy would fail on the disk that stopped the recording. */
static void advise_room(const MovieFile *files)
{
    const uint64_t size = moviefile_size(files->part);

    if (moviefile_room(files->part) >= size)
        return;
    fprintf(stderr, "%s: the disk is full; first make room for ", files->movie);
    report_size(size);
    fputs(" on it\n", stderr);
}

void recording_advise(const Film *film, const MovieFile *files)
{
    advise_room(files);
    fprintf(stderr, "%s: what was recorded is in %s and can be played; this "
            "makes a film of it, which needs as much space again:\n",
            files->movie, files->part);
    for (int step = 0; step < film_steps(film); step++) {
        Words words = { 0 };

        film_finish(film, step, -1, files->part, files->palette, files->movie,
                    &words);
        fputs("    ", stderr);
        words_print(&words, stderr);
        fputc('\n', stderr);
        words_free(&words);
    }
}

static int fail(Recording *r)
{
    char end[64];

    child_describe_end(&r->child, end, sizeof(end));
    if (!r->counts.width && r->stopping) {
        report_say(&r->report, "ended before the first image; there is no "
                   "film");
    } else if (!child_is_content(&r->child)) {
        if (!r->report.explained)
            report_say(&r->report, "ffmpeg failed: %s", end);
    } else {
        report_say(&r->report, "no image came; there is no film");
    }
    if (r->files->sequence)
        return COMMAND_FAILED;
    if (moviefile_size(r->files->part))
        recording_advise(r->film, r->files);
    else
        moviefile_discard(r->files);
    return COMMAND_FAILED;
}

/* The first signal during the copy is answered; the next one ends the copy. */
static void watch_copy(Recording *r, int step)
{
    Counts recorded = r->counts;

    r->counts.frames = 0;
    while (r->log.fd >= 0 || r->progress.fd >= 0) {
        read_feeds(r);
        report_completing(&r->report, step, film_steps(r->film),
                          r->counts.frames, recorded.frames);
        if (r->signals == stop_requested)
            continue;
        r->signals = stop_requested;
        if (r->asked++)
            kill(-r->child.pid, SIGKILL);
        else
            report_say(&r->report, "almost complete; Ctrl-C again leaves it "
                       "as %s", r->files->part);
    }
    child_wait(&r->child);
    /* A GIF has at most 50 a second. */
    if (step + 1 == film_steps(r->film) && r->counts.frames < recorded.frames)
        recorded.left_out = recorded.frames - r->counts.frames;
    r->counts = recorded;
}

static int run_step(Recording *r, int step)
{
    ChildFiles files = { -1, -1, { -1, -1, -1 } };
    Words words = { 0 };
    int ret = open_log(r, &files);

    film_finish(r->film, step, files.inherit[0], r->files->part,
                r->files->palette, r->files->copy, &words);
    if (ret == COMMAND_OK)
        ret = start_child(r, &words, &files);
    words_free(&words);
    if (ret != COMMAND_OK)
        return ret;
    watch_copy(r, step);
    return child_is_content(&r->child) ? COMMAND_OK : COMMAND_FAILED;
}

static int finish(Recording *r)
{
    const char *final = film_needs_finish(r->film) ? r->files->copy
                                                   : r->files->part;
    const int steps = film_needs_finish(r->film) ? film_steps(r->film) : 0;
    int ret = COMMAND_OK;

    if (r->files->sequence)
        return COMMAND_OK;
    for (int step = 0; step < steps && ret == COMMAND_OK; step++)
        ret = run_step(r, step);
    if (ret == COMMAND_OK) {
        r->counts.size = moviefile_size(final);
        ret = moviefile_publish(r->files, final, &record_command);
    }
    moviefile_clean(r->files);
    if (ret != COMMAND_OK) {
        report_say(&r->report, "it was recorded, but not completed");
        recording_advise(r->film, r->files);
    }
    return ret;
}

static void say_what_it_is(Recording *r)
{
    int64_t time = 0;

    if (film_is_still(r->film)) {
        report_still(&r->report, &r->counts);
        return;
    }
    /* ffmpeg's progress lags, as encoders reorder images. */
    if (!r->files->sequence)
        time = ffmpeg_duration(r->ffmpeg, r->files->movie);
    /* Unknown, if a signal has ended the question. */
    if (time)
        r->counts.time = time;
    report_film(&r->report, &r->counts);
}

int recording_run(const Film *film, const Ffmpeg *ffmpeg, MovieFile *files,
                  int quiet)
{
    Recording r = {
        .film = film, .ffmpeg = ffmpeg, .files = files, .filter = -1,
        .log = { .fd = -1 }, .progress = { .fd = -1 }, .control = { .fd = -1 },
    };
    int ret;

    report_start(&r.report, files->movie, film_most_images(film), quiet);
    ret = start_recording(&r);
    if (ret == COMMAND_OK) {
        watch(&r);
        ret = child_is_content(&r.child) && r.counts.frames ? finish(&r)
                                                            : fail(&r);
    } else {
        moviefile_discard(files);
    }
    if (ret == COMMAND_OK && !quiet)
        say_what_it_is(&r);
    feed_close(&r.log);
    feed_close(&r.progress);
    feed_close(&r.control);
    child_close(&r.filter);
    return ret;
}
