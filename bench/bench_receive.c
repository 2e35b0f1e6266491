/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Receives images without an ffmpeg, and reports, as a line of JSON on
 * standard output, how many came and how old each was.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "shmimage.h"

static const char usage[] =
    "bench_receive pipe|file [--size WxH] [--images N] [--copy]\n"
    "              [--latencies] [FILE]\n"
    "From standard input or from FILE; no --images means until SIGTERM.";

#define SLICE 1000000 /* microseconds of waiting between looks at signals */

typedef struct Result {
    uint32_t received;
    uint32_t out_of_order; /* numbers that were not one more than before */
    uint32_t previous;
    int64_t *latencies;
} Result;

static void note(const BenchPlan *plan, Result *result, const uint8_t *pixels,
                 int64_t arrival)
{
    uint32_t number = bench_number(pixels);

    if (result->received && number != result->previous + 1)
        result->out_of_order++;
    result->previous = number;
    if (plan->latencies)
        result->latencies[result->received] = arrival - bench_time(pixels);
    result->received++;
}

/* Whether a whole image came. */
static bool read_image(const BenchPlan *plan, uint8_t *own)
{
    size_t done = 0;

    while (done < plan->bytes) {
        ssize_t n = read(STDIN_FILENO, own + done, plan->bytes - done);

        if (n == 0 || (n < 0 && (errno != EINTR || bench_stopped())))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void receive_pipe(const BenchPlan *plan, Result *result, uint8_t *own)
{
    bench_widen_pipe(STDIN_FILENO);
    while (!plan->images || result->received < plan->images) {
        if (!read_image(plan, own))
            return;
        note(plan, result, own, bench_now());
    }
}

static void receive_file(const BenchPlan *plan, Result *result, uint8_t *own)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;

    if (!plan->path || shmimage_reader_open(plan->path, 0, &reader) < 0)
        bench_die("%s", plan->path ? shmimage_error_message() : usage);
    while ((!plan->images || result->received < plan->images) &&
           !bench_stopped()) {
        int status = shmimage_reader_acquire(reader, SLICE, &frame);
        int64_t arrival = bench_now();

        if (status < 0)
            bench_die("%s", shmimage_error_message());
        if (status != SHMIMAGE_OK)
            continue;
        if (frame->size != plan->bytes)
            bench_die("an image of another size came");
        if (plan->copy)
            shmimage_frame_copy(frame, own, 0);
        note(plan, result, frame->pixels, arrival);
        shmimage_reader_release(frame);
    }
    shmimage_reader_close(reader);
}

int main(int argc, char **argv)
{
    const BenchPlan plan = bench_plan(argc, argv, usage);
    uint8_t *own = bench_image(plan.bytes);
    Result result = { 0 };

    if (plan.latencies)
        result.latencies = calloc(plan.images, sizeof(*result.latencies));
    if (plan.latencies && (!plan.images || !result.latencies))
        bench_die("--latencies needs --images, and memory for them");
    bench_handle_signals();
    if (!strcmp(plan.way, "pipe"))
        receive_pipe(&plan, &result, own);
    else if (!strcmp(plan.way, "file"))
        receive_file(&plan, &result, own);
    else
        bench_die("there is no way to receive called %s", plan.way);
    printf("{\"received\": %u, \"out_of_order\": %u", result.received,
           result.out_of_order);
    if (plan.latencies)
        bench_report_times(stdout, "latencies", result.latencies,
                           result.received);
    puts("}");
    free(result.latencies);
    free(own);
    return EXIT_SUCCESS;
}
