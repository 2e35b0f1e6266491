/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writer learns that its client is gone, however it went, from the lock
 * that it held, and starts anew; of one that holds no lock nothing is known.
 */
#include "config.h"

#include <pthread.h>

#include "pair.h"
#include "wait.h"

/* A client answers for one buffer after the other. */
static void wait_for_client(void)
{
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 0 && connected());
}

#if SHMI_HAVE_OFD_LOCKS

/* With the next image, whether there is a free buffer or not. */
static void assert_goes_unconnected(void)
{
    ck_assert_int_eq(put(90), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_INIT), 2);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000),
                     SHMIMAGE_UNCONNECTED);
    ck_assert(!connected());
}

static void assert_serves_the_next_client(void)
{
    open_reader(SHMIMAGE_OK);
    ck_assert(connected());
    for (uint32_t number = 100; number < 106; number += 2) {
        ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_OK);
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_int_eq(put(number + 1), SHMIMAGE_OK);
        ck_assert_int_eq(put(number + 2), SHMIMAGE_NO_BUFFER);
        shmimage_reader_release(take_image(number));
        shmimage_reader_release(take_image(number + 1));
    }
}

/* What the buffers are in that the client does not hold. */
typedef enum Rest { FREE, DRAWING, READY, RESTS } Rest;

static void fill_rest(Rest rest, uint32_t number)
{
    uint8_t *pixels;

    if (rest == DRAWING)
        shmimage_writer_begin(writer, number, width, height, &pixels);
    for (; rest == READY && put(number) == SHMIMAGE_OK; number++)
        ;
}

START_TEST(test_writer_goes_on_when_its_client_is_killed)
{
    int held = _i / RESTS;
    Rest rest = _i % RESTS;

    open_writer();
    start_client(held);
    wait_for_client();
    for (uint32_t i = 0; i < (uint32_t)held; i++)
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == held);
    fill_rest(rest, 10);
    ck_assert(connected());
    end_child();
    if (rest == DRAWING && held < SHMI_BUFFERS)
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_writer_goes_on_when_its_client_is_closed)
{
    Rest rest = _i % RESTS;

    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take_image(1));
    fill_rest(rest, 10);
    close_reader();
    if (rest == DRAWING)
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_stats_count_what_a_closed_client_left)
{
    ShmImageWriterStats stats;

    open_writer();
    open_reader(SHMIMAGE_OK);
    for (uint32_t number = 0; number < (uint32_t)_i; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
    ck_assert(connected());
    close_reader();
    ck_assert(!connected());
    assert_goes_unconnected();
    shmimage_writer_stats(writer, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.published, _i);
    ck_assert_uint_eq(stats.dropped, 0);
    ck_assert_uint_eq(stats.unconnected, 1);
    ck_assert_uint_eq(stats.unread, _i);
}
END_TEST

/* The states say that there are images, but the writer has put none there. */
START_TEST(test_put_after_the_client_has_forged_images)
{
    ShmImageWriterStats stats;

    open_writer();
    open_reader(SHMIMAGE_OK);
    shmimage_reader_release(put_and_take(0));
    ck_assert(connected());
    poke_states(SHMIMAGE_STATE_CLIENT);
    close_reader();
    ck_assert_int_eq(put(1), SHMIMAGE_UNCONNECTED);
    shmimage_writer_stats(writer, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.published, 1);
    ck_assert_uint_le(stats.unread, 1);
    ck_assert_uint_eq(stats.unconnected, 1);
}
END_TEST

START_TEST(test_writer_goes_on_for_client_after_client)
{
    open_writer();
    for (int i = 0; i < 6; i++) {
        start_client(i % 3);
        wait_for_client();
        for (uint32_t number = 0; number < (uint32_t)i % 3; number++)
            ck_assert_int_eq(put(number), SHMIMAGE_OK);
        wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == i % 3);
        /* Once more, as a client that came and went unseen is not missed. */
        wait_for_client();
        end_child();
        assert_goes_unconnected();
    }
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_writer_wait_sees_that_its_client_is_killed)
{
    open_writer();
    start_client(2);
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 2);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000), SHMIMAGE_NO_BUFFER);
    end_child();
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_INIT), 2);
    assert_serves_the_next_client();
}
END_TEST

static void *wait_for_room(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)shmimage_writer_wait(writer, SHMIMAGE_FOREVER);
}

START_TEST(test_writer_wait_ends_with_the_next_client)
{
    pthread_t thread;
    void *result;

    open_writer();
    start_client(2);
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_room, NULL), 0);
    end_child();
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 2);
    open_reader(SHMIMAGE_OK);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_OK);
}
END_TEST

START_TEST(test_writer_leaves_frames_of_a_closed_reader_alone)
{
    ShmImageFrame *first, *second;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    first  = take_image(1);
    second = take_image(2);
    close_reader();
    for (uint32_t number = 3; number < 6; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    shmimage_reader_release(second);
    for (uint32_t number = 6; number < 9; number++)
        put(number);
    ck_assert(connected());
    ck_assert(pixels_match(first->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_OK);
    shmimage_reader_release(first);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

/* The writer has seen that the one of ours is gone. */
START_TEST(test_writer_leaves_a_vendor_client_alone_after_ours)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    shmimage_reader_release(take_image(1));
    close_reader();
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_OK);
    poke_states(SHMIMAGE_STATE_CLIENT_LOCKED);
    for (uint32_t number = 4; number < 8; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), 2);
}
END_TEST

