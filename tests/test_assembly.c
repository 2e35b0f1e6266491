/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images that arrive in blocks of scanlines, from a server that is no more
 * than bytes written into the file.
 */
#include "config.h"

#include <string.h>

#include "support.h"
#include "wait.h"

#define WIDTH  4
#define HEIGHT 6
#define ROW    (3 * WIDTH)
#define SIZE   (ROW * HEIGHT)

static const char *path;
static ShmImageReader *reader;

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static void teardown(void)
{
    shmi_wait_ops = &shmi_wait_system;
    shmimage_reader_close(reader);
    test_files_remove();
}

/* Put scanlines of an image that fill_pixels() makes into a buffer. */
static void publish(int buffer, uint32_t number, uint32_t offset,
                    uint32_t num_scanlines)
{
    const ShmiHeader header = { number, WIDTH, HEIGHT, offset, num_scanlines };
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    poke_pixels(path, buffer, pixels + offset * ROW, num_scanlines * ROW);
    poke(path, buffer, &header, SHMIMAGE_STATE_CLIENT);
}

static void check_has_nothing(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_NO_FRAME);
}

static ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

static void check_gives(uint32_t number)
{
    ShmImageFrame *frame = take();

    ck_assert_uint_eq(frame->number, number);
    ck_assert_uint_eq(frame->width, WIDTH);
    ck_assert_uint_eq(frame->height, HEIGHT);
    ck_assert_uint_eq(frame->size, SIZE);
    ck_assert(pixels_match(frame->pixels, SIZE, number));
    shmimage_reader_release(frame);
}

/* Send a block for which there is no image yet. */
static void send_part(int buffer, uint32_t number, uint32_t offset,
                      uint32_t num_scanlines)
{
    publish(buffer, number, offset, num_scanlines);
    check_has_nothing();
}

static ShmImageReaderStats stats(void)
{
    ShmImageReaderStats now;

    ck_assert_int_eq(shmimage_reader_stats(reader, &now, sizeof(now)),
                     SHMIMAGE_OK);
    return now;
}

START_TEST(test_blocks_from_bottom_to_top)
{
    send_part(0, 7, 4, 2);
    send_part(1, 7, 2, 2);
    publish(0, 7, 0, 2);
    check_gives(7);
    ck_assert_uint_eq(stats().incomplete, 0);
    ck_assert_uint_eq(stats().delivered, 1);
}
END_TEST

START_TEST(test_blocks_through_one_buffer)
{
    send_part(_i, 7, 3, 3);
    publish(_i, 7, 0, 3);
    check_gives(7);
}
END_TEST

START_TEST(test_blocks_of_one_scanline_out_of_order)
{
    static const uint32_t order[HEIGHT - 1] = { 3, 1, 5, 2, 4 };

    for (int i = 0; i < HEIGHT - 1; i++)
        send_part(i % SHMI_BUFFERS, 7, order[i], 1);
    publish(1, 7, 0, 1);
    check_gives(7);
}
END_TEST

START_TEST(test_blocks_that_overlap)
{
    send_part(0, 7, 2, 3);
    send_part(1, 7, 3, 3);
    publish(0, 7, 0, 4);
    check_gives(7);
}
END_TEST

/* Both are ready: the one with offset 0 ends the image, so it comes last. */
START_TEST(test_blocks_in_both_buffers_at_once)
{
    publish(_i, 7, 0, 2);
    publish(!_i, 7, 2, 4);
    check_gives(7);
}
END_TEST

START_TEST(test_block_gives_its_buffer_back)
{
    send_part(_i, 7, 2, 4);
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_SERVER);
}
END_TEST

/* A server that draws over a buffer at the moment when it gets it back. */
static void draw_over(uint32_t *word)
{
    const uint8_t other[SIZE] = { 0 };

    (void)word;
    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (peek_state(path, i) == SHMIMAGE_STATE_SERVER)
            poke_pixels(path, i, other, SIZE);
}

START_TEST(test_block_is_copied_before_its_buffer_is_given_back)
{
    ShmiWaitOps ops = shmi_wait_system;

    if (!shmi_wait_can_wake())
        return;
    ops.wake = draw_over;
    shmi_wait_ops = &ops;
    send_part(_i, 7, 2, 4);
    publish(!_i, 7, 0, 2);
    check_gives(7);
    shmi_wait_ops = &shmi_wait_system;
}
END_TEST

START_TEST(test_last_block_gives_its_buffer_back)
{
    ShmImageFrame *frame;

    send_part(!_i, 7, 2, 4);
    publish(_i, 7, 0, 2);
    frame = take();
    ck_assert_uint_eq(peek_state(path, _i), SHMIMAGE_STATE_SERVER);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_image_in_blocks_is_held_beside_two_others)
{
    ShmImageFrame *blocks, *first, *second;

    send_part(0, 7, 2, 4);
    publish(1, 7, 0, 2);
    blocks = take();
    publish(0, 8, 0, HEIGHT);
    publish(1, 9, 0, HEIGHT);
    first  = take();
    second = take();
    ck_assert(pixels_match(blocks->pixels, SIZE, 7));
    shmimage_reader_release(blocks);
    shmimage_reader_release(first);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_image_in_blocks_outlives_the_reader)
{
    ShmImageFrame *frame;

    send_part(0, 7, 2, 4);
    publish(1, 7, 0, 2);
    frame = take();
    shmimage_reader_close(reader);
    ck_assert(pixels_match(frame->pixels, SIZE, 7));
    shmimage_reader_release(frame);
    reader = NULL;
}
END_TEST

