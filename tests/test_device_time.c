/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The time stamps and rates of the input device, by clocks that a test sets.
 */
#include "config.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device_harness.h"
#include "wrap.h"

#include "libavutil/error.h"
#include "libavutil/time.h"

#define WALLCLOCK "timestamps=wallclock"
#define SECOND    INT64_C(1000000)

static const Image images[] = {
    { 7, 16, 9, 0 }, { 8, 16, 9, 0 }, { 9, 16, 9, 0 }, { 10, 16, 9, 0 },
};

/* What the device takes for the system's time and the steady one. */
static int64_t system_time, steady_time;

WRAP(int64_t, av_gettime, void)
{
    return system_time;
}

WRAP(int64_t, av_gettime_relative, void)
{
    return steady_time;
}

static void setup(void)
{
    system_time = 1600000000 * SECOND;
    steady_time = 5 * SECOND;
}

static void pass(int64_t time)
{
    system_time += time;
    steady_time += time;
}

static int64_t read_pts(void)
{
    read_image();
    ck_assert_int_eq(t.packet->dts, t.packet->pts);
    return t.packet->pts;
}

START_TEST(test_wallclock_begins_with_the_time_of_day)
{
    const int64_t start = system_time;

    SERVE(images);
    open_device(WALLCLOCK);
    ck_assert_int_eq(read_pts(), start);
    pass(SECOND / 4);
    ck_assert_int_eq(read_pts(), start + SECOND / 4);
}
END_TEST

START_TEST(test_wallclock_is_steady_when_the_clock_is_set)
{
    static const int64_t jumps[] = { -3 * SECOND, 3 * SECOND };
    const int64_t start = system_time;

    SERVE(images);
    open_device(WALLCLOCK);
    ck_assert_int_eq(read_pts(), start);
    pass(SECOND / 4);
    system_time += jumps[_i];
    ck_assert_int_eq(read_pts(), start + SECOND / 4);
    pass(SECOND / 4);
    ck_assert_int_eq(read_pts(), start + SECOND / 2);
}
END_TEST

