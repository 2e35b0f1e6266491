/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the reader and the writer wait, and how often they look, on a clock
 * that goes forward only while they sleep. A test can have something happen
 * during one of those sleeps.
 */
#include "config.h"

#include <string.h>

#include "support.h"
#include "wait.h"

#define SECOND INT64_C(1000000)    /* of the functions' time-outs */

static struct {
    int64_t clock;
    int64_t step;       /* time that passes with every look at the clock */
    int sleeps;
    int event_at;       /* the sleep in which the event happens; 0 for none */
    void (*event)(void);
    bool disturbing;    /* every sleep and wake has the event */
    int64_t next_image; /* when event_draw_in_time() draws again */
} fake;

static const char *path;
static ShmImageReader *reader;
static ShmImageWriter *writer;

static int64_t fake_now(void)
{
    return fake.clock += fake.step;
}

static void fake_sleep(int64_t time)
{
    fake.clock += time;
    fake.sleeps++;
    if (fake.sleeps == fake.event_at || fake.disturbing)
        fake.event();
}

static bool fake_sleep_on(const ShmiWatch *watch, int64_t time)
{
    for (int i = 0; i < watch->words; i++)
        if (*watch->word[i] != watch->seen[i])
            return true;
    fake_sleep(time);
    return true;
}

static void fake_wake(uint32_t *word)
{
    (void)word;
    if (fake.disturbing)
        fake.event();
}

static const ShmiWaitOps fake_ops = {
    .now      = fake_now,
    .sleep_on = fake_sleep_on,
    .sleep    = fake_sleep,
    .wake     = fake_wake,
};

static void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    path   = NULL;
    reader = NULL;
    writer = NULL;
    shmi_wait_ops = &fake_ops;
}

static void teardown(void)
{
    fake.disturbing = false;
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    shmi_wait_ops = &shmi_wait_system;
    test_files_remove();
}

