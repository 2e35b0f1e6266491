/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Target: a reader and a writer, while a thread rewrites the headers over and
 * over. The input is as for the target "peer"; what happens depends on timing
 * as well, so a finding may need some runs to come again.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ends.h"
#include "fuzz.h"
#include "mapped.h"
#include "script.h"
#include "stage.h"

static Script script;
static _Atomic int running;

static void *play(void *unused)
{
    (void)unused;
    while (atomic_load(&running))
        for (int i = 0; i < script.nb_steps && atomic_load(&running); i++) {
            for (int n = script.steps[i].delay; n > 0; n--)
                atomic_load(&running);
            script_play(&script.steps[i]);
        }
    return NULL;
}

static void enter(Role role)
{
    (void)role;
}

static void leave(void)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_t thread;
    int descriptor;

    script_read(&script, (Input){ data, size });
    if (!script.nb_steps)
        return 0;
    stage_set(script.size);
    descriptor = lowest_descriptor();
    mapped_begin();
    ends_begin(enter, leave, 1);
    atomic_store(&running, 1);
    require(pthread_create(&thread, NULL, play, NULL) == 0, "no thread");
    for (int i = 0; i < script.nb_calls; i++)
        ends_call(script.calls[i]);
    ends_finish();
    atomic_store(&running, 0);
    pthread_join(thread, NULL);
    mapped_end();
    script_end();
    stage_require_edges();
    require(lowest_descriptor() == descriptor, "a descriptor has leaked");
    return 0;
}
