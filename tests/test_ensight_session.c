/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The published interface when ends come, go, die and come back.
 */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ensight_harness.h"

#define SERVER        IMAGESTREAM_BUFFER_STATE_SERVER
#define SERVER_LOCKED IMAGESTREAM_BUFFER_STATE_SERVER_LOCKED
#define CLIENT        IMAGESTREAM_BUFFER_STATE_CLIENT
#define CLIENT_LOCKED IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED
#define INIT          IMAGESTREAM_BUFFER_STATE_INIT

/* What may be in a state byte, and what a client that connects makes of it. */
static const struct {
    uint8_t found;
    uint8_t left;
} states[] = {
    { SERVER, SERVER },
    { SERVER_LOCKED, SERVER_LOCKED },
    { CLIENT, CLIENT },
    { CLIENT_LOCKED, SERVER },
    { INIT, SERVER },
    { 5, 5 },
    { 255, 255 },
};

static SharedMemoryImageError try_lock(void)
{
    SharedMemoryFrame frame;

    return SharedMemoryImageStream_lock(t.client, &frame);
}

static void unlock(void)
{
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
}

static void restart_server(void)
{
    stop(&t.server);
    start_server(0);
}

/* Run an end in a process of its own that is killed in the middle of it. */
static void die_in(void (*end)(void))
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        end();
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(test_server_initialises_whatever_it_finds)
{
    const ShmiHeader empty = { 0 };
    ShmiHeader header;

    poke_image(0, 1234, states[_i].found);
    poke_image(1, 1235, states[_i].found);
    start_server(0);
    assert_states(INIT, INIT);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        header = peek_header(t.path, i);
        ck_assert_mem_eq(&header, &empty, sizeof(header));
    }
}
END_TEST

/* What a second client gets while there was no image: only the server's lock
 * tells its file from a new one. */
#define BEFORE_AN_IMAGE (SHMI_HAVE_OFD_LOCKS ? IMAGESTREAM_RECONNECTING \
                                             : IMAGESTREAM_NOERROR)

START_TEST(test_client_connects_to_what_it_finds)
{
    int first  = _i / COUNT(states);
    int second = _i % COUNT(states);
    bool fresh = states[first].found == INIT || states[second].found == INIT;

    poke_image(0, 1, states[first].found);
    poke_image(1, 2, states[second].found);
    start_client(fresh ? IMAGESTREAM_NOERROR : IMAGESTREAM_RECONNECTING);
    assert_states(states[first].left, states[second].left);
}
END_TEST

START_TEST(test_client_before_server)
{
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    start_server(0);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_UNCONNECTED);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

START_TEST(test_client_after_a_client)
{
    start_both();
    stop(&t.client);
    start_client(BEFORE_AN_IMAGE);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
}
END_TEST

