/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * How the input device waits, for how long, and what it says when there is
 * nothing to wait for.
 */
#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "libavutil/time.h"

#include "device_harness.h"
#include "wait.h"

static const Image one_image[] = { { 7, 16, 9, 0 } };

static void create_file(void)
{
    ck_assert_int_eq(shmimage_file_create(t.path, 0, 0), SHMIMAGE_OK);
}

static void open_writer_at_third_call(void)
{
    if (t.calls == 3)
        ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer),
                         SHMIMAGE_OK);
}

START_TEST(test_read_header_says_once_what_it_waits_for)
{
    create_file();
    t.hook = open_writer_at_third_call;
    t.stop_at = 6;
    ck_assert_int_eq(try_open(""), AVERROR_EXIT);
    ck_assert_int_eq(logged("waiting for"), 2);
    ck_assert_int_eq(logged("waiting for a server"), 1);
    ck_assert_int_eq(logged("waiting for an image"), 1);
    ck_assert_int_ge(logged(t.path), 2);
}
END_TEST

static void serve_at_third_call(void)
{
    if (t.calls == 3) {
        SERVE(one_image);
    } else if (t.calls > 3) {
        send_next();
    }
}

START_TEST(test_read_header_waits_for_its_file)
{
    t.hook = serve_at_third_call;
    open_device("wait_file=1:timeout=60");
    read_image();
    assert_pixels(t.packet, &one_image[0]);
    ck_assert_int_eq(logged("waiting for this file"), 1);
}
END_TEST

START_TEST(test_read_header_waits_no_longer_for_its_file)
{
    ck_assert_int_eq(try_open("wait_file=1:timeout=0.01"), AVERROR(ENOENT));
    ck_assert_int_eq(logged("there is no such file"), 1);
    t.stop_at = 3;
    ck_assert_int_eq(try_open("wait_file=1"), AVERROR_EXIT);
    t.calls = 0;
    ck_assert_int_eq(try_open(""), AVERROR(ENOENT));
    ck_assert_int_eq(t.calls, 0);
}
END_TEST

/* As it may be in /dev/shm. */
START_TEST(test_read_header_refuses_a_stranger_s_file)
{
    if (geteuid())
        return;
    SERVE(one_image);
    ck_assert_int_eq(chmod(folder_of(t.path), 01777), 0);
    ck_assert_int_eq(chown(t.path, 4711, 0), 0);
    ck_assert_int_eq(try_open(""), AVERROR(EACCES));
    ck_assert_int_eq(logged("belongs to user 4711"), 1);
    open_device("owner=4711");
}
END_TEST

START_TEST(test_read_header_is_silent_when_image_is_there)
{
    SERVE(one_image);
    open_device("");
    ck_assert_str_eq(t.log, "");
}
END_TEST

START_TEST(test_read_header_times_out_without_server)
{
    create_file();
    ck_assert_int_eq(try_open("timeout=0.06"), AVERROR(ETIMEDOUT));
    ck_assert_int_eq(logged("no image within 0.06 s: no server has"), 1);
    ck_assert_int_ge(logged(t.path), 1);
}
END_TEST

START_TEST(test_read_header_times_out_without_image)
{
    serve(0);
    ck_assert_int_eq(try_open("timeout=0.06"), AVERROR(ETIMEDOUT));
    ck_assert_int_eq(logged("no image within 0.06 s: a server has"), 1);
    ck_assert_int_ge(logged(t.path), 1);
    ck_assert_int_eq(logged("images delivered"), 0);
}
END_TEST

START_TEST(test_read_header_obeys_interrupt)
{
    serve(0);
    t.stop_at = 3;
    ck_assert_int_eq(try_open(""), AVERROR_EXIT);
    ck_assert_int_eq(t.calls, 3);
}
END_TEST

START_TEST(test_read_header_waits_although_nonblock)
{
    static const Image after_restart[] = { { 7, 16, 9, 1 } };

    SERVE(after_restart);
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    open_device("");
    ck_assert_int_gt(t.calls, 1);
    read_image();
    assert_pixels(t.packet, after_restart);
}
END_TEST

