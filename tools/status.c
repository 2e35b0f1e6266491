/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "pace.h"
#include "screen.h"
#include "status.h"

void status_start(Status *status, const char *path, uint64_t frames,
                  int quiet)
{
    *status = (Status){
        .path     = path,
        .frames   = frames,
        .quiet    = quiet,
        .terminal = screen_is_possible(STDERR_FILENO),
        .start    = pace_now(),
    };
    status->last = status->start;
}

/* Without locks a client can only be told by what it does. */
static const char *describe_client(const ShmImageWriterStats *stats,
                                   uint64_t sent)
{
    if (!stats->connected)
        return "waiting for a client";
    return sent ? "client connected" : "client connected, not reading";
}

static void print_counts(const Status *status, const ShmImageWriterStats *stats,
                         const char *client, double rate)
{
    fprintf(stderr, "%s: sent %llu, dropped %llu, without a client %llu, "
            "left unread %llu; %.1f images/s; %s", status->path,
            (unsigned long long)stats->published,
            (unsigned long long)(stats->dropped + status->skipped),
            (unsigned long long)stats->unconnected,
            (unsigned long long)stats->unread, rate, client);
}

static double per_second(uint64_t count, int64_t time)
{
    return time > 0 ? (double)count * (double)PACE_SECOND / (double)time : 0;
}

/* How much of it is done. */
static void print_part(const Status *status, uint64_t index)
{
    if (status->frames)
        fprintf(stderr, "; %.0f %%",
                100. * (double)index / (double)status->frames);
}

void status_update(Status *status, ShmImageWriter *writer, uint64_t index)
{
    const int64_t now = pace_now();
    ShmImageWriterStats stats;
    uint64_t sent;

    if (status->quiet || now - status->last < PACE_SECOND)
        return;
    shmimage_writer_stats(writer, &stats, sizeof(stats));
    sent = stats.published - status->sent;
    if (status->terminal)
        fputs(SCREEN_LINE, stderr);
    print_counts(status, &stats, describe_client(&stats, sent),
                 per_second(sent, now - status->last));
    print_part(status, index);
    fputs(status->terminal ? SCREEN_LINE_END : "\n", stderr);
    status->sent = stats.published;
    status->last = now;
}

void status_clear(const Status *status)
{
    if (status->terminal && !status->quiet)
        fputs(SCREEN_NO_LINE, stderr);
}

void status_finish(Status *status, ShmImageWriter *writer)
{
    const int64_t time = pace_now() - status->start;
    ShmImageWriterStats stats;

    if (status->quiet)
        return;
    shmimage_writer_stats(writer, &stats, sizeof(stats));
    status_clear(status);
    print_counts(status, &stats, "done",
                 per_second(stats.published, time));
    fprintf(stderr, " after %.1f s\n", (double)time / (double)PACE_SECOND);
}
