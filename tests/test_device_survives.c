/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <unistd.h>

#include "libavutil/error.h"
#include "libavutil/time.h"

#include "device_harness.h"
#include "wrap.h"

#define SMALL(n) { .number = n, .width = 8, .height = 4 }

static int shorten_before_copy;

WRAP(int, shmimage_frame_copy, ShmImageFrame *frame, uint8_t *to,
     ptrdiff_t stride)
{
    if (shorten_before_copy)
        ck_assert_int_eq(truncate(t.path, 0), 0);
    return __real_shmimage_frame_copy(frame, to, stride);
}

static void stop_server(void)
{
    shmimage_writer_close(t.writer);
    t.writer = NULL;
}

static void start_server(void)
{
    ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer), SHMIMAGE_OK);
}

/* A device that has read one image and has no other to read. */
static void read_first(const char *options)
{
    static const Image script[] = { SMALL(7) };

    SERVE(script);
    open_device(options);
    read_image();
}

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_read_packet_ends_for_good_when_the_server_is_gone)
{
    read_first("");
    stop_server();
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(logged("the server is gone, the capture ends"), 1);
    start_server();
    ck_assert_int_eq(try_read(), AVERROR_EOF);
}
END_TEST

START_TEST(test_read_packet_delivers_what_a_server_left)
{
    static const Image last[] = { SMALL(8), SMALL(9) };

    read_first("");
    av_packet_unref(t.packet);
    send_now(&last[0]);
    send_now(&last[1]);
    stop_server();
    read_image();
    assert_pixels(t.packet, &last[0]);
    read_image();
    assert_pixels(t.packet, &last[1]);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
}
END_TEST

START_TEST(test_read_packet_latest_ends_when_the_server_is_gone)
{
    static const Image last = SMALL(8);

    read_first("latest=1:timeout=5");
    av_packet_unref(t.packet);
    send_now(&last);
    stop_server();
    read_image();
    assert_pixels(t.packet, &last);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(logged("the server is gone, the capture ends"), 1);
}
END_TEST

static void start_again(void)
{
    static const Image image = SMALL(0);

    if (t.calls == 3) {
        start_server();
    } else if (t.calls == 6) {
        send_now(&image);
    }
}

START_TEST(test_read_packet_waits_for_the_next_server)
{
    read_first("on_disconnect=wait");
    stop_server();
    t.calls = 0;
    t.hook = start_again;
    read_image();
    ck_assert_int_eq(t.packet->pts, 8);
    ck_assert_int_eq(logged("waiting for the next one"), 1);
}
END_TEST

START_TEST(test_read_packet_times_out_while_it_waits_for_a_server)
{
    int64_t begin;

    read_first("on_disconnect=wait:timeout=0.2");
    stop_server();
    begin = av_gettime_relative();
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_ge(av_gettime_relative() - begin, 200000);
    ck_assert_int_eq(logged("no image for"), 1);
}
END_TEST

START_TEST(test_read_header_waits_for_the_next_server)
{
    serve(0);
    t.hook = start_again;
    stop_server();
    open_device("");
    read_image();
    ck_assert_int_eq(t.packet->pts, 0);
}
END_TEST

static void leave_and_start_again(void)
{
    if (t.calls == 2)
        stop_server();
    else if (!t.writer && logged("waiting for the next one"))
        start_server();
    else if (t.calls > 2 && t.writer)
        send_next();
}

