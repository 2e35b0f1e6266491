/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "shmimage.h"

enum {
    HEADER = 24, /* bytes */
    STATE  = 20, /* where the state byte is in it */
};

#define LOOK_AGAIN (BENCH_SECOND / 10000) /* ns, when both are occupied */

static uint8_t *buffer[2];

static _Atomic uint8_t *state_of(int i)
{
    return (_Atomic uint8_t *)(buffer[i] + STATE);
}

static void open_silent(const BenchPlan *plan)
{
    const uint64_t size = shmimage_file_size(plan->width, plan->height);
    int fd;

    if (!plan->path ||
        shmimage_file_create(plan->path, size, SHMIMAGE_REPLACE) < 0)
        bench_die("can't make the file: %s", shmimage_error_message());
    fd = open(plan->path, O_RDWR | O_CLOEXEC);
    buffer[0] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || buffer[0] == MAP_FAILED)
        bench_die("%s: can't map it", plan->path);
    close(fd);
    buffer[1] = buffer[0] + size / 2;
    for (int i = 0; i < 2; i++)
        atomic_store(state_of(i), SHMIMAGE_STATE_INIT);
}

static int find_free(void)
{
    for (int i = 0; i < 2; i++)
        if (atomic_load(state_of(i)) == SHMIMAGE_STATE_SERVER)
            return i;
    return -1;
}

static BenchFate send_silent(const BenchPlan *plan, uint8_t *own,
                             uint32_t number)
{
    const uint32_t header[] = { number, plan->width, plan->height, 0,
                                plan->height };
    uint8_t *pixels;
    int i = find_free();

    (void)own;
    while (i < 0 && !plan->drop && !bench_stopped()) {
        bench_sleep_until(bench_now() + LOOK_AGAIN);
        i = find_free();
    }
    if (i < 0)
        return atomic_load(state_of(0)) == SHMIMAGE_STATE_INIT
                   ? BENCH_UNCONNECTED : BENCH_LOST;
    atomic_store(state_of(i), SHMIMAGE_STATE_SERVER_LOCKED);
    memcpy(buffer[i], header, sizeof(header));
    pixels = buffer[i] + HEADER;
    if (plan->draw)
        bench_draw(pixels, plan, number);
    bench_stamp(pixels, number, plan->stamp ? bench_now() : 0);
    atomic_store(state_of(i), SHMIMAGE_STATE_CLIENT);
    return BENCH_SENT;
}

const BenchSender bench_silent = { "silent", open_silent, send_silent };
