/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define WIDTH  32
#define HEIGHT 16
#define SIZE   (3 * WIDTH * HEIGHT)

static const char *path;
static ShmImageWriter *writer;

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static void teardown(void)
{
    shmimage_writer_close(writer);
    test_files_remove();
}

static int put(uint32_t number)
{
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    return shmimage_writer_put(writer, number, WIDTH, HEIGHT, pixels, 0);
}

static ShmImageFrame *take(ShmImageReader *reader, uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 30000000, &frame),
                     SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, frame->size, number));
    return frame;
}

#if SHMI_HAVE_OFD_LOCKS

static ShmImageWriterStats stats(void)
{
    ShmImageWriterStats now;

    ck_assert_int_eq(shmimage_writer_stats(writer, &now, sizeof(now)), 0);
    return now;
}

/* The writer has noticed, and the next client gets nothing of what the one
 * before it left. */
static void assert_starts_anew(void)
{
    ShmImageReader *next;

    ck_assert_int_eq(put(100), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(stats().connected, 0);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &next), SHMIMAGE_OK);
    ck_assert_int_eq(put(101), SHMIMAGE_OK);
    ck_assert_int_eq(stats().connected, 1);
    shmimage_reader_release(take(next, 101));
    shmimage_reader_close(next);
}

START_TEST(test_put_after_the_client_has_closed)
{
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    for (int i = 0; i < _i; i++)
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
    ck_assert_int_eq(stats().connected, 1);
    shmimage_reader_close(reader);
    ck_assert_int_eq(stats().connected, 0);
    assert_starts_anew();
    ck_assert_uint_eq(stats().published, 1);
    ck_assert_uint_eq(stats().dropped, _i);
}
END_TEST

/* A client that holds so many images, until it is killed. */
static void hold_images(int count, int ready)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;

    if (shmimage_reader_open(path, 0, &reader) < 0)
        _exit(1);
    for (int i = 0; i < count; i++)
        if (shmimage_reader_acquire(reader, 30000000, &frame) != SHMIMAGE_OK)
            _exit(1);
    if (write(ready, "", 1) != 1)
        _exit(1);
    alarm(60);
    for (;;)
        pause();
}

/* Start a client that holds so many of two images. */
static pid_t start_holder(int count)
{
    int ready[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0)
        hold_images(count, ready[1]);
    for (uint32_t number = 0; number < 2; number++) {
        wait_until(shmimage_writer_wait(writer, 100000) == SHMIMAGE_OK);
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(put(2), SHMIMAGE_NO_BUFFER);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void kill_now(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(test_put_after_the_client_was_killed)
{
    kill_now(start_holder(_i));
    assert_starts_anew();
}
END_TEST

static bool is_let_in(ShmImageReader *reader, uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 1000, &frame),
                     SHMIMAGE_NO_FRAME);
    return put(number) == SHMIMAGE_OK;
}

/* It hung with both images, or with one, and the other is held elsewhere. */
START_TEST(test_acquire_inherits_from_a_client_that_was_killed)
{
    pid_t pid = start_holder(_i);
    ShmImageFrame *frame = NULL;
    ShmImageReader *second;

    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &second),
                     0);
    if (_i == 1)
        frame = take(second, 1);
    ck_assert(!is_let_in(second, 3));
    kill_now(pid);
    wait_until(is_let_in(second, 4));
    ck_assert_int_eq(put(5), _i == 1 ? SHMIMAGE_NO_BUFFER : SHMIMAGE_OK);
    shmimage_reader_release(take(second, 4));
    ck_assert(!frame || pixels_match(frame->pixels, frame->size, 1));
    shmimage_reader_release(frame);
    shmimage_reader_close(second);
}
END_TEST

START_TEST(test_put_while_a_closed_client_still_holds_an_image)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    frame = take(reader, 1);
    shmimage_reader_close(reader);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_NO_BUFFER);
    ck_assert(pixels_match(frame->pixels, frame->size, 1));
    shmimage_reader_release(frame);
    assert_starts_anew();
}
END_TEST

START_TEST(test_open_is_refused_while_one_that_took_over_lives)
{
    ShmImageReader *first, *second, *third;
    ShmImageFileInfo info;
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &first), SHMIMAGE_OK);
    ck_assert_int_ge(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &second),
                     0);
    shmimage_reader_close(first);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    frame = take(second, 1);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &third),
                     SHMIMAGE_ERROR_BUSY);
    ck_assert_int_eq(shmimage_file_info(path, &info, sizeof(info)), 0);
    ck_assert_int_eq(info.client, 1);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_NO_BUFFER);
    ck_assert(pixels_match(frame->pixels, frame->size, 1));
    shmimage_reader_release(frame);
    shmimage_reader_close(second);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

/* Of a client that takes no lock nothing is known. */
START_TEST(test_put_takes_nothing_from_a_silent_client)
{
    poke_state(path, 0, SHMIMAGE_STATE_SERVER);
    poke_state(path, 1, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    for (uint32_t number = 3; number < 6; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_CLIENT);
}
END_TEST

START_TEST(test_client_that_comes_back_without_a_word)
{
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take(reader, 1));
    shmimage_reader_close(reader);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), 0);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    shmimage_reader_release(take(reader, 2));
    shmimage_reader_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_gone");
    TCase *tcase = tcase_create("client_gone");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_loop_test(tcase, test_put_after_the_client_has_closed, 0, 3);
    tcase_add_loop_test(tcase, test_put_after_the_client_was_killed, 0, 3);
    tcase_add_loop_test(tcase,
                        test_acquire_inherits_from_a_client_that_was_killed, 1,
                        3);
    tcase_add_test(tcase, test_put_while_a_closed_client_still_holds_an_image);
    tcase_add_test(tcase, test_open_is_refused_while_one_that_took_over_lives);
#endif
    tcase_add_test(tcase, test_put_takes_nothing_from_a_silent_client);
    tcase_add_test(tcase, test_client_that_comes_back_without_a_word);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
