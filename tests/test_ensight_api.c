/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The published interface on an open stream: lock, unlock and putframe, with
 * every code that they return.
 */
#include "config.h"

#include <string.h>

#include "ensight_harness.h"
#include "wait.h"

/* What a call that fails has to leave alone. */
static struct _SharedMemoryFrame untouched;

/* Lock, and if that fails, see that the caller's pointer is as it was. */
static SharedMemoryImageError try_lock(SharedMemoryImageStream stream)
{
    SharedMemoryFrame frame = &untouched;
    SharedMemoryImageError ret = SharedMemoryImageStream_lock(stream, &frame);

    ck_assert_int_eq(frame == &untouched, ret != IMAGESTREAM_NOERROR);
    return ret;
}

START_TEST(test_lock_image)
{
    start_both();
    ck_assert_int_eq(put(41, 33, 17), IMAGESTREAM_NOERROR);
    assert_image(lock_image(41), 41, 33, 17);
    assert_states(IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

START_TEST(test_lock_without_image)
{
    start_both();
    ck_assert_int_eq(try_lock(t.client), IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
    ck_assert_int_eq(try_lock(t.client), IMAGESTREAM_NO_FRAMEAVAILABLE);
}
END_TEST

static int sleeps;

static void count_sleep(int64_t time)
{
    shmi_wait_system.sleep(time);
    sleeps++;
}

static bool count_sleep_on(const ShmiWatch *watch, int64_t time)
{
    (void)watch;
    count_sleep(time);
    return true;
}

START_TEST(test_lock_never_waits)
{
    ShmiWaitOps ops = shmi_wait_system;
    int ret;

    start_both();
    sleeps = 0;
    ops.sleep    = count_sleep;
    ops.sleep_on = count_sleep_on;
    shmi_wait_ops = &ops;
    ret = try_lock(t.client);
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_int_eq(ret, IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(sleeps, 0);
}
END_TEST

START_TEST(test_lock_without_stream)
{
    ck_assert_int_eq(try_lock(NULL), IMAGESTREAM_BAD_ARGS);
}
END_TEST

START_TEST(test_lock_without_frame)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_lock(t.client, NULL),
                     IMAGESTREAM_BAD_ARGS);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOT_LOCKED);
    take_image(1);
}
END_TEST

START_TEST(test_lock_of_server)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(try_lock(t.server), IMAGESTREAM_IS_SERVER);
    take_image(1);
}
END_TEST

START_TEST(test_lock_twice)
{
    SharedMemoryFrame frame;

    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    frame = lock_image(1);
    ck_assert_int_eq(try_lock(t.client), IMAGESTREAM_LOCKED);
    assert_image(frame, 1, 4, 4);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

START_TEST(test_lock_keeps_image_until_unlock)
{
    SharedMemoryFrame frame;

    start_both();
    ck_assert_int_eq(put(1, 9, 9), IMAGESTREAM_NOERROR);
    frame = lock_image(1);
    ck_assert_int_eq(put(2, 8, 8), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(3, 7, 7), IMAGESTREAM_NO_BUFFERAVAILABLE);
    assert_image(frame, 1, 9, 9);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(4, 6, 6), IMAGESTREAM_NOERROR);
    take_image(2);
    take_image(4);
}
END_TEST

START_TEST(test_unlock_frees_the_buffer)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(1);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

START_TEST(test_unlock_without_stream)
{
    ck_assert_int_eq(SharedMemoryImageStream_unlock(NULL),
                     IMAGESTREAM_BAD_ARGS);
}
END_TEST

START_TEST(test_unlock_of_server)
{
    start_both();
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.server),
                     IMAGESTREAM_IS_SERVER);
}
END_TEST

START_TEST(test_unlock_without_lock)
{
    start_both();
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOT_LOCKED);
    ck_assert_int_eq(try_lock(t.client), IMAGESTREAM_NO_FRAMEAVAILABLE);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOT_LOCKED);
}
END_TEST

START_TEST(test_unlock_twice)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOT_LOCKED);
    take_image(2);
}
END_TEST

