/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The line on standard error that says how a stream is doing.
 */
#ifndef SHMIMAGE_TOOLS_STATUS_H
#define SHMIMAGE_TOOLS_STATUS_H

#include <stdint.h>

#include "shmimage.h"

typedef struct Status {
    const char *path;
    uint64_t frames;  /**< images until it ends, or 0 for no end */
    int quiet;
    int terminal;     /**< overwrite the line instead of adding one */
    int64_t start;
    int64_t last;     /**< when the last line was printed */
    uint64_t sent;    /**< as of the last line */
    uint64_t skipped; /**< dropped before the writer heard of them */
} Status;

void status_start(Status *status, const char *path, uint64_t frames,
                  int quiet);

/**
 * Print a line if the last one is a second old.
 *
 * @param index of the next image
 */
void status_update(Status *status, ShmImageWriter *writer, uint64_t index);

/** Make room on a terminal for a message. */
void status_clear(const Status *status);

/** Print what became of the whole stream. */
void status_finish(Status *status, ShmImageWriter *writer);

#endif /* SHMIMAGE_TOOLS_STATUS_H */
