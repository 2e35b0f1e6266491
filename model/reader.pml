/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client: core/reader.c, core/connection.c, and a program that reads
 * images. */

#ifdef SESSIONS
#define NONE 2

/* Whether restarts() is more than 0. */
#ifdef FAULT_FORGET_HELD
#define restarts() (newest == NONE || answered[newest])
#else
#define restarts() \
    (newest == NONE || answered[newest] || shmi_state_load(newest) == INIT)
#endif

/* What is said to be of one server is. What is said to be of two servers is,
 * unless the one that drew it has died meanwhile. */
inline attribute(b)
{
    assert(newest == NONE || restarted || of_newest[b]);
    assert(newest == NONE || !restarted || !of_newest[b] || !of_living[b]);
    newest = b; answered[0] = false; answered[1] = false;
    restarted = false;
    newest_of_living = of_living[b];
    of_newest[b] = false;
    of_newest[OTHER(b)] = unread[OTHER(b)]
}
#endif

inline connect_buffer(b)
{
    if
#ifdef FAULT_CONNECT_HELD
    :: shmi_state_load(b) == INIT ->
#else
    :: !held[b] && shmi_state_load(b) == INIT ->
#endif
        if
#ifdef SESSIONS
        :: atomic { shmi_state_connect(b) -> answered[b] = true }
#else
        :: shmi_state_connect(b)
#endif
            shmi_wake(b)
        :: else
        fi
    :: else
    fi
}

inline connect_buffers()
{
    connect_buffer(0);
    connect_buffer(1)
}

inline give_back(b)
{
    if
#ifdef FAULT_RELEASE_SILENTLY
    :: shmi_state_release(b)
#else
    :: shmi_state_release(b) -> shmi_wake(b)
#endif
    :: else
    fi
}

inline is_ready(b)
{
    if
    :: atomic { !held[b] && shmi_state_load(b) == CLIENT -> ready[b] = true }
        seen[b] = file[b].number
    :: else
    fi
}

/* Finds b, or nothing. */
inline next_ready()
{
    is_ready(0);
    is_ready(1);
#ifndef FAULT_LOOK_ONCE
    if
    :: ready[1] && !ready[0] -> is_ready(0)
    :: else
    fi
#endif
    d_step {
        found = ready[0] || ready[1];
        b = (ready[0] && ready[1] -> seen[0] == NEXT(seen[1]) : ready[1]);
        ready[0] = false; ready[1] = false; seen[0] = 0; seen[1] = 0
    }
}

/* Every pixel is of the image that the header announced. */
inline read_pixels(b)
{
#ifdef CONTENTS
    assert(file[b].pixel0 == number[b]);
    d_step { assert(file[b].pixel1 == number[b]); in_use[b] = false }
#else
    in_use[b] = false
#endif
}

inline read_header(b)
{
    number[b] = file[b].number;
#ifdef CONTENTS
    width = file[b].width
#endif
}

/* A whole image is handed out. A block is copied and given back at once. */
inline take_buffer(b)
{
    if
    :: shmi_state_lock(b) ->
#ifdef SESSIONS
        restarted = restarts();
#endif
        read_header(b);
        if
        :: d_step {
                shmi_state_still_locked(b) ->
#ifdef CONTENTS
                assert(width == WIDTH_OF(number[b]));
                width = 0;
#endif
#ifdef SESSIONS
                attribute(b);
#endif
                got = true
            }
            if
            :: held[b] = true
            :: read_pixels(b); give_back(b); number[b] = 0
            fi
        :: else ->
            d_step {
#ifndef SERVER_DIES
                assert(false); /* nobody takes it away */
#endif
#ifdef SESSIONS
                restarted = false;
#endif
                in_use[b] = false; number[b] = 0; width = 0
            }
        fi
    :: else
    fi
}

inline look()
{
#ifndef FAULT_CONNECT_ONCE
    connect_buffers();
#endif
#ifdef FAULT_TAKE_BACK_HELD
    give_back(0);
    give_back(1);
#endif
    do
    :: next_ready();
        if
        :: found -> take_buffer(b)
        :: else -> break
        fi
        if
        :: got || again -> break
        :: else -> again = true
        fi
    od
    atomic { again = false; found = false; b = 0 }
}

#ifdef WAITING
inline acquire()
{
    do
#ifdef FAULT_NOTE_LATE
    :: look(); shmi_watch_begin(AS_CLIENT);
#else
    :: shmi_watch_begin(AS_CLIENT); look();
#endif
        if
        :: got -> break
        :: !got -> break /* the time is up */
        :: !got -> shmi_watch_sleep(AS_CLIENT)
        fi
    od
    end_watch(AS_CLIENT);
    got = false
}
#else
inline acquire()
{
    look();
    got = false
}
#endif

inline release(b)
{
    read_pixels(b);
#ifdef FAULT_RELEASE_STORES
    file[b].state = SERVER;
    shmi_wake(b);
#else
    give_back(b);
#endif
    d_step { held[b] = false; number[b] = 0 }
#ifndef FAULT_CONNECT_ONCE
    connect_buffers()
#endif
}

/* What a client that has died had locked. */
inline take_back(b)
{
#ifdef FAULT_KEEP_LOCKED
    skip
#else
#ifdef FAULT_READ_AGAIN
    if
    :: d_step { swap(b, CLIENT_LOCKED, CLIENT) }
    :: else
    fi
#else
    give_back(b)
#endif
#endif
}

chan kill_client = [0] of { bit };

active proctype client()
{
    bool held[2], ready[2], found, again, got;
    byte number[2], seen[2], width;
    bit b;
#ifdef SESSIONS
    bool answered[2], restarted;
    byte newest = NONE;
#endif

    do
    :: {
            connect_buffers();
            take_back(0);
            take_back(1);
            do
            :: !held[0] || !held[1] -> acquire()
            :: held[0] -> release(0)
            :: held[1] -> release(1)
            od
        } unless {
            d_step {
                kill_client?0 ->
                held[0] = false; held[1] = false;
                ready[0] = false; ready[1] = false;
                found = false; again = false; got = false;
                number[0] = 0; number[1] = 0; seen[0] = 0; seen[1] = 0;
                width = 0; b = 0;
#ifdef SESSIONS
                answered[0] = false; answered[1] = false;
                restarted = false; newest = NONE;
                newest_of_living = false;
                of_newest[0] = false; of_newest[1] = false;
#endif
                in_use[0] = false; in_use[1] = false
            }
        }
    od
}