static bool is_let_in(uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 1000, &frame),
                     SHMIMAGE_NO_FRAME);
    return put(number) == SHMIMAGE_OK;
}

/* It hung with both images, or with one, and the other is held elsewhere. */
START_TEST(test_acquire_inherits_from_a_client_that_was_killed)
{
    ShmImageFrame *frame = NULL;

    open_writer();
    start_client(_i);
    wait_for_client();
    put(0);
    put(1);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == _i);
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_OK);
    if (_i == 1)
        frame = take_image(1);
    ck_assert(!is_let_in(3));
    end_child();
    wait_until(is_let_in(4));
    ck_assert_int_eq(put(5), _i == 1 ? SHMIMAGE_NO_BUFFER : SHMIMAGE_OK);
    shmimage_reader_release(take_image(4));
    ck_assert(!frame || pixels_match(frame->pixels, frame->size, 1));
    shmimage_reader_release(frame);
}
END_TEST

static int64_t clock_skips;

/* Long enough after the last time for whatever the reader does now and then. */
static int64_t skipping_now(void)
{
    return shmi_wait_system.now() + ++clock_skips * SHMI_CHECK_INTERVAL;
}

static bool has_inherited(void)
{
    look();
    return count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 0;
}

/* From a client that holds image 0 and then dies. */
static void take_over(void)
{
    open_writer();
    start_client(1);
    wait_for_client();
    put(0);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 1);
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_OK);
    end_child();
}

/* What is locked after that is somebody else's, such as a vendor client's. */
START_TEST(test_acquire_inherits_once)
{
    ShmiWaitOps ops = shmi_wait_system;

    take_over();
    wait_until(has_inherited());
    poke_state(path, 0, SHMIMAGE_STATE_CLIENT_LOCKED);
    ops.now = skipping_now;
    shmi_wait_ops = &ops;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT_LOCKED);
}
END_TEST

/* A busy server: whenever this client looks, there is an image. */
START_TEST(test_acquire_inherits_while_images_come)
{
    ShmiWaitOps ops = shmi_wait_system;

    take_over();
    ops.now = skipping_now;
    shmi_wait_ops = &ops;
    for (uint32_t number = 1; number < 4; number++) {
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        shmimage_reader_release(take_image(number));
    }
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_SERVER), SHMI_BUFFERS);
}
END_TEST

START_TEST(test_open_is_refused_while_one_that_took_over_lives)
{
    ShmImageReader *first, *third;
    ShmImageFileInfo info;
    ShmImageFrame *frame;

    open_writer();
    ck_assert_int_eq(shmimage_reader_open(path, 0, &first), SHMIMAGE_OK);
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_OK);
    shmimage_reader_close(first);
    frame = put_and_take(1);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &third),
                     SHMIMAGE_ERROR_BUSY);
    ck_assert_int_eq(shmimage_file_info(path, &info, sizeof(info)),
                     SHMIMAGE_OK);
    ck_assert_int_eq(info.client, 1);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_NO_BUFFER);
    ck_assert(pixels_match(frame->pixels, frame->size, 1));
    shmimage_reader_release(frame);
}
END_TEST

static void add_tests_of_locks(TCase *tcase)
{
    const TTest *const once[] = {
        test_put_after_the_client_has_forged_images,
        test_writer_goes_on_for_client_after_client,
        test_writer_wait_sees_that_its_client_is_killed,
        test_writer_wait_ends_with_the_next_client,
        test_writer_leaves_frames_of_a_closed_reader_alone,
        test_writer_leaves_a_vendor_client_alone_after_ours,
        test_open_is_refused_while_one_that_took_over_lives,
        test_acquire_inherits_once,
        test_acquire_inherits_while_images_come,
    };

    ADD_TESTS(tcase, once, 1);
    tcase_add_loop_test(tcase, test_writer_goes_on_when_its_client_is_killed,
                        0, 3 * RESTS);
    tcase_add_loop_test(tcase, test_writer_goes_on_when_its_client_is_closed,
                        0, RESTS);
    tcase_add_loop_test(tcase, test_stats_count_what_a_closed_client_left, 0,
                        3);
    tcase_add_loop_test(tcase,
                        test_acquire_inherits_from_a_client_that_was_killed,
                        1, 3);
}

#else

START_TEST(test_writer_takes_nothing_back_without_locks)
{
    open_writer();
    start_client(1);
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 1);
    end_child();
    for (uint32_t number = 3; number < 6; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
}
END_TEST

static void add_tests_of_locks(TCase *tcase)
{
    tcase_add_test(tcase, test_writer_takes_nothing_back_without_locks);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

/* How many buffers the vendor's client holds; the rest is ready to be read. */
START_TEST(test_writer_leaves_a_vendor_client_alone)
{
    open_writer();
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    for (int i = 0; i < _i; i++)
        poke_state(path, i, SHMIMAGE_STATE_CLIENT_LOCKED);
    for (uint32_t number = 3; number < 8; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), _i);
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(8), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_client_that_comes_back_without_a_word)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    shmimage_reader_release(put_and_take(1));
    close_reader();
    open_reader(SHMIMAGE_RECONNECTING);
    shmimage_reader_release(put_and_take(2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_gone");
    TCase *tcase = file_tcase("client_gone");

    add_tests_of_locks(tcase);
    tcase_add_loop_test(tcase, test_writer_leaves_a_vendor_client_alone, 0, 3);
    tcase_add_test(tcase, test_client_that_comes_back_without_a_word);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
