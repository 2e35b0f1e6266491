/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "shmimage.h"

#define PIPE_SIZE (1 << 20)
#define SLICE     1000000 /* microseconds of waiting between looks at signals */

static ShmImageWriter *writer;

static int64_t time_of(const BenchPlan *plan)
{
    return plan->stamp ? bench_now() : 0;
}

/* An image of the sender's own, finished and ready to be copied. */
static void finish(const BenchPlan *plan, uint8_t *own, uint32_t number)
{
    if (plan->draw)
        bench_draw(own, plan, number);
    bench_stamp(own, number, time_of(plan));
}

void bench_widen_pipe(int fd)
{
#ifdef F_SETPIPE_SZ
    fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
#else
    (void)fd;
#endif
}

static void open_pipe(const BenchPlan *plan)
{
    (void)plan;
    bench_widen_pipe(STDOUT_FILENO);
}

static BenchFate send_pipe(const BenchPlan *plan, uint8_t *own,
                           uint32_t number)
{
    size_t done = 0;

    finish(plan, own, number);
    while (done < plan->bytes) {
        ssize_t n = write(STDOUT_FILENO, own + done, plan->bytes - done);

        if (n < 0 && (errno != EINTR || bench_stopped()))
            return BENCH_GONE;
        done += n > 0 ? (size_t)n : 0;
    }
    return BENCH_SENT;
}

const BenchSender bench_pipe = { "pipe", open_pipe, send_pipe };

static void create_file(const BenchPlan *plan)
{
    uint64_t size = shmimage_file_size(plan->width, plan->height);

    if (!plan->path)
        bench_die("%s: which FILE?", plan->way);
    if (shmimage_file_create(plan->path, size, SHMIMAGE_REPLACE) < 0)
        bench_die("%s", shmimage_error_message());
}

static void open_writer(const BenchPlan *plan)
{
    create_file(plan);
    if (shmimage_writer_open(plan->path, 0, &writer) < 0)
        bench_die("%s", shmimage_error_message());
}

static void wait_for_room(const BenchPlan *plan)
{
    if (plan->drop)
        return;
    while (shmimage_writer_wait(writer, SLICE) > SHMIMAGE_OK &&
           !bench_stopped())
        ;
}

static BenchFate fate_of(int status)
{
    if (status < 0)
        bench_die("%s", shmimage_error_message());
    return status == SHMIMAGE_OK          ? BENCH_SENT
           : status == SHMIMAGE_NO_BUFFER ? BENCH_LOST
                                          : BENCH_UNCONNECTED;
}

static BenchFate send_put(const BenchPlan *plan, uint8_t *own, uint32_t number)
{
    wait_for_room(plan);
    finish(plan, own, number);
    return fate_of(shmimage_writer_put(writer, number, plan->width,
                                       plan->height, own, 0));
}

const BenchSender bench_put = { "put", open_writer, send_put };

static BenchFate send_begin(const BenchPlan *plan, uint8_t *own,
                            uint32_t number)
{
    uint8_t *pixels;
    int status;

    (void)own;
    wait_for_room(plan);
    status = shmimage_writer_begin(writer, number, plan->width, plan->height,
                                   &pixels);
    if (status != SHMIMAGE_OK)
        return fate_of(status);
    finish(plan, pixels, number);
    return fate_of(shmimage_writer_commit(writer));
}

const BenchSender bench_begin = { "begin", open_writer, send_begin };
