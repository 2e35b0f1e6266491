/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a client finds a file, and how it leaves it.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define NB_STATES (SHMIMAGE_STATE_INIT + 2) /* one of them is none */

static const ShmiHeader pixel = { 7, 1, 1, 0, 1 };

static const char *path;

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
}

static ShmImageReader *open_with(unsigned flags)
{
    ShmImageReader *reader;

    ck_assert_int_ge(shmimage_reader_open(path, flags, &reader), SHMIMAGE_OK);
    return reader;
}

static ShmImageFrame *take(ShmImageReader *reader)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

START_TEST(test_open_with_bad_arguments)
{
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_reader_open(NULL, 0, &reader),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_reader_open(path, 0, NULL),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_reader_open(path, SHMIMAGE_FLIP, &reader),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_open_that_fails_gives_null)
{
    ShmImageReader *reader = (ShmImageReader *)&reader;

    shmimage_reader_open(test_name(), 0, &reader);
    ck_assert_ptr_null(reader);
}
END_TEST

static uint8_t after_open(int state)
{
    return state == SHMIMAGE_STATE_INIT ||
           state == SHMIMAGE_STATE_CLIENT_LOCKED ? SHMIMAGE_STATE_SERVER
                                                 : (uint8_t)state;
}

/* Open a file whose buffers are in these states, and close it again. */
static int open_pair(int first, int second)
{
    ShmImageReader *reader;
    int ret;

    poke_state(path, 0, (uint8_t)first);
    poke_state(path, 1, (uint8_t)second);
    ret = shmimage_reader_open(path, SHMIMAGE_FORCE, &reader);
    shmimage_reader_close(reader);
    return ret;
}

START_TEST(test_open_tells_whether_a_server_has_just_started)
{
    for (int first = 0; first < NB_STATES; first++) {
        for (int second = 0; second < NB_STATES; second++) {
            bool fresh = first == SHMIMAGE_STATE_INIT ||
                         second == SHMIMAGE_STATE_INIT;

            ck_assert_msg(open_pair(first, second) ==
                          (fresh ? SHMIMAGE_OK : SHMIMAGE_RECONNECTING),
                          "states %d and %d", first, second);
        }
    }
}
END_TEST

START_TEST(test_open_connects_and_takes_back)
{
    for (int first = 0; first < NB_STATES; first++) {
        for (int second = 0; second < NB_STATES; second++) {
            open_pair(first, second);
            ck_assert_msg(peek_state(path, 0) == after_open(first) &&
                          peek_state(path, 1) == after_open(second),
                          "states %d and %d", first, second);
        }
    }
}
END_TEST

START_TEST(test_open_finds_the_image_that_was_left_for_it)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;

    poke(path, _i, &pixel, SHMIMAGE_STATE_CLIENT);
    reader = open_with(0);
    frame  = take(reader);
    ck_assert_uint_eq(frame->number, 7);
    shmimage_reader_release(frame);
    shmimage_reader_close(reader);
}
END_TEST

START_TEST(test_open_with_take_over_beside_another_reader)
{
    ShmImageReader *first = open_with(0);

    shmimage_reader_close(open_with(SHMIMAGE_TAKE_OVER));
    shmimage_reader_close(first);
}
END_TEST

START_TEST(test_open_after_a_reader_was_closed)
{
    shmimage_reader_close(open_with(0));
    shmimage_reader_close(open_with(0));
}
END_TEST

START_TEST(test_open_beside_a_writer)
{
    ShmImageWriter *writer;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    shmimage_reader_close(open_with(0));
    shmimage_writer_close(writer);
}
END_TEST

static pid_t start_reader_that_holds_a_frame(void)
{
    pid_t pid;

    poke(path, 0, &pixel, SHMIMAGE_STATE_CLIENT);
    pid = fork();
    if (pid == 0) {
        ShmImageReader *reader;
        ShmImageFrame *frame;

        alarm(TEST_TIMEOUT);
        shmimage_reader_open(path, 0, &reader);
        shmimage_reader_acquire(reader, 0, &frame);
        for (;;)
            pause();
    }
    ck_assert_int_gt(pid, 0);
    wait_until(peek_state(path, 0) == SHMIMAGE_STATE_CLIENT_LOCKED);
    return pid;
}

START_TEST(test_open_after_a_reader_was_killed)
{
    pid_t pid = start_reader_that_holds_a_frame();

    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    shmimage_reader_close(open_with(0));
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_open_beside_another_reader_is_refused)
{
    ShmImageReader *first = open_with(0), *second;

    ck_assert_int_eq(shmimage_reader_open(path, 0, &second),
                     SHMIMAGE_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "client"));
    ck_assert_ptr_null(second);
    shmimage_reader_close(first);
}
END_TEST

