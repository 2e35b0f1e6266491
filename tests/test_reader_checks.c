/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the reader believes of a header and what not, and what it counts.
 */
#include "config.h"

#include <string.h>

#include "support.h"

/* What a buffer of the test's file holds. */
#define PAYLOAD     (TEST_FILE_SIZE / 2 - 24)
#define MOST_PIXELS (PAYLOAD / 3)

static const char *path;
static ShmImageReader *reader;

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static void teardown(void)
{
    shmimage_reader_close(reader);
    test_files_remove();
}

static void publish(int buffer, uint32_t number)
{
    const ShmiHeader pixel = { number, 1, 1, 0, 1 };

    poke(path, buffer, &pixel, SHMIMAGE_STATE_CLIENT);
}

static ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

static void check_has_nothing(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_NO_FRAME);
}

static ShmImageReaderStats stats(void)
{
    ShmImageReaderStats now;

    ck_assert_int_eq(shmimage_reader_stats(reader, &now, sizeof(now)),
                     SHMIMAGE_OK);
    return now;
}

static const ShmiHeader lies[] = {
    { 1, 0, 1, 0, 1 },
    { 1, 1, 0, 0, 0 },
    { 1, 0, 0, 0, 0 },
    { 1, MOST_PIXELS + 1, 1, 0, 1 },
    { 1, 1, MOST_PIXELS + 1, 0, MOST_PIXELS + 1 },
    { 1, 1, MOST_PIXELS + 1, 0, 0 },
    { 1, 0xffffffff, 1, 0, 1 },
    { 1, 1, 0xffffffff, 0, 0xffffffff },
    { 1, 1, 0xffffffff, 0, 0 },
    { 1, 0xffffffff, 0xffffffff, 0, 0xffffffff },
    { 1, 0x55555556, 1, 0, 1 },         /* 3 * width is 2, modulo 2^32 */
    { 1, 0x10000, 0x10000, 0, 0x10000 },/* width * height is 0 */
    { 1, 10, 10, 0, 11 },
    { 1, 10, 10, 0, 0xffffffff },
    { 1, 10, 10, 10, 1 },
    { 1, 10, 10, 11, 0xffffffff },      /* the sum is 10, modulo 2^32 */
    { 1, 10, 10, 0xffffffff, 2 },       /* the sum is 1 */
    { 1, 10, 10, 5, 6 },
    { 1, 10, 10, 5, 0 },
    { 1, 10, 10, 10, 0 },
    { 1, 1000, 100000, 1, 3334 },       /* a block larger than the payload */
    { 1, 100000, 100000, 1, 1 },        /* a block of too large an image */
};

#define NB_LIES ((int)(sizeof(lies) / sizeof(*lies)))

START_TEST(test_acquire_refuses_a_lie)
{
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        poke(path, i, &lies[_i], SHMIMAGE_STATE_CLIENT);
        check_has_nothing();
    }
}
END_TEST

START_TEST(test_acquire_counts_a_lie)
{
    poke(path, 0, &lies[_i], SHMIMAGE_STATE_CLIENT);
    poke(path, 1, &lies[_i], SHMIMAGE_STATE_CLIENT);
    check_has_nothing();
    ck_assert_uint_eq(stats().refused, 2);
    ck_assert_uint_eq(stats().refused_width, lies[_i].width);
    ck_assert_uint_eq(stats().refused_height, lies[_i].height);
    ck_assert_uint_eq(stats().delivered, 0);
    ck_assert_uint_eq(stats().incomplete, 0);
}
END_TEST

START_TEST(test_acquire_gives_the_buffer_of_a_lie_back)
{
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        poke(path, i, &lies[_i], SHMIMAGE_STATE_CLIENT);
        check_has_nothing();
        ck_assert_uint_eq(peek_state(path, i), SHMIMAGE_STATE_SERVER);
    }
}
END_TEST

START_TEST(test_acquire_finds_the_image_behind_a_lie)
{
    poke(path, 0, &lies[_i], SHMIMAGE_STATE_CLIENT);
    publish(1, lies[_i].frame_number + 1);
    shmimage_reader_release(take());
}
END_TEST

static const ShmiHeader truths[] = {
    { 1, 1, 1, 0, 1 },
    { 1, 7, 11, 0, 11 },
    { 1, 7, 11, 0, 0 },                 /* no scanlines stand for all */
    { 1, MOST_PIXELS, 1, 0, 1 },
    { 1, 1, MOST_PIXELS, 0, MOST_PIXELS },
    { 1, 1, MOST_PIXELS, 0, 0 },
};

#define NB_TRUTHS ((int)(sizeof(truths) / sizeof(*truths)))

START_TEST(test_acquire_believes_what_fits)
{
    size_t size = (size_t)3 * truths[_i].width * truths[_i].height;
    uint8_t *pixels = calloc(size, 1);

    fill_pixels(pixels, size, 5);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ShmImageFrame *frame;

        poke_pixels(path, i, pixels, size);
        poke(path, i, &truths[_i], SHMIMAGE_STATE_CLIENT);
        frame = take();
        ck_assert_uint_eq(frame->height, truths[_i].height);
        ck_assert_uint_eq(frame->size, size);
        ck_assert(memcmp(frame->pixels, pixels, size) == 0);
        shmimage_reader_release(frame);
    }
    free(pixels);
}
END_TEST

