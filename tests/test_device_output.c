/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the output device makes of packets, with a client in the same thread.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "device.h"
#include "support.h"
#include "wrap.h"

#include "libavcodec/avcodec.h"
#include "libavutil/dict.h"
#include "libavutil/error.h"
#include "libavutil/log.h"

enum { WIDTH = 8, HEIGHT = 4, SIZE = 3 * WIDTH * HEIGHT };

static const char *path;
static AVFormatContext *format;
static AVPacket *packet;
static ShmImageReader *reader;
static int calls;           /* of the interrupt callback */
static int stop_at;         /* the call from which on it interrupts, or 0 */
static void (*hook)(void);  /* run by each of them */
static AVRational rate;     /* that the source tells */
static int image_height;    /* of what it sends */
static enum AVCodecID codec;
static int lost_room;       /* how often a free buffer is gone when used */
static char logged[8192];

WRAP(int, shmimage_writer_put, ShmImageWriter *writer, uint32_t number,
     uint32_t width, uint32_t height, const uint8_t *pixels, ptrdiff_t stride)
{
    if (lost_room > 0) {
        lost_room--;
        return SHMIMAGE_NO_BUFFER;
    }
    return __real_shmimage_writer_put(writer, number, width, height, pixels,
                                      stride);
}

__attribute__((format(printf, 3, 0)))
static void keep_log(void *object, int level, const char *text, va_list args)
{
    size_t used = strlen(logged);

    (void)object;
    if (level <= AV_LOG_INFO)
        vsnprintf(logged + used, sizeof(logged) - used, text, args);
}

static void setup(void)
{
    path    = test_name();
    format  = NULL;
    packet  = av_packet_alloc();
    reader  = NULL;
    calls   = 0;
    stop_at = 0;
    hook    = NULL;
    rate    = (AVRational){ 60, 1 };
    image_height = HEIGHT;
    codec   = AV_CODEC_ID_RAWVIDEO;
    lost_room = 0;
    logged[0] = '\0';
    ck_assert_ptr_nonnull(packet);
    av_log_set_callback(keep_log);
}

static void close_output(void)
{
    avformat_free_context(format);
    format = NULL;
}

static void teardown(void)
{
    close_output();
    av_packet_free(&packet);
    shmimage_reader_close(reader);
    test_files_remove();
}

static int on_interrupt_callback(void *opaque)
{
    (void)opaque;
    calls++;
    if (hook)
        hook();
    return stop_at && calls >= stop_at;
}

static int try_open_output(const char *options)
{
    AVDictionary *dict = NULL;
    AVStream *st;
    int ret;

    ck_assert_int_ge(avformat_alloc_output_context2(
        &format, (const AVOutputFormat *)&ff_shmimage_muxer, NULL, path), 0);
    format->interrupt_callback.callback = on_interrupt_callback;
    st = avformat_new_stream(format, NULL);
    ck_assert_ptr_nonnull(st);
    st->avg_frame_rate = rate;
    st->time_base      = (AVRational){ 1, 1000 };
    st->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    st->codecpar->codec_id   = codec;
    st->codecpar->format     = AV_PIX_FMT_RGB24;
    st->codecpar->width      = WIDTH;
    st->codecpar->height     = image_height;
    ck_assert_int_ge(av_dict_parse_string(&dict, options, "=", ":", 0), 0);
    ret = avformat_write_header(format, &dict);
    ck_assert(ret < 0 || !av_dict_count(dict));
    av_dict_free(&dict);
    return ret;
}

static void open_output(const char *options)
{
    int ret = try_open_output(options);

    ck_assert_msg(ret >= 0, "%s", logged);
}

