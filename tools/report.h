/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What a recording says: on how it is doing, and on what became of it.
 */
#ifndef SHMIMAGE_TOOLS_REPORT_H
#define SHMIMAGE_TOOLS_REPORT_H

#include <stdint.h>

/** What is known of a recording. */
typedef struct Counts {
    /* Of the device, in the order of the lines that it writes. */
    uint64_t delivered, repeated, missing, skipped, refused, incomplete;
    uint32_t width, height;
    double rate;
    /* Of ffmpeg. */
    uint64_t frames;  /**< that were recorded */
    uint64_t left_out; /**< of these, in the final form */
    uint64_t size;    /**< bytes of the file */
    int64_t time;     /**< that the film takes, microseconds */
} Counts;

typedef struct Report {
    const char *movie;
    uint64_t most;    /**< images that are wanted, or 0 */
    int quiet;
    int terminal;     /**< overwrite the line instead of adding one */
    int64_t last;     /**< when the last line was printed */
    int shown;        /**< there is a line to be overwritten */
    int failed;       /**< ffmpeg has said that a part of it has */
    int explained;    /**< the device has said why no image came */
} Report;

void report_start(Report *r, const char *movie, uint64_t most, int quiet);

/** Parse a line of the device, of ffmpeg's -progress or of its filter. */
void report_count(Counts *c, const char *line);

/** Print a line if the last one is a second old. Returns whether it was. */
int report_status(Report *r, const Counts *c);

/** The same in a step, counted from 0, in which the final form is made. */
void report_completing(Report *r, int step, int steps, uint64_t frames,
                       uint64_t all);

/** Print a number of bytes. */
void report_size(uint64_t bytes);

/** Print a message after the name of the film. */
void report_say(Report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Print a line of ffmpeg's log if it is worth showing.
 *
 * @param ending  it was told to end, so that this is no news
 * @param nothing there has been no image
 */
void report_log(Report *r, const char *line, int ending, int nothing);

/** Print what the one image is. */
void report_still(Report *r, const Counts *c);

/** Print what the film is in the end. */
void report_film(Report *r, const Counts *c);

#endif /* SHMIMAGE_TOOLS_REPORT_H */