START_TEST(test_open_that_is_refused_changes_nothing)
{
    ShmImageReader *first = open_with(0), *second;

    poke_state(path, 0, SHMIMAGE_STATE_CLIENT_LOCKED);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    shmimage_reader_open(path, 0, &second);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT_LOCKED);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
    shmimage_reader_close(first);
}
END_TEST

START_TEST(test_open_with_take_over_leaves_a_living_reader_its_frame)
{
    ShmImageReader *first = open_with(0), *second;
    ShmImageFrame *frame;

    poke(path, 0, &pixel, SHMIMAGE_STATE_CLIENT);
    frame  = take(first);
    second = open_with(SHMIMAGE_TAKE_OVER);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT_LOCKED);
    shmimage_reader_release(frame);
    shmimage_reader_close(second);
    shmimage_reader_close(first);
}
END_TEST

START_TEST(test_close_stays_there_until_its_frame_is_released)
{
    ShmImageReader *reader = open_with(0), *second;
    ShmImageFrame *frame;

    poke(path, 0, &pixel, SHMIMAGE_STATE_CLIENT);
    frame = take(reader);
    shmimage_reader_close(reader);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &second),
                     SHMIMAGE_ERROR_BUSY);
    shmimage_reader_release(frame);
    shmimage_reader_close(open_with(0));
}
END_TEST

/* As the end of a forked Python does. */
START_TEST(test_close_in_a_child_leaves_the_role_to_its_parent)
{
    ShmImageReader *reader = open_with(0), *second;
    pid_t pid = fork();

    if (pid == 0) {
        shmimage_reader_close(reader);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &second),
                     SHMIMAGE_ERROR_BUSY);
    shmimage_reader_close(reader);
    shmimage_reader_close(open_with(0));
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

START_TEST(test_close_of_null_does_nothing)
{
    shmimage_reader_close(NULL);
}
END_TEST

START_TEST(test_close_leaves_images_for_the_next_reader)
{
    ShmImageReader *reader = open_with(0);

    poke(path, 0, &pixel, SHMIMAGE_STATE_CLIENT);
    shmimage_reader_close(reader);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
}
END_TEST

/* Two frames, closed, and then released one after the other. */
START_TEST(test_close_keeps_the_pixels_of_frames_that_are_out)
{
    ShmImageReader *reader = open_with(0);
    ShmImageFrame *first, *second;
    uint8_t pixels[2][3] = { { 10, 20, 30 }, { 40, 50, 60 } };

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        poke_pixels(path, i, pixels[i], 3);
        poke(path, i, &pixel, SHMIMAGE_STATE_CLIENT);
    }
    first  = take(reader);
    second = take(reader);
    shmimage_reader_close(reader);
    ck_assert_mem_eq(first->pixels, pixels[0], 3);
    shmimage_reader_release(first);
    ck_assert_mem_eq(second->pixels, pixels[1], 3);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_release_after_close_gives_the_buffer_back)
{
    ShmImageReader *reader = open_with(0);
    ShmImageFrame *frame;

    poke(path, _i, &pixel, SHMIMAGE_STATE_CLIENT);
    frame = take(reader);
    shmimage_reader_close(reader);
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_CLIENT_LOCKED);
    shmimage_reader_release(frame);
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_SERVER);
}
END_TEST

/* A server must not take one for a client that will never look again. */
START_TEST(test_release_after_close_does_not_answer_a_server)
{
    ShmImageReader *reader = open_with(0);
    ShmImageFrame *frame;

    poke(path, 0, &pixel, SHMIMAGE_STATE_CLIENT);
    frame = take(reader);
    shmimage_reader_close(reader);
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    shmimage_reader_release(frame);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
}
END_TEST

int main(void)
{
    const TTest *const once[] = {
        test_open_with_bad_arguments,
        test_open_that_fails_gives_null,
        test_open_tells_whether_a_server_has_just_started,
        test_open_connects_and_takes_back,
        test_open_with_take_over_beside_another_reader,
        test_open_after_a_reader_was_closed,
        test_open_beside_a_writer,
        test_open_after_a_reader_was_killed,
#if SHMI_HAVE_OFD_LOCKS
        test_open_beside_another_reader_is_refused,
        test_open_that_is_refused_changes_nothing,
        test_open_with_take_over_leaves_a_living_reader_its_frame,
        test_close_stays_there_until_its_frame_is_released,
        test_close_in_a_child_leaves_the_role_to_its_parent,
#endif
        test_close_of_null_does_nothing,
        test_close_leaves_images_for_the_next_reader,
        test_close_keeps_the_pixels_of_frames_that_are_out,
        test_release_after_close_does_not_answer_a_server,
    };
    Suite *suite = suite_create("reader open");
    TCase *tcase = tcase_create("reader open");

    tcase_add_checked_fixture(tcase, setup, test_files_remove);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    tcase_add_loop_test(tcase, test_open_finds_the_image_that_was_left_for_it,
                        0, SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_release_after_close_gives_the_buffer_back,
                        0, SHMI_BUFFERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
