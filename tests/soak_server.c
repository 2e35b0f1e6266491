/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "soak_image.h"
#include "soak_roles.h"

/* A server at work. */
typedef struct Work {
    SoakLedger *ledger;
    SoakServer *page;
    ShmImageWriter *writer;
    SoakRandom random;
    uint8_t *pixels;
    uint32_t number;
    bool good;
} Work;

static bool check(Work *work, int ret, const char *call)
{
    if (ret >= 0)
        return true;
    work->ledger->faults.failed++;
    work->good = false;
    fprintf(stderr, "soak: server %llu, %s: %s\n",
            (unsigned long long)work->page->id, call,
            shmimage_error_message());
    return false;
}

/* Whether the library's counts agree with what it has returned so far. */
static void check_counts(Work *work, unsigned places)
{
    ShmImageWriterStats stats;

    if (check(work, shmimage_writer_stats(work->writer, &stats, sizeof(stats)),
              "stats"))
        soak_note_counts(work->ledger, work->page, &stats, places);
    work->page->in_call = false;
}

/* Draw in place, and once in a while think better of it. */
static int draw_image(Work *work, SoakLabel *label, bool *given_up)
{
    uint8_t *pixels;
    int ret = shmimage_writer_begin(work->writer, label->number, label->width,
                                    label->height, &pixels);

    if (ret != SHMIMAGE_OK)
        return ret;
    soak_image_draw(pixels, label);
    *given_up = soak_random_once_in(&work->random, 16);
    return *given_up ? shmimage_writer_abort(work->writer)
                     : shmimage_writer_commit(work->writer);
}

static int put_image(Work *work, SoakLabel *label)
{
    soak_image_draw(work->pixels, label);
    return shmimage_writer_put(work->writer, label->number, label->width,
                               label->height, work->pixels, 0);
}

static void send_image(Work *work)
{
    unsigned places = work->page->count;
    bool given_up = false;
    SoakLabel label = {
        .server = work->page->id,
        .place  = places,
        .number = work->number++,
    };
    int ret;

    soak_image_choose_size(&work->random, &label.width, &label.height);
    work->page->in_call = true;
    soak_note_start(work->page, label.number);
    ret = soak_random_once_in(&work->random, 2)
              ? put_image(work, &label)
              : draw_image(work, &label, &given_up);
    soak_note_result(work->page, ret, given_up);
    if (check(work, ret, "put"))
        check_counts(work, places);
}

static void wait_for_room(Work *work)
{
    unsigned places = work->page->count;
    int64_t timeout = soak_random_below(&work->random, 20000);

    work->page->in_call = true;
    if (check(work, shmimage_writer_wait(work->writer, timeout), "wait"))
        check_counts(work, places);
}

/* Some images wait for room, some are put whatever comes of it. */
static void send_some(Work *work)
{
    uint32_t images = 1 + soak_random_below(&work->random, 64);
    bool wait = !soak_random_once_in(&work->random, 4);

    while (images-- && work->good && !soak_page_is_full(work->page)) {
        if (wait)
            wait_for_room(work);
        if (work->good)
            send_image(work);
    }
    if (soak_random_once_in(&work->random, 4))
        soak_pause(soak_random_below(&work->random, 1000));
}

void soak_serve(const SoakTask *task)
{
    Work work = {
        .ledger = task->ledger,
        .page   = soak_ledger_page(task->ledger, task->ledger->newest),
        .random = { task->seed },
        .pixels = malloc(SOAK_MAX_IMAGE),
        .good   = true,
    };

    /* Numbers count from anywhere, and some of them wrap around. */
    work.number = (uint32_t)soak_random(&work.random);
    if (soak_random_once_in(&work.random, 4))
        work.number |= UINT32_C(0xffffffc0);
    if (check(&work, shmimage_writer_open(task->path, task->flags,
                                          &work.writer), "open")) {
        work.page->opened = true;
        while (work.good && !*task->stop) {
            if (soak_page_is_full(work.page))
                soak_pause(1000);
            else
                send_some(&work);
        }
    }
    shmimage_writer_close(work.writer);
    free(work.pixels);
}
