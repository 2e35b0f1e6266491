/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the input device makes of the images that arrive.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "device_harness.h"

#include "libavutil/intreadwrite.h"
#include "libavutil/time.h"

enum { BLOCK_WIDTH = 4, BLOCK_HEIGHT = 6 };

static const uint8_t zeros[AV_INPUT_BUFFER_PADDING_SIZE];

static const Image two_images[] = { { 7, 16, 9, 0 }, { 8, 16, 9, 0 } };

static void assert_pts(const int64_t *expected, size_t count)
{
    open_device("");
    for (size_t i = 0; i < count; i++) {
        read_image();
        ck_assert_int_eq(t.packet->pts, expected[i]);
        ck_assert_int_eq(t.packet->dts, expected[i]);
        ck_assert_int_eq(t.packet->duration, 1);
        ck_assert_int_eq(t.packet->flags, AV_PKT_FLAG_KEY);
        assert_pixels(t.packet, &t.script[i]);
    }
}
#define ASSERT_PTS(list) assert_pts(list, sizeof(list) / sizeof((list)[0]))

START_TEST(test_read_header_describes_stream)
{
    const AVStream *st;

    SERVE(two_images);
    open_device("");
    ck_assert_uint_eq(t.format->nb_streams, 1);
    st = t.format->streams[0];
    ck_assert_int_eq(st->codecpar->codec_type, AVMEDIA_TYPE_VIDEO);
    ck_assert_int_eq(st->codecpar->codec_id, AV_CODEC_ID_RAWVIDEO);
    ck_assert_int_eq(st->codecpar->codec_tag, MKTAG('R', 'G', 'B', 24));
    ck_assert_int_eq(st->codecpar->format, AV_PIX_FMT_RGB24);
    ck_assert_int_eq(st->codecpar->color_range, AVCOL_RANGE_JPEG);
    ck_assert_int_eq(st->codecpar->color_space, AVCOL_SPC_RGB);
    ck_assert_int_eq(st->codecpar->color_primaries, AVCOL_PRI_BT709);
    ck_assert_int_eq(st->codecpar->color_trc, AVCOL_TRC_IEC61966_2_1);
    ck_assert_int_eq(st->codecpar->width, 16);
    ck_assert_int_eq(st->codecpar->height, 9);
    ck_assert_int_eq(st->codecpar->bit_rate, 16 * 9 * 24 * 60);
    ck_assert(!av_cmp_q(st->time_base, av_make_q(1, 60)));
    ck_assert(!av_cmp_q(st->avg_frame_rate, av_make_q(60, 1)));
    ck_assert(!av_cmp_q(st->r_frame_rate, av_make_q(60, 1)));
}
END_TEST

START_TEST(test_read_header_takes_framerate)
{
    const AVStream *st;

    SERVE(two_images);
    open_device("framerate=30000/1001");
    st = t.format->streams[0];
    ck_assert(!av_cmp_q(st->time_base, av_make_q(1001, 30000)));
    ck_assert(!av_cmp_q(st->avg_frame_rate, av_make_q(30000, 1001)));
    read_image();
    ck_assert_int_eq(t.packet->pts, 7);
    ck_assert_int_eq(t.packet->duration, 1);
}
END_TEST

START_TEST(test_read_header_lets_probing_end_at_once)
{
    static const Image one_image[] = { { 7, 16, 9, 0 } };

    SERVE(one_image);
    open_device("timeout=20");
    ck_assert_int_ge(avformat_find_stream_info(t.format, NULL), 0);
    ck_assert_int_eq(logged("no image for"), 0);
    read_image();
    ck_assert_int_eq(t.packet->pts, 7);
    assert_pixels(t.packet, one_image);
}
END_TEST

START_TEST(test_read_packet_begins_with_first_image)
{
    static const int64_t expected[] = { 7, 8 };

    SERVE(two_images);
    ASSERT_PTS(expected);
}
END_TEST

START_TEST(test_read_packet_pts_has_gaps)
{
    static const Image script[] = {
        { 0, 2, 2, 0 }, { 1, 2, 2, 0 }, { 5, 2, 2, 0 }, { 1000000, 2, 2, 0 },
    };
    static const int64_t expected[] = { 0, 1, 5, 1000000 };

    SERVE(script);
    ASSERT_PTS(expected);
    close_device();
    ck_assert_int_eq(logged("4 images delivered, 999997 missing"), 1);
}
END_TEST

