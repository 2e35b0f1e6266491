/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Packets that refer to the shared memory: which ones do, for how long, and
 * what the server can do meanwhile.
 */
#include "config.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "device_harness.h"

#include "libavutil/buffer.h"

#define SMALL(n) { .number = n, .width = 8, .height = 4 }

static const Image images[] = {
    SMALL(0), SMALL(1), SMALL(2), SMALL(3), SMALL(4), SMALL(5), SMALL(6),
};

enum { NB_IMAGES = sizeof(images) / sizeof(images[0]) };

static AVPacket *kept;

static void setup(void)
{
    kept = av_packet_alloc();
    ck_assert_ptr_nonnull(kept);
}

static void teardown(void)
{
    av_packet_free(&kept);
}

static int count_locked(void)
{
    int locked = 0;

    for (int i = 0; i < SHMI_BUFFERS; i++)
        locked += peek_state(t.path, i) == SHMIMAGE_STATE_CLIENT_LOCKED;
    return locked;
}

/* Lent packets are read-only; copies are their reader's own. */
static int is_lent(AVPacket *packet)
{
    return !av_buffer_is_writable(packet->buf);
}

static void read_and_keep(void)
{
    read_image();
    av_packet_move_ref(kept, t.packet);
}

START_TEST(test_packet_holds_a_buffer_until_it_is_freed)
{
    SERVE(images);
    open_device("");
    t.hook = NULL;
    read_image();
    ck_assert(is_lent(t.packet));
    assert_pixels(t.packet, &images[0]);
    ck_assert_int_eq(count_locked(), 1);
    av_packet_unref(t.packet);
    ck_assert_int_eq(count_locked(), 0);
}
END_TEST

START_TEST(test_packet_holds_a_buffer_until_its_last_reference_is_freed)
{
    SERVE(images);
    open_device("");
    t.hook = NULL;
    read_image();
    ck_assert_int_eq(av_packet_ref(kept, t.packet), 0);
    av_packet_unref(t.packet);
    ck_assert_int_eq(count_locked(), 1);
    assert_pixels(kept, &images[0]);
    av_packet_unref(kept);
    ck_assert_int_eq(count_locked(), 0);
}
END_TEST

START_TEST(test_packet_is_copied_without_zero_copy)
{
    SERVE(images);
    open_device("zero_copy=0");
    t.hook = NULL;
    read_image();
    ck_assert(!is_lent(t.packet));
    ck_assert_int_eq(count_locked(), 0);
    assert_pixels(t.packet, &images[0]);
}
END_TEST

START_TEST(test_packets_are_copied_while_one_is_lent)
{
    SERVE(images);
    open_device("");
    read_and_keep();
    for (int i = 1; i < NB_IMAGES; i++) {
        read_image();
        ck_assert(!is_lent(t.packet));
        ck_assert_int_eq(t.packet->pts, i);
        assert_pixels(t.packet, &images[i]);
        ck_assert_int_eq(count_locked(), 1);
    }
    ck_assert(is_lent(kept));
    assert_pixels(kept, &images[0]);
}
END_TEST

/* With one image lent and another one in hand, there is none to skip to. */
START_TEST(test_latest_goes_on_while_a_packet_is_lent)
{
    SERVE(images);
    open_device("latest=1");
    read_and_keep();
    for (int i = 1; i < NB_IMAGES; i++) {
        read_image();
        assert_pixels(t.packet, &images[i]);
    }
    ck_assert(is_lent(kept));
}
END_TEST

START_TEST(test_latest_gives_back_what_it_skips)
{
    SERVE(images);
    open_device("latest=1");
    t.hook = NULL;
    read_image();
    av_packet_unref(t.packet);
    send_now(&images[1]);
    send_now(&images[2]);
    read_image();
    assert_pixels(t.packet, &images[2]);
    ck_assert_int_eq(count_locked(), 1);
    av_packet_unref(t.packet);
    ck_assert_int_eq(count_locked(), 0);
}
END_TEST

START_TEST(test_next_packet_is_lent_once_the_last_one_is_freed)
{
    SERVE(images);
    open_device("");
    read_and_keep();
    read_image();
    ck_assert(!is_lent(t.packet));
    av_packet_unref(kept);
    for (int i = 2; i < NB_IMAGES; i++) {
        read_image();
        ck_assert(is_lent(t.packet));
        assert_pixels(t.packet, &images[i]);
    }
}
END_TEST