static void open_client(void)
{
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static int write_bytes(int size, int64_t pts)
{
    ck_assert_int_eq(av_new_packet(packet, size), 0);
    fill_pixels(packet->data, size, (uint32_t)pts);
    packet->pts = packet->dts = pts;
    return av_write_frame(format, packet);
}

static int write_image(int64_t pts)
{
    int ret = write_bytes(SIZE, pts);

    av_packet_unref(packet);
    return ret;
}

/* A frame of an encoder that passes frames on. */
static int write_frame(int width, int height, int64_t pts)
{
    AVFrame *frame = av_frame_alloc();
    int ret;

    frame->format = AV_PIX_FMT_RGB24;
    frame->width  = width;
    frame->height = height;
    ck_assert_int_ge(av_frame_get_buffer(frame, 64), 0);
    ck_assert_int_gt(frame->linesize[0], 3 * width);
    for (int y = 0; y < height; y++)
        fill_pixels(frame->data[0] + y * frame->linesize[0], 3 * width,
                    (uint32_t)(pts + y));
    packet->data = (uint8_t *)frame;
    packet->size = sizeof(*frame);
    packet->pts = packet->dts = pts;
    ret = av_write_frame(format, packet);
    packet->data = NULL;
    packet->size = 0;
    av_frame_free(&frame);
    return ret;
}

static void assert_frame(uint32_t width, uint32_t height, uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert_uint_eq(frame->width, width);
    ck_assert_uint_eq(frame->height, height);
    for (uint32_t y = 0; y < height; y++)
        ck_assert(pixels_match(frame->pixels + 3 * width * y, 3 * width,
                               number + y));
    shmimage_reader_release(frame);
}

static void assert_image(uint32_t number, uint32_t content)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert_uint_eq(frame->width, WIDTH);
    ck_assert_uint_eq(frame->height, HEIGHT);
    ck_assert(pixels_match(frame->pixels, SIZE, content));
    shmimage_reader_release(frame);
}

static void assert_no_image(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_NO_FRAME);
}

static void assert_logged(const char *text)
{
    ck_assert_msg(strstr(logged, text) != NULL, "no '%s' in: %s", text, logged);
}

static int count_logged(const char *text)
{
    int count = 0;

    for (const char *at = logged; (at = strstr(at, text)); at++)
        count++;
    return count;
}

START_TEST(test_write_packet_hands_images_over)
{
    open_output("");
    open_client();
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(write_image(i), 0);
        assert_image(i, i);
    }
    close_output();
    assert_logged("5 images given to the client, 0 dropped, 0 without");
}
END_TEST

START_TEST(test_write_packet_hands_frames_over)
{
    codec = AV_CODEC_ID_WRAPPED_AVFRAME;
    open_output("");
    open_client();
    ck_assert_int_eq(write_frame(WIDTH, HEIGHT, 1), 0);
    assert_frame(WIDTH, HEIGHT, 1);
    ck_assert_int_eq(write_frame(WIDTH + 3, HEIGHT + 1, 2), 0);
    assert_frame(WIDTH + 3, HEIGHT + 1, 2);
}
END_TEST

START_TEST(test_write_packet_drops_what_finds_no_buffer)
{
    open_output("");
    open_client();
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_int_eq(write_image(i), 0);
    assert_image(0, 0);
    assert_image(1, 1);
    assert_no_image();
    close_output();
    assert_logged("2 images given to the client, 3 dropped, 0 without");
    ck_assert_int_eq(count_logged("no client has taken an image"), 0);
}
END_TEST

static void take_oldest(void)
{
    ShmImageFrame *frame;

    if (shmimage_reader_acquire(reader, 0, &frame) == SHMIMAGE_OK) {
        ck_assert(pixels_match(frame->pixels, SIZE, frame->number));
        shmimage_reader_release(frame);
    }
}

START_TEST(test_write_packet_blocks_until_there_is_room)
{
    ShmImageReaderStats stats;

    open_output("on_full=block");
    open_client();
    hook = take_oldest;
    for (uint32_t i = 0; i < 9; i++)
        ck_assert_int_eq(write_image(i), 0);
    take_oldest();
    take_oldest();
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.delivered, 9);
    close_output();
    assert_logged("9 images given to the client, 0 dropped, 0 without");
}
END_TEST

