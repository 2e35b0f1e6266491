/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader learns that the server is gone, however it went, from the lock
 * that it held; and of one that holds no lock nothing is ever said.
 */
#include "config.h"

#include <pthread.h>

#include "pair.h"
#include "presence.h"
#include "shared_memory_image_client_priv.h"
#include "wait.h"
#include "wrap.h"

static bool next_server_starts;

WRAP(ShmiPresence, shmi_presence_look, int fd, ShmiRole role)
{
    ShmiPresence presence = __real_shmi_presence_look(fd, role);

    if (next_server_starts && role == SHMI_SERVER &&
        presence == SHMI_PRESENCE_FREE) {
        next_server_starts = false;
        open_writer();
    }
    return presence;
}

#if SHMI_HAVE_OFD_LOCKS

/* Take an image from a server that may not have sent it yet. */
static void expect_image(uint32_t number)
{
    ShmImageFrame *frame = NULL;

    wait_until(shmimage_reader_acquire(reader, 0, &frame) == SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, SIZE, number));
    shmimage_reader_release(frame);
}

static void assert_disconnected_once(void)
{
    ck_assert_int_eq(look(), SHMIMAGE_DISCONNECTED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}

START_TEST(test_acquire_says_once_that_a_server_was_closed)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    close_writer();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_once_that_a_server_was_killed)
{
    open_reader(SHMIMAGE_RECONNECTING);
    start_server(1);
    expect_image(0);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    end_child();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_hands_out_what_a_dead_server_left)
{
    start_server(2);
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 2);
    open_reader(SHMIMAGE_OK);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT) == 2);
    end_child();
    shmimage_reader_release(take_image(0));
    shmimage_reader_release(take_image(1));
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_hands_out_what_a_closed_server_left)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    close_writer();
    shmimage_reader_release(take_image(1));
    shmimage_reader_release(take_image(2));
    assert_disconnected_once();
}
END_TEST

static int64_t end_now(void)
{
    if (writer) {
        put(1);
        close_writer();
    }
    return shmi_wait_system.now();
}

/* The server draws and ends when the reader has looked and found nothing. */
START_TEST(test_acquire_hands_out_what_came_after_its_look)
{
    ShmiWaitOps ops = shmi_wait_system;

    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ops.now = end_now;
    shmi_wait_ops = &ops;
    shmimage_reader_release(take_image(1));
    shmi_wait_ops = &shmi_wait_system;
    assert_disconnected_once();
}
END_TEST

/* It starts when the reader has found that the one before is gone. */
START_TEST(test_acquire_says_it_of_the_next_server_as_well)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    close_writer();
    next_server_starts = true;
    ck_assert_int_eq(look(), SHMIMAGE_DISCONNECTED);
    /* An idle look would find out that the next server is there. */
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take_image(1));
    close_writer();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_knows_a_server_that_another_reader_answered)
{
    ShmImageReader *other;
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &other),
                     SHMIMAGE_RECONNECTING);
    ck_assert_int_eq(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_RECONNECTING);
    open_writer();
    ck_assert_int_eq(shmimage_reader_acquire(other, 0, &frame),
                     SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    close_writer();
    assert_disconnected_once();
    shmimage_reader_close(other);
}
END_TEST

/* The reader has never found a buffer empty while the server was there. */
START_TEST(test_acquire_knows_the_server_that_it_found)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_reader();
    open_reader(SHMIMAGE_RECONNECTING);
    put(1);
    put(2);
    close_writer();
    shmimage_reader_release(take_image(1));
    shmimage_reader_release(take_image(2));
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_it_of_each_server)
{
    open_reader(SHMIMAGE_RECONNECTING);
    for (uint32_t i = 0; i < 4; i++) {
        open_writer();
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
        shmimage_reader_release(take_image(i));
        close_writer();
        assert_disconnected_once();
    }
}
END_TEST

START_TEST(test_acquire_says_nothing_when_the_next_server_is_there)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    open_writer();
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take_image(1));
    close_writer();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_it_beside_a_held_frame)
{
    ShmImageFrame *held;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    held = take_image(1);
    close_writer();
    assert_disconnected_once();
    ck_assert(pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    shmimage_reader_release(held);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_says_it_once_a_buffer_is_released)
{
    ShmImageFrame *first, *second;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    first  = take_image(1);
    second = take_image(2);
    close_writer();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_LOCKED);
    shmimage_reader_release(first);
    assert_disconnected_once();
    shmimage_reader_release(second);
}
END_TEST

