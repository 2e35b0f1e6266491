/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

/* Streams that one process has open at the same time. */
#define MAX_GUARDS 256

struct ShmiGuard {
    _Atomic uintptr_t begin;    /* 0 while the entry is free */
    _Atomic uintptr_t end;      /* written before begin */
    _Atomic bool hit;
};

static ShmiGuard guards[MAX_GUARDS];
/* Guards the taking of entries and the handler's installation. */
static pthread_mutex_t guards_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool installed;
static struct sigaction previous;
static uintptr_t page_size;

/* The guard of an address, and its end. An entry that gets another owner just
 * now is not the one: what is being touched is guarded all the while. */
static ShmiGuard *find_guard(uintptr_t address, uintptr_t *end)
{
    for (int i = 0; i < MAX_GUARDS; i++) {
        ShmiGuard *guard = &guards[i];
        /* Acquire, both: pair with the releases in shmi_guard_add(). An end
         * that is newer than begin shows in the second look at begin. */
        uintptr_t begin = atomic_load_explicit(&guard->begin,
                                               memory_order_acquire);

        *end = atomic_load_explicit(&guard->end, memory_order_acquire);
        if (begin && address >= begin && address < *end &&
            begin == atomic_load_explicit(&guard->begin,
                                          memory_order_relaxed))
            return guard;
    }
    return NULL;
}

/* All pages from the one that was missing to the end: the file ends before
 * it, so they are missing, too. */
static bool replace_pages(ShmiGuard *guard, uintptr_t address, uintptr_t end)
{
    uintptr_t page = address - address % page_size;

    /* Noted first, so that whoever reads a byte of the empty memory and then
     * asks gets the right answer, in any thread. */
    atomic_store_explicit(&guard->hit, true, memory_order_seq_cst);
    return mmap((void *)page, end - page, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                -1, 0) != MAP_FAILED;
}

/* What the system does where no handler is. */
static void act_by_default(int number, bool sent)
{
    if (sent && previous.sa_handler == SIG_IGN)
        return;
    /* The instruction is tried again and then ends the process, as it would
     * have without this handler. There is none behind a signal that was sent,
     * so that is sent again. */
    signal(number, SIG_DFL);
    if (sent)
        raise(number);
}

/* A handler that wants to be called once, as those often do that report a
 * crash, would otherwise be called again and again for the same fault. */
static bool is_used_up(void)
{
    static atomic_bool used;

    return previous.sa_flags & SA_RESETHAND && atomic_exchange(&used, true);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    sigset_t mask;

    if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN ||
        is_used_up()) {
        act_by_default(number, info->si_code <= 0);
        return;
    }
    pthread_sigmask(SIG_BLOCK, &previous.sa_mask, &mask);
    if (previous.sa_flags & SA_NODEFER &&
        !sigismember(&previous.sa_mask, number)) {
        sigset_t itself;

        sigemptyset(&itself);
        sigaddset(&itself, number);
        pthread_sigmask(SIG_UNBLOCK, &itself, NULL);
    }
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, context);
    else
        previous.sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void handle_fault(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    uintptr_t address = (uintptr_t)info->si_addr, end;
    ShmiGuard *guard = NULL;

    if (info->si_code == BUS_ADRERR)
        guard = find_guard(address, &end);
    if (!guard || !replace_pages(guard, address, end))
        pass_on(number, info, context);
    errno = saved_errno;
}

static bool install(void)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = handle_fault;
    /* First the old one is read, since the new one may run at once. */
    return sigaction(SIGBUS, NULL, &previous) == 0 &&
           sigaction(SIGBUS, &action, NULL) == 0;
}

static ShmiGuard *free_entry(void)
{
    for (int i = 0; i < MAX_GUARDS; i++)
        if (!atomic_load_explicit(&guards[i].begin, memory_order_relaxed))
            return &guards[i];
    errno = EMFILE;
    return NULL;
}

ShmiGuard *shmi_guard_add(void *base, size_t size)
{
    uintptr_t begin = (uintptr_t)base;
    ShmiGuard *guard = NULL;

    pthread_mutex_lock(&guards_mutex);
    if (!installed)
        installed = install();
    if (installed)
        guard = free_entry();
    if (guard) {
        uintptr_t pages = (size + page_size - 1) / page_size;

        atomic_store_explicit(&guard->hit, false, memory_order_relaxed);
        /* Release, both: pair with the acquires in find_guard(). */
        atomic_store_explicit(&guard->end, begin + pages * page_size,
                              memory_order_release);
        atomic_store_explicit(&guard->begin, begin, memory_order_release);
    }
    pthread_mutex_unlock(&guards_mutex);
    return guard;
}

void shmi_guard_remove(ShmiGuard *guard)
{
    if (guard)
        atomic_store_explicit(&guard->begin, 0, memory_order_release);
}

bool shmi_guard_was_hit(const ShmiGuard *guard)
{
    return guard && atomic_load_explicit(&guard->hit, memory_order_acquire);
}