START_TEST(test_read_packet_pts_goes_on_when_number_wraps)
{
    static const Image script[] = {
        { UINT32_MAX - 1, 2, 2, 0 }, { UINT32_MAX, 2, 2, 0 },
        { 2, 2, 2, 0 }, { 3, 2, 2, 0 },
    };
    static const int64_t expected[] = {
        0xFFFFFFFE, 0xFFFFFFFF, 0x100000002, 0x100000003,
    };

    SERVE(script);
    ASSERT_PTS(expected);
    close_device();
    ck_assert_int_eq(logged("4 images delivered, 2 missing"), 1);
}
END_TEST

START_TEST(test_read_packet_pts_grows_when_number_does_not)
{
    static const Image script[] = {
        { 10, 2, 2, 0 }, { 10, 2, 2, 0 }, { 4, 2, 2, 0 }, { 6, 2, 2, 0 },
    };
    static const int64_t expected[] = { 10, 11, 12, 14 };

    SERVE(script);
    ASSERT_PTS(expected);
}
END_TEST

START_TEST(test_read_packet_pts_grows_when_server_counts_anew)
{
    static const Image script[] = {
        { 50, 2, 2, 0 }, { 51, 2, 2, 0 }, { 0, 2, 2, 1 }, { 1, 2, 2, 0 },
    };
    static const int64_t expected[] = { 50, 51, 52, 53 };

    SERVE(script);
    ASSERT_PTS(expected);
}
END_TEST

START_TEST(test_read_packet_pts_goes_on_when_server_counts_from_elsewhere)
{
    static const Image script[] = {
        { 50, 2, 2, 0 }, { 60, 2, 2, 1 }, { 61, 2, 2, 0 },
        { 0xF0000000, 2, 2, 1 },
    };
    static const int64_t expected[] = { 50, 51, 52, 53 };

    SERVE(script);
    ASSERT_PTS(expected);
    close_device();
    ck_assert_int_eq(logged("4 images delivered, 0 missing"), 1);
}
END_TEST

static void assert_size_change(uint32_t width, uint32_t height)
{
    size_t size;
    const uint8_t *data = av_packet_get_side_data(t.packet,
                                                  AV_PKT_DATA_PARAM_CHANGE,
                                                  &size);
    if (!width) {
        ck_assert_ptr_null(data);
        return;
    }
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(size, 12);
    ck_assert_uint_eq(AV_RL32(data), AV_SIDE_DATA_PARAM_CHANGE_DIMENSIONS);
    ck_assert_uint_eq(AV_RL32(data + 4), width);
    ck_assert_uint_eq(AV_RL32(data + 8), height);
}

START_TEST(test_read_packet_announces_new_size)
{
    static const Image script[] = {
        { 1, 16, 9, 0 }, { 2, 16, 9, 0 }, { 3, 8, 6, 0 }, { 4, 8, 6, 0 },
        { 5, 40, 30, 0 }, { 6, 40, 31, 0 }, { 7, 39, 31, 0 },
    };
    static const uint32_t changes[][2] = {
        { 0, 0 }, { 0, 0 }, { 8, 6 }, { 0, 0 }, { 40, 30 }, { 40, 31 },
        { 39, 31 },
    };

    SERVE(script);
    open_device("");
    for (size_t i = 0; i < t.count; i++) {
        read_image();
        assert_size_change(changes[i][0], changes[i][1]);
        assert_pixels(t.packet, &script[i]);
    }
    ck_assert_int_eq(logged("the size changes from 16x9 to 8x6"), 1);
    ck_assert_int_eq(logged("the size changes from 8x6 to 40x30"), 1);
}
END_TEST

START_TEST(test_read_packet_latest_skips_to_newest)
{
    static const Image script[] = { { 1, 16, 9, 0 } };
    static const Image later[] = { { 2, 16, 9, 0 }, { 4, 8, 6, 0 } };

    SERVE(script);
    open_device("latest=1");
    read_image();
    assert_pixels(t.packet, script);
    av_packet_unref(t.packet);
    send_now(&later[0]);
    send_now(&later[1]);
    read_image();
    ck_assert_int_eq(t.packet->pts, 4);
    assert_size_change(8, 6);
    assert_pixels(t.packet, &later[1]);
    close_device();
    ck_assert_int_eq(logged("2 images delivered, 1 missing by their numbers, "
                            "1 skipped"), 1);
}
END_TEST

