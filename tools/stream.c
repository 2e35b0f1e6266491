/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extent.h"
#include "input.h"
#include "pace.h"
#include "progress.h"
#include "shmimage.h"
#include "source.h"
#include "status.h"
#include "stop.h"
#include "stream.h"
#include "testcard.h"

/* How late an image may be before the schedule gives way. */
#define MAX_DELAY (PACE_SECOND / 2)

typedef struct Stream {
    const StreamOptions *options;
    ShmImageWriter *writer;
    TestCard *card[STREAM_SIZES];
    int input;       /* descriptor, or -1 */
    uint8_t *buffer; /* an image of the input */
    size_t size;     /* its bytes */
    Pace pace;
    Status status;
    uint64_t index;  /* of the next image */
} Stream;

/* What a step says about the steps to come. */
enum {
    STEP_ON,
    STEP_END,
    STEP_FAILED,
};

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    stop_catch();
    /* The stream goes on when nobody reads the status lines any more. */
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
}

static int idle(void *opaque)
{
    Stream *s = opaque;

    status_update(&s->status, s->writer, s->index);
    return stop_requested;
}

static Size largest(const StreamOptions *o)
{
    Size size = o->size[0];

    for (int i = 1; i < o->sizes; i++)
        if (extent_bytes(o->size[i].width, o->size[i].height) >
            extent_bytes(size.width, size.height))
            size = o->size[i];
    return size;
}

static int library_error(void)
{
    return command_failed(&send_command, "%s", shmimage_error_message());
}

/* The first image may be long in coming; say at once that it won't fit. */
static int check_file(const StreamOptions *o)
{
    const Size size = largest(o);
    ShmImageFileInfo info;

    if (shmimage_file_info(o->path, &info, sizeof(info)) < 0)
        return library_error();
    if (source_check_owner(&send_command, o->path, o->owner) != COMMAND_OK)
        return COMMAND_FAILED;
    if (extent_bytes(size.width, size.height) <= info.payload)
        return COMMAND_OK;
    return command_failed(&send_command, "%s: too small for images of %ux%u; "
                          "make a larger file with 'shmimage create --force "
                          "--size %ux%u %s'", o->path, size.width,
                          size.height, size.width, size.height, o->path);
}

static int prepare_file(const StreamOptions *o)
{
    const Size size = largest(o);
    const uint64_t bytes = shmimage_file_size(size.width, size.height);
    int ret = SHMIMAGE_OK;

    if (o->create) {
        Progress progress;

        progress_start(&progress, o->path, "reserving its space", bytes,
                       o->quiet);
        ret = shmimage_file_create(o->path, bytes, 0);
        progress_stop(&progress);
    }
    if (ret < 0 && ret != SHMIMAGE_ERROR_EXISTS)
        return library_error();
    return check_file(o);
}

static int open_writer(Stream *s)
{
    const StreamOptions *o = s->options;
    const unsigned flags = (o->flip ? SHMIMAGE_FLIP : 0) |
                           (o->take_over ? SHMIMAGE_TAKE_OVER : 0);
    int ret = shmimage_writer_open(o->path, flags, &s->writer);

    if (ret == SHMIMAGE_ERROR_BUSY)
        return command_failed(&send_command, "%s: another server is using the "
                              "file; stop it, or take its place with "
                              "--take-over", o->path);
    return ret < 0 ? library_error() : COMMAND_OK;
}

static int open_input(Stream *s)
{
    const StreamOptions *o = s->options;

    s->size = (size_t)extent_bytes(o->size[0].width, o->size[0].height);
    s->buffer = malloc(s->size);
    if (!s->buffer)
        return command_failed(&send_command, "out of memory");
    s->input = input_open(o->input);
    if (s->input < 0)
        return command_failed(&send_command, "%s: can't open it: %s",
                              o->input, strerror(errno));
    return COMMAND_OK;
}

static int open_cards(Stream *s)
{
    const StreamOptions *o = s->options;
    Progress progress;
    int ret = COMMAND_OK;

    progress_start(&progress, o->path, "preparing the test card", 0, o->quiet);
    for (int i = 0; i < o->sizes && ret == COMMAND_OK; i++) {
        s->card[i] = testcard_new((int)o->size[i].width,
                                  (int)o->size[i].height, o->label);
        if (!s->card[i])
            ret = COMMAND_FAILED;
    }
    progress_stop(&progress);
    return ret == COMMAND_OK ? ret
                             : command_failed(&send_command, "out of memory");
}

