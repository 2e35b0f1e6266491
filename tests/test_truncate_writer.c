/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is shortened while a writer has it mapped.
 */
#include "config.h"

#include <string.h>

#include "lengths.h"

START_TEST(test_put_into_a_shortened_file)
{
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    set_length(lengths[_i]);
    ck_assert_int_eq(put(2), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_int_eq(put(3), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_abort(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
    check_follows_another_file(0);
}
END_TEST

START_TEST(test_commit_into_a_shortened_file)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, width, height, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    fill_pixels(pixels, SIZE, 1);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
    ck_assert_int_eq(shmimage_writer_begin(writer, 2, width, height, &pixels),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_null(pixels);
    check_follows_another_file(0);
}
END_TEST

START_TEST(test_abort_and_close_in_a_shortened_file)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, width, height, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    fill_pixels(pixels, SIZE, 1);
    if (_i % 2)
        ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_OK);
    check_follows_another_file(0);
}
END_TEST

/* Nothing that was drawn into pages that were gone is ever published. */
START_TEST(test_commit_after_the_file_has_its_size_again)
{
    uint8_t *pixels;
    int ret;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, width, height, &pixels),
                     SHMIMAGE_OK);
    set_length(0);
    fill_pixels(pixels, SIZE, 1);
    set_length(TEST_FILE_SIZE);
    ret = shmimage_writer_commit(writer);
    ck_assert_int_eq(ret, SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_ne(look(), SHMIMAGE_OK);
    check_follows_another_file(0);
}
END_TEST

START_TEST(test_stats_of_a_shortened_file)
{
    ShmImageReaderStats reader_stats;
    ShmImageWriterStats writer_stats;
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, width, height, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(put(2), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_reader_stats(reader, &reader_stats,
                                           sizeof(reader_stats)), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_writer_stats(writer, &writer_stats,
                                           sizeof(writer_stats)), SHMIMAGE_OK);
    ck_assert_uint_eq(writer_stats.published, 0);
    ck_assert_uint_eq(writer_stats.dropped, 2);
}
END_TEST

int main(void)
{
    const TTest *const at_each_length[] = {
        test_put_into_a_shortened_file,
        test_commit_into_a_shortened_file,
        test_abort_and_close_in_a_shortened_file,
        test_stats_of_a_shortened_file,
    };
    Suite *suite = suite_create("truncate_writer");
    TCase *tcase = lengths_tcase("truncate_writer");

    ADD_TESTS(tcase, at_each_length, nb_lengths);
    tcase_add_test(tcase, test_commit_after_the_file_has_its_size_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
