/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Waiting where the system refuses sleeps on a futex, wake-ups or locks, as
 * often as it is asked: each side polls, and misses nothing.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>

#include "fault_driver.h"

enum { IMAGES = 20 };

static const struct {
    Fault which;
    int error;
} refusals[] = {
    { FAULT_FUTEX, ENOSYS },
    { FAULT_FUTEX, EPERM },
    { FAULT_FUTEX, EFAULT },
    { FAULT_FUTEX, EINVAL },
    { FAULT_FUTEX, ENOMEM },
    { FAULT_FUTEX, EAGAIN },
    { FAULT_FUTEX, EINTR },
    { FAULT_FUTEX, ETIMEDOUT },
    { FAULT_LOCK, ENOLCK },
    { FAULT_LOCK, EINVAL },
    { FAULT_LOCK, EINTR },
};

enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

static ShmImageWriter *writer;
static ShmImageReader *reader;
static Account before;

static void open_writer(void)
{
    ck_assert_int_eq(shmimage_writer_open(fault_path, 0, &writer),
                     SHMIMAGE_OK);
}

static void open_reader(void)
{
    ck_assert_int_eq(shmimage_reader_open(fault_path, 0, &reader),
                     SHMIMAGE_OK);
}

static void refuse(int refusal)
{
    fault_plan_all(refusals[refusal].which, refusals[refusal].error);
}

/* Whether what is refused is called at all in this build. */
static bool is_called(int refusal)
{
    return refusals[refusal].which == FAULT_LOCK ? SHMI_HAVE_OFD_LOCKS
                                                 : SHMI_HAVE_FUTEX;
}

static void begin(void)
{
    make_fault_file();
    before = account_now();
}

/* After so many images it has been called, if there was any reason to. */
static void end(int refusal)
{
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    ck_assert(fault_came() == is_called(refusal));
    assert_account(&before);
}

/* As fast as there is room, and so the server waits as well. */
static void *send_images(void *opaque)
{
    uint8_t pixels[SIZE];
    uint32_t number = 0;

    while (number < IMAGES) {
        fill_pixels(pixels, SIZE, number + 1);
        if (shmimage_writer_wait(writer, SHMIMAGE_FOREVER) != SHMIMAGE_OK ||
            shmimage_writer_put(writer, ++number, WIDTH, HEIGHT, pixels, 0) !=
                SHMIMAGE_OK)
            return NULL;
    }
    return opaque;
}

static void take_images(void)
{
    for (uint32_t number = 1; number <= IMAGES; number++) {
        ShmImageFrame *frame;

        ck_assert_int_eq(shmimage_reader_acquire(reader, SHMIMAGE_FOREVER,
                                                 &frame), SHMIMAGE_OK);
        ck_assert_uint_eq(frame->number, number);
        ck_assert(pixels_match(frame->pixels, SIZE, number));
        shmimage_reader_release(frame);
    }
}

static void send_and_take_images(void)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, send_images, &before), 0);
    take_images();
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &before);
}

START_TEST(test_images_come_when_all_is_refused_from_the_start)
{
    begin();
    refuse(_i);
    open_writer();
    open_reader();
    send_and_take_images();
    end(_i);
}
END_TEST

START_TEST(test_images_come_when_all_is_refused_later)
{
    begin();
    open_writer();
    open_reader();
    refuse(_i);
    send_and_take_images();
    end(_i);
}
END_TEST

START_TEST(test_waits_end_in_time)
{
    ShmImageFrame *frame;

    begin();
    open_writer();
    refuse(_i);
    ck_assert_int_eq(shmimage_writer_wait(writer, 3000),
                     SHMIMAGE_UNCONNECTED);
    open_reader();
    ck_assert_int_eq(shmimage_reader_acquire(reader, 3000, &frame),
                     SHMIMAGE_NO_FRAME);
    end(_i);
}
END_TEST

/* The one that is gone can't be told from the one that is silent. */
START_TEST(test_server_that_has_left_is_not_seen_without_locks)
{
    ShmImageFrame *frame;

    begin();
    fault_plan_all(FAULT_LOCK, ENOLCK);
    open_writer();
    open_reader();
    shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_int_eq(shmimage_reader_acquire(reader, 3000, &frame),
                     SHMIMAGE_NO_FRAME);
    open_writer();
    send_and_take_images();
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    fault_came();
    assert_account(&before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiting on a failing system");
    TCase *tcase = fault_tcase(NULL, 0);

    tcase_add_loop_test(tcase,
                        test_images_come_when_all_is_refused_from_the_start,
                        0, REFUSALS);
    tcase_add_loop_test(tcase, test_images_come_when_all_is_refused_later, 0,
                        REFUSALS);
    tcase_add_loop_test(tcase, test_waits_end_in_time, 0, REFUSALS);
    tcase_add_test(tcase, test_server_that_has_left_is_not_seen_without_locks);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
