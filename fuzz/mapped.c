/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "fuzz.h"
#include "mapped.h"
#include "stage.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

#if defined(__x86_64__) || defined(__i386__)
#define TRAP_FLAG 0x100
#endif

/* The linker calls __wrap_f() where f() was called, and f() where __real_f()
 * was: see --wrap in its manual. */
#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

void *__real_mmap(void *, size_t, int, int, int, off_t);
int __real_munmap(void *, size_t);

enum { MAX_MAPPED = 16 };

typedef struct Mapped {
    uint8_t *base;
    size_t room;    /* bytes between the two pages around it */
    size_t size;    /* of the file, or 0 while it is not there yet */
} Mapped;

typedef struct Pages {
    uint8_t *start;
    size_t size;
} Pages;

static Mapped mapped[MAX_MAPPED];
static bool active;
static size_t page;

static struct {
    volatile bool on;       /* headers are protected */
    volatile bool stepping; /* one instruction is under way */
    Pages open;             /* what that one may access */
    bool (*before)(void);
    void (*after)(void);
    struct sigaction old_fault, old_trap;
} steps;

/* The pages that a header lies on. */
static Pages pages_of(const Mapped *m, int buffer)
{
    uintptr_t from = (uintptr_t)m->base + stage_offset(buffer);
    uintptr_t to   = from + STAGE_HEADER;

    from = from / page * page;
    to   = (to + page - 1) / page * page;
    return (Pages){ (uint8_t *)from, to - from };
}

static void set_access(Pages pages, int access)
{
    require(mprotect(pages.start, pages.size, access) == 0,
            "a page can't be protected");
}

static void set_all(int access)
{
    for (int i = 0; i < MAX_MAPPED; i++)
        for (int b = 0; b < 2 && mapped[i].size; b++)
            set_access(pages_of(&mapped[i], b), access);
}

static Mapped *find(const void *base)
{
    for (int i = 0; i < MAX_MAPPED; i++)
        if (mapped[i].base == base)
            return &mapped[i];
    return NULL;
}

static size_t whole_pages(size_t size)
{
    return (size + page - 1) / page * page;
}

/* Room for a file, all of it inaccessible. */
static Mapped *reserve(size_t size)
{
    Mapped *m = find(NULL);
    size_t room = whole_pages(size);
    uint8_t *all = __real_mmap(NULL, room + 2 * page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    require(m && all != MAP_FAILED, "mappings pile up");
    *m = (Mapped){ .base = all + page, .room = room };
    return m;
}

static void *fill(Mapped *m, size_t size, int access, int flags, int fd,
                  off_t offset)
{
    require(size <= m->room, "a mapping goes on where none should be");
    if (__real_mmap(m->base, size, access, flags | MAP_FIXED, fd, offset) ==
        MAP_FAILED)
        fail(__FILE__, __LINE__, "a mapping can't be made");
    if (flags & MAP_ANONYMOUS)
        return m->base;
    m->size = size;
    ASAN_POISON_MEMORY_REGION(m->base + size, whole_pages(size) - size);
    for (int b = 0; b < 2 && steps.on; b++)
        set_access(pages_of(m, b), PROT_NONE);
    return m->base;
}

/* A file is mapped at once, or where anonymous pages were before. */
static void *map(void *address, size_t size, int access, int flags, int fd,
                 off_t offset)
{
    Mapped *m = address ? find(address) : NULL;

    if (active && m && !m->size)
        return fill(m, size, access, flags, fd, offset);
    if (active && !address && size >= STAGE_MIN_SIZE)
        return fill(reserve(size), size, access, flags, fd, offset);
    return __real_mmap(address, size, access, flags, fd, offset);
}

WRAP(void *, mmap, void *address, size_t size, int access, int flags, int fd,
     off_t offset)
{
    return map(address, size, access, flags, fd, offset);
}

WRAP(void *, mmap64, void *address, size_t size, int access, int flags,
     int fd, off_t offset)
{
    return map(address, size, access, flags, fd, offset);
}

static int unmap(Mapped *m)
{
    uint8_t *base = m->base;
    size_t room = m->room;

    ASAN_UNPOISON_MEMORY_REGION(base + m->size,
                                whole_pages(m->size) - m->size);
    for (size_t i = m->size; i < whole_pages(m->size); i++)
        require(!base[i], "byte %zu behind the file was written",
                i - m->size);
    *m = (Mapped){ 0 };
    return __real_munmap(base - page, room + 2 * page);
}

WRAP(int, munmap, void *address, size_t size)
{
    Mapped *m = active ? find(address) : NULL;

    if (!m)
        return __real_munmap(address, size);
    require(whole_pages(size) == m->room, "part of a mapping is unmapped");
    return unmap(m);
}

/* The header's pages that an address is on. */
static bool find_pages(const uint8_t *address, Pages *pages)
{
    for (int i = 0; i < MAX_MAPPED; i++) {
        for (int b = 0; b < 2 && mapped[i].size; b++) {
            *pages = pages_of(&mapped[i], b);
            if (address >= pages->start &&
                address < pages->start + pages->size)
                return true;
        }
    }
    return false;
}

static void pass_on(const struct sigaction *old, int number, siginfo_t *info,
                    void *context)
{
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(number, info, context);
    else
        signal(number, SIG_DFL);
}

static void run_alone(void *context, bool alone)
{
#ifdef TRAP_FLAG
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

    *flags = alone ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
#else
    (void)context;
    (void)alone;
#endif
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    Pages pages;

    if (!steps.on || !find_pages(info->si_addr, &pages) ||
        (steps.stepping && pages.start == steps.open.start)) {
        pass_on(&steps.old_fault, number, info, context);
        return;
    }
    /* While stepping: there is no trap flag, or the trap would have come. */
    if (steps.stepping || !steps.before()) {
        mapped_step_end();
        return;
    }
    steps.open = pages;
    set_access(pages, PROT_READ | PROT_WRITE);
    steps.stepping = true;
    run_alone(context, true);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    if (!steps.stepping) {
        pass_on(&steps.old_trap, number, info, context);
        return;
    }
    run_alone(context, false);
    steps.stepping = false;
    steps.after();
    set_access(steps.open, PROT_NONE);
}

/* Late, so that the handlers of sanitizers and of libFuzzer are there. */
static void install_handlers(void)
{
    static bool installed;
    struct sigaction fault = { .sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO };
    struct sigaction trap = { .sa_sigaction = on_trap,
                              .sa_flags = SA_SIGINFO };

    if (installed)
        return;
    installed = true;
    sigaction(SIGSEGV, &fault, &steps.old_fault);
    sigaction(SIGTRAP, &trap, &steps.old_trap);
}

void mapped_begin(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    install_handlers();
    active = true;
}

void mapped_end(void)
{
    active = false;
    for (int i = 0; i < MAX_MAPPED; i++)
        require(!mapped[i].base, "a mapping was left over");
}

bool mapped_find(const uint8_t *pointer, size_t size, size_t *offset)
{
    for (int i = 0; i < MAX_MAPPED; i++) {
        const Mapped *m = &mapped[i];

        if (!m->size || pointer < m->base || pointer >= m->base + m->size)
            continue;
        *offset = (size_t)(pointer - m->base);
        return size <= m->size - *offset;
    }
    return false;
}

void mapped_step(bool (*before)(void), void (*after)(void))
{
    steps.before   = before;
    steps.after    = after;
    steps.stepping = false;
    steps.on       = true;
    set_all(PROT_NONE);
}

void mapped_step_end(void)
{
    steps.on = steps.stepping = false;
    set_all(PROT_READ | PROT_WRITE);
}
