/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "faults.h"

/* The linker calls __wrap_f() where f() was called, and f() where __real_f()
 * was: see --wrap in its manual. */
#define WRAP(type, name, ...)         \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

enum { MAX_DESCRIPTOR = 256, MAX_BLOCKS = 4096 };

static struct {
    Fault which;
    int left;           /* calls until it happens; 0: none is planned */
    int error;
    bool came;
} plan;

static Account account;
/* The blocks in use, as the test library frees some that were not got here. */
static void *blocks[MAX_BLOCKS];

void fault_plan(Fault which, int nth, int error)
{
    plan.which = which;
    plan.left  = nth;
    plan.error = error;
    plan.came  = false;
}

bool fault_came(void)
{
    plan.left = 0;
    return plan.came;
}

static bool fails(Fault which)
{
    if (!plan.left || plan.which != which || --plan.left)
        return false;
    plan.came = true;
    errno = plan.error;
    return true;
}

static bool replace_block(const void *from, void *to)
{
    for (int i = 0; i < MAX_BLOCKS; i++) {
        if (blocks[i] == from) {
            blocks[i] = to;
            return true;
        }
    }
    return false;
}

static void *got_block(void *block)
{
    account.blocks += block && replace_block(NULL, block);
    return block;
}

WRAP(void *, malloc, size_t size)
{
    return fails(FAULT_MALLOC) ? NULL : got_block(__real_malloc(size));
}

WRAP(void *, calloc, size_t count, size_t size)
{
    return fails(FAULT_CALLOC) ? NULL : got_block(__real_calloc(count, size));
}

WRAP(char *, strdup, const char *text)
{
    return fails(FAULT_MALLOC) ? NULL : got_block(__real_strdup(text));
}

WRAP(void, free, void *block)
{
    account.blocks -= block && replace_block(block, NULL);
    __real_free(block);
}

WRAP(int, pthread_mutex_init, pthread_mutex_t *mutex,
     const pthread_mutexattr_t *attributes)
{
    if (fails(FAULT_MUTEX))
        return plan.error;
    account.mutexes++;
    return __real_pthread_mutex_init(mutex, attributes);
}

WRAP(int, pthread_mutex_destroy, pthread_mutex_t *mutex)
{
    account.mutexes--;
    return __real_pthread_mutex_destroy(mutex);
}

WRAP(int, munmap, void *address, size_t size)
{
    account.mappings--;
    return __real_munmap(address, size);
}

#define WRAP_MMAP(name)                                                       \
    WRAP(void *, name, void *address, size_t size, int access, int flags,     \
         int fd, off_t offset)                                                \
    {                                                                         \
        if (fails(FAULT_MMAP))                                                \
            return MAP_FAILED;                                                \
        account.mappings += !(flags & MAP_FIXED);                             \
        return __real_##name(address, size, access, flags, fd, offset);       \
    }

#define WRAP_OPEN(name)                                                       \
    WRAP(int, name, const char *path, int flags, ...)                         \
    {                                                                         \
        va_list args;                                                         \
        int mode = 0;                                                         \
                                                                              \
        if (flags & O_CREAT) {                                                \
            va_start(args, flags);                                            \
            mode = va_arg(args, int);                                         \
            va_end(args);                                                     \
        }                                                                     \
        return fails(FAULT_OPEN) ? -1 : __real_##name(path, flags, mode);     \
    }

#define WRAP_CHECKED_OPEN(name)                                               \
    WRAP(int, name, const char *path, int flags)                              \
    {                                                                         \
        return fails(FAULT_OPEN) ? -1 : __real_##name(path, flags);           \
    }

WRAP_MMAP(mmap)
WRAP_OPEN(open)
#ifdef __GLIBC__
/* What its headers may make of the two: names for large files on 32-bit
 * systems, and names that check the arguments. */
WRAP_MMAP(mmap64)
WRAP_OPEN(open64)
WRAP_CHECKED_OPEN(__open_2)
WRAP_CHECKED_OPEN(__open64_2)
#endif

Account account_now(void)
{
    Account now = account;

    now.descriptors = 0;
    for (int fd = 0; fd < MAX_DESCRIPTOR; fd++)
        now.descriptors += fcntl(fd, F_GETFD) != -1;
    return now;
}

void assert_account(const Account *before)
{
    const Account now = account_now();

    ck_assert_int_eq(now.blocks, before->blocks);
    ck_assert_int_eq(now.mutexes, before->mutexes);
    ck_assert_int_eq(now.mappings, before->mappings);
    ck_assert_int_eq(now.descriptors, before->descriptors);
}
