/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "wrap.h"

enum { MAX_DESCRIPTOR = 256, MAX_BLOCKS = 4096 };

/* Guards the plan and the account. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct {
    Fault which;
    int left;           /* calls until it happens; 0: none is planned */
    bool all;           /* from then on, each of them */
    int error;
    bool came;
    bool paused;
} plan;

static Account account;
/* The blocks in use, as the test library frees some that were not got here. */
static void *blocks[MAX_BLOCKS];

static void set_plan(Fault which, int nth, bool all, int error)
{
    pthread_mutex_lock(&mutex);
    plan.which  = which;
    plan.left   = nth;
    plan.all    = all;
    plan.error  = error;
    plan.came   = false;
    plan.paused = false;
    pthread_mutex_unlock(&mutex);
}

void fault_plan(Fault which, int nth, int error)
{
    set_plan(which, nth, false, error);
}

void fault_plan_all(Fault which, int error)
{
    set_plan(which, 1, true, error);
}

static void set_paused(bool paused)
{
    pthread_mutex_lock(&mutex);
    plan.paused = paused;
    pthread_mutex_unlock(&mutex);
}

void fault_pause(void)
{
    set_paused(true);
}

void fault_resume(void)
{
    set_paused(false);
}

bool fault_has_come(void)
{
    bool came;

    pthread_mutex_lock(&mutex);
    came = plan.came;
    pthread_mutex_unlock(&mutex);
    return came;
}

bool fault_came(void)
{
    bool came;

    pthread_mutex_lock(&mutex);
    plan.left = 0;
    came = plan.came;
    pthread_mutex_unlock(&mutex);
    return came;
}

bool fault_is_planned(void)
{
    bool planned;

    pthread_mutex_lock(&mutex);
    planned = plan.left && !plan.paused;
    pthread_mutex_unlock(&mutex);
    return planned;
}

bool fault_strikes(Fault which)
{
    bool strikes = false;
    int error = errno;

    pthread_mutex_lock(&mutex);
    if (plan.left && !plan.paused && plan.which == which &&
        --plan.left == 0) {
        plan.left = plan.all;
        plan.came = strikes = true;
        error = plan.error;
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return strikes;
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
    pthread_mutex_lock(&mutex);
    account.blocks += block && replace_block(NULL, block);
    pthread_mutex_unlock(&mutex);
    return block;
}

WRAP(void *, malloc, size_t size)
{
    return fault_strikes(FAULT_MALLOC) ? NULL
                                       : got_block(__real_malloc(size));
}

WRAP(void *, calloc, size_t count, size_t size)
{
    return fault_strikes(FAULT_CALLOC)
               ? NULL
               : got_block(__real_calloc(count, size));
}

WRAP(char *, strdup, const char *text)
{
    return fault_strikes(FAULT_MALLOC) ? NULL
                                       : got_block(__real_strdup(text));
}

WRAP(void, free, void *block)
{
    pthread_mutex_lock(&mutex);
    account.blocks -= block && replace_block(block, NULL);
    pthread_mutex_unlock(&mutex);
    __real_free(block);
}

static void account_mutexes(int change)
{
    pthread_mutex_lock(&mutex);
    account.mutexes += change;
    pthread_mutex_unlock(&mutex);
}

WRAP(int, pthread_mutex_init, pthread_mutex_t *made,
     const pthread_mutexattr_t *attributes)
{
    if (fault_strikes(FAULT_MUTEX))
        return errno;
    account_mutexes(1);
    return __real_pthread_mutex_init(made, attributes);
}

WRAP(int, pthread_mutex_destroy, pthread_mutex_t *made)
{
    account_mutexes(-1);
    return __real_pthread_mutex_destroy(made);
}

void account_mappings(int change)
{
    pthread_mutex_lock(&mutex);
    account.mappings += change;
    pthread_mutex_unlock(&mutex);
}

/* Lines of the list of mappings with a file that support.c made. Where there
 * is no such list, none. */
static long count_mapped_files(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4200];
    long count = 0;

    while (maps && fgets(line, sizeof(line), maps))
        count += strstr(line, "/shmimage-test-") != NULL;
    if (maps)
        fclose(maps);
    return count;
}

Account account_now(void)
{
    Account now;

    pthread_mutex_lock(&mutex);
    now = account;
    pthread_mutex_unlock(&mutex);
    now.mapped_files = count_mapped_files();
    now.descriptors = 0;
    for (int fd = 0; fd < MAX_DESCRIPTOR; fd++)
        now.descriptors += fcntl(fd, F_GETFD) != -1;
    return now;
}

bool account_is(const Account *before)
{
    const Account now = account_now();

    return now.blocks == before->blocks && now.mutexes == before->mutexes &&
           now.mappings == before->mappings &&
           now.mapped_files == before->mapped_files &&
           now.descriptors == before->descriptors;
}

void assert_account(const Account *before)
{
    const Account now = account_now();

    ck_assert_int_eq(now.blocks, before->blocks);
    ck_assert_int_eq(now.mutexes, before->mutexes);
    ck_assert_int_eq(now.mappings, before->mappings);
    ck_assert_int_eq(now.mapped_files, before->mapped_files);
    ck_assert_int_eq(now.descriptors, before->descriptors);
}
