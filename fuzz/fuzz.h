/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What every fuzz target shares: its entry, its input, and how it fails.
 */
#ifndef SHMIMAGE_FUZZ_FUZZ_H
#define SHMIMAGE_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Run one input: what libFuzzer calls, and replay.c. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What is left of an input. */
typedef struct Input {
    const uint8_t *data;
    size_t size;
} Input;

/** The next bytes, with zeros for those that are not there. */
void input_bytes(Input *input, void *bytes, size_t size);
uint8_t input_u8(Input *input);
/** In the byte order of the machine, as the fields of a header are. */
uint32_t input_u32(Input *input);

/** Print where and what, and abort, so that the input counts as a finding. */
_Noreturn void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** What must hold, whatever the input; followed by a message. */
#define require(condition, ...)                        \
    do {                                               \
        if (!(condition))                              \
            fail(__FILE__, __LINE__, __VA_ARGS__);     \
    } while (0)

/** That shmimage.h promises this status for the function of that name. */
void require_documented(const char *call, int status);

/** The lowest descriptor that is free: it grows when one has leaked. */
int lowest_descriptor(void);

#endif /* SHMIMAGE_FUZZ_FUZZ_H */