START_TEST(test_client_delivers_images_left_over)
{
    start_both();
    ck_assert_int_eq(put(8, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(9, 5, 5), IMAGESTREAM_NOERROR);
    stop(&t.client);
    stop(&t.server);
    start_client(IMAGESTREAM_RECONNECTING);
    take_image(8);
    take_image(9);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
}
END_TEST

static void lock_first_image(void)
{
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(1);
}

START_TEST(test_client_takes_back_from_a_dead_client)
{
    start_server(0);
    die_in(lock_first_image);
    assert_states(CLIENT_LOCKED, SERVER);
    start_client(IMAGESTREAM_RECONNECTING);
    assert_states(SERVER, SERVER);
    for (uint32_t number = 2; number < 6; number++) {
        ck_assert_int_eq(put(number, 4, 4), IMAGESTREAM_NOERROR);
        take_image(number);
    }
}
END_TEST

START_TEST(test_second_client_competes)
{
    SharedMemoryImageStream first;
    SharedMemoryFrame frame;

    start_both();
    first = t.client;
    t.client = NULL;
    start_client(BEFORE_AN_IMAGE);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
    ck_assert_int_eq(SharedMemoryImageStream_lock(first, &frame),
                     IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_lock(first, &frame),
                     IMAGESTREAM_NOERROR);
    assert_image(frame, 2, 4, 4);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    stop(&first);
    ck_assert_int_eq(put(3, 4, 4), IMAGESTREAM_NOERROR);
    take_image(3);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS
START_TEST(test_second_client_leaves_what_the_first_holds)
{
    SharedMemoryImageStream first;
    SharedMemoryFrame frame;

    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    frame = lock_image(1);
    first = t.client;
    t.client = NULL;
    start_client(IMAGESTREAM_RECONNECTING);
    assert_states(CLIENT_LOCKED, SERVER);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(3, 4, 4), IMAGESTREAM_NO_BUFFERAVAILABLE);
    take_image(2);
    assert_image(frame, 1, 4, 4);
    stop(&first);
    assert_states(SERVER, SERVER);
}
END_TEST
#endif

START_TEST(test_server_restarts_under_an_idle_client)
{
    start_both();
    ck_assert_int_eq(put(100, 4, 4), IMAGESTREAM_NOERROR);
    take_image(100);
    restart_server();
    assert_states(INIT, INIT);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_UNCONNECTED);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    assert_states(SERVER, SERVER);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

START_TEST(test_server_restart_drops_what_was_queued)
{
    start_both();
    ck_assert_int_eq(put(7, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(8, 4, 4), IMAGESTREAM_NOERROR);
    restart_server();
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
}
END_TEST

START_TEST(test_server_restarts_under_a_locked_frame)
{
    SharedMemoryFrame frame;

    start_both();
    ck_assert_int_eq(put(1, 6, 6), IMAGESTREAM_NOERROR);
    frame = lock_image(1);
    restart_server();
    while (put(50, 6, 6) == IMAGESTREAM_NOERROR)
        ck_assert_int_eq(peek_state(t.path, 0), INIT);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_LOCKED);
    assert_image(frame, 1, 6, 6);
    assert_states(INIT, peek_state(t.path, 1));
    unlock();
    assert_states(SERVER, SERVER);
    ck_assert_int_eq(put(51, 6, 6), IMAGESTREAM_NOERROR);
    take_image(51);
}
END_TEST

/* The buffer was taken from the client, and somebody has gone on with it. */
START_TEST(test_unlock_leaves_a_buffer_that_was_taken_away)
{
    static const uint8_t others[] = { SERVER, SERVER_LOCKED, CLIENT };

    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(1);
    poke_state(t.path, 0, others[_i]);
    unlock();
    assert_states(others[_i], SERVER);
}
END_TEST

START_TEST(test_destroy_leaves_a_buffer_that_was_taken_away)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(1);
    poke_state(t.path, 0, SERVER_LOCKED);
    stop(&t.client);
    assert_states(SERVER_LOCKED, SERVER);
}
END_TEST

START_TEST(test_destroy_does_not_connect_to_a_new_server)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(1);
    restart_server();
    stop(&t.client);
    assert_states(INIT, INIT);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_UNCONNECTED);
    start_client(IMAGESTREAM_NOERROR);
}
END_TEST

static void draw_and_queue(void)
{
    start_server(0);
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    poke_state(t.path, 1, SERVER_LOCKED);
}

START_TEST(test_server_starts_after_a_dead_server)
{
    die_in(draw_and_queue);
    assert_states(CLIENT, SERVER_LOCKED);
    start_server(0);
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(5, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(6, 4, 4), IMAGESTREAM_NOERROR);
    take_image(5);
    take_image(6);
}
END_TEST

static TCase *tcase_connecting(void)
{
    TCase *tcase = ensight_tcase("connecting");

    tcase_add_loop_test(tcase, test_server_initialises_whatever_it_finds, 0,
                        COUNT(states));
    tcase_add_loop_test(tcase, test_client_connects_to_what_it_finds, 0,
                        COUNT(states) * COUNT(states));
    tcase_add_test(tcase, test_client_before_server);
    tcase_add_test(tcase, test_client_after_a_client);
    tcase_add_test(tcase, test_client_delivers_images_left_over);
    tcase_add_test(tcase, test_client_takes_back_from_a_dead_client);
    tcase_add_test(tcase, test_second_client_competes);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(tcase, test_second_client_leaves_what_the_first_holds);
#endif
    return tcase;
}

static TCase *tcase_restart(void)
{
    TCase *tcase = ensight_tcase("restart");

    tcase_add_test(tcase, test_server_restarts_under_an_idle_client);
    tcase_add_test(tcase, test_server_restart_drops_what_was_queued);
    tcase_add_test(tcase, test_server_restarts_under_a_locked_frame);
    tcase_add_loop_test(tcase, test_unlock_leaves_a_buffer_that_was_taken_away,
                        0, 3);
    tcase_add_test(tcase, test_destroy_leaves_a_buffer_that_was_taken_away);
    tcase_add_test(tcase, test_destroy_does_not_connect_to_a_new_server);
    tcase_add_test(tcase, test_server_starts_after_a_dead_server);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("published sessions");

    suite_add_tcase(suite, tcase_connecting());
    suite_add_tcase(suite, tcase_restart());
    return run_suite(suite);
}