START_TEST(test_write_packet_sends_again_what_has_lost_its_room)
{
    open_output("on_full=block");
    open_client();
    lost_room = 2;
    ck_assert_int_eq(write_image(7), 0);
    assert_image(7, 7);
}
END_TEST

START_TEST(test_write_packet_obeys_interrupt)
{
    open_output("on_full=block");
    open_client();
    write_image(0);
    write_image(1);
    stop_at = calls + 3;
    ck_assert_int_eq(write_image(2), AVERROR_EXIT);
    ck_assert_int_eq(calls, stop_at);
}
END_TEST

START_TEST(test_write_header_obeys_interrupt)
{
    stop_at = 3;
    ck_assert_int_eq(try_open_output("wait_client=1000"), AVERROR_EXIT);
    ck_assert_int_eq(calls, 3);
}
END_TEST

static void come_at_third_call(void)
{
    if (calls == 3)
        open_client();
}

START_TEST(test_write_header_waits_for_a_client)
{
    hook = come_at_third_call;
    open_output("wait_client=1000");
    ck_assert_int_ge(calls, 3);
    assert_logged("waiting for a client");
}
END_TEST

START_TEST(test_write_header_waits_for_longer_than_the_clock_runs)
{
    hook = come_at_third_call;
    open_output("wait_client=9223372036854");
    ck_assert_int_ge(calls, 3);
}
END_TEST

START_TEST(test_write_header_fails_without_a_client)
{
    ck_assert_int_eq(try_open_output("wait_client=0.05"),
                     AVERROR(ETIMEDOUT));
    assert_logged("no client within 0.05 s");
}
END_TEST

START_TEST(test_write_header_refuses_images_that_no_stream_carries)
{
    image_height = 1 << 27;
    ck_assert_int_eq(try_open_output(""), AVERROR(EINVAL));
    assert_logged("images of 8x134217728 are larger than a stream can carry");
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_write_packet_gives_up_on_a_client_that_stands_still)
{
    open_output("on_full=block:timeout=0.05");
    open_client();
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_int_eq(write_image(i), 0);
    ck_assert_int_eq(count_logged("no client has taken an image within timeout; "
                                  "dropping"), 1);
    assert_image(0, 0);
    assert_image(1, 1);
    for (uint32_t i = 5; i < 8; i++)
        ck_assert_int_eq(write_image(i), 0);
    assert_image(5, 5);
    assert_image(6, 6);
    ck_assert_int_eq(count_logged("no client has taken an image"), 2);
}
END_TEST

START_TEST(test_write_packet_gives_up_without_a_client)
{
    open_output("on_full=block:timeout=0.05");
    ck_assert_int_eq(write_image(0), 0);
    ck_assert_int_eq(write_image(1), 0);
    ck_assert_int_eq(count_logged("no client has taken an image"), 1);
    open_client();
    ck_assert_int_eq(write_image(2), 0);
    assert_image(2, 2);
}
END_TEST