START_TEST(test_putframe_queues_two_images)
{
    start_both();
    ck_assert_int_eq(put(1, 5, 7), IMAGESTREAM_NOERROR);
    assert_states(IMAGESTREAM_BUFFER_STATE_CLIENT,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
    ck_assert_int_eq(put(2, 7, 5), IMAGESTREAM_NOERROR);
    assert_states(IMAGESTREAM_BUFFER_STATE_CLIENT,
                  IMAGESTREAM_BUFFER_STATE_CLIENT);
    take_image(1);
    take_image(2);
}
END_TEST

START_TEST(test_putframe_fills_in_the_header)
{
    const ShmiHeader expected = { 99, 5, 7, 0, 7 };
    ShmiHeader header;

    start_both();
    ck_assert_int_eq(put(99, 5, 7), IMAGESTREAM_NOERROR);
    header = peek_header(t.path, 0);
    ck_assert_mem_eq(&header, &expected, sizeof(header));
}
END_TEST

START_TEST(test_putframe_without_buffer_available)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(3, 4, 4), IMAGESTREAM_NO_BUFFERAVAILABLE);
    take_image(1);
    take_image(2);
    ck_assert_int_eq(try_lock(t.client), IMAGESTREAM_NO_FRAMEAVAILABLE);
}
END_TEST

START_TEST(test_putframe_unconnected)
{
    start_server(0);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_UNCONNECTED);
    assert_states(IMAGESTREAM_BUFFER_STATE_INIT,
                  IMAGESTREAM_BUFFER_STATE_INIT);
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

START_TEST(test_putframe_with_bad_arguments)
{
    uint8_t pixels[3] = { 0 };
    struct _SharedMemoryFrame frames[] = {
        { 1, 1, 1, NULL },
        { 1, 0, 1, pixels },
        { 1, 1, 0, pixels },
        { 1, 0, 0, pixels },
    };
    struct _SharedMemoryFrame good = { 1, 1, 1, pixels };

    start_both();
    ck_assert_int_eq(SharedMemoryImageStream_putframe(NULL, &good),
                     IMAGESTREAM_BAD_ARGS);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(t.server, NULL),
                     IMAGESTREAM_BAD_ARGS);
    for (int i = 0; i < COUNT(frames); i++)
        ck_assert_int_eq(
            SharedMemoryImageStream_putframe(t.server, &frames[i]),
            IMAGESTREAM_BAD_ARGS);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(t.server, &good),
                     IMAGESTREAM_NOERROR);
}
END_TEST

START_TEST(test_putframe_of_client)
{
    uint8_t pixels[3] = { 0 };
    struct _SharedMemoryFrame frame = { 1, 1, 1, pixels };

    start_both();
    ck_assert_int_eq(SharedMemoryImageStream_putframe(t.client, &frame),
                     IMAGESTREAM_IS_NOTSERVER);
}
END_TEST

/* Half of 20,000,000 bytes without 24 holds 3,333,325 pixels. */
START_TEST(test_putframe_at_the_limit)
{
    start_both();
    ck_assert_int_eq(put(1, 3333325, 1), IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(2, 133333, 25), IMAGESTREAM_NOERROR);
    take_image(1);
    take_image(2);
}
END_TEST

static const struct {
    uint32_t width;
    uint32_t height;
} too_large[] = {
    { 3333326, 1 },
    { 1, 3333326 },
    { 2000, 2000 },
    { UINT32_MAX, UINT32_MAX },
    { UINT32_MAX, 1 },
    { 1, UINT32_MAX },
    { 0x55555556, 1 },      /* times 3 is a little more than 2^32 */
    { 0x80000000, 2 },      /* 2^32 pixels */
    { 0x40000000, 0x40000000 },
};

START_TEST(test_putframe_too_large)
{
    uint8_t pixels[3] = { 0 };
    struct _SharedMemoryFrame frame = { 1, too_large[_i].width,
                                        too_large[_i].height, pixels };

    start_both();
    ck_assert_int_eq(SharedMemoryImageStream_putframe(t.server, &frame),
                     IMAGESTREAM_FRAME_TOO_LARGE);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    take_image(2);
}
END_TEST

