/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The published interface: which image a client gets next, and what it makes
 * of images in blocks and of headers that lie.
 */
#include "config.h"

#include "ensight_harness.h"

#define SERVER IMAGESTREAM_BUFFER_STATE_SERVER
#define CLIENT IMAGESTREAM_BUFFER_STATE_CLIENT

static SharedMemoryImageError try_lock(void)
{
    SharedMemoryFrame frame;

    return SharedMemoryImageStream_lock(t.client, &frame);
}

static const struct {
    uint32_t first;
    uint32_t second;
} pairs[] = {
    { 1, 2 },
    { 5, 1000000 },
    { 0, 0x7fffffff },
    { 0x7fffffff, 0x80000000 },
    { UINT32_MAX, 0 },
    { UINT32_MAX - 5, 4 },
    { 0x90000000, 0 },
};

START_TEST(test_lock_takes_the_earlier_image_first)
{
    for (int buffer = 0; buffer < SHMI_BUFFERS; buffer++) {
        poke_image(buffer, pairs[_i].first, CLIENT);
        poke_image(!buffer, pairs[_i].second, CLIENT);
        if (!t.client)
            start_client(IMAGESTREAM_RECONNECTING);
        take_image(pairs[_i].first);
        take_image(pairs[_i].second);
    }
}
END_TEST

START_TEST(test_lock_across_the_wrap_of_numbers)
{
    uint32_t number = UINT32_MAX - 3;

    start_both();
    ck_assert_int_eq(put(number, 4, 4), IMAGESTREAM_NOERROR);
    for (int i = 0; i < 8; i++, number++) {
        ck_assert_int_eq(put(number + 1, 4, 4), IMAGESTREAM_NOERROR);
        take_image(number);
    }
    take_image(number);
    ck_assert_uint_eq(number, 4);
}
END_TEST

START_TEST(test_lock_sees_gaps_where_images_were_dropped)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(3, 4, 4), IMAGESTREAM_NO_BUFFERAVAILABLE);
    ck_assert_int_eq(put(4, 4, 4), IMAGESTREAM_NO_BUFFERAVAILABLE);
    take_image(1);
    ck_assert_int_eq(put(5, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(6, 4, 4), IMAGESTREAM_NO_BUFFERAVAILABLE);
    take_image(2);
    take_image(5);
    ck_assert_int_eq(put(1000, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1000);
}
END_TEST

/* Blocks of an image of 2x3 pixels, and the image that they make. */
START_TEST(test_lock_puts_blocks_together)
{
    const ShmiHeader bottom = { 6, 2, 3, 1, 2 };
    const ShmiHeader top    = { 6, 2, 3, 0, 1 };
    const size_t row = 2 * SHMI_BYTES_PER_PIXEL;
    uint8_t pixels[18];
    SharedMemoryFrame frame;

    fill_pixels(pixels, sizeof(pixels), 6);
    start_both();
    poke_pixels(t.path, 0, pixels + row, 2 * row);
    poke(t.path, 0, &bottom, CLIENT);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    assert_states(SERVER, SERVER);
    poke_pixels(t.path, 1, pixels, row);
    poke(t.path, 1, &top, CLIENT);
    frame = lock_image(6);
    assert_image(frame, 6, 2, 3);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_LOCKED);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
    assert_states(SERVER, SERVER);
}
END_TEST

/* Each claims more than a buffer or the image has. */
static const ShmiHeader lies[] = {
    { 1, 4, 4, 0, 5 },
    { 1, 4, 4, 4, 1 },
    { 1, 4, 4, 0xffffffff, 1 },
    { 1, 0, 4, 0, 4 },
    { 1, 4, 0, 0, 0 },
    { 1, 3333326, 1, 0, 1 },
    { 1, 0x55555556, 2, 0, 2 },
    { 1, UINT32_MAX, UINT32_MAX, 0, UINT32_MAX },
};

START_TEST(test_lock_refuses_a_header_that_lies)
{
    start_both();
    poke(t.path, 0, &lies[_i], CLIENT);
    ck_assert_int_eq(try_lock(), IMAGESTREAM_NO_FRAMEAVAILABLE);
    assert_states(SERVER, SERVER);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("published order");
    TCase *tcase = ensight_tcase("order");

    tcase_add_loop_test(tcase, test_lock_takes_the_earlier_image_first, 0,
                        COUNT(pairs));
    tcase_add_test(tcase, test_lock_across_the_wrap_of_numbers);
    tcase_add_test(tcase, test_lock_sees_gaps_where_images_were_dropped);
    tcase_add_test(tcase, test_lock_puts_blocks_together);
    tcase_add_loop_test(tcase, test_lock_refuses_a_header_that_lies, 0,
                        COUNT(lies));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