static const Image two_images[] = { { 7, 16, 9, 0 }, { 1, 32, 18, 1 } };

static void replace_file(void)
{
    shmimage_writer_close(t.writer);
    ck_assert_int_eq(shmimage_file_create(t.path, 0, SHMIMAGE_REPLACE |
                                                     SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer), SHMIMAGE_OK);
    /* The reader looks for another file from time to time. */
    hurry(1000000000);
    t.hook = send_next;
}

START_TEST(test_read_packet_says_that_the_file_was_replaced)
{
    SERVE(two_images);
    open_device("on_disconnect=wait");
    read_image();
    t.restarted = 1;
    t.hook = replace_file;
    read_image();
    assert_pixels(t.packet, &two_images[1]);
    ck_assert_int_eq(logged("another file has taken this name"), 1);
}
END_TEST

START_TEST(test_read_packet_ends_when_time_is_up)
{
    SERVE(one_image);
    open_device("timeout=0.06");
    read_image();
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(logged("no image for 0.06 s"), 1);
    close_device();
    ck_assert_int_eq(logged("1 images delivered"), 1);
}
END_TEST

static void send_at_every_third_call(void)
{
    if (t.calls % 3 == 0)
        send_next();
}

START_TEST(test_read_packet_gives_each_image_the_whole_time)
{
    static const Image script[] = {
        { 0, 2, 2, 0 }, { 1, 2, 2, 0 }, { 2, 2, 2, 0 }, { 3, 2, 2, 0 },
        { 4, 2, 2, 0 }, { 5, 2, 2, 0 }, { 6, 2, 2, 0 }, { 7, 2, 2, 0 },
    };

    SERVE(script);
    t.hook = send_at_every_third_call;
    open_device("timeout=3");
    for (size_t i = 0; i < t.count; i++)
        read_image();
}
END_TEST

START_TEST(test_read_packet_obeys_interrupt)
{
    SERVE(one_image);
    open_device("");
    read_image();
    t.stop_at = t.calls + 3;
    ck_assert_int_eq(try_read(), AVERROR_EXIT);
    ck_assert_int_eq(t.calls, t.stop_at);
}
END_TEST

START_TEST(test_read_packet_comes_back_when_nonblock)
{
    static const Image later = { 8, 16, 9, 0 };

    SERVE(one_image);
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    open_device("");
    read_image();
    ck_assert_int_eq(try_read(), AVERROR(EAGAIN));
    send_now(&later);
    read_image();
    assert_pixels(t.packet, &later);
    ck_assert_int_eq(try_read(), AVERROR(EAGAIN));
}
END_TEST

static int64_t longest;

static bool note_sleep(const ShmiWatch *watch, int64_t time)
{
    if (time > longest)
        longest = time;
    return shmi_wait_system.sleep_on(watch, time);
}

static void note_pause(int64_t time)
{
    if (time > longest)
        longest = time;
    shmi_wait_system.sleep(time);
}

/* A program may have sound to fetch in the same thread. */
START_TEST(test_read_packet_sleeps_for_10_ms_at_most_when_nonblock)
{
    ShmiWaitOps ops = shmi_wait_system;

    SERVE(one_image);
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    open_device("");
    read_image();
    ops.sleep_on = note_sleep;
    ops.sleep    = note_pause;
    shmi_wait_ops = &ops;
    ck_assert_int_eq(try_read(), AVERROR(EAGAIN));
    shmi_wait_ops = &shmi_wait_system;
    ck_assert_int_gt(longest, 0);
    ck_assert_int_le(longest, 10000000);
}
END_TEST

START_TEST(test_read_packet_ends_when_time_is_up_nonblock)
{
    int64_t begin = av_gettime_relative();
    int ret;

    SERVE(one_image);
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    open_device("timeout=0.2");
    read_image();
    while ((ret = try_read()) == AVERROR(EAGAIN))
        ;
    ck_assert_int_eq(ret, AVERROR_EOF);
    ck_assert_int_ge(av_gettime_relative() - begin, 200000);
}
END_TEST

