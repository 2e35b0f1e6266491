/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is shortened while a reader has it mapped: it is reported, it
 * ends nobody, and once another file has taken its name the stream goes on.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lengths.h"
#include "shared_memory_image_client_priv.h"
#include "wait.h"

/* Adds up, so that every page is touched. */
static unsigned touch(const ShmImageFrame *frame)
{
    unsigned sum = 0;

    for (size_t i = 0; i < frame->size; i++)
        sum += *(volatile const uint8_t *)(frame->pixels + i);
    return sum;
}

START_TEST(test_acquire_of_a_shortened_file)
{
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    set_length(lengths[_i]);
    wait_until(look() == SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_follows_another_file(0);
}
END_TEST

START_TEST(test_acquire_says_it_of_each_file)
{
    for (int i = 0; i < 3; i++) {
        set_length(lengths[_i]);
        ck_assert_int_eq(shmimage_reader_acquire(reader, SHMIMAGE_FOREVER,
                                                 &(ShmImageFrame *){ NULL }),
                         SHMIMAGE_ERROR_TRUNCATED);
        check_follows_another_file((uint32_t)i);
    }
}
END_TEST

/* Whatever was cut off is lost, also when a server starts on what is left. */
START_TEST(test_acquire_gives_nothing_of_a_file_with_its_size_again)
{
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    set_length(lengths[_i]);
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    close_writer();
    set_length(TEST_FILE_SIZE);
    open_writer();
    for (int i = 0; i < 3; i++) {
        hurry(SHMI_CHECK_INTERVAL);
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    }
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_INIT), SHMI_BUFFERS);
    check_follows_another_file(0);
}
END_TEST

START_TEST(test_acquire_that_waits_goes_on)
{
    ShmImageFrame *frame;
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_image, NULL), 0);
    set_length(lengths[_i]);
    replace(TEST_FILE_SIZE, false);
    open_writer();
    ck_assert_int_eq(shmimage_writer_wait(writer, 30000000), SHMIMAGE_OK);
    ck_assert_int_eq(put(5), SHMIMAGE_OK);
    pthread_join(thread, &result);
    frame = result;
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->number, 5);
    ck_assert(pixels_match(frame->pixels, SIZE, 5));
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_frame_check_of_one_frame)
{
    ShmImageFrame *held = put_and_take(1);
    uint32_t session = held->session;

    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    set_length(lengths[_i]);
    touch(held);
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    shmimage_reader_release(held);
    check_follows_another_file(session);
}
END_TEST

START_TEST(test_frame_check_of_two_frames)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    uint32_t session = first->session;

    set_length(lengths[_i]);
    look();
    touch(second);
    touch(first);
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(first);
    shmimage_reader_release(second);
    check_follows_another_file(session);
}
END_TEST

START_TEST(test_two_frames_keep_a_file_that_was_left)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);

    set_length(HALF);
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_TRUNCATED);
    check_follows_another_file(first->session);
    shmimage_reader_release(first);
    touch(second);
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_frame_check_of_what_was_not_touched)
{
    ShmImageFrame *held = put_and_take(1);

    set_length(lengths[_i]);
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
}
END_TEST

/* The file has its size again before anybody asks; with or without a touch
 * between. */
START_TEST(test_frame_check_of_a_file_that_was_emptied)
{
    ShmImageFrame *held = put_and_take(1);

    set_length(0);
    if (_i)
        touch(held);
    set_length(TEST_FILE_SIZE);
    ck_assert(!pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
}
END_TEST

START_TEST(test_frame_check_of_null)
{
    ck_assert_int_eq(shmimage_frame_check(NULL), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_release_after_close_of_a_shortened_file)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);

    set_length(lengths[_i]);
    shmimage_reader_close(reader);
    reader = NULL;
    touch(second);
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(second);
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(first);
}
END_TEST

START_TEST(test_published_calls_on_a_shortened_file)
{
    SharedMemoryImageStream client, server;
    SharedMemoryFrame frame;
    uint8_t *image = calloc(1, SIZE);
    struct _SharedMemoryFrame mine = { 1, width, height, image };

    ck_assert_int_eq(SharedMemoryImageStream_create(
                         path, IMAGESTREAM_OPTIONS_SERVER, &server),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_create(path, 0, &client),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(server, &mine),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_lock(client, &frame),
                     IMAGESTREAM_NOERROR);
    set_length(lengths[_i]);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(server, &mine),
                     IMAGESTREAM_BAD_FILE_SIZE);
    memcpy(image, frame->buffer, SIZE);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(client),
                     IMAGESTREAM_NOERROR);
    wait_until(SharedMemoryImageStream_lock(client, &frame) ==
               IMAGESTREAM_BAD_FILE_SIZE);
    SharedMemoryImageStream_destroy(client);
    SharedMemoryImageStream_destroy(server);
    free(image);
}
END_TEST

