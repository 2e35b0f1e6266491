/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drawing straight into the shared buffer.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static const char *path;
static ShmImageWriter *writer;

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke_state(path, i, SHMIMAGE_STATE_SERVER);
}

static void teardown(void)
{
    shmimage_writer_close(writer);
    test_files_remove();
}

static uint8_t *begin(void)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 9, 2, 1, &pixels),
                     SHMIMAGE_OK);
    return pixels;
}

static ShmImageWriterStats stats(void)
{
    ShmImageWriterStats now;

    shmimage_writer_stats(writer, &now, sizeof(now));
    return now;
}

START_TEST(test_begin_locks_a_buffer)
{
    begin();
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER_LOCKED);
}
END_TEST

START_TEST(test_begin_writes_the_header)
{
    const ShmiHeader expected = { 9, 2, 1, 0, 1 };
    ShmiHeader header;

    begin();
    header = peek_header(path, 0);
    ck_assert_mem_eq(&header, &expected, sizeof(header));
}
END_TEST

START_TEST(test_begin_gives_the_place_of_the_pixels)
{
    const uint8_t drawn[6] = { 1, 2, 3, 4, 5, 6 };
    uint8_t found[6];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    memcpy(begin(), drawn, sizeof(drawn));
    ck_assert_int_eq(pread(fd, found, sizeof(found), 24), sizeof(found));
    ck_assert_mem_eq(found, drawn, sizeof(drawn));
    close(fd);
}
END_TEST

START_TEST(test_begin_with_bad_arguments)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(NULL, 1, 1, 1, &pixels),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1, 1, NULL),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 0, 1, &pixels),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1, 0, &pixels),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_begin_of_too_large_an_image_gives_null)
{
    uint8_t byte, *pixels = &byte;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 3840, 2160, &pixels),
                     SHMIMAGE_ERROR_TOO_LARGE);
    ck_assert_ptr_null(pixels);
}
END_TEST

/* In a sparse file that has room for it. */
START_TEST(test_begin_of_more_than_a_gib_is_refused)
{
    const off_t size = INT64_C(2200000000);
    uint8_t *pixels;
    int ret;

    shmimage_writer_close(writer);
    ck_assert_int_eq(truncate(path, size), 0);
    ret = shmimage_writer_open(path, 0, &writer);
    if (ret == SHMIMAGE_ERROR_MAP)
        return;
    ck_assert_int_eq(ret, SHMIMAGE_OK);
    poke_state(path, 0, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1 << 15, 10923, &pixels),
                     SHMIMAGE_ERROR_TOO_LARGE);
    ck_assert_ptr_null(pixels);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1 << 15, 10922, &pixels),
                     SHMIMAGE_OK);
}
END_TEST

START_TEST(test_begin_without_a_free_buffer_gives_null)
{
    uint8_t byte, *pixels = &byte;

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke_state(path, i, SHMIMAGE_STATE_CLIENT_LOCKED);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1, 1, &pixels),
                     SHMIMAGE_NO_BUFFER);
    ck_assert_ptr_null(pixels);
    ck_assert_uint_eq(stats().dropped, 1);
}
END_TEST

START_TEST(test_begin_without_a_client_gives_null)
{
    uint8_t byte, *pixels = &byte;

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke_state(path, i, SHMIMAGE_STATE_INIT);
    ck_assert_int_eq(shmimage_writer_begin(writer, 1, 1, 1, &pixels),
                     SHMIMAGE_UNCONNECTED);
    ck_assert_ptr_null(pixels);
    ck_assert_uint_eq(stats().unconnected, 1);
}
END_TEST

START_TEST(test_begin_twice_is_refused)
{
    uint8_t *pixels;

    begin();
    ck_assert_int_eq(shmimage_writer_begin(writer, 10, 1, 1, &pixels),
                     SHMIMAGE_ERROR_LOCKED);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_SERVER);
}
END_TEST

START_TEST(test_put_between_begin_and_commit_is_refused)
{
    const uint8_t pixel[3] = { 0 };

    begin();
    ck_assert_int_eq(shmimage_writer_put(writer, 10, 1, 1, pixel, 0),
                     SHMIMAGE_ERROR_LOCKED);
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_wait_between_begin_and_commit_is_refused)
{
    begin();
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_ERROR_LOCKED);
}
END_TEST

START_TEST(test_commit_hands_the_buffer_over)
{
    begin();
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
    ck_assert_uint_eq(stats().published, 1);
}
END_TEST

START_TEST(test_commit_goes_on_to_the_other_buffer)
{
    begin();
    shmimage_writer_commit(writer);
    poke_state(path, 0, SHMIMAGE_STATE_SERVER);
    begin();
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_SERVER_LOCKED);
}
END_TEST

START_TEST(test_commit_without_begin_is_refused)
{
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
    ck_assert_int_eq(shmimage_writer_commit(NULL), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_commit_twice_is_refused)
{
    begin();
    shmimage_writer_commit(writer);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
}
END_TEST

START_TEST(test_commit_after_another_server_has_started)
{
    begin();
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_UNCONNECTED);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
    ck_assert_uint_eq(stats().published, 0);
    ck_assert_uint_eq(stats().unconnected, 1);
}
END_TEST

START_TEST(test_begin_goes_on_after_a_commit_that_failed)
{
    begin();
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    shmimage_writer_commit(writer);
    begin();
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_abort_frees_the_buffer)
{
    begin();
    ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
    ck_assert_uint_eq(stats().published, 0);
}
END_TEST

START_TEST(test_abort_ends_what_was_begun)
{
    begin();
    shmimage_writer_abort(writer);
    begin();
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_abort_without_begin_is_refused)
{
    ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_ERROR_NOT_LOCKED);
    ck_assert_int_eq(shmimage_writer_abort(NULL), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_abort_after_another_server_has_started)
{
    begin();
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_close_drops_what_was_begun)
{
    begin();
    shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_SERVER);
}
END_TEST

START_TEST(test_wait_of_no_time_tells_how_things_are)
{
    ck_assert_int_eq(shmimage_writer_wait(NULL, 0), SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_OK);
    poke_state(path, 0, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_OK);
    poke_state(path, 1, SHMIMAGE_STATE_CLIENT_LOCKED);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_NO_BUFFER);
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_NO_BUFFER);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_begin_locks_a_buffer,
        test_begin_writes_the_header,
        test_begin_gives_the_place_of_the_pixels,
        test_begin_with_bad_arguments,
        test_begin_of_too_large_an_image_gives_null,
        test_begin_of_more_than_a_gib_is_refused,
        test_begin_without_a_free_buffer_gives_null,
        test_begin_without_a_client_gives_null,
        test_begin_twice_is_refused,
        test_put_between_begin_and_commit_is_refused,
        test_wait_between_begin_and_commit_is_refused,
        test_commit_hands_the_buffer_over,
        test_commit_goes_on_to_the_other_buffer,
        test_commit_without_begin_is_refused,
        test_commit_twice_is_refused,
        test_commit_after_another_server_has_started,
        test_begin_goes_on_after_a_commit_that_failed,
        test_abort_frees_the_buffer,
        test_abort_ends_what_was_begun,
        test_abort_without_begin_is_refused,
        test_abort_after_another_server_has_started,
        test_close_drops_what_was_begun,
        test_wait_of_no_time_tells_how_things_are,
    };
    Suite *suite = suite_create("writer draw");
    TCase *tcase = tcase_create("writer draw");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
