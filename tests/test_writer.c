/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Becoming a server and putting images, with a client that is no more than
 * bytes written into the file.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define PAYLOAD (TEST_FILE_SIZE / 2 - 24)

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

static void connect_client(void)
{
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke_state(path, i, SHMIMAGE_STATE_SERVER);
}

static int put(uint32_t number)
{
    const uint8_t pixels[2 * 2 * 3] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

    return shmimage_writer_put(writer, number, 2, 2, pixels, 0);
}

static ShmImageWriterStats stats(void)
{
    ShmImageWriterStats now;

    ck_assert_int_eq(shmimage_writer_stats(writer, &now, sizeof(now)),
                     SHMIMAGE_OK);
    return now;
}

START_TEST(test_open_with_bad_arguments)
{
    ShmImageWriter *second;

    ck_assert_int_eq(shmimage_writer_open(NULL, 0, &second),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_open(path, 0, NULL),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_open(path, SHMIMAGE_REPLACE, &second),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_open_that_fails_gives_null)
{
    ShmImageWriter *second = (ShmImageWriter *)&second;

    shmimage_writer_open(test_name(), 0, &second);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(test_open_initialises_whatever_it_finds)
{
    for (int state = 0; state < 256; state++) {
        shmimage_writer_close(writer);
        poke_state(path, _i, (uint8_t)state);
        ck_assert_int_eq(shmimage_writer_open(path, SHMIMAGE_FORCE, &writer),
                         SHMIMAGE_OK);
        ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_INIT);
    }
}
END_TEST

START_TEST(test_open_empties_the_header)
{
    const ShmiHeader empty = { 0 }, left = { 1, 2, 3, 4, 5 };
    ShmiHeader header;

    shmimage_writer_close(writer);
    poke(path, _i, &left, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    header = peek_header(path, _i);
    ck_assert_mem_eq(&header, &empty, sizeof(empty));
}
END_TEST

START_TEST(test_open_with_take_over_beside_another_writer)
{
    ShmImageWriter *second;

    ck_assert_int_eq(shmimage_writer_open(path, SHMIMAGE_TAKE_OVER, &second),
                     SHMIMAGE_OK);
    shmimage_writer_close(second);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_open_beside_another_writer_is_refused)
{
    ShmImageWriter *second;

    connect_client();
    ck_assert_int_eq(shmimage_writer_open(path, 0, &second),
                     SHMIMAGE_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "server"));
    ck_assert_ptr_null(second);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

static pid_t start_writer_that_draws(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        ShmImageWriter *other;
        uint8_t *pixels;

        alarm(TEST_TIMEOUT);
        shmimage_writer_open(path, 0, &other);
        connect_client();
        shmimage_writer_begin(other, 1, 1, 1, &pixels);
        for (;;)
            pause();
    }
    ck_assert_int_gt(pid, 0);
    wait_until(peek_state(path, 0) == SHMIMAGE_STATE_SERVER_LOCKED);
    return pid;
}

START_TEST(test_open_after_a_writer_was_killed)
{
    pid_t pid;

    shmimage_writer_close(writer);
    pid = start_writer_that_draws();
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_put_without_a_client_is_dropped)
{
    ck_assert_int_eq(put(1), SHMIMAGE_UNCONNECTED);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_put_writes_the_header)
{
    const ShmiHeader expected = { 0xfffffffe, 2, 2, 0, 2 };
    ShmiHeader header;

    connect_client();
    ck_assert_int_eq(put(0xfffffffe), SHMIMAGE_OK);
    header = peek_header(path, 0);
    ck_assert_mem_eq(&header, &expected, sizeof(header));
}
END_TEST

START_TEST(test_put_hands_the_buffer_over)
{
    connect_client();
    put(1);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_SERVER);
}
END_TEST

START_TEST(test_put_uses_the_buffers_in_turn)
{
    connect_client();
    for (uint32_t number = 0; number < 5; number++) {
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_uint_eq(peek_header(path, number % 2).frame_number, number);
        poke_state(path, number % 2, SHMIMAGE_STATE_SERVER);
    }
}
END_TEST

START_TEST(test_put_uses_the_one_buffer_that_is_free)
{
    connect_client();
    poke_state(path, !_i, SHMIMAGE_STATE_CLIENT_LOCKED);
    for (uint32_t number = 1; number < 4; number++) {
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_uint_eq(peek_header(path, _i).frame_number, number);
        poke_state(path, _i, SHMIMAGE_STATE_SERVER);
    }
}
END_TEST

START_TEST(test_put_without_a_free_buffer_is_dropped)
{
    for (int state = 1; state < 256; state++) {
        if (state == SHMIMAGE_STATE_INIT)
            continue;
        poke_state(path, 0, (uint8_t)state);
        poke_state(path, 1, (uint8_t)state);
        ck_assert_int_eq(put(1), SHMIMAGE_NO_BUFFER);
        ck_assert_uint_eq(peek_state(path, 0), state);
        ck_assert_uint_eq(peek_state(path, 1), state);
    }
}
END_TEST

