/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "connection.h"
#include "presence.h"
#include "shmimage.h"
#include "state.h"
#include "wait.h"

/* Where the newest image is before there was one. */
#define NO_BUFFER (-1)

/* A server may die before it is next looked for, so that is done as soon as a
 * new one may be there. */
static void look_for_server(ShmiConnection *c)
{
    c->server = shmi_presence_look(c->mapping.fd, SHMI_SERVER) ==
                        SHMI_PRESENCE_HELD
                    ? SHMI_SERVER_SEEN
                    : SHMI_SERVER_UNKNOWN;
}

bool shmi_connection_answer(ShmiConnection *c)
{
    bool answered = false;

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ShmiState *state = c->mapping.state[i];

        /* Looks first: a compare-and-swap takes the line from the server. */
        if (c->held[i] || shmi_state_load(state) != SHMIMAGE_STATE_INIT ||
            !shmi_state_connect(state))
            continue;
        c->answered[i]++;
        shmi_wake(state);
        answered = true;
    }
    if (answered)
        look_for_server(c);
    return answered;
}

/* No other client lives: what is locked was left so, unless it is held here. */
static void take_back(ShmiConnection *c)
{
    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (!c->held[i])
            shmi_connection_release(c, i);
}

bool shmi_connection_begin(ShmiConnection *c, uint32_t session)
{
    bool fresh;

    c->session = session;
    c->newest  = NO_BUFFER;
    fresh = shmi_connection_answer(c);
    look_for_server(c);
    if (!c->mapping.shared_role)
        take_back(c);
    return fresh;
}

void shmi_connection_inherit(ShmiConnection *c)
{
    if (shmi_mapping_inherit(&c->mapping))
        take_back(c);
}

/* How often a server was seen to start since the newest image was taken.
 *
 * A server initialises both buffers before it draws. So the next image is of
 * the same session if, and only if, the buffer of the newest one has not been
 * initialised since; it may still be held, and unanswered. To compare what was
 * seen of the two buffers would not do: one may have been answered before a
 * start, and the other one after it. */
static uint32_t restarts(const ShmiConnection *c)
{
    uint32_t most = c->answered[0] > c->answered[1] ? c->answered[0]
                                                    : c->answered[1];

    if (c->newest == NO_BUFFER)
        return most;
    if (!c->answered[c->newest] &&
        shmi_state_load(c->mapping.state[c->newest]) != SHMIMAGE_STATE_INIT)
        return 0;
    return most ? most : 1;
}

/* Whether the image at a comes before the one at b. The blocks of one image
 * end with the block at offset 0. */
static bool comes_before(const ShmiHeader *a, const ShmiHeader *b)
{
    if (a->frame_number == b->frame_number)
        return a->offset > b->offset;
    return shmi_number_before(a->frame_number, b->frame_number);
}

static bool is_ready(const ShmiConnection *c, int buffer, ShmiHeader *header)
{
    if (c->held[buffer] ||
        shmi_state_load(c->mapping.state[buffer]) != SHMIMAGE_STATE_CLIENT)
        return false;
    shmi_header_read(header, c->mapping.header[buffer]);
    return true;
}

int shmi_connection_next(const ShmiConnection *c)
{
    ShmiHeader header[SHMI_BUFFERS];
    bool ready[SHMI_BUFFERS];

    for (int i = 0; i < SHMI_BUFFERS; i++)
        ready[i] = is_ready(c, i, &header[i]);
    /* Between those two looks the server may have published in buffer 0, and
     * after that in buffer 1: seeing the latter makes the former visible. */
    if (ready[1] && !ready[0])
        ready[0] = is_ready(c, 0, &header[0]);
    if (ready[0] && ready[1])
        return comes_before(&header[1], &header[0]);
    return ready[0] ? 0 : ready[1] ? 1 : -1;
}

bool shmi_connection_lock(ShmiConnection *c, int buffer, ShmiHeader *header)
{
    uint32_t started;

    if (!shmi_state_lock(c->mapping.state[buffer]))
        return false;
    started = restarts(c);
    shmi_header_read(header, c->mapping.header[buffer]);
    if (!shmi_state_still_locked(c->mapping.state[buffer]))
        return false;
    c->session += started;
    c->newest   = buffer;
    c->answered[0] = c->answered[1] = 0;
    return true;
}

void shmi_connection_release(ShmiConnection *c, int buffer)
{
    if (shmi_state_release(c->mapping.state[buffer]))
        shmi_wake(c->mapping.state[buffer]);
}

uint32_t shmi_connection_session(const ShmiConnection *c)
{
    return c->session + restarts(c);
}

bool shmi_connection_has_trace(const ShmiConnection *c)
{
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ShmiHeader header;

        shmi_header_read(&header, c->mapping.header[i]);
        if (header.width || shmi_state_load(c->mapping.state[i]))
            return true;
    }
    return false;
}

bool shmi_connection_initialised(const ShmiConnection *c)
{
    return shmi_connection_has_trace(c) ||
           shmi_presence_look(c->mapping.fd, SHMI_SERVER) ==
               SHMI_PRESENCE_HELD;
}

bool shmi_connection_server_is_gone(ShmiConnection *c)
{
    switch (shmi_presence_look(c->mapping.fd, SHMI_SERVER)) {
    case SHMI_PRESENCE_HELD:
        c->server = SHMI_SERVER_SEEN;
        return false;
    case SHMI_PRESENCE_FREE:
        return c->server == SHMI_SERVER_SEEN;
    default:
        return false;
    }
}
