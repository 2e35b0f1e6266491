/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "soak_image.h"
#include "soak_ledger.h"

SoakLedger *soak_ledger_new(void)
{
    SoakLedger *ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (ledger == MAP_FAILED) {
        perror("soak: no memory for the accounts");
        exit(EXIT_FAILURE);
    }
    ledger->oldest = 1;
    return ledger;
}

SoakServer *soak_ledger_page(SoakLedger *ledger, uint64_t server)
{
    return &ledger->page[server % SOAK_PAGES];
}

bool soak_page_is_full(const SoakServer *server)
{
    return server->count == SOAK_RECORDS;
}

void soak_note_start(SoakServer *server, uint32_t number)
{
    unsigned place = server->count;

    server->record[place].number = number;
    server->record[place].state  = SOAK_STARTED;
    server->count = place + 1;
}

void soak_note_result(SoakServer *server, int result, bool given_up)
{
    SoakRecord *record = &server->record[server->count - 1];

    if (result == SHMIMAGE_OK && !given_up) {
        record->state = SOAK_PUBLISHED;
        server->published++;
        return;
    }
    /* Nobody may ever see this one: the next image has its place. */
    record->state = SOAK_NOTHING;
    server->count--;
    if (given_up)
        server->given_up++;
    else if (result == SHMIMAGE_NO_BUFFER)
        server->dropped++;
    else if (result == SHMIMAGE_UNCONNECTED)
        server->unconnected++;
}

/* Buffers are filled in order and emptied in order: what has not been read is
 * what came last, and nothing can be taken back twice. */
static bool note_taken_back(SoakServer *server, unsigned *places)
{
    while (*places) {
        SoakRecord *record = &server->record[--*places];

        if (record->state != SOAK_PUBLISHED)
            continue;
        if (record->reason != SOAK_NO_REASON)
            return false;
        record->reason = SOAK_TAKEN_BACK;
        server->taken_back++;
        return true;
    }
    return false;
}

void soak_note_counts(SoakLedger *ledger, SoakServer *server,
                      const ShmImageWriterStats *stats, unsigned places)
{
    bool good = stats->published == server->published &&
                stats->dropped == server->dropped &&
                stats->unconnected == server->unconnected;

    while (good && stats->unread > server->taken_back)
        good = note_taken_back(server, &places);
    if (good && stats->unread == server->taken_back)
        return;
    ledger->faults.miscounted++;
    fprintf(stderr, "soak: server %llu counts %" PRIu64 " images as "
            "published, %" PRIu64 " as dropped, %" PRIu64 " as unconnected, %"
            PRIu64 " as unread; put() said %llu, %llu, %llu\n",
            (unsigned long long)server->id, stats->published, stats->dropped,
            stats->unconnected, stats->unread,
            (unsigned long long)server->published,
            (unsigned long long)server->dropped,
            (unsigned long long)server->unconnected);
}

/* Tell of an image with which something is wrong. */
static void blame(atomic_ullong *fault, const char *what,
                  const ShmImageFrame *frame, const SoakLabel *label)
{
    (*fault)++;
    fprintf(stderr, "soak: image %" PRIu32 " of %" PRIu32 "x%" PRIu32
            ", session %" PRIu32 ", labelled as image %" PRIu32 " of %" PRIu32
            "x%" PRIu32 ", server %" PRIu64 ", place %" PRIu64 ", %s\n",
            frame->number, frame->width, frame->height, frame->session,
            label->number, label->width, label->height, label->server,
            label->place, what);
}

void soak_check_pixels(SoakLedger *ledger, const ShmImageFrame *frame)
{
    SoakLabel label = { 0 };

    if (frame->size < sizeof(label)) {
        blame(&ledger->faults.size, "is too small", frame, &label);
        return;
    }
    if (soak_image_is_whole(frame->pixels, frame->size))
        return;
    label = soak_image_label(frame->pixels);
    blame(&ledger->faults.torn, "is torn", frame, &label);
}

static void check_session(SoakLedger *ledger, const ShmImageFrame *frame,
                          const SoakLabel *label)
{
    SoakClient *client = &ledger->client;

    if (!client->read_any)
        return;
    if (frame->session < client->session)
        blame(&ledger->faults.session, "comes in a session that is over",
              frame, label);
    else if (frame->session == client->session &&
             label->server != client->server)
        blame(&ledger->faults.session, "has the session of another server",
              frame, label);
}

void soak_note_read(SoakLedger *ledger, const ShmImageFrame *frame)
{
    SoakClient *client = &ledger->client;
    SoakFaults *faults = &ledger->faults;
    SoakLabel label    = soak_image_label(frame->pixels);
    SoakServer *server = soak_ledger_page(ledger, label.server);
    SoakRecord *record;

    if (server->id != label.server || label.place >= server->count) {
        blame(&faults->order, "is not on record", frame, &label);
        return;
    }
    record = &server->record[label.place];
    if (frame->width != label.width || frame->height != label.height ||
        frame->number != label.number || record->number != label.number)
        blame(&faults->size, "has the header of another one", frame, &label);
    check_session(ledger, frame, &label);
    record->reader = client->id;
    if (record->reads++)
        blame(&faults->twice, "was read before", frame, &label);
    else if (label.server < client->server ||
             (label.server == client->server && label.place < client->next))
        blame(&faults->order, "comes after a later one", frame, &label);
    client->server   = label.server;
    client->next     = (unsigned)label.place + 1;
    client->session  = frame->session;
    client->read_any = true;
    client->read++;
}