static void open_reader(uint64_t size)
{
    path = test_file(size);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static void open_writer(uint64_t size)
{
    path = test_file(size);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static void open_both(uint64_t size)
{
    open_reader(size);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static int acquire(int64_t timeout)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(reader, timeout, &frame);

    shmimage_reader_release(frame);
    return ret;
}

static void have_at(int sleep, void (*event)(void))
{
    fake.event_at = fake.sleeps + sleep;
    fake.event    = event;
}

static void event_poke_image(void)
{
    const ShmiHeader pixel = { 1, 1, 1, 0, 1 };

    poke(path, 1, &pixel, SHMIMAGE_STATE_CLIENT);
}

static void event_poke_room(void)
{
    poke_state(path, 1, SHMIMAGE_STATE_SERVER);
}

START_TEST(test_acquire_without_time_does_not_sleep)
{
    open_reader(TEST_FILE_SIZE);
    ck_assert_int_eq(acquire(0), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 0);
}
END_TEST

START_TEST(test_acquire_of_a_ready_image_does_not_sleep)
{
    open_reader(TEST_FILE_SIZE);
    event_poke_image();
    ck_assert_int_eq(acquire(SHMIMAGE_FOREVER), SHMIMAGE_OK);
    ck_assert_int_eq(fake.sleeps, 0);
}
END_TEST

START_TEST(test_acquire_ends_with_its_time)
{
    open_reader(TEST_FILE_SIZE);
    ck_assert_int_eq(acquire(1500), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.clock, 1500 * 1000);
}
END_TEST

START_TEST(test_acquire_looks_once_more_when_its_time_is_over)
{
    open_reader(TEST_FILE_SIZE);
    have_at(2, event_poke_image);
    ck_assert_int_eq(acquire(1500), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_acquire_from_a_silent_server_looks_once_a_millisecond)
{
    open_reader(TEST_FILE_SIZE + _i);
    ck_assert_int_eq(acquire(SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 1000);
}
END_TEST

START_TEST(test_acquire_from_an_idle_server_looks_more_rarely)
{
    open_reader(TEST_FILE_SIZE + _i);
    ck_assert_int_eq(acquire(9 * SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 1000 + 8000 / 4);
}
END_TEST

/* Nanoseconds from image to image; no multiple of a pause. */
#define INTERVAL 15000000

/* Draws an image in time, whenever the reader looks. */
static void event_draw_in_time(void)
{
    static const ShmiHeader pixel = { 1, 1, 1, 0, 1 };

    if (fake.clock < fake.next_image)
        return;
    poke(path, 1, &pixel, SHMIMAGE_STATE_CLIENT);
    fake.next_image = fake.clock / INTERVAL * INTERVAL + INTERVAL;
}

START_TEST(test_acquire_from_a_silent_server_adapts_to_its_rhythm)
{
    open_reader(TEST_FILE_SIZE + _i);
    fake.disturbing = true;
    fake.event      = event_draw_in_time;
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(acquire(SECOND), SHMIMAGE_OK);
    fake.sleeps = 0;
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(acquire(SECOND), SHMIMAGE_OK);
        /* Seen at once, with no more than a few looks. */
        ck_assert_int_lt(fake.clock % INTERVAL, SHMI_POLL_INTERVAL);
    }
    ck_assert_int_le(fake.sleeps, 100 * 9);
}
END_TEST

/* The reader is the slower one, so that each image waits for it. */
START_TEST(test_acquire_makes_no_rhythm_of_images_that_waited)
{
    open_reader(TEST_FILE_SIZE + _i);
    for (int i = 0; i < 50; i++) {
        fake.clock += INTERVAL;
        event_poke_image();
        ck_assert_int_eq(acquire(SECOND), SHMIMAGE_OK);
    }
    ck_assert_int_eq(acquire(SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 1000);
}
END_TEST

START_TEST(test_acquire_sees_a_silent_server_within_a_millisecond)
{
    open_reader(TEST_FILE_SIZE + _i);
    have_at(500, event_poke_image);
    ck_assert_int_eq(acquire(SHMIMAGE_FOREVER), SHMIMAGE_OK);
    ck_assert_int_eq(fake.sleeps, 500);
    ck_assert_int_eq(fake.clock, 500 * SHMI_POLL_INTERVAL);
}
END_TEST

static const int64_t huge_times[] = {
    INT64_MAX, INT64_MAX - 1, INT64_MAX / 1000, INT64_MAX / 1000 + 1,
};

START_TEST(test_acquire_with_a_huge_time_waits)
{
    open_reader(TEST_FILE_SIZE);
    fake.clock = 1000;
    have_at(3, event_poke_image);
    ck_assert_int_eq(acquire(huge_times[_i]), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_wait_with_a_huge_time_waits)
{
    open_writer(TEST_FILE_SIZE);
    fake.clock = 1000;
    have_at(3, event_poke_room);
    ck_assert_int_eq(shmimage_writer_wait(writer, huge_times[_i]),
                     SHMIMAGE_OK);
}
END_TEST

START_TEST(test_wait_without_time_does_not_sleep)
{
    open_writer(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(fake.sleeps, 0);
}
END_TEST

START_TEST(test_wait_ends_with_its_time)
{
    open_writer(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1500),
                     SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(fake.clock, 1500 * 1000);
}
END_TEST

START_TEST(test_wait_for_a_silent_client_looks_once_a_millisecond)
{
    open_writer(TEST_FILE_SIZE + _i);
    ck_assert_int_eq(shmimage_writer_wait(writer, SECOND),
                     SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(fake.sleeps, 1000);
}
END_TEST

START_TEST(test_wait_sees_a_silent_client_within_a_millisecond)
{
    open_writer(TEST_FILE_SIZE + _i);
    have_at(500, event_poke_room);
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_OK);
    ck_assert_int_eq(fake.sleeps, 500);
}
END_TEST

/* A server that publishes nonsense as soon as its buffer is given back. */
static void event_nonsense(void)
{
    const ShmiHeader nonsense = { 1, 0xffffffff, 0xffffffff, 1, 1 };

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(path, i, &nonsense, SHMIMAGE_STATE_CLIENT);
}

static void start_nonsense(void)
{
    fake.disturbing = true;
    fake.event      = event_nonsense;
    event_nonsense();
}

START_TEST(test_acquire_without_time_ends_in_spite_of_nonsense)
{
    open_reader(TEST_FILE_SIZE);
    start_nonsense();
    ck_assert_int_eq(acquire(0), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 0);
}
END_TEST

START_TEST(test_acquire_ends_with_its_time_in_spite_of_nonsense)
{
    open_reader(TEST_FILE_SIZE);
    start_nonsense();
    fake.step = 1000;
    ck_assert_int_eq(acquire(200), SHMIMAGE_NO_FRAME);
    ck_assert_int_le(fake.clock, 210 * 1000);
}
END_TEST

START_TEST(test_acquire_finds_an_image_after_nonsense)
{
    const ShmiHeader nonsense = { 0, 0, 0, 0, 0 };

    open_reader(TEST_FILE_SIZE);
    poke(path, 0, &nonsense, SHMIMAGE_STATE_CLIENT);
    have_at(5, event_poke_image);
    ck_assert_int_eq(acquire(SHMIMAGE_FOREVER), SHMIMAGE_OK);
}
END_TEST

/* Buffer 1 begins at an odd address, where no futex can be. */
START_TEST(test_acquire_from_an_odd_file_looks_once_a_millisecond)
{
    open_both(TEST_FILE_SIZE + 3);
    acquire(0);
    ck_assert_int_eq(acquire(SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.sleeps, 1000);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS && SHMI_HAVE_FUTEX

static void event_server_leaves(void)
{
    shmimage_writer_close(writer);
    writer = NULL;
}

static void event_client_leaves(void)
{
    shmimage_reader_close(reader);
    reader = NULL;
}

START_TEST(test_acquire_from_a_server_that_wakes_sleeps_long)
{
    open_both(TEST_FILE_SIZE);
    acquire(0);
    ck_assert_int_eq(acquire(10 * SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(fake.clock, 10 * SECOND * 1000);
    ck_assert_int_eq(fake.sleeps, 40);
}
END_TEST

START_TEST(test_wait_for_a_client_that_wakes_sleeps_long)
{
    open_both(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_writer_wait(writer, 10 * SECOND),
                     SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(fake.clock, 10 * SECOND * 1000);
    ck_assert_int_eq(fake.sleeps, 40);
}
END_TEST

START_TEST(test_acquire_notices_that_a_server_that_wakes_has_left)
{
    open_both(TEST_FILE_SIZE);
    acquire(0);
    have_at(3, event_server_leaves);
    ck_assert_int_eq(acquire(SECOND), SHMIMAGE_DISCONNECTED);
    ck_assert_int_eq(fake.sleeps, 3);
    ck_assert_int_eq(acquire(SECOND), SHMIMAGE_NO_FRAME);
    ck_assert_int_gt(fake.sleeps, 3 + 1000 / 4);
}
END_TEST

START_TEST(test_wait_notices_that_a_client_that_wakes_has_left)
{
    open_both(TEST_FILE_SIZE);
    have_at(3, event_client_leaves);
    shmimage_writer_wait(writer, SECOND);
    ck_assert_int_eq(fake.sleeps, 3 + 250);
}
END_TEST

static void add_tests_of_wakes(TCase *tcase)
{
    tcase_add_test(tcase, test_acquire_from_a_server_that_wakes_sleeps_long);
    tcase_add_test(tcase, test_wait_for_a_client_that_wakes_sleeps_long);
    tcase_add_test(tcase,
                   test_acquire_notices_that_a_server_that_wakes_has_left);
    tcase_add_test(tcase, test_wait_notices_that_a_client_that_wakes_has_left);
}

#else

/* No peer knows that another one wakes it. */
static void add_tests_of_wakes(TCase *tcase)
{
    (void)tcase;
}

#endif

int main(void)
{
    const TTest *const once[] = {
        test_acquire_without_time_does_not_sleep,
        test_acquire_of_a_ready_image_does_not_sleep,
        test_acquire_ends_with_its_time,
        test_acquire_looks_once_more_when_its_time_is_over,
        test_wait_without_time_does_not_sleep,
        test_wait_ends_with_its_time,
        test_acquire_without_time_ends_in_spite_of_nonsense,
        test_acquire_ends_with_its_time_in_spite_of_nonsense,
        test_acquire_finds_an_image_after_nonsense,
        test_acquire_from_an_odd_file_looks_once_a_millisecond,
    };
    /* In files whose length leaves 0, 1, 2 and 3 after a multiple of 4. */
    const TTest *const with_each_length[] = {
        test_acquire_from_a_silent_server_looks_once_a_millisecond,
        test_acquire_from_an_idle_server_looks_more_rarely,
        test_acquire_from_a_silent_server_adapts_to_its_rhythm,
        test_acquire_makes_no_rhythm_of_images_that_waited,
        test_acquire_sees_a_silent_server_within_a_millisecond,
        test_wait_for_a_silent_client_looks_once_a_millisecond,
        test_wait_sees_a_silent_client_within_a_millisecond,
    };
    Suite *suite = suite_create("waiting");
    TCase *tcase = tcase_create("waiting");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    for (size_t i = 0; i < sizeof(with_each_length) / sizeof(*once); i++)
        tcase_add_loop_test(tcase, with_each_length[i], 0, 4);
    tcase_add_loop_test(tcase, test_acquire_with_a_huge_time_waits, 0, 4);
    tcase_add_loop_test(tcase, test_wait_with_a_huge_time_waits, 0, 4);
    add_tests_of_wakes(tcase);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