START_TEST(test_missing_block_drops_the_image)
{
    send_part(0, 7, 4, 2);
    send_part(1, 7, 0, 2);
    ck_assert_uint_eq(stats().incomplete, 1);
    ck_assert_uint_eq(stats().delivered, 0);
}
END_TEST

START_TEST(test_block_that_came_twice_does_not_stand_for_another)
{
    send_part(0, 7, 4, 2);
    send_part(1, 7, 4, 2);
    send_part(0, 7, 0, 2);
    ck_assert_uint_eq(stats().incomplete, 1);
}
END_TEST

START_TEST(test_image_after_one_with_a_missing_block)
{
    send_part(0, 7, 4, 2);
    send_part(1, 7, 0, 2);
    send_part(0, 8, 2, 4);
    publish(1, 8, 0, 2);
    check_gives(8);
}
END_TEST

START_TEST(test_image_in_blocks_ends_another_one)
{
    send_part(0, 7, 2, 4);
    send_part(1, 8, 2, 4);
    publish(0, 8, 0, 2);
    check_gives(8);
    ck_assert_uint_eq(stats().incomplete, 1);
}
END_TEST

START_TEST(test_whole_image_ends_one_in_blocks)
{
    send_part(0, 7, 2, 4);
    publish(1, 8, 0, HEIGHT);
    check_gives(8);
    ck_assert_uint_eq(stats().incomplete, 1);
}
END_TEST

START_TEST(test_block_of_another_size_is_of_another_image)
{
    const ShmiHeader wider  = { 7, WIDTH + 1, HEIGHT, 0, 2 };
    const ShmiHeader higher = { 7, WIDTH, HEIGHT + 1, 0, 2 };

    send_part(0, 7, 2, 4);
    poke(path, 0, _i ? &wider : &higher, SHMIMAGE_STATE_CLIENT);
    check_has_nothing();
    ck_assert_uint_eq(stats().delivered, 0);
}
END_TEST

START_TEST(test_lie_between_blocks_does_no_harm)
{
    const ShmiHeader lie = { 7, WIDTH, HEIGHT, 1, HEIGHT };

    send_part(0, 7, 2, 4);
    poke(path, 1, &lie, SHMIMAGE_STATE_CLIENT);
    check_has_nothing();
    publish(0, 7, 0, 2);
    check_gives(7);
    ck_assert_uint_eq(stats().refused, 1);
}
END_TEST

START_TEST(test_restart_between_blocks_drops_the_image)
{
    send_part(0, 7, 2, 4);
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    check_has_nothing();
    ck_assert_uint_eq(stats().incomplete, 1);
}
END_TEST

START_TEST(test_restart_between_blocks_does_not_mix_two_images)
{
    send_part(0, 7, 2, 4);
    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    check_has_nothing();
    send_part(0, 7, 0, 2);
}
END_TEST

START_TEST(test_image_in_blocks_has_the_session_of_its_server)
{
    ShmImageFrame *frame;

    poke_state(path, 0, SHMIMAGE_STATE_INIT);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    check_has_nothing();
    send_part(0, 7, 2, 4);
    publish(1, 7, 0, 2);
    frame = take();
    ck_assert_uint_eq(frame->session, 1);
    shmimage_reader_release(frame);
}
END_TEST

/* What blocks are for. */
START_TEST(test_image_larger_than_a_buffer)
{
    const uint32_t width = 1000, height = 4000, half = 2000;
    const size_t size = (size_t)3 * width * height;
    uint8_t *pixels = calloc(size, 1);
    ShmiHeader header = { 7, width, height, half, half };
    ShmImageFrame *frame;

    fill_pixels(pixels, size, 7);
    poke_pixels(path, 0, pixels + size / 2, size / 2);
    poke(path, 0, &header, SHMIMAGE_STATE_CLIENT);
    check_has_nothing();
    header.offset = 0;
    poke_pixels(path, 1, pixels, size / 2);
    poke(path, 1, &header, SHMIMAGE_STATE_CLIENT);
    frame = take();
    ck_assert_uint_eq(frame->size, size);
    ck_assert(memcmp(frame->pixels, pixels, size) == 0);
    shmimage_reader_release(frame);
    free(pixels);
}
END_TEST

int main(void)
{
    const TTest *const once[] = {
        test_blocks_from_bottom_to_top,
        test_blocks_of_one_scanline_out_of_order,
        test_blocks_that_overlap,
        test_image_in_blocks_is_held_beside_two_others,
        test_image_in_blocks_outlives_the_reader,
        test_missing_block_drops_the_image,
        test_block_that_came_twice_does_not_stand_for_another,
        test_image_after_one_with_a_missing_block,
        test_image_in_blocks_ends_another_one,
        test_whole_image_ends_one_in_blocks,
        test_lie_between_blocks_does_no_harm,
        test_restart_between_blocks_drops_the_image,
        test_restart_between_blocks_does_not_mix_two_images,
        test_image_in_blocks_has_the_session_of_its_server,
        test_image_larger_than_a_buffer,
    };
    const TTest *const twice[] = {
        test_blocks_through_one_buffer,
        test_blocks_in_both_buffers_at_once,
        test_block_gives_its_buffer_back,
        test_block_is_copied_before_its_buffer_is_given_back,
        test_last_block_gives_its_buffer_back,
        test_block_of_another_size_is_of_another_image,
    };
    Suite *suite = suite_create("assembly");
    TCase *tcase = tcase_create("assembly");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++)
        tcase_add_loop_test(tcase, twice[i], 0, SHMI_BUFFERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
