/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying an image out of a frame, row by row.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "pair.h"

#define GAP   5    /* bytes between the rows of the destination */
#define EMPTY 0xa5 /* what nothing has been copied to */

static uint8_t *dst;
static size_t row, area;

static void make_room(void)
{
    row  = SIZE / height;
    area = (row + GAP) * height;
    dst  = malloc(area);
    ck_assert_ptr_nonnull(dst);
    memset(dst, EMPTY, area);
}

static bool is_empty(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != EMPTY)
            return false;
    return true;
}

START_TEST(test_frame_copy_without_gaps)
{
    ShmImageFrame *frame = put_and_take(7);

    make_room();
    ck_assert_int_eq(shmimage_frame_copy(frame, dst, _i ? (ptrdiff_t)row : 0),
                     SHMIMAGE_OK);
    ck_assert(pixels_match(dst, SIZE, 7));
    ck_assert(is_empty(dst + SIZE, area - SIZE));
    shmimage_reader_release(frame);
    free(dst);
}
END_TEST

START_TEST(test_frame_copy_with_a_stride)
{
    ShmImageFrame *frame = put_and_take(7);
    ptrdiff_t stride;
    uint8_t *top;

    make_room();
    stride = (ptrdiff_t)row + GAP;
    top = dst;
    if (_i) {
        top += stride * (ptrdiff_t)(height - 1);
        stride = -stride;
    }
    ck_assert_int_eq(shmimage_frame_copy(frame, top, stride), SHMIMAGE_OK);
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *there = top + y * stride;

        ck_assert(!memcmp(there, frame->pixels + y * row, row));
        ck_assert(is_empty(there + row, GAP));
    }
    shmimage_reader_release(frame);
    free(dst);
}
END_TEST

START_TEST(test_frame_copy_refuses_rows_that_overlap)
{
    ShmImageFrame *frame = put_and_take(7);
    ptrdiff_t less;

    make_room();
    less = (ptrdiff_t)row - 1;
    ck_assert_int_eq(shmimage_frame_copy(frame, dst, _i ? -less : less),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "too few"));
    ck_assert(is_empty(dst, area));
    shmimage_reader_release(frame);
    free(dst);
}
END_TEST

START_TEST(test_frame_copy_of_null)
{
    ShmImageFrame *frame = put_and_take(7);
    uint8_t byte;

    ck_assert_int_eq(shmimage_frame_copy(NULL, &byte, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_frame_copy(frame, NULL, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_frame_copy_of_a_shortened_file)
{
    ShmImageFrame *frame = put_and_take(7);

    make_room();
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(shmimage_frame_copy(frame, dst, 0),
                     SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(frame);
    free(dst);
}
END_TEST

int main(void)
{
    const TTest *const twice[] = {
        test_frame_copy_without_gaps,
        test_frame_copy_with_a_stride,
        test_frame_copy_refuses_rows_that_overlap,
    };
    const TTest *const once[] = {
        test_frame_copy_of_null,
        test_frame_copy_of_a_shortened_file,
    };
    Suite *suite = suite_create("frame_copy");
    TCase *tcase = pair_tcase("frame_copy");

    ADD_TESTS(tcase, twice, 2);
    ADD_TESTS(tcase, once, 1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
