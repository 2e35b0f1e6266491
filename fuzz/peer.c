/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Target: a reader and a writer, while a peer rewrites the headers between any
 * two of their accesses. The input is a script, see script.h; what happens
 * depends on nothing else.
 */
#include "config.h"

#include <string.h>

#include "ends.h"
#include "fuzz.h"
#include "mapped.h"
#include "script.h"
#include "stage.h"

/* Each takes some microseconds. */
#define MAX_ACCESSES 1000
/* Accesses to watch after the last step: it may have been an evil one. */
#define MAX_SINCE    64

static Script script;
static int next_step, passed, accesses;
static Role role;
/* The headers before the access that is under way. */
static uint8_t before[2][STAGE_HEADER];
/* Whether the writer has made a buffer its own, and may write its header. */
static bool is_writers[2];

static void play_due_steps(void)
{
    while (next_step < script.nb_steps &&
           script.steps[next_step].delay <= passed) {
        script_play(&script.steps[next_step++]);
        passed = 0;
    }
    passed++;
}

static bool before_access(void)
{
    play_due_steps();
    for (int b = 0; b < 2; b++)
        stage_copy_header(before[b], b);
    if (++accesses == MAX_ACCESSES)
        return false;
    return next_step < script.nb_steps || passed < MAX_SINCE;
}

/* The steps of the state that each side may take. */
static bool may_go(Role who, uint8_t from, uint8_t to)
{
    if (who == ROLE_READER)
        return (from == 4 && to == 0) || (from == 2 && to == 3) ||
               (from == 3 && to == 0);
    return who == ROLE_WRITER &&
           (to == 4 || (from == 0 && to == 1) || (from == 1 && to == 2) ||
            (from == 1 && to == 0));
}

static void check_state(int buffer, uint8_t from, uint8_t to)
{
    /* Setting 4 where the peer has set it already can't be seen. */
    if (from == 4 && to == 4)
        is_writers[buffer] = true;
    if (from == to)
        return;
    require(may_go(role, from, to), "the %s set buffer %d from %u to %u",
            role == ROLE_READER ? "reader" : "writer", buffer, from, to);
    if (role == ROLE_WRITER)
        is_writers[buffer] = to == 4 || to == 1;
}

static void after_access(void)
{
    for (int b = 0; b < 2; b++) {
        uint8_t after[STAGE_HEADER];

        stage_copy_header(after, b);
        check_state(b, before[b][STAGE_STATE], after[STAGE_STATE]);
        for (int i = 0; i < STAGE_HEADER; i++)
            require(i == STAGE_STATE || before[b][i] == after[i] ||
                        (i < STAGE_STATE && role == ROLE_WRITER &&
                         is_writers[b]),
                    "byte %d of header %d was written", i, b);
    }
}

static void enter(Role who)
{
    role = who;
    if (accesses < MAX_ACCESSES &&
        (next_step < script.nb_steps || passed < MAX_SINCE))
        mapped_step(before_access, after_access);
}

static void leave(void)
{
    mapped_step_end();
    play_due_steps();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int descriptor;

    script_read(&script, (Input){ data, size });
    next_step = passed = accesses = 0;
    memset(is_writers, 0, sizeof(is_writers));
    stage_set(script.size);
    descriptor = lowest_descriptor();
    mapped_begin();
    ends_begin(enter, leave, 0);
    for (int i = 0; i < script.nb_calls; i++)
        ends_call(script.calls[i]);
    ends_finish();
    mapped_end();
    script_end();
    stage_require_edges();
    require(lowest_descriptor() == descriptor, "a descriptor has leaked");
    return 0;
}
