/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the commands share in reading their command lines.
 */
#ifndef SHMIMAGE_TOOLS_OPTIONS_H
#define SHMIMAGE_TOOLS_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#include "command.h"

enum {
    OPTIONS_END   = -1, /**< operands follow, from optind on */
    OPTIONS_DONE  = -2, /**< help or the version was asked for and printed */
    OPTIONS_ERROR = -3, /**< and has been reported */
};

/** The entries that each command's table begins with. */
#define OPTIONS_COMMON \
    { "help", no_argument, NULL, 'h' }, \
    { "version", no_argument, NULL, 'V' }

typedef struct Size {
    uint32_t width, height;
} Size;

/** Images a second; num is 0 for as fast as possible. */
typedef struct Rate {
    uint32_t num, den;
} Rate;

/**
 * The next option's value in the table, or one of the negative values above.
 *
 * @param first 1 to stop at the first operand, which may be another command
 *              line; 0 to find options behind operands too
 */
int options_next(const Command *command, int argc, char **argv,
                 const struct option *table, int first);

/**
 * Cut off what follows after --, for another program. Other than elsewhere,
 * those are no operands.
 *
 * @return them, with NULL at their end, or NULL if there is no --
 */
char **options_cut(int *argc, char **argv);

/** The exit code after OPTIONS_DONE or OPTIONS_ERROR. */
int options_exit(int option);

/** The one operand, or NULL after an error was reported. */
const char *options_file(const Command *command, int argc, char **argv);

/** @return 0, or -1 when text is no whole number up to max */
int options_number(const char *text, uint64_t max, uint64_t *number);

/** A number, perhaps with K, M or G for 1024, 1024^2 or 1024^3. */
int options_bytes(const char *text, uint64_t *bytes);

/** WIDTHxHEIGHT, neither of them 0. */
int options_size(const char *text, Size *size);

/**
 * Sizes with commas between them.
 *
 * @param count in: how many fit; out: how many there are
 */
int options_sizes(const char *text, Size *sizes, int *count);

/** 0, 25, 59.94 or 30000/1001; from one a day to a million a second. */
int options_rate(const char *text, Rate *rate);

/** 2 or 0.25; up to a day, and with up to six decimals. */
int options_seconds(const char *text, int64_t *nanoseconds);

/** The number of a user. */
int options_user(const char *text, int64_t *number);

/** What to do when the server ends: eof, or wait for the next one. */
int options_end(const char *text, int *wait);

#endif /* SHMIMAGE_TOOLS_OPTIONS_H */
