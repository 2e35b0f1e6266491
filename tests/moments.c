/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "moments.h"

const char *path;

static size_t page_size;
static size_t file_size;

/* The other process. */
static uint8_t *its_base;
static void (*its_action)(void);
static volatile sig_atomic_t moments_left;

/* The pages of the mapping under test, one of which is protected. */
static uint8_t *page[2];
static volatile sig_atomic_t closed_page;

static void set_access(int which, int access)
{
    if (mprotect(page[which], page_size, access) < 0)
        abort();
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    uint8_t *address = info->si_addr;
    int which = closed_page;

    (void)context;
    if (address < page[which] || address >= page[which] + page_size) {
        signal(number, SIG_DFL);
        return;
    }
    set_access(which, PROT_READ | PROT_WRITE);
    if (--moments_left > 0) {
        closed_page = !which;
        set_access(!which, PROT_NONE);
    } else {
        its_action();
    }
}

uint8_t *page_of(const uint8_t *address)
{
    return (uint8_t *)((uintptr_t)address / page_size * page_size);
}

void arm(int n, const uint8_t *first, const uint8_t *second,
         void (*action)(void))
{
    page[0]      = page_of(first);
    page[1]      = page_of(second);
    its_action   = action;
    moments_left = n;
    closed_page  = 0;
    set_access(0, PROT_NONE);
}

bool disarm(void)
{
    if (moments_left <= 0)
        return true;
    set_access(closed_page, PROT_READ | PROT_WRITE);
    its_action();
    return false;
}

uint8_t *its_buffer(int buffer)
{
    return its_base + shmi_buffer_offset(file_size, buffer);
}

ShmiState *its_state(int buffer)
{
    return (ShmiState *)(its_buffer(buffer) + SHMI_STATE_OFFSET);
}

void its_publish(int buffer, uint32_t number)
{
    const ShmiHeader image = { number, WIDTH, HEIGHT, 0, HEIGHT };

    fill_pixels(its_buffer(buffer) + SHMI_HEADER_SIZE, SIZE, number);
    shmi_header_write(its_buffer(buffer), &image);
    atomic_store(its_state(buffer), SHMIMAGE_STATE_CLIENT);
}

void its_start(void)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        shmi_state_initialise(its_state(i));
        shmi_header_write(its_buffer(i), &empty);
    }
}

static void its_map(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    its_base = mmap(NULL, file_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                    fd, 0);
    ck_assert_ptr_ne(its_base, MAP_FAILED);
    close(fd);
}

void moments_begin(void)
{
    struct sigaction action = { .sa_sigaction = on_fault,
                                .sa_flags = SA_SIGINFO };

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    file_size = (TEST_FILE_SIZE / 2 / page_size + 1) * page_size;
    file_size = (file_size - SHMI_STATE_OFFSET) * 2;
    path = test_file(file_size);
    its_map();
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

void moments_end(void)
{
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    munmap(its_base, file_size);
    test_files_remove();
}
