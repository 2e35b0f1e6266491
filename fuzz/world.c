/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "wait.h"
#include "world.h"

#define SECOND   INT64_C(1000000000)
/* What a look at the clock takes. */
#define LOOK     INT64_C(200000)
/* A larger file can't be made. */
#define MAX_FILE (32 << 20)

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static struct {
    bool running;
    int64_t time;
    int looks;              /* negative after the signal */
    size_t chunk;
    void (*tick)(void);
    void (*on_term)(int);
} world;

static void look(void)
{
    world.time += LOOK;
    if (world.looks-- == 0 && world.on_term)
        world.on_term(SIGTERM);
    require(world.looks > -WORLD_PATIENCE,
            "the tool goes on although it was told to stop");
    world.tick();
}

static int64_t wait_now(void)
{
    look();
    return world.time;
}

static void wait_sleep(int64_t time)
{
    world.time += time;
}

static bool wait_sleep_on(const ShmiWatch *watch, int64_t time)
{
    (void)watch;
    wait_sleep(time);
    return true;
}

static void wait_wake(uint32_t *word)
{
    (void)word;
}

static const ShmiWaitOps wait_ops = {
    .now      = wait_now,
    .sleep_on = wait_sleep_on,
    .sleep    = wait_sleep,
    .wake     = wait_wake,
};

void world_begin(int looks, size_t chunk, void (*tick)(void))
{
    world.running = true;
    world.time    = SECOND;
    world.looks   = looks;
    world.chunk   = chunk;
    world.tick    = tick;
    world.on_term = NULL;
    shmi_wait_ops = &wait_ops;
}

void world_end(void)
{
    world.running = false;
    shmi_wait_ops = &shmi_wait_system;
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *now)
{
    if (!world.running)
        return __real_clock_gettime(clock, now);
    look();
    *now = (struct timespec){ .tv_sec  = world.time / SECOND,
                              .tv_nsec = world.time % SECOND };
    return 0;
}

WRAP(int, clock_nanosleep, clockid_t clock, int flags,
     const struct timespec *time, struct timespec *left)
{
    int64_t until;

    if (!world.running)
        return __real_clock_nanosleep(clock, flags, time, left);
    require(flags == TIMER_ABSTIME && time->tv_nsec >= 0 &&
                time->tv_nsec < SECOND && time->tv_sec >= 0,
            "a sleep until %lld s and %ld ns", (long long)time->tv_sec,
            time->tv_nsec);
    until = time->tv_sec * SECOND + time->tv_nsec;
    if (until > world.time)
        world.time = until;
    return 0;
}

WRAP(int, sigaction, int number, const struct sigaction *action,
     struct sigaction *old)
{
    if (!world.running)
        return __real_sigaction(number, action, old);
    if (old)
        memset(old, 0, sizeof(*old));
    if (action && number == SIGTERM)
        world.on_term = action->sa_handler;
    return 0;
}

WRAP(ssize_t, read, int fd, void *bytes, size_t size)
{
    if (world.running && world.chunk && size > world.chunk)
        size = world.chunk;
    return __real_read(fd, bytes, size);
}

WRAP(int, posix_fallocate, int fd, off_t offset, off_t size)
{
    if (!world.running)
        return __real_posix_fallocate(fd, offset, size);
    if (size > MAX_FILE)
        return ENOSPC;
    return ftruncate(fd, offset + size) ? errno : 0;
}

WRAP(int, posix_fallocate64, int fd, off_t offset, off_t size)
{
    return __wrap_posix_fallocate(fd, offset, size);
}

WRAP(int, execvp, const char *name, char *const *arguments)
{
    require(world.running && arguments[0] == name, "a program is run");
    errno = ENOENT;
    return -1;
}

WRAP(int, posix_spawn, pid_t *pid, const char *path,
     const posix_spawn_file_actions_t *actions,
     const posix_spawnattr_t *attributes, char *const *arguments,
     char *const *environment)
{
    (void)pid;
    (void)actions;
    (void)attributes;
    (void)environment;
    require(world.running && *path && arguments[0], "a program is run");
    return ENOENT;
}

/* The environment is for what runs next. */
WRAP(int, setenv, const char *name, const char *value, int overwrite)
{
    if (!world.running)
        return __real_setenv(name, value, overwrite);
    require(*value, "%s is set to nothing", name);
    return 0;
}
