/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The last image, given again while the server is idle.
 */
#include "config.h"

#include "device_harness.h"

#include "libavutil/error.h"

#define OPTIONS "timestamps=wallclock:repeat_idle=0.02"
#define SMALL(n) { .number = n, .width = 8, .height = 4 }

static const Image images[] = { SMALL(1), SMALL(2), SMALL(3) };

static void read_repeated(const Image *image, int times)
{
    int64_t last = t.packet->pts;

    for (int i = 0; i < times; i++) {
        read_image();
        assert_pixels(t.packet, image);
        ck_assert_int_gt(t.packet->pts, last);
        ck_assert_int_eq(t.packet->dts, t.packet->pts);
        ck_assert_int_eq(t.packet->flags, AV_PKT_FLAG_KEY);
        ck_assert_int_eq(t.packet->side_data_elems, 0);
        last = t.packet->pts;
    }
}

START_TEST(test_repeats_the_last_image)
{
    SERVE_FIRST(images, OPTIONS);
    read_repeated(&images[0], 5);
    close_device();
    ck_assert_int_eq(logged("1 images delivered, 0 missing"), 1);
}
END_TEST

START_TEST(test_repeats_when_nonblock)
{
    int ret;

    t.format_flags = AVFMT_FLAG_NONBLOCK;
    SERVE_FIRST(images, OPTIONS);
    while ((ret = try_read()) == AVERROR(EAGAIN))
        ;
    ck_assert_int_eq(ret, 0);
    assert_pixels(t.packet, &images[0]);
}
END_TEST

START_TEST(test_next_image_takes_over)
{
    SERVE_FIRST(images, OPTIONS);
    for (int i = 1; i < 3; i++) {
        read_repeated(&images[i - 1], 2);
        send_now(&images[i]);
        read_image();
        assert_pixels(t.packet, &images[i]);
    }
    read_repeated(&images[2], 2);
}
END_TEST

START_TEST(test_repeats_an_image_of_another_size)
{
    static const Image larger = { 2, 16, 8, 0 };

    SERVE_FIRST(images, OPTIONS);
    read_repeated(&images[0], 1);
    send_now(&larger);
    read_image();
    ck_assert_int_eq(t.packet->side_data_elems, 1);
    read_repeated(&larger, 3);
}
END_TEST

/* The number of the image whose buffer is held; there has to be one. */
static uint32_t number_held(void)
{
    const int first = peek_state(t.path, 0) == SHMIMAGE_STATE_CLIENT_LOCKED;
    const int second = peek_state(t.path, 1) == SHMIMAGE_STATE_CLIENT_LOCKED;

    ck_assert_int_eq(first + second, 1);
    return peek_header(t.path, second).frame_number;
}

/* The one that is repeated holds a buffer, and no more than that. */
START_TEST(test_server_keeps_a_free_buffer)
{
    SERVE_FIRST(images, OPTIONS);
    read_repeated(&images[0], 3);
    for (uint32_t i = 2; i < 20; i++) {
        const Image image = SMALL(i);

        av_packet_unref(t.packet);
        send_now(&image);
        read_image();
        assert_pixels(t.packet, &image);
        ck_assert_uint_eq(number_held(), i);
    }
}
END_TEST

START_TEST(test_timeout_counts_from_the_last_new_image)
{
    int ret;

    SERVE_FIRST(images, "timeout=0.5:" OPTIONS);
    while ((ret = try_read()) == 0)
        assert_pixels(t.packet, &images[0]);
    ck_assert_int_eq(ret, AVERROR_EOF);
    ck_assert_int_eq(logged("no image for 0.5 s"), 1);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_repeats_while_the_server_is_gone)
{
    SERVE_FIRST(images, "on_disconnect=wait:" OPTIONS);
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    read_repeated(&images[0], 5);
    ck_assert_int_eq(logged("waiting for the next one"), 1);
    ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer), SHMIMAGE_OK);
    read_repeated(&images[0], 2);
    send_now(&images[1]);
    read_image();
    assert_pixels(t.packet, &images[1]);
}
END_TEST

START_TEST(test_ends_with_the_server)
{
    int ret;

    SERVE_FIRST(images, OPTIONS);
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    while ((ret = try_read()) == 0)
        assert_pixels(t.packet, &images[0]);
    ck_assert_int_eq(ret, AVERROR_EOF);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
}
END_TEST

#endif

START_TEST(test_does_not_repeat_unless_told)
{
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    SERVE_FIRST(images, "timestamps=wallclock");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(try_read(), AVERROR(EAGAIN));
}
END_TEST

START_TEST(test_needs_time_stamps_of_the_clock)
{
    SERVE(images);
    ck_assert_int_eq(try_open("repeat_idle=0.02"), AVERROR(EINVAL));
    ck_assert_int_eq(logged("repeat_idle needs timestamps=wallclock"), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_repeats_the_last_image,
        test_repeats_when_nonblock,
        test_next_image_takes_over,
        test_repeats_an_image_of_another_size,
        test_server_keeps_a_free_buffer,
        test_timeout_counts_from_the_last_new_image,
#if SHMI_HAVE_OFD_LOCKS
        test_repeats_while_the_server_is_gone,
        test_ends_with_the_server,
#endif
        test_does_not_repeat_unless_told,
        test_needs_time_stamps_of_the_clock,
    };
    Suite *suite = suite_create("device_idle");
    TCase *tcase = device_tcase("idle");

    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
