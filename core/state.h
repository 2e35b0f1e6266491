/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The state byte: the only thing that both processes write, and all that
 * changes it. (wait.c loads the word that it begins, to sleep on that.)
 *
 * The byte says who owns a buffer. Its owner may touch the header's fields and
 * the payload, and hands the buffer over by changing the byte:
 *
 *             server starts
 *                  |
 *                  v    connect          begin
 *               4 INIT -------> 0 SERVER ------> 1 SERVER_LOCKED
 *                                ^    ^            |       |
 *                        release |    |   abort    |       | publish
 *                                |    `------------'       v
 *                     3 CLIENT_LOCKED <------------ 2 CLIENT
 *                                         lock
 *
 * Handing over is a release operation, and taking over an acquire operation on
 * the value that it wrote: whatever the former owner wrote (or read) before is
 * done when the new owner goes on.
 *
 * Every step but initialise is a compare-and-swap. The peer may be a server
 * that was started again and has set the byte to INIT meanwhile; then the step
 * fails, and nothing of the new server's is undone. What fails on the one try
 * it gets has lost its buffer, so there is nothing to repeat, and the strong
 * form is right.
 *
 * Threads and processes are alike here: the byte lies in a shared mapping, and
 * 8-bit atomics are free of locks wherever this library runs.
 */
#ifndef SHMIMAGE_STATE_H
#define SHMIMAGE_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shmimage.h"

_Static_assert(ATOMIC_CHAR_LOCK_FREE == 2, "8-bit atomics take no lock");
_Static_assert(sizeof(_Atomic uint8_t) == 1, "the state is one byte");

typedef _Atomic uint8_t ShmiState;

/** Look. Acquire: pairs with every release below that wrote the value. */
static inline uint8_t shmi_state_load(const ShmiState *state)
{
    return atomic_load_explicit(state, memory_order_acquire);
}

static inline bool shmi_state_swap(ShmiState *state, uint8_t from, uint8_t to,
                                   memory_order order)
{
    return atomic_compare_exchange_strong_explicit(state, &from, to, order,
                                                   memory_order_relaxed);
}

/**
 * Server, at its start: declare a buffer empty whoever had it.
 *
 * @return the state that this put an end to
 *
 * The exchange pairs with nothing. The fence behind it keeps the header's
 * fields, which the server may write from here on, behind the new state: a
 * client that has copied any of them sees the state change in
 * shmi_state_still_locked().
 */
static inline uint8_t shmi_state_initialise(ShmiState *state)
{
    uint8_t old = atomic_exchange_explicit(state, SHMIMAGE_STATE_INIT,
                                           memory_order_acq_rel);

    atomic_thread_fence(memory_order_release);
    return old;
}

/**
 * Server: take a free buffer to draw in. Acquire: pairs with
 * shmi_state_release(), so the client has read its last pixel.
 */
static inline bool shmi_state_begin(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_SERVER,
                           SHMIMAGE_STATE_SERVER_LOCKED, memory_order_acquire);
}

/**
 * Server: hand the image over. Release: publishes header and pixels to
 * shmi_state_lock().
 */
static inline bool shmi_state_publish(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_SERVER_LOCKED,
                           SHMIMAGE_STATE_CLIENT, memory_order_release);
}

/** Server: free the buffer again. Hands nothing over, so relaxed will do. */
static inline bool shmi_state_abort(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_SERVER_LOCKED,
                           SHMIMAGE_STATE_SERVER, memory_order_relaxed);
}

/**
 * Client: tell a server that has started that there is a client. Release:
 * whatever this client read from the buffer before is done.
 */
static inline bool shmi_state_connect(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_INIT, SHMIMAGE_STATE_SERVER,
                           memory_order_acq_rel);
}

/** Client: take an image. Acquire: pairs with shmi_state_publish(). */
static inline bool shmi_state_lock(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_CLIENT,
                           SHMIMAGE_STATE_CLIENT_LOCKED, memory_order_acquire);
}

/**
 * Client: whether a buffer that was locked is so still, that is, no server has
 * started since. The fence keeps the copy of the header in front of the look;
 * it pairs with the one in shmi_state_initialise().
 */
static inline bool shmi_state_still_locked(const ShmiState *state)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(state, memory_order_relaxed) ==
           SHMIMAGE_STATE_CLIENT_LOCKED;
}

/**
 * Client: whether nobody can have drawn in a buffer that was locked: it is so
 * still, or a server has started and waits for its release. The fence keeps
 * what was read from the buffer in front of the look.
 */
static inline bool shmi_state_is_untouched(const ShmiState *state)
{
    uint8_t value;

    atomic_thread_fence(memory_order_acquire);
    value = atomic_load_explicit(state, memory_order_relaxed);
    return value == SHMIMAGE_STATE_CLIENT_LOCKED ||
           value == SHMIMAGE_STATE_INIT;
}

/**
 * Client: give a buffer back. Release: pairs with shmi_state_begin(), so the
 * server draws only after the last pixel was read.
 */
static inline bool shmi_state_release(ShmiState *state)
{
    return shmi_state_swap(state, SHMIMAGE_STATE_CLIENT_LOCKED,
                           SHMIMAGE_STATE_SERVER, memory_order_release);
}

#endif /* SHMIMAGE_STATE_H */
