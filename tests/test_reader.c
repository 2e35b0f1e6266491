/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking images and giving them back, with a server that is no more than bytes
 * written into the file.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pair.h"

static void setup(void)
{
    open_reader(SHMIMAGE_RECONNECTING);
}

START_TEST(test_acquire_with_bad_arguments)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(NULL, 0, &frame),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, NULL),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_acquire_from_an_empty_file)
{
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_of_nothing_gives_null)
{
    ShmImageFrame some, *frame = &some;

    shmimage_reader_acquire(reader, 0, &frame);
    ck_assert_ptr_null(frame);
}
END_TEST

START_TEST(test_acquire_tells_what_the_header_says)
{
    ShmImageFrame *frame;

    poke_image(_i, 0xfffffffe);
    frame = take();
    ck_assert_uint_eq(frame->number, 0xfffffffe);
    ck_assert_uint_eq(frame->width, width);
    ck_assert_uint_eq(frame->height, height);
    ck_assert_uint_eq(frame->size, SIZE);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_acquire_gives_the_pixels)
{
    ShmImageFrame *frame;

    poke_image(_i, 7);
    frame = take();
    ck_assert(pixels_match(frame->pixels, SIZE, 7));
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_acquire_locks_the_buffer)
{
    ShmImageFrame *frame;

    poke_image(_i, 7);
    frame = take();
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_CLIENT_LOCKED);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_acquire_does_not_give_an_image_twice)
{
    poke_image(_i, 7);
    shmimage_reader_release(take());
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_leaves_states_alone_that_are_not_its_own)
{
    for (int value = 0; value < 256; value++) {
        if (value == SHMIMAGE_STATE_CLIENT || value == SHMIMAGE_STATE_INIT)
            continue;
        poke_image(_i, 7);
        poke_state(path, _i, (uint8_t)value);
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        ck_assert_uint_eq(peek_state(path, _i), value);
    }
}
END_TEST

/* The image ends where the file does, at the end of a page, and what lies
 * behind it is not the reader's. */
START_TEST(test_acquire_gives_padding_behind_an_image)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t half = (TEST_FILE_SIZE / 2 / (3 * page) + 1) * 3 * page;
    const uint32_t pixels = (uint32_t)(half - SHMI_HEADER_SIZE) / 3;
    const ShmiHeader image = { 1, pixels, 1, 0, 1 };
    void *barrier = mmap(NULL, 4 * half, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ShmImageFrame *frame;
    unsigned sum = 0;

    ck_assert_ptr_ne(barrier, MAP_FAILED);
    close_reader();
    path = test_file(2 * half);
    open_reader(SHMIMAGE_RECONNECTING);
    poke(path, 1, &image, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_uint_eq(frame->size, half - SHMI_HEADER_SIZE);
    for (int i = 0; i < SHMIMAGE_PADDING; i++)
        sum += *(volatile const uint8_t *)(frame->pixels + frame->size + i);
    ck_assert_uint_eq(sum, 0);
    ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
    shmimage_reader_release(frame);
    munmap(barrier, 4 * half);
}
END_TEST

/* Only a peer that does not keep to the protocol hands it out again. */
START_TEST(test_acquire_leaves_a_buffer_alone_that_is_held)
{
    ShmImageFrame *held;

    poke_image(_i, 7);
    held = take_image(7);
    poke_image(_i, 8);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_CLIENT);
    shmimage_reader_release(held);
    shmimage_reader_release(take_image(8));
}
END_TEST

static const struct {
    uint32_t first, second;
} orders[] = {
    { 1, 2 },
    { 0, 0x7fffffff },
    { 0xffffffff, 0 },
    { 0xfffffff0, 0x0000000f },
    { 0x80000001, 0 },
};

START_TEST(test_acquire_gives_the_smaller_number_first)
{
    for (int buffer = 0; buffer < SHMI_BUFFERS; buffer++) {
        ShmImageFrame *first, *second;

        poke_image(buffer, orders[_i].first);
        poke_image(!buffer, orders[_i].second);
        first  = take();
        second = take();
        ck_assert_uint_eq(first->number, orders[_i].first);
        ck_assert_uint_eq(second->number, orders[_i].second);
        shmimage_reader_release(second);
        shmimage_reader_release(first);
    }
}
END_TEST

START_TEST(test_acquire_goes_over_gaps_in_the_numbers)
{
    static const uint32_t numbers[] = { 1, 5, 1000000, 3000000000 };

    for (int i = 0; i < 4; i++) {
        ShmImageFrame *frame;

        poke_image(i % SHMI_BUFFERS, numbers[i]);
        frame = take();
        ck_assert_uint_eq(frame->number, numbers[i]);
        shmimage_reader_release(frame);
    }
}
END_TEST