/* Two images may come in the same microsecond. */
START_TEST(test_wallclock_always_rises)
{
    const int64_t start = system_time;

    SERVE(images);
    open_device(WALLCLOCK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(read_pts(), start + i);
    pass(2);
    ck_assert_int_eq(read_pts(), start + 3);
}
END_TEST

static void assert_rates(AVRational average, AVRational highest)
{
    AVStream *st = t.format->streams[0];

    ck_assert(!av_cmp_q(st->avg_frame_rate, average));
    ck_assert(!av_cmp_q(st->r_frame_rate, highest));
    /* What the ffmpeg tool makes of it. */
    ck_assert(!av_cmp_q(av_guess_frame_rate(t.format, st, NULL), highest));
}

/* Probing must neither wait for further images, nor find another rate. */
START_TEST(test_wallclock_leaves_room_for_a_higher_rate)
{
    static const struct {
        const char *options;
        AVRational average, highest;
    } rates[] = {
        { WALLCLOCK, { 60, 1 }, { 120, 1 } },
        { WALLCLOCK ":framerate=24000/1001", { 24000, 1001 }, { 120, 1 } },
        { WALLCLOCK ":framerate=240", { 240, 1 }, { 240, 1 } },
        { "framerate=60", { 60, 1 }, { 60, 1 } },
    };

    SERVE(images);
    open_device(rates[_i].options);
    ck_assert_int_ge(avformat_find_stream_info(t.format, NULL), 0);
    assert_rates(rates[_i].average, rates[_i].highest);
    ck_assert_uint_le(t.next, 2);
}
END_TEST

static void assert_end_after_one(void)
{
    assert_end();
    close_device();
    ck_assert_int_eq(logged("1 images delivered, 0 missing"), 1);
}

#if SHMI_HAVE_OFD_LOCKS

static int64_t pause_before_the_end;

/* A hook: the server ends after a pause. */
static void end_server(void)
{
    pass(pause_before_the_end);
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    t.hook = NULL;
}

START_TEST(test_last_image_lasts_to_the_end)
{
    static const char *const options[] = { WALLCLOCK, WALLCLOCK ":zero_copy=0" };
    const int64_t start = system_time;

    SERVE_FIRST(images, options[_i]);
    pause_before_the_end = 3 * SECOND;
    t.hook = end_server;
    ck_assert_int_eq(read_pts(), start + 3 * SECOND);
    assert_pixels(t.packet, &images[0]);
    assert_end_after_one();
}
END_TEST

static int calls_while_idle;

/* A hook: by the second call the device has waited in vain. */
static void look_at_buffers(void)
{
    if (++calls_while_idle < 2)
        return;
    for (int i = 0; i < 2; i++)
        ck_assert_int_ne(peek_state(t.path, i),
                         SHMIMAGE_STATE_CLIENT_LOCKED);
    pause_before_the_end = 3 * SECOND;
    end_server();
}

/* The server may have but one buffer, and need it for what comes next. */
START_TEST(test_last_image_holds_no_buffer_while_the_device_waits)
{
    SERVE_FIRST(images, WALLCLOCK);
    av_packet_unref(t.packet);
    t.hook = look_at_buffers;
    read_image();
    assert_pixels(t.packet, &images[0]);
    ck_assert_int_ge(calls_while_idle, 2);
    assert_end_after_one();
}
END_TEST

/* Its packet has that duration already. */
START_TEST(test_last_image_is_not_repeated_at_once)
{
    SERVE_FIRST(images, WALLCLOCK);
    pause_before_the_end = SECOND / 60;
    t.hook = end_server;
    assert_end_after_one();
}
END_TEST

START_TEST(test_last_number_is_not_repeated)
{
    SERVE_FIRST(images, "");
    pause_before_the_end = 3 * SECOND;
    t.hook = end_server;
    assert_end_after_one();
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

static void wait_for_long(void)
{
    pass(3 * SECOND);
    t.hook = NULL;
}

START_TEST(test_last_image_lasts_through_the_timeout)
{
    const int64_t start = system_time;

    SERVE_FIRST(images, WALLCLOCK ":timeout=2");
    t.hook = wait_for_long;
    ck_assert_int_eq(read_pts(), start + 3 * SECOND);
    assert_pixels(t.packet, &images[0]);
    assert_end_after_one();
}
END_TEST

static void shorten(void)
{
    pass(3 * SECOND);
    ck_assert_int_eq(truncate(t.path, 0), 0);
    t.hook = NULL;
}

START_TEST(test_image_of_a_shortened_file_is_not_repeated)
{
    SERVE_FIRST(images, WALLCLOCK);
    t.hook = shorten;
    assert_end_after_one();
}
END_TEST

/* Images at a constant rate, from a server that counts from first on. */
static void read_at(int rate, int count, uint32_t first)
{
    for (int i = 0; i < count; i++) {
        const Image image = { first + (uint32_t)i, 16, 9, 0 };

        send_now(&image);
        read_image();
        pass(SECOND / rate);
    }
}

static void assert_warnings(const char *said, int during, int after)
{
    char text[200];

    snprintf(text, sizeof(text), "images come at %s", said);
    ck_assert_msg(logged(text) == during, "%s", t.log);
    ck_assert_int_eq(logged("images come at "), during);
    close_device();
    snprintf(text, sizeof(text), "images came at %s", said);
    ck_assert_msg(logged(text) == after, "%s", t.log);
    ck_assert_int_eq(logged("images came at "), after);
}

#define CURE(rate) "; use -framerate " rate ", or -timestamps wallclock for " \
                   "the time of arrival\n"

START_TEST(test_warns_of_another_rate)
{
    static const struct {
        const char *options;
        int rate, count, during, after;
        const char *said;
    } servers[] = {
        { "", 30, 300, 1, 1, "30.00 a second, but -framerate is 60: they play "
          "at 2 times the speed" CURE("30") },
        { "", 120, 1200, 1, 1, "120.00 a second, but -framerate is 60: they "
          "play at 0.5 times the speed" CURE("120") },
        { "framerate=30000/1001", 2, 20, 1, 1, "2.00 a second, but -framerate "
          "is 29.97: they play at 15 times the speed" CURE("2.00") },
        /* What is not sure yet while it runs is said at the end. */
        { "", 30, 150, 0, 1, "30.00 a second" },
        { "", 30, 152, 1, 1, "30.00 a second" },
        { "", 30, 30, 0, 0, "" },
        { "", 64, 640, 1, 1, "64.00 a second" },
        { "", 62, 620, 0, 0, "" },
        { "", 58, 580, 0, 0, "" },
        { "", 56, 560, 1, 1, "56.00 a second" },
        { "framerate=30", 30, 300, 0, 0, "" },
        { WALLCLOCK, 30, 300, 0, 0, "" },
    };

    SERVE_FIRST(images, servers[_i].options);
    pass(SECOND / servers[_i].rate);
    read_at(servers[_i].rate, servers[_i].count, images[0].number + 1);
    assert_warnings(servers[_i].said, servers[_i].during, servers[_i].after);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

static const Image next_image = { 5, 16, 9, 0 };

static void start_next_server(void)
{
    if (!logged("waiting for the next one"))
        return;
    if (!t.writer) {
        pass(60 * SECOND);
        ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer),
                         SHMIMAGE_OK);
        t.script = &next_image;
        t.count = 1;
        t.next = 0;
    }
    send_next();
}

/* Between one server and the next nothing counts. */
START_TEST(test_rate_is_of_one_server)
{
    SERVE_FIRST(images, "on_disconnect=wait");
    pass(SECOND / 60);
    read_at(60, 600, images[0].number + 1);
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    t.hook = start_next_server;
    read_image();
    t.hook = NULL;
    pass(SECOND / 60);
    read_at(60, 600, next_image.number + 1);
    assert_warnings("", 0, 0);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

/* The program at its other end reads the rate there. */
START_TEST(test_control_channel_spares_the_warning)
{
    char options[32];
    int channel[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
    snprintf(options, sizeof(options), "control=%d", channel[0]);
    SERVE_FIRST(images, options);
    pass(SECOND / 30);
    read_at(30, 300, images[0].number + 1);
    assert_warnings("", 0, 0);
    close(channel[0]);
    close(channel[1]);
}
END_TEST

static Suite *device_time_suite(void)
{
    Suite *suite = suite_create("device_time");
    TCase *wallclock = device_tcase("wallclock");
    TCase *end = device_tcase("end");
    TCase *rate = device_tcase("rate");

    tcase_add_checked_fixture(wallclock, setup, NULL);
    tcase_add_test(wallclock, test_wallclock_begins_with_the_time_of_day);
    tcase_add_loop_test(wallclock,
                        test_wallclock_is_steady_when_the_clock_is_set, 0, 2);
    tcase_add_test(wallclock, test_wallclock_always_rises);
    tcase_add_loop_test(wallclock,
                        test_wallclock_leaves_room_for_a_higher_rate, 0, 4);
    suite_add_tcase(suite, wallclock);

    tcase_add_checked_fixture(end, setup, NULL);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_loop_test(end, test_last_image_lasts_to_the_end, 0, 2);
    tcase_add_test(end,
                   test_last_image_holds_no_buffer_while_the_device_waits);
    tcase_add_test(end, test_last_image_is_not_repeated_at_once);
    tcase_add_test(end, test_last_number_is_not_repeated);
#endif
    tcase_add_test(end, test_last_image_lasts_through_the_timeout);
    tcase_add_test(end, test_image_of_a_shortened_file_is_not_repeated);
    suite_add_tcase(suite, end);

    tcase_add_checked_fixture(rate, setup, NULL);
    tcase_add_loop_test(rate, test_warns_of_another_rate, 0, 12);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(rate, test_rate_is_of_one_server);
#endif
    tcase_add_test(rate, test_control_channel_spares_the_warning);
    suite_add_tcase(suite, rate);
    return suite;
}

int main(void)
{
    return run_suite(device_time_suite());
}
