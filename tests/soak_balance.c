/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's part of the accounts: who ended when, and what that excuses.
 */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "layout.h"
#include "soak_ledger.h"

static bool is_lost(const SoakRecord *record)
{
    return record->state == SOAK_PUBLISHED && !record->reads &&
           record->reason == SOAK_NO_REASON;
}

/* Without memset(): clients look at pages at any time. */
static void clear_page(SoakServer *server)
{
    for (unsigned i = 0; i < server->count; i++) {
        SoakRecord *record = &server->record[i];

        record->number = 0;
        record->reader = 0;
        record->state  = SOAK_NOTHING;
        record->reads  = 0;
        record->reason = SOAK_NO_REASON;
    }
    server->count        = 0;
    server->opened       = false;
    server->in_call      = false;
    server->dropped      = 0;
    server->unconnected  = 0;
    server->given_up     = 0;
    server->published    = 0;
    server->taken_back   = 0;
    server->client_ended = false;
    server->replaced     = false;
}

SoakServer *soak_ledger_add_server(SoakLedger *ledger)
{
    SoakServer *server = soak_ledger_page(ledger, ledger->newest);

    /* One that was killed before it could open needs no page. */
    if (ledger->newest && !server->opened)
        return server;
    server = soak_ledger_page(ledger, ++ledger->newest);
    clear_page(server);
    server->id = ledger->newest;
    return server;
}

/* Both sides alternate, so that an image in a buffer is one of the last few. */
static void excuse_in_buffer(SoakServer *server, uint32_t number)
{
    for (unsigned i = server->count; i-- > 0 && server->count - i <= 4;) {
        SoakRecord *record = &server->record[i];

        if (record->number == number && is_lost(record))
            record->reason = SOAK_LEFT;
    }
}

/* A server that was killed in a call may just have taken back what a client
 * had left, and not have come to note that. */
static void excuse_unsaid(SoakServer *server)
{
    int buffers = SHMI_BUFFERS;

    for (unsigned i = server->count; i-- > 0 && buffers;) {
        if (server->record[i].state != SOAK_PUBLISHED)
            continue;
        if (!is_lost(&server->record[i]))
            break;
        server->record[i].reason = SOAK_LEFT;
        buffers--;
    }
}

void soak_note_server_end(SoakLedger *ledger, const ShmImageFileInfo *info)
{
    SoakServer *server = soak_ledger_page(ledger, ledger->newest);

    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (info->buffer[i].state == SHMIMAGE_STATE_CLIENT ||
            info->buffer[i].state == SHMIMAGE_STATE_CLIENT_LOCKED)
            excuse_in_buffer(server, info->buffer[i].number);
    if (server->in_call && server->client_ended)
        excuse_unsaid(server);
}

void soak_ledger_add_client(SoakLedger *ledger)
{
    ledger->client.id++;
    ledger->client.in_call  = false;
    ledger->client.read_any = false;
    ledger->client_runs     = true;
}

void soak_note_client_end(SoakLedger *ledger, bool killed)
{
    ledger->client_runs = false;
    if (ledger->newest)
        soak_ledger_page(ledger, ledger->newest)->client_ended = true;
    if (killed && ledger->client.in_call)
        ledger->victim[ledger->victims++ % SOAK_VICTIMS] =
            (SoakVictim){ ledger->client.id, ledger->newest, false };
}

/* Clients of before the place, and of after it. */
static void find_neighbours(const SoakServer *server, unsigned place,
                            unsigned *before, unsigned *after)
{
    *before = 0;
    *after  = UINT_MAX;
    for (unsigned i = place; i-- > 0;) {
        if (server->record[i].reads) {
            *before = server->record[i].reader;
            break;
        }
    }
    for (unsigned i = place + 1; i < server->count; i++) {
        if (server->record[i].reads) {
            *after = server->record[i].reader;
            break;
        }
    }
}

/* Whether a client may have had an image in hand when it was killed: one image
 * a client, and only where that one had come to in the stream. */