START_TEST(test_acquire_of_two_images_at_a_time)
{
    ShmImageFrame *first, *second;

    poke_image(0, 1);
    poke_image(1, 2);
    first  = take();
    second = take();
    ck_assert(pixels_match(first->pixels, SIZE, 1));
    ck_assert(pixels_match(second->pixels, SIZE, 2));
    shmimage_reader_release(first);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_acquire_of_a_third_image_is_refused)
{
    ShmImageFrame *first, *second, *third;

    poke_image(0, 1);
    poke_image(1, 2);
    first  = take();
    second = take();
    ck_assert_int_eq(shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &third),
                     SHMIMAGE_ERROR_LOCKED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "release"));
    shmimage_reader_release(first);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_acquire_goes_on_after_a_third_image_was_refused)
{
    ShmImageFrame *first, *second, *third;

    poke_image(0, 1);
    poke_image(1, 2);
    first  = take();
    second = take();
    shmimage_reader_acquire(reader, 0, &third);
    shmimage_reader_release(first);
    poke_image(0, 3);
    third = take();
    ck_assert_uint_eq(third->number, 3);
    shmimage_reader_release(second);
    shmimage_reader_release(third);
}
END_TEST

START_TEST(test_acquire_never_looks_at_a_header_again)
{
    const ShmiHeader other = { 8, 100, 100, 50, 60 };
    ShmImageFrame *frame;

    poke_image(_i, 7);
    frame = take();
    poke(path, _i, &other, SHMIMAGE_STATE_CLIENT_LOCKED);
    ck_assert_uint_eq(frame->number, 7);
    ck_assert_uint_eq(frame->width, width);
    ck_assert_uint_eq(frame->height, height);
    ck_assert_uint_eq(frame->size, SIZE);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_release_gives_the_buffer_back)
{
    poke_image(_i, 7);
    shmimage_reader_release(take());
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_SERVER);
}
END_TEST

START_TEST(test_release_leaves_the_other_buffer_alone)
{
    ShmImageFrame *first, *second;

    poke_image(_i, 1);
    poke_image(!_i, 2);
    first  = take();
    second = take();
    shmimage_reader_release(first);
    ck_assert_uint_eq(peek_state(path, !_i), SHMIMAGE_STATE_CLIENT_LOCKED);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_release_undoes_nothing_of_a_state_that_changed)
{
    for (int value = 0; value < 256; value++) {
        ShmImageFrame *frame;

        if (value == SHMIMAGE_STATE_CLIENT_LOCKED ||
            value == SHMIMAGE_STATE_INIT)
            continue;
        poke_image(_i, 7);
        frame = take();
        poke_state(path, _i, (uint8_t)value);
        shmimage_reader_release(frame);
        ck_assert_uint_eq(peek_state(path, _i), value);
    }
}
END_TEST

START_TEST(test_release_twice_counts_once)
{
    ShmImageFrame *first, *second;
    ShmImageReaderStats stats;

    poke_image(0, 1);
    poke_image(1, 2);
    first  = take_image(1);
    second = take_image(2);
    shmimage_reader_release(first);
    shmimage_reader_release(first);
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.held, 1);
    /* One reference was given back, not two: the image stays. */
    close_reader();
    ck_assert(pixels_match(second->pixels, second->size, 2));
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_release_of_null_does_nothing)
{
    shmimage_reader_release(NULL);
}
END_TEST

int main(void)
{
    const TTest *const with_each_buffer[] = {
        test_acquire_tells_what_the_header_says,
        test_acquire_gives_the_pixels,
        test_acquire_locks_the_buffer,
        test_acquire_does_not_give_an_image_twice,
        test_acquire_leaves_states_alone_that_are_not_its_own,
        test_acquire_leaves_a_buffer_alone_that_is_held,
        test_acquire_never_looks_at_a_header_again,
        test_release_gives_the_buffer_back,
        test_release_leaves_the_other_buffer_alone,
        test_release_undoes_nothing_of_a_state_that_changed,
    };
    const TTest *const once[] = {
        test_acquire_with_bad_arguments,
        test_acquire_from_an_empty_file,
        test_acquire_gives_padding_behind_an_image,
        test_acquire_of_nothing_gives_null,
        test_acquire_goes_over_gaps_in_the_numbers,
        test_acquire_of_two_images_at_a_time,
        test_acquire_of_a_third_image_is_refused,
        test_acquire_goes_on_after_a_third_image_was_refused,
        test_release_of_null_does_nothing,
        test_release_twice_counts_once,
    };
    Suite *suite = suite_create("reader");
    TCase *tcase = file_tcase("reader");

    tcase_add_checked_fixture(tcase, setup, NULL);
    ADD_TESTS(tcase, with_each_buffer, SHMI_BUFFERS);
    ADD_TESTS(tcase, once, 1);
    tcase_add_loop_test(tcase, test_acquire_gives_the_smaller_number_first, 0,
                        sizeof(orders) / sizeof(*orders));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
