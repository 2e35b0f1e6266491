/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the machine can do without any protocol, as a limit to compare with:
 *
 * copy   two processes with two shared buffers, a flag for each, and memcpy: in
 *        by the one, and with --copy out again by the other
 * futex  one process wakes another, which notes how long that took
 *
 * Reports a line of JSON on standard output.
 */
#include "config.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#if SHMI_HAVE_FUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#include "bench.h"

static const char usage[] =
    "bench_bare copy|futex [--size WxH] [--images N] [--warm N] [--rate R]\n"
    "           [--copy]";

#define PATIENCE 2000 /* looks at a flag before others may have the core */

typedef struct Shared {
    _Alignas(64) _Atomic uint32_t full[2];
    _Alignas(64) _Atomic uint32_t count; /* the futex */
    _Alignas(64) _Atomic uint32_t taken;
    _Atomic int64_t stamp;
} Shared;

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        bench_die("no %zu bytes of shared memory", size);
    return memory;
}

static void spin_until(const _Atomic uint32_t *flag, uint32_t value)
{
    for (unsigned looks = 1;
         atomic_load_explicit(flag, memory_order_acquire) != value; looks++)
        if (looks % PATIENCE == 0)
            sched_yield();
}

static void copy_out(const BenchPlan *plan, Shared *shared,
                     uint8_t *const buffer[2])
{
    uint8_t *own = bench_image(plan->bytes);

    for (uint32_t i = 0; i < plan->images; i++) {
        spin_until(&shared->full[i % 2], 1);
        if (plan->copy)
            memcpy(own, buffer[i % 2], plan->bytes);
        if (bench_number(buffer[i % 2]) != i)
            bench_die("image %u is not there", i);
        atomic_store_explicit(&shared->full[i % 2], 0, memory_order_release);
    }
    free(own);
}

static double copy_in(const BenchPlan *plan, Shared *shared,
                      uint8_t *const buffer[2])
{
    uint8_t *own = bench_image(plan->bytes);
    int64_t start = bench_now();

    for (uint32_t i = 0; i < plan->images; i++) {
        spin_until(&shared->full[i % 2], 0);
        bench_stamp(own, i, 0);
        memcpy(buffer[i % 2], own, plan->bytes);
        atomic_store_explicit(&shared->full[i % 2], 1, memory_order_release);
        if (i + 1 == plan->warm)
            start = bench_now();
    }
    free(own);
    return (double)(bench_now() - start) / BENCH_SECOND;
}

static void end_child(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child || status)
        bench_die("the other process failed");
}

static void run_copy(const BenchPlan *plan)
{
    Shared *shared = share(sizeof(*shared));
    uint8_t *const buffer[2] = { share(plan->bytes), share(plan->bytes) };
    double seconds;
    pid_t child = fork();

    if (child < 0)
        bench_die("can't fork");
    if (!child) {
        copy_out(plan, shared, buffer);
        _exit(EXIT_SUCCESS);
    }
    seconds = copy_in(plan, shared, buffer);
    end_child(child);
    printf("{\"counted\": %u, \"seconds\": %.9f}\n", plan->images - plan->warm,
           seconds);
}

#if SHMI_HAVE_FUTEX

static void wait_for_change(_Atomic uint32_t *word, uint32_t seen)
{
    while (atomic_load_explicit(word, memory_order_acquire) == seen)
        syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void be_woken(const BenchPlan *plan, Shared *shared)
{
    int64_t *latencies = calloc(plan->images, sizeof(*latencies));

    if (!latencies)
        bench_die("no memory");
    for (uint32_t i = 0; i < plan->images; i++) {
        wait_for_change(&shared->count, i);
        latencies[i] = bench_now() - atomic_load(&shared->stamp);
        atomic_store(&shared->taken, i + 1);
        wake(&shared->taken);
    }
    printf("{\"received\": %u", plan->images);
    bench_report_times(stdout, "latencies", latencies, plan->images);
    puts("}");
    free(latencies);
}

static void run_futex(const BenchPlan *plan)
{
    Shared *shared = share(sizeof(*shared));
    int64_t start;
    pid_t child = fork();

    if (child < 0)
        bench_die("can't fork");
    if (!child) {
        be_woken(plan, shared);
        fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    start = bench_now();
    for (uint32_t i = 0; i < plan->images; i++) {
        bench_sleep_until(bench_due(plan, start, i + 1));
        atomic_store(&shared->stamp, bench_now());
        atomic_store_explicit(&shared->count, i + 1, memory_order_release);
        wake(&shared->count);
        wait_for_change(&shared->taken, i);
    }
    end_child(child);
}

#else

static void run_futex(const BenchPlan *plan)
{
    (void)plan;
    bench_die("this build is without futexes");
}

#endif /* SHMI_HAVE_FUTEX */

int main(int argc, char **argv)
{
    const BenchPlan plan = bench_plan(argc, argv, usage);

    if (!plan.images || plan.warm >= plan.images)
        bench_die("more --images than --warm are needed");
    if (!strcmp(plan.way, "copy"))
        run_copy(&plan);
    else if (!strcmp(plan.way, "futex"))
        run_futex(&plan);
    else
        bench_die("there is no test called %s", plan.way);
    return EXIT_SUCCESS;
}
