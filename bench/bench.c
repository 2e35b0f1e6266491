/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define TIME_OFFSET 8   /* of the time in an image */
#define PERIOD      251 /* of the pattern, in bytes */

static volatile sig_atomic_t stopped;

void bench_die(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

_Noreturn static void misused(const char *usage)
{
    fprintf(stderr, "usage: %s\n", usage);
    exit(2);
}

static double number(const char *text, const char *usage)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= 0 && value <= UINT32_MAX))
        misused(usage);
    return value;
}

static void read_option(BenchPlan *plan, int option, const char *usage)
{
    switch (option) {
    case 's':
        if (sscanf(optarg, "%ux%u", &plan->width, &plan->height) != 2)
            misused(usage);
        break;
    case 'n': plan->images = (uint32_t)number(optarg, usage); break;
    case 'w': plan->warm   = (uint32_t)number(optarg, usage); break;
    case 'r': plan->rate   = number(optarg, usage);           break;
    case 'e': plan->settle = number(optarg, usage);           break;
    case 'd': plan->draw      = true; break;
    case 'l': plan->drop      = true; break;
    case 't': plan->stamp     = true; break;
    case 'i': plan->stay      = true; break;
    case 'c': plan->copy      = true; break;
    case 'a': plan->latencies = true; break;
    default: misused(usage);
    }
}

BenchPlan bench_plan(int argc, char **argv, const char *usage)
{
    static const struct option options[] = {
        { "size",      required_argument, NULL, 's' },
        { "images",    required_argument, NULL, 'n' },
        { "warm",      required_argument, NULL, 'w' },
        { "rate",      required_argument, NULL, 'r' },
        { "settle",    required_argument, NULL, 'e' },
        { "draw",      no_argument,       NULL, 'd' },
        { "drop",      no_argument,       NULL, 'l' },
        { "stamp",     no_argument,       NULL, 't' },
        { "stay",      no_argument,       NULL, 'i' },
        { "copy",      no_argument,       NULL, 'c' },
        { "latencies", no_argument,       NULL, 'a' },
        { 0 },
    };
    BenchPlan plan = { .width = 64, .height = 64 };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        read_option(&plan, option, usage);
    if (optind >= argc || optind + 2 < argc)
        misused(usage);
    plan.way   = argv[optind];
    plan.path  = optind + 1 < argc ? argv[optind + 1] : NULL;
    plan.bytes = (size_t)plan.width * plan.height * 3;
    if (!plan.bytes || plan.bytes > (size_t)1 << 30)
        misused(usage);
    return plan;
}

uint8_t *bench_image(size_t bytes)
{
    uint8_t *pixels = malloc(bytes);

    if (!pixels)
        bench_die("no memory for an image of %zu bytes", bytes);
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)(i % PERIOD);
    return pixels;
}

void bench_draw(uint8_t *pixels, const BenchPlan *plan, uint32_t number)
{
    const size_t row = (size_t)plan->width * 3;

    for (uint32_t y = 0; y < plan->height; y++)
        memset(pixels + y * row, (uint8_t)(number + y), row);
}

void bench_stamp(uint8_t *pixels, uint32_t number, int64_t time)
{
    memcpy(pixels, &number, sizeof(number));
    if (time)
        memcpy(pixels + TIME_OFFSET, &time, sizeof(time));
}

uint32_t bench_number(const uint8_t *pixels)
{
    uint32_t number;

    memcpy(&number, pixels, sizeof(number));
    return number;
}

int64_t bench_time(const uint8_t *pixels)
{
    int64_t time;

    memcpy(&time, pixels + TIME_OFFSET, sizeof(time));
    return time;
}

int64_t bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BENCH_SECOND + now.tv_nsec;
}

int64_t bench_due(const BenchPlan *plan, int64_t start, uint32_t index)
{
    if (plan->rate <= 0)
        return start;
    return start + (int64_t)(index / plan->rate * BENCH_SECOND);
}

void bench_sleep_until(int64_t time)
{
    const struct timespec until = { .tv_sec  = time / BENCH_SECOND,
                                    .tv_nsec = time % BENCH_SECOND };

    while (!stopped && bench_now() < time)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

void bench_handle_signals(void)
{
    /* Without SA_RESTART, so that what waits returns. */
    const struct sigaction action = { .sa_handler = stop };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool bench_stopped(void)
{
    return stopped;
}

void bench_report_times(FILE *out, const char *name, const int64_t *times,
                        size_t count)
{
    fprintf(out, ", \"%s\": [", name);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%lld", i ? ", " : "", (long long)times[i]);
    fputc(']', out);
}
