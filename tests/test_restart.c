/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server that starts again under a connected reader. Most tests run twice:
 * once the old server is closed first, once it is still there.
 */
#include "config.h"

#include "pair.h"

static void restart(bool old_one_stays)
{
    unsigned flags = old_one_stays ? SHMIMAGE_TAKE_OVER : 0;

    shmimage_writer_close(old_writer);
    old_writer = NULL;
    if (old_one_stays)
        old_writer = writer;
    else
        shmimage_writer_close(writer);
    ck_assert_int_eq(shmimage_writer_open(path, flags, &writer), SHMIMAGE_OK);
}

START_TEST(test_restart_with_no_frame_held)
{
    uint32_t session = session_of_next(1);

    restart(_i);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_goes_on(session + 1);
}
END_TEST

START_TEST(test_restart_drops_images_that_were_not_read)
{
    put(1);
    put(2);
    restart(_i);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_restart_leaves_a_held_frame_alone)
{
    ShmImageFrame *held = put_and_take(1);

    restart(_i);
    look();
    for (uint32_t number = 2; number < 6; number++)
        put(number);
    ck_assert(pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    shmimage_reader_release(held);
}
END_TEST

START_TEST(test_restart_goes_on_beside_a_held_frame)
{
    ShmImageFrame *held = put_and_take(1);

    restart(_i);
    look();
    for (uint32_t number = 2; number < 6; number++)
        ck_assert_uint_eq(session_of_next(number), held->session + 1);
    shmimage_reader_release(held);
}
END_TEST

/* The frame is in buffer 0, or in buffer 1. */
START_TEST(test_restart_gets_a_held_buffer_when_it_is_released)
{
    ShmImageFrame *held;
    uint32_t session;

    if (_i)
        session_of_next(0);
    held = put_and_take(1);
    session = held->session;
    restart(false);
    look();
    shmimage_reader_release(held);
    check_goes_on(session + 1);
}
END_TEST

START_TEST(test_restart_leaves_two_held_frames_alone)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    uint64_t before = sessions();

    restart(_i);
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_LOCKED);
    ck_assert_uint_eq(sessions(), before + 1);
    ck_assert_int_eq(put(3), SHMIMAGE_UNCONNECTED);
    ck_assert(pixels_match(first->pixels, SIZE, 1));
    ck_assert(pixels_match(second->pixels, SIZE, 2));
    shmimage_reader_release(first);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_restart_goes_on_after_one_of_two_frames_is_released)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    ShmImageFrame *held = _i ? second : first;
    uint32_t session = held->session, number = held->number;

    restart(false);
    shmimage_reader_release(_i ? first : second);
    ck_assert_uint_eq(session_of_next(3), session + 1);
    ck_assert(pixels_match(held->pixels, SIZE, number));
    shmimage_reader_release(held);
    check_goes_on(session + 1);
}
END_TEST

START_TEST(test_restart_counts_once_with_frames_held)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    uint64_t before = sessions();

    restart(_i);
    shmimage_reader_release(first);
    look();
    shmimage_reader_release(second);
    look();
    ck_assert_uint_eq(sessions(), before + 1);
}
END_TEST

START_TEST(test_restart_that_is_seen_twice_counts_twice)
{
    ShmImageFrame *held = put_and_take(1);
    uint32_t session = held->session;

    restart(_i);
    look();
    restart(_i);
    look();
    shmimage_reader_release(held);
    check_goes_on(session + 2);
}
END_TEST

START_TEST(test_restart_again_and_again)
{
    uint32_t session = session_of_next(0);
    ShmImageFrame *held = NULL;

    for (uint32_t i = 1; i < 50; i++) {
        restart(i % 2);
        look();
        shmimage_reader_release(held);
        held = put_and_take(i);
        ck_assert_uint_eq(held->session, session + i);
    }
    shmimage_reader_release(held);
}
END_TEST

START_TEST(test_restart_while_the_old_server_draws)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, width, height, &pixels),
                     SHMIMAGE_OK);
    restart(true);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(shmimage_writer_commit(old_writer),
                     SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_goes_on(2);
}
END_TEST

