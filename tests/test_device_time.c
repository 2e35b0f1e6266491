/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The time stamps and rates of the input device, by clocks that a test sets.
 */
#include "config.h"

#include "device_harness.h"
#include "wrap.h"

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

static Suite *device_time_suite(void)
{
    Suite *suite = suite_create("device_time");
    TCase *tcase = device_tcase("time");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_wallclock_begins_with_the_time_of_day);
    tcase_add_loop_test(tcase, test_wallclock_is_steady_when_the_clock_is_set,
                        0, 2);
    tcase_add_test(tcase, test_wallclock_always_rises);
    tcase_add_loop_test(tcase, test_wallclock_leaves_room_for_a_higher_rate,
                        0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(device_time_suite());
}