START_TEST(test_packet_outlives_everything)
{
    SERVE(images);
    open_device("");
    read_and_keep();
    close_device();
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    ck_assert_int_eq(unlink(t.path), 0);
    assert_pixels(kept, &images[0]);
}
END_TEST

START_TEST(test_packet_is_whole_after_a_restart_of_the_server)
{
    static const Image script[] = {
        SMALL(0), { 50, 8, 4, .restart = 1 }, SMALL(51), SMALL(52),
    };

    SERVE(script);
    open_device("");
    read_and_keep();
    for (int i = 1; i < 4; i++) {
        read_image();
        ck_assert(!is_lent(t.packet));
        assert_pixels(t.packet, &script[i]);
        assert_pixels(kept, &script[0]);
    }
    av_packet_unref(kept);
    ck_assert_int_eq(count_locked(), 0);
}
END_TEST

START_TEST(test_packet_is_whole_after_the_file_is_replaced)
{
    static const Image next = SMALL(9);

    SERVE(images);
    open_device("");
    t.hook = NULL;
    read_and_keep();
    shmimage_writer_close(t.writer);
    ck_assert_int_eq(shmimage_file_create(t.path, 0, SHMIMAGE_REPLACE |
                                                     SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    close_device();
    ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer), SHMIMAGE_OK);
    t.script = &next;
    t.count  = 1;
    t.next   = 0;
    t.hook   = send_next;
    open_device("");
    read_image();
    ck_assert(is_lent(t.packet));
    assert_pixels(t.packet, &next);
    assert_pixels(kept, &images[0]);
}
END_TEST

START_TEST(test_packet_can_be_read_after_its_file_is_emptied)
{
    SERVE(images);
    open_device("");
    read_and_keep();
    ck_assert_int_eq(truncate(t.path, 0), 0);
    for (int i = 0; i < kept->size; i++)
        ck_assert_int_le(kept->data[i], 0xFF);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
}
END_TEST

/* In both buffers, of a file of whole pages that the second image fills. */
START_TEST(test_packet_has_readable_padding)
{
    static const Image script[] = { { 0, 416767, 8, 0 }, { 1, 416767, 8, 0 } };
    int sum = 0;

    serve(4884 * 4096);
    ck_assert_uint_eq(shmimage_file_size(416767, 8), 4884 * 4096);
    t.script = script;
    t.count  = 2;
    t.hook   = send_next;
    open_device("");
    for (int i = 0; i < 2; i++) {
        read_image();
        ck_assert(is_lent(t.packet));
        for (int k = 0; k < AV_INPUT_BUFFER_PADDING_SIZE; k++)
            sum += t.packet->data[t.packet->size + k];
        assert_pixels(t.packet, &script[i]);
    }
    ck_assert_int_ge(sum, 0);
}
END_TEST

static void *free_packet(void *packet)
{
    av_packet_unref(packet);
    return NULL;
}

START_TEST(test_packets_may_be_freed_by_other_threads)
{
    SERVE(images);
    open_device("");
    for (int i = 0; i < NB_IMAGES; i++) {
        pthread_t thread;

        read_and_keep();
        assert_pixels(kept, &images[i]);
        ck_assert_int_eq(pthread_create(&thread, NULL, free_packet, kept), 0);
        pthread_join(thread, NULL);
    }
    ck_assert_int_eq(count_locked(), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_packet_holds_a_buffer_until_it_is_freed,
        test_packet_holds_a_buffer_until_its_last_reference_is_freed,
        test_packet_is_copied_without_zero_copy,
        test_packets_are_copied_while_one_is_lent,
        test_latest_goes_on_while_a_packet_is_lent,
        test_latest_gives_back_what_it_skips,
        test_next_packet_is_lent_once_the_last_one_is_freed,
        test_packet_outlives_everything,
        test_packet_is_whole_after_a_restart_of_the_server,
        test_packet_is_whole_after_the_file_is_replaced,
        test_packet_can_be_read_after_its_file_is_emptied,
        test_packet_has_readable_padding,
        test_packets_may_be_freed_by_other_threads,
    };
    Suite *suite = suite_create("device_lending");
    TCase *tcase = device_tcase("lending");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