START_TEST(test_read_header_waits_when_its_server_ends)
{
    static const Image script[] = { SMALL(3) };

    SERVE(script);
    t.hook = leave_and_start_again;
    open_device("");
    read_image();
    assert_pixels(t.packet, script);
    ck_assert_int_eq(logged("waiting for the next one"), 1);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

START_TEST(test_read_packet_ends_when_the_file_is_shortened)
{
    read_first("");
    ck_assert_int_eq(truncate(t.path, _i), 0);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(logged("shortened"), 1);
}
END_TEST

/* What was copied may be zeros, so that it is no image. */
START_TEST(test_read_packet_ends_when_the_file_is_shortened_under_a_copy)
{
    static const Image image = SMALL(8);

    read_first("zero_copy=0");
    send_now(&image);
    shorten_before_copy = 1;
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(logged("shortened"), 1);
    close_device();
    ck_assert_int_eq(logged("1 images delivered, 1 missing"), 1);
}
END_TEST

static void shorten_at_second_call(void)
{
    if (t.calls == 2)
        ck_assert_int_eq(truncate(t.path, 0), 0);
}

START_TEST(test_read_header_fails_when_the_file_is_shortened)
{
    serve(0);
    t.hook = shorten_at_second_call;
    ck_assert_int_eq(try_open(""), AVERROR(EIO));
    ck_assert_int_eq(logged("shortened"), 1);
}
END_TEST

static void make_another_file(void)
{
    stop_server();
    ck_assert_int_eq(shmimage_file_create(t.path, 0, SHMIMAGE_REPLACE |
                                                     SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    start_server();
}

static void make_another_file_and_serve(void)
{
    static const Image image = SMALL(3);

    if (t.calls == 2) {
        make_another_file();
    } else if (t.calls == 10) {
        send_now(&image);
    }
}

START_TEST(test_read_packet_waits_for_another_file)
{
    read_first("on_disconnect=wait");
    t.hook = make_another_file_and_serve;
    for (int round = 1; round <= 2; round++) {
        ck_assert_int_eq(truncate(t.path, 0), 0);
        t.calls = 0;
        read_image();
        ck_assert_int_eq(t.packet->pts, 7 + round);
        ck_assert_int_eq(logged("shortened"), round);
    }
}
END_TEST

static int times_shortened;

static void shorten(void)
{
    ck_assert_int_eq(truncate(t.path, 0), 0);
    times_shortened++;
    t.calls = 0;
}

static void make_another_file_and_shorten_it(void)
{
    static const Image image = SMALL(3);
    ShmImageWriterStats stats;

    shmimage_writer_stats(t.writer, &stats, sizeof(stats));
    if (t.calls == 2)
        make_another_file();
    else if (t.calls > 2 && stats.connected && times_shortened == 1)
        shorten();
    else if (t.calls > 2 && stats.connected && !stats.published)
        send_now(&image);
}

START_TEST(test_read_packet_says_it_once_of_two_files)
{
    read_first("on_disconnect=wait");
    shorten();
    t.hook = make_another_file_and_shorten_it;
    read_image();
    ck_assert_int_eq(times_shortened, 2);
    ck_assert_int_eq(logged("shortened"), 1);
}
END_TEST

static Suite *device_survives_suite(void)
{
    Suite *suite = suite_create("device_survives");
    TCase *tcase = device_tcase("device_survives");

#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(tcase,
                   test_read_packet_ends_for_good_when_the_server_is_gone);
    tcase_add_test(tcase, test_read_packet_delivers_what_a_server_left);
    tcase_add_test(tcase,
                   test_read_packet_latest_ends_when_the_server_is_gone);
    tcase_add_test(tcase, test_read_packet_waits_for_the_next_server);
    tcase_add_test(tcase,
                   test_read_packet_times_out_while_it_waits_for_a_server);
    tcase_add_test(tcase, test_read_header_waits_for_the_next_server);
    tcase_add_test(tcase, test_read_header_waits_when_its_server_ends);
#endif
    tcase_add_loop_test(tcase,
                        test_read_packet_ends_when_the_file_is_shortened,
                        0, 2);
    tcase_add_test(tcase,
        test_read_packet_ends_when_the_file_is_shortened_under_a_copy);
    tcase_add_test(tcase, test_read_header_fails_when_the_file_is_shortened);
    tcase_add_test(tcase, test_read_packet_waits_for_another_file);
    tcase_add_test(tcase, test_read_packet_says_it_once_of_two_files);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(device_survives_suite());
}