/* The server has drawn its block when the file is shortened. */
START_TEST(test_blocks_from_a_shortened_file)
{
    const ShmiHeader bottom = { 1, width, height, height / 2, height / 2 };
    const ShmiHeader top = { 1, width, height, 0, height / 2 };
    ShmImageFrame *frame;

    poke(path, 0, &bottom, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    poke(path, 1, &top, SHMIMAGE_STATE_CLIENT);
    set_length(HALF + 4096);
    ck_assert_int_ne(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_ptr_null(frame);
    check_follows_another_file(0);
}
END_TEST

static int64_t shorten_now(void)
{
    set_length(HALF + 4096);
    return shmi_wait_system.now();
}

/* The reader asks for the time when it has the block and has not copied it. */
START_TEST(test_blocks_from_a_file_that_is_shortened_meanwhile)
{
    const ShmiHeader bottom = { 1, width, height, height / 2, height / 2 };
    const ShmiHeader top = { 1, width, height, 0, height / 2 };
    ShmiWaitOps ops = shmi_wait_system;
    ShmImageReaderStats stats;
    ShmImageFrame *frame;
    int ret;

    poke(path, 0, &bottom, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    poke(path, 1, &top, SHMIMAGE_STATE_CLIENT);
    ops.now = shorten_now;
    shmi_wait_ops = &ops;
    ret = shmimage_reader_acquire(reader, 0, &frame);
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_int_eq(ret, SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_null(frame);
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.incomplete, 1);
    check_follows_another_file(0);
}
END_TEST

/* Without a guard. */

static void read_unguarded(void)
{
    ShmImageReader *r;
    ShmImageFrame *frame;
    volatile uint8_t first;

    shmimage_reader_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r);
    if (put(1) != SHMIMAGE_OK ||
        shmimage_reader_acquire(r, 0, &frame) != SHMIMAGE_OK)
        _exit(0);
    set_length(0);
    first = frame->pixels[0];
    (void)first;
}

static void write_unguarded(void)
{
    ShmImageWriter *w;
    ShmImageReader *r;
    uint8_t *pixels;

    shmimage_writer_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &w);
    shmimage_reader_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r);
    if (shmimage_writer_begin(w, 1, width, height, &pixels) != SHMIMAGE_OK)
        _exit(0);
    set_length(0);
    memset(pixels, 1, SIZE);
}

START_TEST(test_no_guard_ends_the_process)
{
    const struct rlimit no_core = { 0, 0 };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        (_i ? write_unguarded : read_unguarded)();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    /* A sanitizer handles the signal, says so and exits. */
    ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS
                                      : WEXITSTATUS(status) != 0,
                  "status 0x%x", status);
}
END_TEST

START_TEST(test_no_guard_installs_no_handler)
{
    struct sigaction before, after;
    ShmImageReader *r;

    sigaction(SIGBUS, NULL, &before);
    ck_assert_int_ge(shmimage_reader_open(
                         path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r),
                     SHMIMAGE_OK);
    sigaction(SIGBUS, NULL, &after);
    ck_assert(before.sa_handler == after.sa_handler);
    shmimage_reader_close(r);
}
END_TEST

int main(void)
{
    const TTest *const at_each_length[] = {
        test_acquire_of_a_shortened_file,
        test_acquire_says_it_of_each_file,
        test_acquire_gives_nothing_of_a_file_with_its_size_again,
        test_acquire_that_waits_goes_on,
        test_frame_check_of_one_frame,
        test_frame_check_of_two_frames,
        test_frame_check_of_what_was_not_touched,
        test_release_after_close_of_a_shortened_file,
        test_published_calls_on_a_shortened_file,
    };
    const TTest *const twice[] = {
        test_frame_check_of_a_file_that_was_emptied,
        test_no_guard_ends_the_process,
    };
    const TTest *const once[] = {
        test_frame_check_of_null,
        test_two_frames_keep_a_file_that_was_left,
        test_blocks_from_a_shortened_file,
        test_blocks_from_a_file_that_is_shortened_meanwhile,
        test_no_guard_installs_no_handler,
    };
    Suite *suite = suite_create("truncate");
    TCase *tcase = lengths_tcase("truncate");

    ADD_TESTS(tcase, at_each_length, nb_lengths);
    ADD_TESTS(tcase, twice, 2);
    ADD_TESTS(tcase, once, 1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
