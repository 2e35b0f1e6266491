/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#if SHMI_HAVE_FUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#include "wait.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NEVER         INT64_MAX

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / NS_PER_SECOND,
                              .tv_nsec = ns % NS_PER_SECOND };
}

static int64_t system_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static void system_sleep(int64_t time)
{
    struct timespec duration = to_timespec(time);

    nanosleep(&duration, NULL);
}

#if SHMI_HAVE_FUTEX

/* What the newer system calls take, however wide the C library's time is. */
struct time64 {
    int64_t seconds;
    int64_t nanoseconds;
};

static struct time64 to_time64(int64_t ns)
{
    return (struct time64){ .seconds     = ns / NS_PER_SECOND,
                            .nanoseconds = ns % NS_PER_SECOND };
}

/* Sleep on every word at once. Linux 5.16 and later. */
static int sleep_on_all(const ShmiWatch *watch, int64_t time)
{
#if defined(SYS_futex_waitv) && defined(FUTEX_32)
    struct futex_waitv waiters[SHMI_BUFFERS] = { 0 };
    struct time64 until = to_time64(system_now() + time);

    for (int i = 0; i < watch->words; i++) {
        waiters[i].uaddr = (uintptr_t)watch->word[i];
        waiters[i].val   = watch->seen[i];
        waiters[i].flags = FUTEX_32;
    }
    if (syscall(SYS_futex_waitv, waiters, watch->words, 0, &until,
                CLOCK_MONOTONIC) < 0)
        return -errno;
    return 0;
#else
    (void)watch;
    (void)time;
    return -ENOSYS;
#endif
}

static int sleep_on_word(uint32_t *word, uint32_t seen, int64_t time)
{
    long ret;
#ifdef SYS_futex_time64
    struct time64 duration = to_time64(time);

    ret = syscall(SYS_futex_time64, word, FUTEX_WAIT, seen, &duration, NULL, 0);
    if (ret == 0 || errno != ENOSYS)
        return ret < 0 ? -errno : 0;
#endif
    /* Here a long is as wide as the system call's time. */
    long limit[2] = { (long)(time / NS_PER_SECOND),
                      (long)(time % NS_PER_SECOND) };

    ret = syscall(SYS_futex, word, FUTEX_WAIT, seen, limit, NULL, 0);
    return ret < 0 ? -errno : 0;
}

/* Sleep on the first word; a change of another one has to wait for the end of
 * the sleep, so that is a short one. */
static int sleep_on_first(const ShmiWatch *watch, int64_t time)
{
    if (watch->words > 1 && time > SHMI_POLL_INTERVAL)
        time = SHMI_POLL_INTERVAL;
    return sleep_on_word(watch->word[0], watch->seen[0], time);
}

static bool system_sleep_on(const ShmiWatch *watch, int64_t time)
{
    static _Atomic bool no_waitv;
    int ret = -ENOSYS;

    if (!atomic_load_explicit(&no_waitv, memory_order_relaxed))
        ret = sleep_on_all(watch, time);
    if (ret == -ENOSYS || ret == -EPERM) {
        atomic_store_explicit(&no_waitv, true, memory_order_relaxed);
        ret = sleep_on_first(watch, time);
    }
    return ret == 0 || ret == -EAGAIN || ret == -EINTR || ret == -ETIMEDOUT;
}

static void system_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The word that a state begins, or NULL where a futex can't be. */
static uint32_t *word_of(ShmiState *state)
{
    uintptr_t address = (uintptr_t)state;

    return address % sizeof(uint32_t) ? NULL : (uint32_t *)address;
}

#else

static bool system_sleep_on(const ShmiWatch *watch, int64_t time)
{
    (void)watch;
    (void)time;
    return false;
}

static void system_wake(uint32_t *word)
{
    (void)word;
}

static uint32_t *word_of(ShmiState *state)
{
    (void)state;
    return NULL;
}

#endif /* SHMI_HAVE_FUTEX */

const ShmiWaitOps shmi_wait_system = {
    .now      = system_now,
    .sleep_on = system_sleep_on,
    .sleep    = system_sleep,
    .wake     = system_wake,
};

const ShmiWaitOps *shmi_wait_ops = &shmi_wait_system;

bool shmi_wait_can_wake(void)
{
#if SHMI_HAVE_FUTEX
    return true;
#else
    return false;
#endif
}

int64_t shmi_deadline(int64_t timeout)
{
    int64_t now = shmi_wait_ops->now();

    if (timeout < 0 || timeout > (NEVER - now) / 1000)
        return NEVER;
    return now + timeout * 1000;
}

void shmi_watch_begin(ShmiWatch *watch, ShmiState *const state[SHMI_BUFFERS])
{
    watch->words = 0;
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        uint32_t *word = word_of(state[i]);

        if (!word)
            continue;
        watch->word[watch->words] = word;
        /* Acquire keeps the look at the states behind this note. */
        watch->seen[watch->words] = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        watch->words++;
    }
}

bool shmi_watch_sleep(const ShmiWatch *watch, int64_t deadline,
                      bool peer_wakes, int64_t pause)
{
    int64_t now = shmi_wait_ops->now();
    int64_t time = pause;

    if (now >= deadline)
        return false;
    if (peer_wakes && watch->words == SHMI_BUFFERS)
        time = SHMI_CHECK_INTERVAL;
    if (time > deadline - now)
        time = deadline - now;
    if (!watch->words || !shmi_wait_ops->sleep_on(watch, time))
        shmi_wait_ops->sleep(time < pause ? time : pause);
    return true;
}

void shmi_wake(ShmiState *state)
{
    uint32_t *word = word_of(state);

    if (word)
        shmi_wait_ops->wake(word);
}