static void *wait_for_ever(void *arg)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);

    (void)arg;
    shmimage_reader_release(frame);
    return (void *)(intptr_t)ret;
}

/* Closed, or killed. */
START_TEST(test_acquire_that_waits_returns)
{
    pthread_t thread;
    void *result;

    open_reader(SHMIMAGE_RECONNECTING);
    if (_i) {
        start_server(1);
        expect_image(0);
    } else {
        open_writer();
        look();
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    if (_i)
        end_child();
    else
        close_writer();
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_DISCONNECTED);
}
END_TEST

START_TEST(test_acquire_says_nothing_of_a_vendor_server_after_ours)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    if (_i)
        assert_disconnected_once();
    vendor_server_starts();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    poke_image(0, 5);
    shmimage_reader_release(take_image(5));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

/* A reset is no server that comes and goes. */
START_TEST(test_acquire_says_nothing_after_a_reset)
{
    pthread_t thread;
    void *result;

    vendor_server_starts();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_OK);
        wait_until(count_state(SHMIMAGE_STATE_SERVER) == 2);
    }
    poke_image(0, 1);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_OK);
}
END_TEST

static bool is_looking;

static void look_now(uint32_t *word)
{
    (void)word;
    if (is_looking)
        return;
    is_looking = true;
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    is_looking = false;
}

/* Nor is it one while it lasts. */
START_TEST(test_acquire_says_nothing_during_a_reset)
{
    ShmiWaitOps ops = shmi_wait_system;

    open_reader(SHMIMAGE_RECONNECTING);
    ops.wake = look_now;
    shmi_wait_ops = &ops;
    ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_OK);
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_published_lock_finds_no_frame_of_a_server_that_is_gone)
{
    SharedMemoryImageStream stream;
    SharedMemoryFrame frame;

    open_writer();
    ck_assert_int_eq(SharedMemoryImageStream_create(path, 0, &stream),
                     IMAGESTREAM_NOERROR);
    close_writer();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(SharedMemoryImageStream_lock(stream, &frame),
                         IMAGESTREAM_NO_FRAMEAVAILABLE);
    SharedMemoryImageStream_destroy(stream);
}
END_TEST

static void add_tests_of_locks(TCase *tcase)
{
    const TTest *const once[] = {
        test_acquire_says_once_that_a_server_was_closed,
        test_acquire_says_once_that_a_server_was_killed,
        test_acquire_hands_out_what_a_dead_server_left,
        test_acquire_hands_out_what_a_closed_server_left,
        test_acquire_hands_out_what_came_after_its_look,
        test_acquire_knows_a_server_that_another_reader_answered,
        test_acquire_knows_the_server_that_it_found,
        test_acquire_says_it_of_each_server,
        test_acquire_says_it_of_the_next_server_as_well,
        test_acquire_says_nothing_when_the_next_server_is_there,
        test_acquire_says_it_beside_a_held_frame,
        test_acquire_says_it_once_a_buffer_is_released,
        test_acquire_says_nothing_after_a_reset,
        test_acquire_says_nothing_during_a_reset,
        test_published_lock_finds_no_frame_of_a_server_that_is_gone,
    };
    const TTest *const twice[] = {
        test_acquire_that_waits_returns,
        test_acquire_says_nothing_of_a_vendor_server_after_ours,
    };

    ADD_TESTS(tcase, once, 1);
    ADD_TESTS(tcase, twice, 2);
}

#else

START_TEST(test_acquire_says_nothing_without_locks)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

static void add_tests_of_locks(TCase *tcase)
{
    tcase_add_test(tcase, test_acquire_says_nothing_without_locks);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

START_TEST(test_acquire_says_nothing_of_a_vendor_server)
{
    vendor_server_starts();
    open_reader(SHMIMAGE_OK);
    for (uint32_t number = 0; number < 3; number++) {
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        poke_image((int)number % 2, number);
        shmimage_reader_release(take_image(number));
    }
    vendor_server_starts();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_says_nothing_before_there_is_a_server)
{
    open_reader(SHMIMAGE_RECONNECTING);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disconnect");
    TCase *tcase = file_tcase("disconnect");

    add_tests_of_locks(tcase);
    tcase_add_test(tcase, test_acquire_says_nothing_of_a_vendor_server);
    tcase_add_test(tcase, test_acquire_says_nothing_before_there_is_a_server);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