static bool was_in_hand(SoakLedger *ledger, const SoakServer *server,
                        unsigned place)
{
    unsigned before, after;

    find_neighbours(server, place, &before, &after);
    for (unsigned i = 0; i < SOAK_VICTIMS; i++) {
        SoakVictim *victim = &ledger->victim[i];

        if (!victim->client || victim->used || victim->server < server->id ||
            victim->client < before || victim->client >= after)
            continue;
        victim->used = true;
        return true;
    }
    return false;
}

static void blame(atomic_ullong *fault, const SoakServer *server,
                  unsigned place, const char *what)
{
    unsigned before, after;

    (*fault)++;
    find_neighbours(server, place, &before, &after);
    fprintf(stderr, "soak: image %u of server %" PRIu64 ", place %u of %u, "
            "between images read by clients %u and %u, %s\n",
            server->record[place].number, (uint64_t)server->id, place,
            server->count, before, after, what);
}

static void balance_image(SoakLedger *ledger, SoakServer *server,
                          unsigned place)
{
    SoakRecord *record   = &server->record[place];
    SoakBalance *balance = &ledger->balance;

    if (!record->reads && record->state != SOAK_PUBLISHED) {
        balance->unfinished++;
        return;
    }
    balance->put++;
    if (record->reads) {
        balance->read++;
        if (record->reason == SOAK_TAKEN_BACK)
            blame(&ledger->faults.miscounted, server, place,
                  "counts as dropped and was read");
    } else if (record->reason == SOAK_TAKEN_BACK) {
        balance->taken_back++;
    } else if (record->reason == SOAK_LEFT) {
        balance->left++;
    } else if (was_in_hand(ledger, server, place)) {
        balance->in_hand++;
    } else {
        blame(&ledger->faults.unaccounted, server, place, "was never read");
    }
}

static void close_page(SoakLedger *ledger, SoakServer *server)
{
    SoakBalance *balance = &ledger->balance;

    for (unsigned place = 0; place < server->count; place++)
        balance_image(ledger, server, place);
    balance->dropped     += server->dropped;
    balance->unconnected += server->unconnected;
    balance->given_up    += server->given_up;
    ledger->oldest++;
}

/* A client that is in the middle of a call when the next server opens may come
 * out of it with an image of the server before. */
static void note_replaced(SoakLedger *ledger)
{
    SoakServer *newest = soak_ledger_page(ledger, ledger->newest);

    if (!newest->opened)
        return;
    for (uint64_t id = ledger->oldest; id < ledger->newest; id++) {
        SoakServer *server = soak_ledger_page(ledger, id);

        if (server->replaced)
            continue;
        server->replaced    = true;
        server->last_client = ledger->client.id;
        server->last_call   = ledger->client.calls + 1;
    }
}

static bool can_be_closed(const SoakLedger *ledger, const SoakServer *server)
{
    const SoakClient *client = &ledger->client;

    return server->replaced && (!ledger->client_runs ||
                                client->id != server->last_client ||
                                client->calls >= server->last_call);
}

bool soak_ledger_settle(SoakLedger *ledger)
{
    note_replaced(ledger);
    while (ledger->oldest < ledger->newest) {
        SoakServer *server = soak_ledger_page(ledger, ledger->oldest);

        if (!can_be_closed(ledger, server))
            break;
        close_page(ledger, server);
    }
    return ledger->newest + 1 - ledger->oldest < SOAK_PAGES;
}

void soak_ledger_close(SoakLedger *ledger)
{
    while (ledger->oldest <= ledger->newest)
        close_page(ledger, soak_ledger_page(ledger, ledger->oldest));
}

uint64_t soak_ledger_faults(const SoakLedger *ledger)
{
    const SoakFaults *faults = &ledger->faults;

    return faults->torn + faults->twice + faults->order + faults->size +
           faults->session + faults->miscounted + faults->unaccounted +
           faults->failed;
}
