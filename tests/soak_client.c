/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>

#include "soak_roles.h"

/* A client at work. */
typedef struct Work {
    SoakLedger *ledger;
    ShmImageReader *reader;
    SoakRandom random;
    bool good;
} Work;

static void check(Work *work, int ret, const char *call)
{
    if (ret >= 0)
        return;
    work->ledger->faults.failed++;
    work->good = false;
    fprintf(stderr, "soak: client %u, %s: %s\n", work->ledger->client.id, call,
            shmimage_error_message());
}

static ShmImageFrame *take_image(Work *work)
{
    SoakClient *client = &work->ledger->client;
    int64_t timeout = soak_random_below(&work->random, 50000);
    ShmImageFrame *frame;

    client->in_call = true;
    check(work, shmimage_reader_acquire(work->reader, timeout, &frame),
          "acquire");
    if (frame)
        soak_note_read(work->ledger, frame);
    client->in_call = false;
    client->calls++;
    return frame;
}

/* Its pixels must not have changed, however long it was held. */
static void give_back(Work *work, ShmImageFrame *frame)
{
    if (frame)
        soak_check_pixels(work->ledger, frame);
    shmimage_reader_release(frame);
}

/* Take one image, or hold two at the same time. */
static void take_some(Work *work)
{
    ShmImageFrame *first = take_image(work), *second = NULL;

    if (first && soak_random_once_in(&work->random, 8))
        second = take_image(work);
    if (soak_random_once_in(&work->random, 64))
        soak_pause(soak_random_below(&work->random, 5000));
    if (soak_random_once_in(&work->random, 2)) {
        give_back(work, first);
        give_back(work, second);
    } else {
        give_back(work, second);
        give_back(work, first);
    }
}

void soak_take(const SoakTask *task)
{
    Work work = {
        .ledger = task->ledger,
        .random = { task->seed },
        .good   = true,
    };
    ShmImageFrame *last = NULL;

    check(&work, shmimage_reader_open(task->path, task->flags, &work.reader),
          "open");
    while (work.good && !*task->stop)
        take_some(&work);
    /* A frame may outlive its reader. */
    if (work.good && soak_random_once_in(&work.random, 2))
        last = take_image(&work);
    shmimage_reader_close(work.reader);
    give_back(&work, last);
}