START_TEST(test_read_packet_delivers_all_unless_latest)
{
    static const Image script[] = { { 1, 16, 9, 0 } };
    static const Image later[] = { { 2, 16, 9, 0 }, { 3, 16, 9, 0 } };

    SERVE(script);
    open_device("");
    read_image();
    av_packet_unref(t.packet);
    send_now(&later[0]);
    send_now(&later[1]);
    for (int i = 0; i < 2; i++) {
        read_image();
        assert_pixels(t.packet, &later[i]);
    }
}
END_TEST

START_TEST(test_read_packet_wallclock_is_time_of_arrival)
{
    static const Image script[] = {
        { 9, 2, 2, 0 }, { 10, 2, 2, 0 }, { 3, 2, 2, 1 }, { 900, 2, 2, 0 },
    };
    int64_t last = av_gettime() - 1;

    SERVE(script);
    open_device("timestamps=wallclock");
    ck_assert(!av_cmp_q(t.format->streams[0]->time_base,
                        av_make_q(1, 1000000)));
    for (size_t i = 0; i < t.count; i++) {
        read_image();
        ck_assert_int_gt(t.packet->pts, last);
        ck_assert_int_eq(t.packet->dts, t.packet->pts);
        ck_assert_int_eq(t.packet->duration, 16667);
        last = t.packet->pts;
    }
}
END_TEST

START_TEST(test_read_packet_copies_images_of_any_size)
{
    static const Image script[] = {
        { 1, 8, 6, 0 }, { 2, 40, 30, 0 }, { 3, 40, 30, 0 }, { 4, 16, 9, 0 },
    };

    SERVE(script);
    open_device("zero_copy=0");
    for (size_t i = 0; i < t.count; i++) {
        read_image();
        assert_pixels(t.packet, &script[i]);
        ck_assert_uint_ge(t.packet->buf->size,
                          t.packet->size + AV_INPUT_BUFFER_PADDING_SIZE);
    }
}
END_TEST

START_TEST(test_read_packet_padding_is_zero_in_used_buffer)
{
    SERVE(two_images);
    open_device("zero_copy=0");
    for (int i = 0; i < 2; i++) {
        uint8_t *padding;

        read_image();
        padding = t.packet->data + t.packet->size;
        ck_assert_mem_eq(padding, zeros, sizeof(zeros));
        memset(padding, 0xff, sizeof(zeros));
    }
}
END_TEST

START_TEST(test_read_packet_has_every_pixel)
{
    static const uint32_t sizes[][2] = {
        { 1, 1 }, { 3, 5 }, { 1919, 1079 }, { 3840, 2160 },
    };
    Image image = { 3, sizes[_i][0], sizes[_i][1], 0 };

    serve_script(&image, 1);
    open_device("");
    read_image();
    assert_pixels(t.packet, &image);
}
END_TEST

START_TEST(test_read_close_leaves_packets_valid)
{
    SERVE(two_images);
    open_device("");
    read_image();
    close_device();
    shmimage_writer_close(t.writer);
    t.writer = NULL;
    ck_assert_int_eq(unlink(t.path), 0);
    assert_pixels(t.packet, two_images);
}
END_TEST

/* A server that knows the file's layout and nothing else, like the vendor's:
 * it writes blocks with whatever header it is told to. */
static const ShmiHeader *blocks;
static size_t nb_blocks, next_block;

static void send_next_block(void)
{
    const ShmiHeader *block = &blocks[next_block];

    if (next_block == nb_blocks ||
        peek_state(t.path, 0) != SHMIMAGE_STATE_SERVER)
        return;
    if (block->width == BLOCK_WIDTH) {
        uint8_t pixels[3 * BLOCK_WIDTH * BLOCK_HEIGHT];
        size_t row = 3 * BLOCK_WIDTH;

        fill_pixels(pixels, sizeof(pixels), block->frame_number);
        poke_pixels(t.path, 0, pixels + row * block->offset,
                    row * block->num_scanlines);
    }
    poke(t.path, 0, block, SHMIMAGE_STATE_CLIENT);
    next_block++;
}