START_TEST(test_put_for_a_client_that_holds_a_frame_from_before)
{
    poke_state(path, _i, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(put(1), SHMIMAGE_NO_BUFFER);
    ck_assert_uint_eq(peek_state(path, !_i), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_put_with_bad_arguments)
{
    const uint8_t pixel[3] = { 0 };

    connect_client();
    ck_assert_int_eq(shmimage_writer_put(NULL, 1, 1, 1, pixel, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_put(writer, 1, 1, 1, NULL, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_put(writer, 1, 0, 1, pixel, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_put(writer, 1, 1, 0, pixel, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
}
END_TEST

static const uint32_t too_large[][2] = {
    { PAYLOAD / 3 + 1, 1 }, { 1, PAYLOAD / 3 + 1 }, { 0x55555556, 1 },
    { 0x10000, 0x10000 }, { UINT32_MAX, UINT32_MAX },
};

START_TEST(test_put_of_too_large_an_image_is_refused)
{
    const uint8_t pixel[3] = { 0 };

    connect_client();
    ck_assert_int_eq(shmimage_writer_put(writer, 1, too_large[_i][0],
                                         too_large[_i][1], pixel, 0),
                     SHMIMAGE_ERROR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
}
END_TEST

START_TEST(test_put_of_too_large_an_image_tells_the_sizes)
{
    const uint8_t pixel[3] = { 0 };

    shmimage_writer_put(writer, 1, 3840, 2160, pixel, 0);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "3840x2160"));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "20000000"));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "49774592"));
}
END_TEST

START_TEST(test_put_of_the_largest_image)
{
    uint8_t *pixels = calloc(PAYLOAD, 1);

    connect_client();
    for (int i = 0; i < SHMI_BUFFERS; i++)
        ck_assert_int_eq(shmimage_writer_put(writer, 1, PAYLOAD / 3, 1,
                                             pixels, 0), SHMIMAGE_OK);
    free(pixels);
}
END_TEST

START_TEST(test_stats_count_what_became_of_the_images)
{
    ShmImageWriterStats now;

    for (int i = 0; i < 3; i++)
        put(1);
    connect_client();
    for (int i = 0; i < 7; i++)
        put(1);
    now = stats();
    ck_assert_uint_eq(now.unconnected, 3);
    ck_assert_uint_eq(now.published, 2);
    ck_assert_uint_eq(now.dropped, 5);
}
END_TEST

START_TEST(test_stats_tell_whether_a_client_has_connected)
{
    ck_assert_int_eq(stats().connected, 0);
    poke_state(path, _i, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(stats().connected, 1);
}
END_TEST

START_TEST(test_stats_with_bad_arguments)
{
    ShmImageWriterStats now;

    ck_assert_int_eq(shmimage_writer_stats(NULL, &now, sizeof(now)),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_stats(writer, NULL, sizeof(now)),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_stats(writer, &now, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_close_of_null_does_nothing)
{
    shmimage_writer_close(NULL);
}
END_TEST

START_TEST(test_close_leaves_what_was_published)
{
    connect_client();
    put(1);
    shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
}
END_TEST

int main(void)
{
    const TTest *const once[] = {
        test_open_with_bad_arguments,
        test_open_that_fails_gives_null,
        test_open_with_take_over_beside_another_writer,
#if SHMI_HAVE_OFD_LOCKS
        test_open_beside_another_writer_is_refused,
#endif
        test_open_after_a_writer_was_killed,
        test_put_without_a_client_is_dropped,
        test_put_writes_the_header,
        test_put_hands_the_buffer_over,
        test_put_uses_the_buffers_in_turn,
        test_put_without_a_free_buffer_is_dropped,
        test_put_with_bad_arguments,
        test_put_of_too_large_an_image_tells_the_sizes,
        test_put_of_the_largest_image,
        test_stats_count_what_became_of_the_images,
        test_stats_with_bad_arguments,
        test_close_of_null_does_nothing,
        test_close_leaves_what_was_published,
    };
    const TTest *const with_each_buffer[] = {
        test_open_initialises_whatever_it_finds,
        test_open_empties_the_header,
        test_put_uses_the_one_buffer_that_is_free,
        test_put_for_a_client_that_holds_a_frame_from_before,
        test_stats_tell_whether_a_client_has_connected,
    };
    Suite *suite = suite_create("writer");
    TCase *tcase = tcase_create("writer");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    for (size_t i = 0; i < sizeof(with_each_buffer) / sizeof(*once); i++)
        tcase_add_loop_test(tcase, with_each_buffer[i], 0, SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_put_of_too_large_an_image_is_refused, 0,
                        sizeof(too_large) / sizeof(*too_large));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
