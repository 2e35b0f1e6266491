/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The ways in which the measuring programs send and receive images.
 */
#ifndef SHMIMAGE_BENCH_CHANNEL_H
#define SHMIMAGE_BENCH_CHANNEL_H

#include "bench.h"

/** What became of an image. */
typedef enum BenchFate {
    BENCH_SENT,
    BENCH_LOST,        /**< there was no room for it */
    BENCH_UNCONNECTED, /**< there was nobody to receive it */
    BENCH_GONE,        /**< the receiver has left */
} BenchFate;

/**
 * Send one image. It is numbered, and stamped if the plan says so, when it is
 * finished, right before it is handed over. Waits for room unless the plan
 * says to drop; a pipe always waits.
 *
 * @param own an image in the sender's own memory
 */
typedef BenchFate BenchSend(const BenchPlan *plan, uint8_t *own,
                            uint32_t number);

/** A way to send, by the name in the plan. */
typedef struct BenchSender {
    const char *name;
    void (*open)(const BenchPlan *plan);
    BenchSend *send;
} BenchSender;

/** The raw pipe to standard output: whole images by plain write(). */
extern const BenchSender bench_pipe;
/** shmimage_writer_put(). */
extern const BenchSender bench_put;
/** shmimage_writer_begin() and _commit(). */
extern const BenchSender bench_begin;
/**
 * A server that knows the published protocol only: it looks at the states and
 * sets them, wakes nobody and takes no locks.
 */
extern const BenchSender bench_silent;

/** Have the kernel give a pipe a buffer of 1 MiB, if it does. */
void bench_widen_pipe(int fd);

#endif /* SHMIMAGE_BENCH_CHANNEL_H */
