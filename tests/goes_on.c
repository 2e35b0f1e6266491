/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a stream goes on after whatever has happened to it.
 */
#include "config.h"

#include "restarts.h"

/* Turns in which the client looks until there is nothing more, and the server
 * puts an image. In the first one the client answers a new server and empties
 * the buffers, so that the image of that turn is there in the second one. */
#define MOST_TURNS 2

static int count_state(uint8_t state)
{
    return (peek_state(t.path, 0) == state) +
           (peek_state(t.path, 1) == state);
}

static void pass_one_image(void)
{
    uint32_t first = t.servers * IMAGES_PER_SERVER + t.images;

    for (int turn = 0; turn < MOST_TURNS; turn++) {
        while (carry_out(SHMI_CLIENT, DO_TAKE) == SHMIMAGE_OK) {
            bool is_new = t.held_number[t.held - 1] >= first;

            release(t.held - 1);
            if (is_new)
                return;
        }
        carry_out(SHMI_SERVER, DO_PUT);
    }
    ck_abort_msg("no image came through in %d turns, states %d and %d",
                 MOST_TURNS, peek_state(t.path, 0), peek_state(t.path, 1));
}

/* A vendor's client takes nothing back that one before it had locked when it
 * died, and of its death nothing is known. What is left serves, if anything
 * is, until a reset. */
static void assert_needs_a_reset(void)
{
    int lost = count_state(SHMIMAGE_STATE_CLIENT_LOCKED);

    if (lost == SHMI_BUFFERS)
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT),
                             SHMIMAGE_NO_BUFFER);
    else
        pass_one_image();
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), lost);
    if (lost)
        ck_assert_int_eq(shmimage_file_reset(t.path, SHMIMAGE_TAKE_OVER),
                         SHMIMAGE_OK);
}

static void assert_goes_on_beside_what_is_held(void)
{
    if (t.held == SHMI_BUFFERS) {
        ck_assert_int_ne(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
        ck_assert_int_eq(carry_out(SHMI_CLIENT, DO_TAKE),
                         SHMIMAGE_ERROR_LOCKED);
        ck_assert_int_ne(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
    } else {
        pass_one_image();
        pass_one_image();
    }
    carry_out(SHMI_CLIENT, DO_CHECK);
}

static void release_all(Releases releases)
{
    while (t.held) {
        if (releases == RELEASES_LATE)
            assert_goes_on_beside_what_is_held();
        carry_out(SHMI_CLIENT, DO_CHECK);
        release(releases == RELEASES_NEWER_FIRST ? t.held - 1 : 0);
    }
}

/* Both buffers go round, all that is put arrives, and in one session. */
static void assert_is_whole(void)
{
    uint32_t session = t.met_session;
    uint32_t first   = t.servers * IMAGES_PER_SERVER + t.images;

    ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
    ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
    ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_NO_BUFFER);
    for (uint32_t i = 0; i < SHMI_BUFFERS; i++) {
        ck_assert_int_eq(carry_out(SHMI_CLIENT, DO_TAKE), SHMIMAGE_OK);
        ck_assert_uint_eq(t.met_number, first + i);
        ck_assert_uint_eq(t.met_session, session);
    }
    release(1);
    release(0);
    ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
}

void assert_goes_on(Releases releases)
{
    for (ShmiRole role = SHMI_SERVER; role <= SHMI_CLIENT; role++) {
        if (t.open[role])
            continue;
        kill_end(role);
        start(role);
    }
    if (t.drawing)
        carry_out(SHMI_SERVER, DO_COMMIT);
    if (t.maker[SHMI_CLIENT] == VENDOR && !t.held)
        assert_needs_a_reset();
    release_all(releases);
    pass_one_image();
    assert_is_whole();
}
