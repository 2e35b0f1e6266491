/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that gets another size while a reader sleeps, which a server of ours
 * then wakes, and when it is that the reader looks for a better one. The clock
 * goes forward only with the sleeps, and by what a test adds.
 */
#include "config.h"

#include "lengths.h"
#include "presence.h"
#include "wait.h"
#include "wrap.h"

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

/* Somebody else has gone on with the file by then. */
START_TEST(test_release_in_a_file_with_its_size_again)
{
    held = put_and_take(1);
    it_is_shortened();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    set_length(TEST_FILE_SIZE);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), 1);
    shmimage_reader_release(held);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), 1);
}
END_TEST

/* Nobody's role keeps this reader from opening the file once more. */
START_TEST(test_acquire_stays_with_its_file)
{
    ShmImageReaderStats stats;

    close_reader();
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &reader),
                     SHMIMAGE_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        clock_now += SHMI_CHECK_INTERVAL;
    }
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.replaced, 0);
}
END_TEST

static bool cut_when_followed;

WRAP(ShmiPresence, shmi_presence_look, int fd, ShmiRole role)
{
    if (cut_when_followed) {
        cut_when_followed = false;
        it_is_shortened();
    }
    return __real_shmi_presence_look(fd, role);
}

/* Of the second file, too, which is shortened when it has just been mapped. */
START_TEST(test_acquire_says_it_once_of_each_file)
{
    it_is_shortened();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    replace(TEST_FILE_SIZE, false);
    clock_now += SHMI_CHECK_INTERVAL;
    cut_when_followed = true;
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert(!cut_when_followed);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        clock_now += SHMI_CHECK_INTERVAL;
    }
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
    tcase_add_test(tcase, test_acquire_says_it_once_of_each_file);
    tcase_add_test(tcase, test_release_in_a_file_with_its_size_again);
    tcase_add_test(tcase, test_acquire_stays_with_its_file);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
