/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "script.h"
#include "stage.h"

/* Bytes of the file that stand for something when they are locked. */
#define LOCKS 6

void script_read(Script *script, Input input)
{
    memset(script, 0, sizeof(*script));
    script->size = input_u32(&input);
    /* Shorter ones are refused when they are opened, and the rest would be
     * for nothing. */
    if (script->size < STAGE_MIN_SIZE)
        script->size += STAGE_MIN_SIZE;
    if (script->size > STAGE_MAX_SIZE)
        script->size = STAGE_MIN_SIZE + script->size % STAGE_MIN_SIZE;
    script->nb_calls = input_u8(&input);
    if ((size_t)script->nb_calls > input.size)
        script->nb_calls = (int)input.size;
    input_bytes(&input, script->calls, (size_t)script->nb_calls);
    while (input.size && script->nb_steps < SCRIPT_STEPS) {
        Step *step = &script->steps[script->nb_steps++];

        step->delay = input_u8(&input);
        step->what  = input_u8(&input);
        step->value = input_u32(&input);
    }
}

static void store(uint8_t *at, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        stage_store(&at[i], ((const uint8_t *)bytes)[i]);
}

static void publish(uint8_t *header, uint32_t value)
{
    const Fields fields = {
        .number        = value >> 16,
        .width         = value & 0xff,
        .height        = value >> 8 & 0xff,
        .num_scanlines = value >> 8 & 0xff,
    };

    store(header, &fields, sizeof(fields));
    stage_store(&header[STAGE_STATE], 2);
}

void script_play(const Step *step)
{
    uint8_t *header = stage_buffer(step->what & 1);
    const uint32_t value = step->value;
    const int kind = (step->what >> 1) % STEP_KINDS;

    switch (kind) {
    case STEP_STATE:
        stage_store(&header[STAGE_STATE], (uint8_t)value);
        break;
    case STEP_BYTE:
        stage_store(&header[(value >> 8) % STAGE_HEADER], (uint8_t)value);
        break;
    case STEP_PUBLISH:
        publish(header, value);
        break;
    case STEP_UNLOCK:
    case STEP_LOCK:
        stage_lock((int)(value % LOCKS), kind == STEP_LOCK);
        break;
    default:
        store(header + kind * (int)sizeof(value), &value, sizeof(value));
        break;
    }
}

void script_end(void)
{
    for (int i = 0; i < LOCKS; i++)
        stage_lock(i, 0);
}
