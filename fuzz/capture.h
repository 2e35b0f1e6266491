/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Running the command line tool in this process, and what it printed.
 */
#ifndef SHMIMAGE_FUZZ_CAPTURE_H
#define SHMIMAGE_FUZZ_CAPTURE_H

#include <stddef.h>

typedef struct Captured {
    int code;           /**< the exit code */
    char *out, *err;    /**< standard output and error, each ends with a 0 */
    size_t out_size, err_size;
} Captured;

/**
 * Run the tool's main(). Its output does not go through descriptors, so that
 * a sanitizer's report is not caught as well.
 *
 * @param argc at least 1; argv ends with NULL
 */
void capture_tool(Captured *captured, int argc, char **argv);

void captured_free(Captured *captured);

#endif /* SHMIMAGE_FUZZ_CAPTURE_H */