START_TEST(test_stats_count_what_was_delivered)
{
    for (uint32_t i = 0; i < 5; i++) {
        check_has_nothing();
        publish(i % SHMI_BUFFERS, i);
        shmimage_reader_release(take());
    }
    ck_assert_uint_eq(stats().delivered, 5);
}
END_TEST

START_TEST(test_stats_tell_how_many_buffers_are_held)
{
    ShmImageFrame *first, *second;

    publish(0, 1);
    publish(1, 2);
    ck_assert_uint_eq(stats().held, 0);
    first = take();
    ck_assert_uint_eq(stats().held, 1);
    second = take();
    ck_assert_uint_eq(stats().held, 2);
    shmimage_reader_release(first);
    ck_assert_uint_eq(stats().held, 1);
    shmimage_reader_release(second);
    ck_assert_uint_eq(stats().held, 0);
}
END_TEST

/* An image that was put together is its reader's own. */
START_TEST(test_stats_tell_that_blocks_hold_no_buffer)
{
    const ShmiHeader block = { 3, 4, 3, 1, 2 };
    const ShmiHeader last  = { 3, 4, 3, 0, 1 };
    ShmImageFrame *frame;

    poke(path, 0, &block, SHMIMAGE_STATE_CLIENT);
    check_has_nothing();
    poke(path, 0, &last, SHMIMAGE_STATE_CLIENT);
    frame = take();
    ck_assert_uint_eq(stats().held, 0);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_stats_start_at_zero)
{
    ShmImageReaderStats now = stats();

    ck_assert_uint_eq(now.delivered, 0);
    ck_assert_uint_eq(now.refused, 0);
    ck_assert_uint_eq(now.incomplete, 0);
    ck_assert_uint_eq(now.sessions, 0);
    ck_assert_uint_eq(now.held, 0);
}
END_TEST

START_TEST(test_stats_tell_that_no_server_was_there)
{
    ck_assert_int_eq(stats().initialised, 0);
}
END_TEST

START_TEST(test_stats_tell_that_a_server_has_left_an_image)
{
    publish(_i, 0);
    shmimage_reader_release(take());
    ck_assert_int_eq(stats().initialised, 1);
}
END_TEST

START_TEST(test_stats_tell_that_a_server_has_left_a_state)
{
    poke_state(path, _i, SHMIMAGE_STATE_SERVER_LOCKED);
    ck_assert_int_eq(stats().initialised, 1);
}
END_TEST

/* Another reader has answered it, and it has not drawn yet. */
START_TEST(test_stats_tell_that_a_server_is_there)
{
    ShmImageWriter *writer;
    ShmImageReader *other;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_reader_open(path, SHMIMAGE_TAKE_OVER, &other),
                     SHMIMAGE_OK);
    ck_assert_int_eq(stats().sessions, 0);
    ck_assert_int_eq(stats().initialised, SHMI_HAVE_OFD_LOCKS);
    shmimage_reader_close(other);
    shmimage_writer_close(writer);
}
END_TEST

START_TEST(test_stats_with_bad_arguments)
{
    ShmImageReaderStats now;

    ck_assert_int_eq(shmimage_reader_stats(NULL, &now, sizeof(now)),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_reader_stats(reader, NULL, sizeof(now)),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_reader_stats(reader, &now, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_stats_for_an_older_program_end_where_its_struct_does)
{
    ShmImageReaderStats now;

    memset(&now, 0xa5, sizeof(now));
    shmimage_reader_stats(reader, &now, sizeof(now.delivered));
    ck_assert_uint_eq(now.delivered, 0);
    ck_assert_uint_eq(now.refused, UINT64_C(0xa5a5a5a5a5a5a5a5));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader checks");
    TCase *tcase = tcase_create("reader checks");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_acquire_refuses_a_lie, 0, NB_LIES);
    tcase_add_loop_test(tcase, test_acquire_counts_a_lie, 0, NB_LIES);
    tcase_add_loop_test(tcase, test_acquire_gives_the_buffer_of_a_lie_back, 0,
                        NB_LIES);
    tcase_add_loop_test(tcase, test_acquire_finds_the_image_behind_a_lie, 0,
                        NB_LIES);
    tcase_add_loop_test(tcase, test_acquire_believes_what_fits, 0, NB_TRUTHS);
    tcase_add_test(tcase, test_stats_count_what_was_delivered);
    tcase_add_test(tcase, test_stats_tell_how_many_buffers_are_held);
    tcase_add_test(tcase, test_stats_tell_that_blocks_hold_no_buffer);
    tcase_add_test(tcase, test_stats_start_at_zero);
    tcase_add_test(tcase, test_stats_tell_that_no_server_was_there);
    tcase_add_loop_test(tcase, test_stats_tell_that_a_server_has_left_an_image,
                        0, SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_stats_tell_that_a_server_has_left_a_state,
                        0, SHMI_BUFFERS);
    tcase_add_test(tcase, test_stats_tell_that_a_server_is_there);
    tcase_add_test(tcase, test_stats_with_bad_arguments);
    tcase_add_test(tcase,
                   test_stats_for_an_older_program_end_where_its_struct_does);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