static int send_input(Stream *s, uint32_t number)
{
    const Size size = s->options->size[0];

    return shmimage_writer_put(s->writer, number, size.width, size.height,
                               s->buffer, 0);
}

static int send_card(Stream *s, uint32_t number)
{
    const StreamOptions *o = s->options;
    const int which = (int)(s->index / o->size_every % (unsigned)o->sizes);
    const Size size = o->size[which];
    ptrdiff_t stride = (ptrdiff_t)size.width * 3;
    uint8_t *pixels;
    int ret = shmimage_writer_begin(s->writer, number, size.width,
                                    size.height, &pixels);

    if (ret != SHMIMAGE_OK)
        return ret;
    if (o->flip) {
        pixels += stride * (ptrdiff_t)(size.height - 1);
        stride = -stride;
    }
    testcard_draw(s->card[which], number, pixels, stride);
    return shmimage_writer_commit(s->writer);
}

/* Live, images that would come far too late are left out. Where each of them
 * counts, or the input sets the pace, the schedule is put off instead. */
static void catch_up(Stream *s)
{
    const StreamOptions *o = s->options;
    const int64_t now = pace_now();
    const int64_t delay = now - pace_due(&s->pace, s->index);
    uint64_t due;

    if (delay < MAX_DELAY || !o->rate.num)
        return;
    if (o->wait || o->input) {
        s->pace.start += delay;
        return;
    }
    due = pace_index(&s->pace, now);
    if (o->frames && due > o->frames - 1)
        due = o->frames - 1;
    s->status.skipped += due - s->index;
    s->index = due;
}

static int step_failed(const Stream *s)
{
    status_clear(&s->status);
    library_error();
    return STEP_FAILED;
}

static int fetch_input(Stream *s)
{
    size_t got;

    switch (input_read(s->input, s->buffer, s->size, &got, idle, s)) {
    case INPUT_IMAGE:
        return STEP_ON;
    case INPUT_END:
    case INPUT_STOPPED:
        return STEP_END;
    case INPUT_SHORT:
        status_clear(&s->status);
        command_failed(&send_command, "%s: the last image is incomplete: %zu "
                       "of its %zu bytes are missing; is the size right?",
                       s->options->input, s->size - got, s->size);
        return STEP_FAILED;
    default:
        status_clear(&s->status);
        command_failed(&send_command, "%s: can't read it: %s",
                       s->options->input, strerror(errno));
        return STEP_FAILED;
    }
}

static int wait_for_room(Stream *s)
{
    int ret;

    do {
        if (idle(s))
            return STEP_END;
        ret = shmimage_writer_wait(s->writer, PACE_SLICE / 1000);
    } while (ret > 0);
    if (ret == SHMIMAGE_OK)
        return STEP_ON;
    return step_failed(s);
}

static int step(Stream *s)
{
    const StreamOptions *o = s->options;
    uint32_t number;
    int ret = STEP_ON;

    if (pace_sleep_until(pace_due(&s->pace, s->index), idle, s))
        return STEP_END;
    catch_up(s);
    if (o->input)
        ret = fetch_input(s);
    if (ret == STEP_ON && o->wait)
        ret = wait_for_room(s);
    if (ret != STEP_ON)
        return ret;
    number = o->start + (uint32_t)s->index;
    ret = o->input ? send_input(s, number) : send_card(s, number);
    if (ret < 0)
        return step_failed(s);
    s->index++;
    return o->frames && s->index >= o->frames ? STEP_END : STEP_ON;
}

static int run(Stream *s)
{
    int ret;

    status_start(&s->status, s->options->path, s->options->frames,
                 s->options->quiet);
    s->pace = (Pace){ s->options->rate, pace_now() };
    do
        ret = step(s);
    while (ret == STEP_ON);
    status_finish(&s->status, s->writer);
    return ret == STEP_FAILED ? COMMAND_FAILED : COMMAND_OK;
}

int stream_run(const StreamOptions *options)
{
    Stream s = { .options = options, .input = -1 };
    int ret;

    catch_signals();
    ret = options->input ? open_input(&s) : COMMAND_OK;
    if (ret == COMMAND_OK)
        ret = prepare_file(options);
    /* Large cards take seconds to prepare, so only now. */
    if (ret == COMMAND_OK && !options->input)
        ret = open_cards(&s);
    if (ret == COMMAND_OK)
        ret = open_writer(&s);
    if (ret == COMMAND_OK)
        ret = run(&s);
    shmimage_writer_close(s.writer);
    for (int i = 0; i < STREAM_SIZES; i++)
        testcard_free(s.card[i]);
    input_close(s.input);
    free(s.buffer);
    return ret;
}