/* Whatever else was sent, the image with number 5 is all that arrives. */
static void assert_one_image(const ShmiHeader *script, size_t count)
{
    static const Image image = { 5, BLOCK_WIDTH, BLOCK_HEIGHT, 0 };

    ck_assert_int_eq(shmimage_file_create(t.path, 0, 0), SHMIMAGE_OK);
    poke_state(t.path, 0, SHMIMAGE_STATE_INIT);
    poke_state(t.path, 1, SHMIMAGE_STATE_INIT);
    blocks = script;
    nb_blocks = count;
    next_block = 0;
    t.hook = send_next_block;
    open_device("timeout=20");
    read_image();
    ck_assert_int_eq(t.packet->pts, image.number);
    assert_pixels(t.packet, &image);
    ck_assert_mem_eq(t.packet->data + t.packet->size, zeros,
                     sizeof(zeros));
    close_device();
}

START_TEST(test_read_packet_joins_blocks)
{
    static const ShmiHeader script[] = {
        { 5, 4, 6, 4, 2 }, { 5, 4, 6, 1, 3 }, { 5, 4, 6, 0, 1 },
    };

    assert_one_image(script, 3);
    ck_assert_int_eq(logged("1 images delivered, 0 missing by their numbers, "
                            "0 skipped, 0 refused, 0 incomplete"), 1);
}
END_TEST

START_TEST(test_read_packet_counts_image_without_its_last_block)
{
    static const ShmiHeader script[] = { { 4, 4, 6, 3, 3 }, { 5, 4, 6, 0, 6 } };

    assert_one_image(script, 2);
    ck_assert_int_eq(logged(" 0 refused, 1 incomplete"), 1);
}
END_TEST

START_TEST(test_read_packet_refuses_headers_that_lie)
{
    static const ShmiHeader script[] = {
        { 1, 100000, 100000, 0, 100000 }, { 2, 0, 6, 0, 6 },
        { 3, 8, 6, 5, 6 }, { 5, 4, 6, 0, 6 },
    };

    assert_one_image(script, 4);
    ck_assert_int_eq(logged(" 3 refused, 0 incomplete"), 1);
    ck_assert_int_eq(logged("ignoring an image whose header does not fit"), 1);
}
END_TEST

static Suite *device_suite(void)
{
    Suite *suite = suite_create("device");
    TCase *tcase = device_tcase("device");

    tcase_add_test(tcase, test_read_header_describes_stream);
    tcase_add_test(tcase, test_read_header_takes_framerate);
    tcase_add_test(tcase, test_read_header_lets_probing_end_at_once);
    tcase_add_test(tcase, test_read_packet_begins_with_first_image);
    tcase_add_test(tcase, test_read_packet_pts_has_gaps);
    tcase_add_test(tcase, test_read_packet_pts_goes_on_when_number_wraps);
    tcase_add_test(tcase, test_read_packet_pts_grows_when_number_does_not);
    tcase_add_test(tcase, test_read_packet_pts_grows_when_server_counts_anew);
    tcase_add_test(tcase,
        test_read_packet_pts_goes_on_when_server_counts_from_elsewhere);
    tcase_add_test(tcase, test_read_packet_announces_new_size);
    tcase_add_test(tcase, test_read_packet_latest_skips_to_newest);
    tcase_add_test(tcase, test_read_packet_delivers_all_unless_latest);
    tcase_add_test(tcase, test_read_packet_wallclock_is_time_of_arrival);
    tcase_add_test(tcase, test_read_packet_copies_images_of_any_size);
    tcase_add_test(tcase, test_read_packet_padding_is_zero_in_used_buffer);
    tcase_add_loop_test(tcase, test_read_packet_has_every_pixel, 0, 4);
    tcase_add_test(tcase, test_read_close_leaves_packets_valid);
    tcase_add_test(tcase, test_read_packet_joins_blocks);
    tcase_add_test(tcase,
                   test_read_packet_counts_image_without_its_last_block);
    tcase_add_test(tcase, test_read_packet_refuses_headers_that_lie);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(device_suite());
}
