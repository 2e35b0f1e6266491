/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the measuring programs share: the clock, images that can be told apart,
 * the command line, and the report.
 *
 * An image is a pattern that a checker can compute, with a stamp at its
 * beginning: its number and the moment at which it was finished.
 */
#ifndef SHMIMAGE_BENCH_H
#define SHMIMAGE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_SECOND INT64_C(1000000000)

/** What a program is asked to do; each uses some of it. */
typedef struct BenchPlan {
    const char *way;        /**< how images travel */
    const char *path;       /**< of the stream's file, or NULL */
    uint32_t width, height; /**< pixels */
    size_t bytes;           /**< of an image */
    uint32_t images;        /**< to send or to receive; 0 for no end */
    uint32_t warm;          /**< the first ones, which do not count */
    double rate;            /**< images a second; 0 for as fast as possible */
    double settle;          /**< seconds after which losses are not the start */
    bool draw;              /**< every image is drawn anew */
    bool drop;              /**< images that find no room are lost */
    bool stamp;             /**< with the time */
    bool stay;              /**< go idle at the end, until SIGTERM */
    bool copy;              /**< the receiver copies the pixels out */
    bool latencies;         /**< report how old each image was */
} BenchPlan;

/** A message and exit code 1. */
_Noreturn void bench_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/** Read the command line; on a mistake it ends the program with code 2. */
BenchPlan bench_plan(int argc, char **argv, const char *usage);

/** Memory for an image, with each page present, and the pattern in it. */
uint8_t *bench_image(size_t bytes);

/** Cover an image with what depends on its number, as a renderer would. */
void bench_draw(uint8_t *pixels, const BenchPlan *plan, uint32_t number);

/** Put the number, and the time unless it is 0, at an image's beginning. */
void bench_stamp(uint8_t *pixels, uint32_t number, int64_t time);

/** Read the stamp back. */
uint32_t bench_number(const uint8_t *pixels);
int64_t bench_time(const uint8_t *pixels);

/** Nanoseconds of a clock that never jumps and is the same for everybody. */
int64_t bench_now(void);

/** When image number index of the plan is due. */
int64_t bench_due(const BenchPlan *plan, int64_t start, uint32_t index);

/** Sleep until then; returns at once if that is over, and early at SIGTERM. */
void bench_sleep_until(int64_t time);

/** Let SIGTERM and SIGINT end what runs, and the end of a pipe be an error. */
void bench_handle_signals(void);

/** Whether one has come. */
bool bench_stopped(void);

/** Write an array of nanoseconds as a member of a JSON object. */
void bench_report_times(FILE *out, const char *name, const int64_t *times,
                        size_t count);

#endif /* SHMIMAGE_BENCH_H */
