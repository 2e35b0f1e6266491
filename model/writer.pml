/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server: core/writer.c, and a program that puts images. */

#define write(b, field, value) \
    d_step { assert(!in_use[b]); file[b].field = value }

inline clear_header(b)
{
    file[b].number = 0;
#ifdef CONTENTS
    file[b].width = 0
#endif
}

inline initialise(b)
{
#ifdef FAULT_CLEAR_FIRST
    clear_header(b);
#endif
    shmi_state_initialise(b);
#ifndef FAULT_CLEAR_FIRST
    clear_header(b);
#endif
    shmi_wake(b)
}

inline commit(b)
{
    if
    :: shmi_state_publish(b) -> next = OTHER(b)
    :: else -> assert(false) /* nobody else may have touched it */
    fi
    shmi_wake(b)
}

/* Once it has begun, the program commits the image or aborts it. */
inline draw(b)
{
    write(b, number, image);
#ifdef CONTENTS
    write(b, width, WIDTH_OF(image));
    write(b, pixel0, image);
#endif
    if
    :: shmi_state_abort(b)
#ifdef FAULT_PUBLISH_EARLY
    :: commit(b); write(b, pixel1, image)
#else
#ifdef CONTENTS
    :: write(b, pixel1, image); commit(b)
#else
    :: commit(b)
#endif
#endif
    fi
}

inline put()
{
    d_step { assert(!unaccounted); unaccounted = true }
    if
    :: atomic { shmi_state_begin(next) -> b = next }
        draw(b)
    :: else ->
        if
        :: atomic { shmi_state_begin(OTHER(next)) -> b = OTHER(next) }
            draw(b)
#ifdef FAULT_DROP_SILENTLY
        :: else
#else
        :: else -> unaccounted = false
#endif
        fi
    fi
    b = 0
}

#ifdef WAITING
inline wait_for_room()
{
    do
    :: shmi_watch_begin(AS_SERVER);
        if
        :: shmi_state_load(0) == SERVER -> break
        :: else ->
            if
            :: shmi_state_load(1) == SERVER -> break
            :: else
            fi
        fi
        shmi_watch_sleep(AS_SERVER)
    od
    end_watch(AS_SERVER)
}
#endif

chan kill_server = [0] of { bit };

active proctype server()
{
    bit b, next;

    do
    :: {
            initialise(0);
            initialise(1);
            do
            :: put()
#ifdef WAITING
            :: wait_for_room(); put()
#endif
            od
        } unless {
            d_step {
                kill_server?0 ->
                b = 0; next = 0;
                drawing = false; unaccounted = false;
#ifdef SESSIONS
                of_living[0] = false; of_living[1] = false;
                newest_of_living = false;
#endif
                image = NEXT(image)
            }
        }
    od
}
