/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "guard.h"
#include "layout.h"
#include "mapping.h"
#include "presence.h"
#include "state.h"
#include "steps.h"
#include "wait.h"

static int steps_left;
static void (*stop_here)(void);

void steps_begin(int stop_at, void (*stop)(void))
{
    steps_left = stop_at;
    stop_here  = stop;
}

void step(void)
{
    if (steps_left > 0 && --steps_left == 0)
        stop_here();
}

/* The linker gives the core these, and the core's own to them. */
#define WRAPPED(type, name, parameters) \
    type __real_##name parameters;      \
    type __wrap_##name parameters;      \
    type __wrap_##name parameters

#define WITH_STEPS_AROUND(type, name, parameters, arguments) \
    WRAPPED(type, name, parameters)                          \
    {                                                        \
        type result_;                                        \
                                                             \
        step();                                              \
        result_ = __real_##name arguments;                   \
        step();                                              \
        return result_;                                      \
    }

WITH_STEPS_AROUND(ShmiPresence, shmi_presence_look, (int fd, ShmiRole role),
                  (fd, role))
WITH_STEPS_AROUND(ShmiPresence, shmi_presence_take,
                  (int fd, ShmiRole role, int wakes, int take_over),
                  (fd, role, wakes, take_over))
WITH_STEPS_AROUND(bool, shmi_mapping_is_short, (ShmiMapping *mapping),
                  (mapping))
WITH_STEPS_AROUND(ShmiGuard *, shmi_guard_add, (void *base, size_t size),
                  (base, size))

WRAPPED(void, shmi_wake, (ShmiState *state))
{
    step();
    __real_shmi_wake(state);
    step();
}

WRAPPED(void, shmi_mapping_close, (ShmiMapping *mapping))
{
    step();
    __real_shmi_mapping_close(mapping);
    step();
}

/* That the number comes last is as good as any order. */
WRAPPED(void, shmi_header_read, (ShmiHeader *header, const uint8_t *src))
{
    ShmiHeader later;

    step();
    __real_shmi_header_read(header, src);
    step();
    __real_shmi_header_read(&later, src);
    header->frame_number = later.frame_number;
    step();
}

WRAPPED(void, shmi_header_write, (uint8_t *dst, const ShmiHeader *header))
{
    ShmiHeader half;

    step();
    __real_shmi_header_read(&half, dst);
    half.frame_number = header->frame_number;
    half.width        = header->width;
    __real_shmi_header_write(dst, &half);
    step();
    __real_shmi_header_write(dst, header);
    step();
}
