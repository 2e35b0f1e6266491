/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The control channel of the input device: how it ends a capture, and what the
 * device says on it.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device_harness.h"

#include "libavutil/error.h"

static const Image images[] = {
    { 7, 16, 9, 0 }, { 8, 16, 9, 0 }, { 10, 8, 6, 0 }, { 11, 8, 6, 0 },
};

/* The device's end of the channel, and ours. -1 when it is closed. */
static int theirs, ours;

static void setup(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    theirs = pair[0];
    ours   = pair[1];
}

static void teardown(void)
{
    /* It is still ours to close. */
    ck_assert_int_eq(close(theirs), 0);
    if (ours >= 0)
        close(ours);
}

static const char *with_control(const char *options)
{
    static char text[200];

    snprintf(text, sizeof(text), "control=%d%s%s", theirs,
             *options ? ":" : "", options);
    return text;
}

static void say_end(void)
{
    ck_assert_int_eq(write(ours, "x", 1), 1);
}

static void hang_up(void)
{
    close(ours);
    ours = -1;
}

static void (*const ways_to_end[])(void) = { say_end, hang_up };
enum { WAYS = sizeof(ways_to_end) / sizeof(*ways_to_end) };

/* The lines so far; they end with NUL. */
static const char *lines(void)
{
    static char text[8192];
    ssize_t size = recv(ours, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[size < 0 ? 0 : size] = '\0';
    return text;
}

static void read_first(const char *options)
{
    SERVE_FIRST(images, with_control(options));
}

static void assert_ends(void)
{
    assert_end();
    ck_assert_int_eq(logged("the control channel ends the capture"), 1);
}

START_TEST(test_ends_an_idle_capture)
{
    read_first("");
    ways_to_end[_i]();
    assert_ends();
}
END_TEST

static void (*way)(void);

static void end_at_third_call(void)
{
    if (t.calls == 3)
        way();
}

/* It has been waiting for a while already when it learns of the end. */
START_TEST(test_ends_a_capture_that_waits)
{
    read_first("");
    way     = ways_to_end[_i];
    t.calls = 0;
    t.hook  = end_at_third_call;
    assert_ends();
    ck_assert_int_ge(t.calls, 3);
}
END_TEST

START_TEST(test_takes_no_image_after_the_end)
{
    read_first("");
    av_packet_unref(t.packet);
    send_now(&images[1]);
    send_now(&images[2]);
    ways_to_end[_i]();
    assert_ends();
    close_device();
    ck_assert_int_eq(logged("1 images delivered, 0 missing"), 1);
    ck_assert_uint_eq(peek_state(t.path, 0), SHMIMAGE_STATE_CLIENT);
    ck_assert_uint_eq(peek_state(t.path, 1), SHMIMAGE_STATE_CLIENT);
}
END_TEST

START_TEST(test_gives_the_image_of_read_header_after_the_end)
{
    SERVE(images);
    open_device(with_control(""));
    t.hook = NULL;
    ways_to_end[_i]();
    read_image();
    assert_pixels(t.packet, &images[0]);
    assert_ends();
}
END_TEST

START_TEST(test_ends_when_nonblock)
{
    t.format_flags = AVFMT_FLAG_NONBLOCK;
    read_first("");
    ck_assert_int_eq(try_read(), AVERROR(EAGAIN));
    ways_to_end[_i]();
    assert_ends();
}
END_TEST

START_TEST(test_ends_where_it_waits_for_the_next_server)
{
    read_first("on_disconnect=wait");
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    ways_to_end[_i]();
    assert_ends();
}
END_TEST

START_TEST(test_ends_where_it_repeats)
{
    int ret;

    read_first("timestamps=wallclock:repeat_idle=0.001");
    read_image();
    ways_to_end[_i]();
    while ((ret = try_read()) == 0)
        assert_pixels(t.packet, &images[0]);
    ck_assert_int_eq(ret, AVERROR_EOF);
}
END_TEST

/* A server that does not draw, and none at all. */
START_TEST(test_ends_before_the_first_image)
{
    if (_i < WAYS)
        serve(0);
    else
        ck_assert_int_eq(shmimage_file_create(t.path, 0, 0), SHMIMAGE_OK);
    way    = ways_to_end[_i % WAYS];
    t.hook = end_at_third_call;
    ck_assert_int_eq(try_open(with_control("")), AVERROR(ECANCELED));
    ck_assert_int_eq(logged("ended before the first image"), 1);
    ck_assert_int_ge(t.calls, 3);
}
END_TEST

static const char *option_of(int descriptor)
{
    static char text[40];

    snprintf(text, sizeof(text), "control=%d", descriptor);
    return text;
}

static void assert_refused(int descriptor, const char *message)
{
    SERVE(images);
    ck_assert_int_eq(try_open(option_of(descriptor)), AVERROR(EINVAL));
    ck_assert_msg(logged(message) == 1, "%s", t.log);
    ck_assert_int_eq(t.calls, 0);
}

START_TEST(test_refuses_a_descriptor_that_is_not_open)
{
    assert_refused(INT_MAX, "is not open");
}
END_TEST

START_TEST(test_refuses_what_is_no_socket)
{
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    assert_refused(pipes[0], "is not a socket");
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(test_refuses_a_datagram_socket)
{
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);

    assert_refused(other, "is not a stream socket");
    close(other);
}
END_TEST

/* The line of the end is the last one. */
static const char *last_line(const char *text)
{
    const char *end = text + strlen(text);

    ck_assert_msg(end > text && end[-1] == '\n', "no line in '%s'", text);
    for (end--; end > text && end[-1] != '\n'; end--)
        ;
    return end;
}

START_TEST(test_reports_at_the_end)
{
    const char *line;
    double rate;
    int size = 0;

    SERVE(images);
    open_device(with_control(""));
    for (size_t i = 0; i < t.count; i++)
        read_image();
    close_device();
    line = last_line(lines());
    ck_assert_int_eq(sscanf(line, "delivered=4 repeated=0 missing=1 skipped=0 "
                            "refused=0 incomplete=0 width=8 height=6 "
                            "rate=%lf%n", &rate, &size), 1);
    ck_assert_str_eq(line + size, "\n");
    ck_assert_int_eq(line[size - 3], '.');
    ck_assert(rate > 0);
}
END_TEST

/* The caller may want to know the size before it goes on. */
START_TEST(test_reports_the_size_once_it_is_known)
{
    SERVE(images);
    open_device(with_control(""));
    ck_assert_ptr_nonnull(strstr(last_line(lines()),
                                 "delivered=0 repeated=0 missing=0 skipped=0 "
                                 "refused=0 incomplete=0 width=16 height=9 "));
}
END_TEST

START_TEST(test_reports_that_nothing_came)
{
    serve(0);
    ck_assert_int_eq(try_open(with_control("timeout=0.01")),
                     AVERROR(ETIMEDOUT));
    ck_assert_str_eq(last_line(lines()),
                     "delivered=0 repeated=0 missing=0 skipped=0 refused=0 "
                     "incomplete=0 width=0 height=0 rate=0.00\n");
}
END_TEST

START_TEST(test_counts_repeated_images_apart)
{
    read_first("timestamps=wallclock:repeat_idle=0.001");
    read_image();
    read_image();
    close_device();
    ck_assert_ptr_nonnull(strstr(last_line(lines()),
                                 "delivered=1 repeated=2 missing=0 "));
}
END_TEST

/* While it waits too. */
START_TEST(test_reports_now_and_then)
{
    int ret = AVERROR(EAGAIN);

    t.format_flags = AVFMT_FLAG_NONBLOCK;
    read_first("");
    lines();
    for (int i = 0; i < 2; i++) {
        const char *text = "";

        while (!*text && (ret = try_read()) == AVERROR(EAGAIN))
            text = lines();
        ck_assert_int_eq(ret, AVERROR(EAGAIN));
        ck_assert_ptr_eq(last_line(text), text);
        ck_assert_ptr_nonnull(strstr(text, "delivered=1 "));
    }
}
END_TEST

static void fill_channel(void)
{
    static const char junk[4096];

    while (send(theirs, junk, sizeof(junk), MSG_DONTWAIT) > 0)
        ;
    while (send(theirs, junk, 1, MSG_DONTWAIT) > 0)
        ;
}

/* It would hang here, or be killed by SIGPIPE. */
START_TEST(test_goes_on_when_nobody_reads)
{
    fill_channel();
    SERVE(images);
    open_device(with_control(""));
    for (size_t i = 0; i < t.count; i++) {
        read_image();
        assert_pixels(t.packet, &images[i]);
    }
    if (_i)
        hang_up();
    close_device();
    ck_assert_int_eq(logged("4 images delivered"), 1);
}
END_TEST

START_TEST(test_is_silent_without_the_option)
{
    SERVE(images);
    open_device("");
    read_image();
    close_device();
    ck_assert_str_eq(lines(), "");
}
END_TEST

static Suite *device_control_suite(void)
{
    const TTest *const by_either_way[] = {
        test_ends_an_idle_capture,
        test_ends_a_capture_that_waits,
        test_takes_no_image_after_the_end,
        test_gives_the_image_of_read_header_after_the_end,
        test_ends_when_nonblock,
#if SHMI_HAVE_OFD_LOCKS
        test_ends_where_it_waits_for_the_next_server,
#endif
        test_ends_where_it_repeats,
        test_goes_on_when_nobody_reads,
    };
    Suite *suite = suite_create("device_control");
    TCase *tcase = device_tcase("control");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(by_either_way) / sizeof(*by_either_way); i++)
        tcase_add_loop_test(tcase, by_either_way[i], 0, WAYS);
    tcase_add_loop_test(tcase, test_ends_before_the_first_image, 0, 2 * WAYS);
    tcase_add_test(tcase, test_refuses_a_descriptor_that_is_not_open);
    tcase_add_test(tcase, test_refuses_what_is_no_socket);
    tcase_add_test(tcase, test_refuses_a_datagram_socket);
    tcase_add_test(tcase, test_reports_at_the_end);
    tcase_add_test(tcase, test_reports_the_size_once_it_is_known);
    tcase_add_test(tcase, test_reports_that_nothing_came);
    tcase_add_test(tcase, test_counts_repeated_images_apart);
    tcase_add_test(tcase, test_reports_now_and_then);
    tcase_add_test(tcase, test_is_silent_without_the_option);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(device_control_suite());
}
