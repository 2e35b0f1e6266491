/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of core/state.h, and the witnesses that change with them. */

#define shmi_state_load(b) file[b].state

/* A step that begins with this can be executed when it succeeds. The "else"
 * beside it is its failure. */
#define swap(b, from, to) file[b].state == from -> file[b].state = to

inline shmi_state_initialise(b)
{
    d_step {
        file[b].state = INIT;
        unread[b] = false;
        unanswered[b] = true;
#ifdef SESSIONS
        of_living[b] = false; of_newest[b] = false
#endif
    }
}

inline shmi_state_begin(b)
{
    d_step {
#ifdef FAULT_OVERWRITE_UNREAD
        file[b].state == SERVER || file[b].state == CLIENT ->
        file[b].state = SERVER_LOCKED;
#else
        swap(b, SERVER, SERVER_LOCKED);
#endif
        assert(!in_use[b]);     /* has one owner */
        assert(!unread[b]);     /* no image is lost */
        assert(!unanswered[b]); /* it was a client that freed it */
        drawing = true
    }
}

inline shmi_state_publish(b)
{
    d_step {
        swap(b, SERVER_LOCKED, CLIENT);
        oldest = (unread[OTHER(b)] -> OTHER(b) : b);
        unread[b] = true; drawing = false; unaccounted = false;
#ifdef SESSIONS
        of_living[b] = true; of_newest[b] = newest_of_living;
#endif
        image = NEXT(image)
    }
}

inline shmi_state_abort(b)
{
    d_step {
        swap(b, SERVER_LOCKED, SERVER);
        drawing = false; unaccounted = false
    }
}

inline shmi_state_connect(b)
{
    d_step {
        swap(b, INIT, SERVER);
        unanswered[b] = false
    }
}

inline shmi_state_lock(b)
{
    d_step {
        swap(b, CLIENT, CLIENT_LOCKED);
        assert(unread[b]);                        /* never twice */
        assert(!unread[OTHER(b)] || oldest == b); /* in order */
        unread[b] = false; oldest = 0; in_use[b] = true
    }
}

#ifdef FAULT_NO_RECHECK
#define shmi_state_still_locked(b) true
#else
#define shmi_state_still_locked(b) (shmi_state_load(b) == CLIENT_LOCKED)
#endif

inline shmi_state_release(b)
{
    d_step { swap(b, CLIENT_LOCKED, SERVER) }
}