static const struct {
    uint32_t width;
    uint32_t height;
} shapes[] = {
    { 1, 1 }, { 7, 1 }, { 1, 7 }, { 3, 2 }, { 5, 9 }, { 1919, 1079 },
};

START_TEST(test_putframe_flips)
{
    const uint32_t height = shapes[_i].height;
    const size_t row = (size_t)shapes[_i].width * 3;
    uint8_t *pixels = malloc(row * height);
    struct _SharedMemoryFrame image = { 1, shapes[_i].width, height, pixels };
    SharedMemoryFrame frame;

    ck_assert_ptr_nonnull(pixels);
    fill_pixels(pixels, row * height, 1);
    start_server(IMAGESTREAM_OPTIONS_FLIPVERTICAL);
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(t.server, &image),
                     IMAGESTREAM_NOERROR);
    ck_assert_msg(pixels_match(pixels, row * height, 1),
                  "the caller's image was changed");
    ck_assert_int_eq(SharedMemoryImageStream_lock(t.client, &frame),
                     IMAGESTREAM_NOERROR);
    for (uint32_t y = 0; y < height; y++)
        ck_assert_mem_eq(frame->buffer + y * row,
                         pixels + (height - 1 - y) * row, row);
    free(pixels);
}
END_TEST

START_TEST(test_lock_with_flip_option_does_not_flip)
{
    start_server(0);
    ck_assert_int_eq(SharedMemoryImageStream_create(
                         t.path, IMAGESTREAM_OPTIONS_FLIPVERTICAL, &t.client),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(1, 5, 5), IMAGESTREAM_NOERROR);
    take_image(1);
}
END_TEST

START_TEST(test_image_of_any_shape_arrives)
{
    start_both();
    for (uint32_t number = 1; number < 4; number++) {
        ck_assert_int_eq(put(number, shapes[_i].width, shapes[_i].height),
                         IMAGESTREAM_NOERROR);
        take_image(number);
    }
}
END_TEST

static TCase *tcase_client(void)
{
    TCase *tcase = ensight_tcase("client");

    tcase_add_test(tcase, test_lock_image);
    tcase_add_test(tcase, test_lock_without_image);
    tcase_add_test(tcase, test_lock_never_waits);
    tcase_add_test(tcase, test_lock_without_stream);
    tcase_add_test(tcase, test_lock_without_frame);
    tcase_add_test(tcase, test_lock_of_server);
    tcase_add_test(tcase, test_lock_twice);
    tcase_add_test(tcase, test_lock_keeps_image_until_unlock);
    tcase_add_test(tcase, test_lock_with_flip_option_does_not_flip);
    tcase_add_test(tcase, test_unlock_frees_the_buffer);
    tcase_add_test(tcase, test_unlock_without_stream);
    tcase_add_test(tcase, test_unlock_of_server);
    tcase_add_test(tcase, test_unlock_without_lock);
    tcase_add_test(tcase, test_unlock_twice);
    return tcase;
}

static TCase *tcase_server(void)
{
    TCase *tcase = ensight_tcase("server");

    tcase_add_test(tcase, test_putframe_queues_two_images);
    tcase_add_test(tcase, test_putframe_fills_in_the_header);
    tcase_add_test(tcase, test_putframe_without_buffer_available);
    tcase_add_test(tcase, test_putframe_unconnected);
    tcase_add_test(tcase, test_putframe_with_bad_arguments);
    tcase_add_test(tcase, test_putframe_of_client);
    tcase_add_test(tcase, test_putframe_at_the_limit);
    tcase_add_loop_test(tcase, test_putframe_too_large, 0, COUNT(too_large));
    tcase_add_loop_test(tcase, test_putframe_flips, 0, COUNT(shapes));
    tcase_add_loop_test(tcase, test_image_of_any_shape_arrives, 0,
                        COUNT(shapes));
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("published calls");

    suite_add_tcase(suite, tcase_client());
    suite_add_tcase(suite, tcase_server());
    return run_suite(suite);
}