START_TEST(test_options_out_of_range_are_refused)
{
    static const char *const bad[] = {
        "framerate=0", "framerate=-25", "framerate=often", "timeout=-1",
        "timeout=soon", "timestamps=sometimes", "timestamps=2", "latest=2",
    };

    SERVE(one_image);
    ck_assert_int_lt(try_open(bad[_i]), 0);
    ck_assert_int_eq(t.calls, 0);
}
END_TEST

static void assert_refused(int error)
{
    ck_assert_int_eq(try_open(""), error);
    ck_assert_msg(logged(t.path) == 1, "no file is named in: %s", t.log);
    ck_assert_int_eq(t.calls, 0);
}

START_TEST(test_read_header_refuses_missing_file)
{
    assert_refused(AVERROR(ENOENT));
}
END_TEST

START_TEST(test_read_header_refuses_directory)
{
    ck_assert_int_eq(mkdir(t.path, 0700), 0);
    assert_refused(AVERROR(EINVAL));
}
END_TEST

START_TEST(test_read_header_refuses_fifo)
{
    ck_assert_int_eq(mkfifo(t.path, 0600), 0);
    assert_refused(AVERROR(EINVAL));
}
END_TEST

START_TEST(test_read_header_refuses_small_file)
{
    create_file();
    ck_assert_int_eq(truncate(t.path, 9999999), 0);
    assert_refused(AVERROR(EINVAL));
    ck_assert_int_ge(logged("9999999"), 1);
}
END_TEST

START_TEST(test_read_header_refuses_forbidden_file)
{
    enum { NOBODY = 65534 };
    int is_root = !geteuid();
    int ret;

    create_file();
    ck_assert_int_eq(chmod(t.path, 0), 0);
    if (is_root)
        ck_assert_int_eq(seteuid(NOBODY), 0);
    ret = try_open("");
    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(ret, AVERROR(EACCES));
    ck_assert_int_eq(logged(t.path), 1);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS
START_TEST(test_read_header_refuses_file_that_has_a_reader)
{
    ShmImageReader *reader;

    serve(0);
    ck_assert_int_ge(shmimage_reader_open(t.path, 0, &reader), 0);
    assert_refused(AVERROR(EBUSY));
    shmimage_reader_close(reader);
}
END_TEST
#endif

static Suite *device_waiting_suite(void)
{
    Suite *suite = suite_create("device_waiting");
    TCase *tcase = device_tcase("device_waiting");

    tcase_add_test(tcase, test_read_header_says_once_what_it_waits_for);
    tcase_add_test(tcase, test_read_header_waits_for_its_file);
    tcase_add_test(tcase, test_read_header_waits_no_longer_for_its_file);
    tcase_add_test(tcase, test_read_header_refuses_a_stranger_s_file);
    tcase_add_test(tcase, test_read_header_is_silent_when_image_is_there);
    tcase_add_test(tcase, test_read_header_times_out_without_server);
    tcase_add_test(tcase, test_read_header_times_out_without_image);
    tcase_add_test(tcase, test_read_header_obeys_interrupt);
    tcase_add_test(tcase, test_read_header_waits_although_nonblock);
    tcase_add_test(tcase, test_read_packet_says_that_the_file_was_replaced);
    tcase_add_test(tcase, test_read_packet_ends_when_time_is_up);
    tcase_add_test(tcase, test_read_packet_gives_each_image_the_whole_time);
    tcase_add_test(tcase, test_read_packet_obeys_interrupt);
    tcase_add_test(tcase, test_read_packet_comes_back_when_nonblock);
    tcase_add_test(tcase,
                   test_read_packet_sleeps_for_10_ms_at_most_when_nonblock);
    tcase_add_test(tcase, test_read_packet_ends_when_time_is_up_nonblock);
    tcase_add_loop_test(tcase, test_options_out_of_range_are_refused, 0, 8);
    tcase_add_test(tcase, test_read_header_refuses_missing_file);
    tcase_add_test(tcase, test_read_header_refuses_directory);
    tcase_add_test(tcase, test_read_header_refuses_fifo);
    tcase_add_test(tcase, test_read_header_refuses_small_file);
    tcase_add_test(tcase, test_read_header_refuses_forbidden_file);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(tcase, test_read_header_refuses_file_that_has_a_reader);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(device_waiting_suite());
}