START_TEST(test_write_packet_fails_on_a_client_that_stands_still)
{
    open_output("on_full=block:timeout=0.05:on_disconnect=error");
    ck_assert_int_eq(write_image(0), AVERROR(ETIMEDOUT));
    assert_logged("no client has taken an image within timeout\n");
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

static void leave(void)
{
    shmimage_reader_close(reader);
    reader = NULL;
}

START_TEST(test_write_packet_goes_on_when_its_client_is_gone)
{
    open_output("on_full=block:timeout=0");
    open_client();
    write_image(0);
    leave();
    ck_assert_int_eq(write_image(1), 0);
    ck_assert_int_eq(write_image(2), 0);
    ck_assert_int_eq(count_logged("the client is gone; dropping images"), 1);
    open_client();
    hook = take_oldest;
    for (uint32_t i = 3; i < 9; i++)
        ck_assert_int_eq(write_image(i), 0);
    close_output();
    /* The first client has not read its image. */
    assert_logged("7 images given to the client, 0 dropped, 2 without a "
                  "client, 1 left unread");
}
END_TEST

START_TEST(test_write_packet_fails_when_its_client_is_gone)
{
    open_output("on_full=block:on_disconnect=error");
    open_client();
    write_image(0);
    leave();
    ck_assert_int_eq(write_image(1), AVERROR(EPIPE));
    assert_logged("the client is gone");
}
END_TEST

#endif

static const struct {
    int64_t pts;
    uint32_t number;
} stamps[] = {
    { 0, 0 }, { 7, 7 }, { INT64_C(0xfffffffe), 0xfffffffe },
    { INT64_C(0x100000005), 5 },
};

START_TEST(test_write_packet_numbers_by_time_stamps)
{
    open_output("");
    ck_assert(!av_cmp_q(format->streams[0]->time_base, av_inv_q(rate)));
    open_client();
    ck_assert_int_eq(write_image(stamps[_i].pts), 0);
    assert_image(stamps[_i].number, (uint32_t)stamps[_i].pts);
}
END_TEST

START_TEST(test_write_packet_numbers_go_up)
{
    static const struct {
        int64_t pts;
        uint32_t number;
    } images[] = {
        { -1, 0 }, { 0, 1 }, { 5, 5 }, { 5, 6 }, { 6, 7 }, { 2, 8 }, { 9, 9 },
    };

    open_output("");
    open_client();
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
        ck_assert_int_eq(write_image(images[i].pts), 0);
        assert_image(images[i].number, (uint32_t)images[i].pts);
    }
}
END_TEST

static void assert_counts(const char *options)
{
    open_output(options);
    open_client();
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(write_image(100 + 10 * i), 0);
        assert_image(i, 100 + 10 * i);
    }
}

START_TEST(test_write_packet_counts)
{
    assert_counts("numbers=count");
}
END_TEST

START_TEST(test_write_packet_counts_without_a_rate)
{
    rate = (AVRational){ 0, 1 };
    assert_counts("");
}
END_TEST

START_TEST(test_write_packet_refuses_other_sizes)
{
    open_output("");
    open_client();
    ck_assert_int_eq(write_bytes(SIZE - 1, 0), AVERROR(EINVAL));
    av_packet_unref(packet);
    ck_assert_int_eq(write_bytes(SIZE + 1, 1), AVERROR(EINVAL));
    assert_no_image();
    assert_logged("an image of 95 bytes is not one of 8x4");
}
END_TEST

START_TEST(test_write_packet_into_a_shortened_file)
{
    open_output("");
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(write_image(0), AVERROR(EIO));
    assert_logged("shortened");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_write_packet_hands_images_over,
        test_write_packet_hands_frames_over,
        test_write_packet_drops_what_finds_no_buffer,
        test_write_packet_blocks_until_there_is_room,
        test_write_packet_sends_again_what_has_lost_its_room,
        test_write_packet_obeys_interrupt,
        test_write_header_obeys_interrupt,
        test_write_header_waits_for_a_client,
        test_write_header_waits_for_longer_than_the_clock_runs,
        test_write_header_fails_without_a_client,
        test_write_header_refuses_images_that_no_stream_carries,
        test_write_packet_gives_up_on_a_client_that_stands_still,
        test_write_packet_gives_up_without_a_client,
        test_write_packet_fails_on_a_client_that_stands_still,
#if SHMI_HAVE_OFD_LOCKS
        test_write_packet_goes_on_when_its_client_is_gone,
        test_write_packet_fails_when_its_client_is_gone,
#endif
        test_write_packet_numbers_go_up,
        test_write_packet_counts,
        test_write_packet_counts_without_a_rate,
        test_write_packet_refuses_other_sizes,
        test_write_packet_into_a_shortened_file,
    };
    Suite *suite = suite_create("device_output");
    TCase *tcase = tcase_create("output");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, test_write_packet_numbers_by_time_stamps, 0,
                        sizeof(stamps) / sizeof(*stamps));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
