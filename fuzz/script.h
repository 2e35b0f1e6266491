/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A hostile peer that follows a script, and the input of the targets with one.
 *
 *     uint32   length of the file
 *     uint8    number of calls
 *     uint8[]  the calls, see ends.h
 *     steps, of 6 bytes each:
 *         uint8   accesses (or moments) that pass before it
 *         uint8   bit 0 the buffer, the rest what to do, see StepKind
 *         uint32  value
 */
#ifndef SHMIMAGE_FUZZ_SCRIPT_H
#define SHMIMAGE_FUZZ_SCRIPT_H

#include "fuzz.h"

/** Modulo STEP_KINDS. */
typedef enum StepKind {
    STEP_FIELD,             /**< 0 to 4: the field of that index */
    STEP_STATE = 5,         /**< the lowest byte of the value */
    STEP_BYTE,              /**< any byte of the header: value, place << 8 */
    STEP_PUBLISH,           /**< an image: width, height << 8, number << 16 */
    STEP_UNLOCK,            /**< the byte of the file that value tells */
    STEP_LOCK,
    STEP_KINDS,
} StepKind;

enum { SCRIPT_CALLS = 255, SCRIPT_STEPS = 512 };

typedef struct Step {
    uint8_t delay, what;
    uint32_t value;
} Step;

typedef struct Script {
    uint32_t size;
    int nb_calls, nb_steps;
    uint8_t calls[SCRIPT_CALLS];
    Step steps[SCRIPT_STEPS];
} Script;

void script_read(Script *script, Input input);

/** Do what a step says. May be called from a signal handler. */
void script_play(const Step *step);

/** Unlock all that a script may have locked. */
void script_end(void);

#endif /* SHMIMAGE_FUZZ_SCRIPT_H */
