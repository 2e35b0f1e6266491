/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Sends images in one of several ways and reports, as a line of JSON on
 * standard error, how many and how fast.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

static const char usage[] =
    "bench_send pipe|put|begin|silent [--size WxH] [--images N] [--warm N]\n"
    "           [--rate R] [--draw] [--drop] [--settle SECS] [--stamp]\n"
    "           [--stay] [FILE]\n"
    "Says 'ready' on standard error when a receiver can come.";

typedef struct Result {
    uint32_t sent;
    uint32_t lost_at_start; /* since the first image that was taken */
    uint32_t lost_later;    /* later than the plan says a start takes */
    int64_t first;          /* when the first image was taken, or 0 */
    int64_t warm;           /* when the last one that does not count was */
    int64_t last;           /* when the last one was */
} Result;

static const BenchSender *find_sender(const char *name)
{
    static const BenchSender *const senders[] = {
        &bench_pipe, &bench_put, &bench_begin, &bench_silent,
    };

    for (size_t i = 0; i < sizeof(senders) / sizeof(*senders); i++)
        if (!strcmp(senders[i]->name, name))
            return senders[i];
    bench_die("there is no way to send called %s", name);
}

static void note_loss(const BenchPlan *plan, Result *result, uint32_t count)
{
    if (!result->first)
        return;
    if (bench_now() - result->first < (int64_t)(plan->settle * BENCH_SECOND))
        result->lost_at_start += count;
    else
        result->lost_later += count;
}

static void note(const BenchPlan *plan, Result *result, BenchFate fate)
{
    if (fate == BENCH_LOST)
        note_loss(plan, result, 1);
    if (fate != BENCH_SENT)
        return;
    result->last = bench_now();
    if (!result->first)
        result->first = result->last;
    if (++result->sent == plan->warm)
        result->warm = result->last;
}

/* The image to send next. A sender that drops and was held up has lost those
 * whose time is over. */
static uint32_t next_index(const BenchPlan *plan, Result *result,
                           int64_t start, uint32_t index)
{
    uint32_t due = index;

    if (!plan->drop || plan->rate <= 0)
        return index;
    while (bench_due(plan, start, due + 1) <= bench_now())
        due++;
    note_loss(plan, result, due - index);
    return due;
}

static Result run(const BenchPlan *plan, const BenchSender *sender,
                  uint8_t *own)
{
    Result result = { 0 };
    int64_t start = bench_now();

    if (!plan->warm)
        result.warm = start;
    for (uint32_t i = 0; !plan->images || result.sent < plan->images; i++) {
        BenchFate fate;

        bench_sleep_until(bench_due(plan, start, i));
        if (bench_stopped())
            break;
        i = next_index(plan, &result, start, i);
        fate = sender->send(plan, own, i);
        if (fate == BENCH_GONE)
            break;
        note(plan, &result, fate);
    }
    return result;
}

static void report(const BenchPlan *plan, const Result *result)
{
    uint32_t counted = result->sent > plan->warm ? result->sent - plan->warm
                                                 : 0;

    fprintf(stderr, "{\"sent\": %u, \"lost_at_start\": %u, "
            "\"lost_later\": %u, \"counted\": %u, \"seconds\": %.9f}\n",
            result->sent, result->lost_at_start, result->lost_later, counted,
            counted ? (double)(result->last - result->warm) / BENCH_SECOND
                    : 0.);
}

int main(int argc, char **argv)
{
    const BenchPlan plan = bench_plan(argc, argv, usage);
    const BenchSender *sender = find_sender(plan.way);
    uint8_t *own = bench_image(plan.bytes);
    Result result;

    bench_handle_signals();
    sender->open(&plan);
    fputs("ready\n", stderr);
    result = run(&plan, sender, own);
    report(&plan, &result);
    while (plan.stay && !bench_stopped())
        bench_sleep_until(INT64_MAX);
    free(own);
    return EXIT_SUCCESS;
}