/* The client before this one died with a frame, and so after a restart had
 * answered for the other buffer only. */
START_TEST(test_session_is_one_where_another_client_answered_in_part)
{
    uint32_t session;

    shmimage_reader_close(reader);
    restart(false);
    poke_state(path, _i, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    session = session_of_next(1);
    for (uint32_t number = 2; number < 6; number++)
        ck_assert_uint_eq(session_of_next(number), session);
}
END_TEST

/* Another client, beside this one, was faster with one of the buffers. */
START_TEST(test_session_settles_where_another_client_answers_too)
{
    uint32_t session;

    session_of_next(1);
    restart(false);
    poke_state(path, _i, SHMIMAGE_STATE_SERVER);
    look();
    session_of_next(2);
    session = session_of_next(3);
    for (uint32_t number = 4; number < 8; number++)
        ck_assert_uint_eq(session_of_next(number), session);
}
END_TEST

/* The reader comes when the server has initialised one buffer of two. */
START_TEST(test_session_is_one_where_the_reader_came_in_between)
{
    uint32_t session;

    shmimage_reader_close(reader);
    restart(false);
    poke_state(path, 1, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    session = session_of_next(1);
    for (uint32_t number = 2; number < 6; number++)
        ck_assert_uint_eq(session_of_next(number), session);
}
END_TEST

/* Of one server's buffers only the first was answered, and of the next one's
 * only the second, until both have been met. */
START_TEST(test_session_is_another_where_two_servers_were_answered_in_part)
{
    ShmImageFrame *held;
    uint32_t session;

    session_of_next(0);
    held = put_and_take(1);
    restart(false);
    look();
    session = session_of_next(2);
    restart(false);
    poke_state(path, 0, SHMIMAGE_STATE_SERVER);
    shmimage_reader_release(held);
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    ck_assert_uint_ne(session_of_next(3), session);
}
END_TEST

START_TEST(test_session_of_a_reader_that_came_first)
{
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    path = test_file(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader),
                     SHMIMAGE_RECONNECTING);
    ck_assert_uint_eq(sessions(), 0);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_goes_on(1);
    ck_assert_uint_eq(sessions(), 1);
}
END_TEST

START_TEST(test_session_of_a_stream_that_is_found_running)
{
    session_of_next(1);
    shmimage_reader_close(reader);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader),
                     SHMIMAGE_RECONNECTING);
    check_goes_on(0);
    ck_assert_uint_eq(sessions(), 0);
}
END_TEST

START_TEST(test_reader_restart_under_a_server)
{
    ShmImageFrame *frame;

    put(1);
    shmimage_reader_close(reader);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader),
                     SHMIMAGE_RECONNECTING);
    frame = take();
    ck_assert_uint_eq(frame->number, 1);
    shmimage_reader_release(frame);
    check_goes_on(0);
}
END_TEST

int main(void)
{
    const TTest *const twice[] = {
        test_restart_with_no_frame_held,
        test_restart_drops_images_that_were_not_read,
        test_restart_leaves_a_held_frame_alone,
        test_restart_goes_on_beside_a_held_frame,
        test_restart_gets_a_held_buffer_when_it_is_released,
        test_restart_leaves_two_held_frames_alone,
        test_restart_goes_on_after_one_of_two_frames_is_released,
        test_restart_counts_once_with_frames_held,
        test_restart_that_is_seen_twice_counts_twice,
        test_session_is_one_where_another_client_answered_in_part,
        test_session_settles_where_another_client_answers_too,
    };
    const TTest *const once[] = {
        test_restart_again_and_again,
        test_session_is_one_where_the_reader_came_in_between,
        test_session_is_another_where_two_servers_were_answered_in_part,
        test_restart_while_the_old_server_draws,
        test_session_of_a_reader_that_came_first,
        test_session_of_a_stream_that_is_found_running,
        test_reader_restart_under_a_server,
    };
    Suite *suite = suite_create("restart");
    TCase *tcase = pair_tcase("restart");

    ADD_TESTS(tcase, twice, 2);
    ADD_TESTS(tcase, once, 1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
