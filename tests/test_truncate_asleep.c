/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that gets another size while a reader sleeps, which a server of ours
 * then wakes, and when it is that the reader looks for a better one. The clock
 * goes forward only with the sleeps, and by what a test adds.
 */
#include "config.h"

#include "lengths.h"
#include "wait.h"

static int64_t clock_now;
static void (*event)(void); /* in the next sleep; NULL for none */
static ShmImageReader *beside;

static int64_t fake_now(void)
{
    return clock_now;
}

static void fake_sleep(int64_t time)
{
    void (*now)(void) = event;

    clock_now += time;
    event = NULL;
    if (now)
        now();
}

static bool fake_sleep_on(const ShmiWatch *watch, int64_t time)
{
    (void)watch;
    fake_sleep(time);
    return true;
}

static void fake_wake(uint32_t *word)
{
    (void)word;
}

static const ShmiWaitOps fake_ops = {
    .now      = fake_now,
    .sleep_on = fake_sleep_on,
    .sleep    = fake_sleep,
    .wake     = fake_wake,
};

/* With a look, so that the reader does not ask soon whether its file was
 * replaced. */
static void setup(void)
{
    clock_now = shmi_wait_system.now();
    event     = NULL;
    beside    = NULL;
    shmi_wait_ops = &fake_ops;
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}

static void teardown(void)
{
    shmi_wait_ops = &shmi_wait_system;
    shmimage_reader_close(beside);
}

/* What acquire returns when something happens in its first sleep. */
static int acquire_while(void (*happens)(void))
{
    ShmImageFrame *frame;
    int ret;

    event = happens;
    ret = shmimage_reader_acquire(reader, SHMI_CHECK_INTERVAL / 2 / 1000,
                                  &frame);
    shmimage_reader_release(frame);
    ck_assert_ptr_null(event);
    return ret;
}

static void it_is_shortened(void)
{
    set_length(TEST_FILE_SIZE - 1);
}

START_TEST(test_acquire_sees_another_size_without_an_image)
{
    ck_assert_int_eq(acquire_while(it_is_shortened), SHMIMAGE_ERROR_TRUNCATED);
}
END_TEST

/* What is left where buffer 1 was is no image any more. */
static void it_grows_for_another_server(void)
{
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    close_writer();
    set_length(2 * TEST_FILE_SIZE);
    open_writer();
}

START_TEST(test_acquire_gives_no_image_from_before_a_server)
{
    shmimage_reader_release(put_and_take(1));
    ck_assert_int_eq(acquire_while(it_grows_for_another_server),
                     SHMIMAGE_ERROR_TRUNCATED);
}
END_TEST

static void open_beside(void)
{
    shmimage_reader_close(beside);
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &beside),
                     SHMIMAGE_OK);
}

static void another_reader_answers_the_server(void)
{
    it_grows_for_another_server();
    open_beside();
}

/* Then nothing but the size tells that the server is another one. */
START_TEST(test_acquire_gives_no_image_that_another_reader_left)
{
    close_reader();
    open_beside();
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_OK);
    shmimage_reader_release(put_and_take(1));
    ck_assert_int_eq(acquire_while(another_reader_answers_the_server),
                     SHMIMAGE_ERROR_TRUNCATED);
}
END_TEST

static void an_image_comes(void)
{
    ck_assert_int_eq(put(3), SHMIMAGE_OK);
}

/* What was cut off is lost, whatever comes next. */
START_TEST(test_acquire_remembers_that_it_was_shortened)
{
    it_is_shortened();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    set_length(TEST_FILE_SIZE);
    ck_assert_int_eq(acquire_while(an_image_comes), SHMIMAGE_NO_FRAME);
}
END_TEST

static ShmImageFrame *held;

static void a_frame_loses_pages(void)
{
    set_length(HALF + 4096);
    ck_assert_uint_eq(held->pixels[held->size - 1], 0);
    set_length(TEST_FILE_SIZE);
    an_image_comes();
}

START_TEST(test_acquire_sees_that_a_held_frame_lost_pages)
{
    shmimage_reader_release(put_and_take(1));
    held = put_and_take(2);
    ck_assert_int_eq(acquire_while(a_frame_loses_pages),
                     SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
}
END_TEST

/* Let the reader's next look ask whether its file was replaced. */
static void time_passes(void)
{
    clock_now += SHMI_CHECK_INTERVAL;
}

static void check_says_it_once(void)
{
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        time_passes();
    }
}

/* While the file is too small the reader stays with what it has. */
START_TEST(test_acquire_says_it_once_each_time)
{
    for (uint32_t i = 1; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
            set_length(SHMI_MIN_FILE_SIZE - 1);
            check_says_it_once();
            set_length(TEST_FILE_SIZE);
            ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
            time_passes();
        }
        close_writer();
        open_writer();
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        ck_assert_uint_gt(session_of_next(i), i);
        time_passes();
    }
}
END_TEST

/* Their pixels may be gone. */
START_TEST(test_acquire_refuses_images_from_before)
{
    ShmImageReaderStats stats;

    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    it_is_shortened();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    set_length(TEST_FILE_SIZE);
    time_passes();
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_SERVER), SHMI_BUFFERS);
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.refused, 2);
}
END_TEST

/* The role is not given up with the mapping that was left. */
static void check_is_the_client(void)
{
#if SHMI_HAVE_OFD_LOCKS
    ShmImageReader *other;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &other),
                     SHMIMAGE_ERROR_BUSY);
#endif
}

START_TEST(test_release_of_a_frame_from_before_frees_no_buffer)
{
    ShmImageFrame *frame;

    held = put_and_take(1);
    it_is_shortened();
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    close_writer();
    set_length(TEST_FILE_SIZE);
    open_writer();
    time_passes();
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    frame = put_and_take(2);
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
    ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), 1);
    check_is_the_client();
    shmimage_reader_release(frame);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("truncate_asleep");
    TCase *tcase = lengths_tcase("truncate_asleep");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_acquire_sees_another_size_without_an_image);
    tcase_add_test(tcase, test_acquire_gives_no_image_from_before_a_server);
    tcase_add_test(tcase, test_acquire_gives_no_image_that_another_reader_left);
    tcase_add_test(tcase, test_acquire_remembers_that_it_was_shortened);
    tcase_add_test(tcase, test_acquire_sees_that_a_held_frame_lost_pages);
    tcase_add_test(tcase, test_acquire_says_it_once_each_time);
    tcase_add_test(tcase, test_acquire_refuses_images_from_before);
    tcase_add_test(tcase,
                   test_release_of_a_frame_from_before_frees_no_buffer);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
