/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "device_harness.h"

#include "libavutil/dict.h"
#include "libavutil/error.h"
#include "libavutil/log.h"

Harness t;

__attribute__((format(printf, 3, 0)))
static void keep_log(void *object, int level, const char *format, va_list args)
{
    size_t used = strlen(t.log);

    (void)object;
    if (level <= AV_LOG_INFO)
        vsnprintf(t.log + used, sizeof(t.log) - used, format, args);
}

static int on_interrupt_callback(void *opaque)
{
    (void)opaque;
    t.calls++;
    if (t.hook)
        t.hook();
    return t.stop_at && t.calls >= t.stop_at;
}

static void setup(void)
{
    t = (Harness){ .path   = test_name(),
                   .device = &ff_shmimage_demuxer,
                   .packet = av_packet_alloc() };
    ck_assert_ptr_nonnull(t.packet);
    av_log_set_callback(keep_log);
}

static void teardown(void)
{
    close_device();
    av_packet_free(&t.packet);
    shmimage_writer_close(t.writer);
    test_files_remove();
    av_log_set_callback(av_log_default_callback);
}

TCase *device_tcase(const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    return tcase;
}

void serve(uint64_t file_size)
{
    ck_assert_int_eq(shmimage_file_create(t.path, file_size, 0), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer), SHMIMAGE_OK);
}

void serve_script(const Image *script, size_t count)
{
    uint64_t size = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t needed = shmimage_file_size(script[i].width,
                                             script[i].height);
        if (size < needed)
            size = needed;
    }
    serve(size);
    t.script = script;
    t.count = count;
    t.hook = send_next;
}

static size_t image_size(const Image *image)
{
    return 3 * (size_t)image->width * image->height;
}

static int put(const Image *image)
{
    uint8_t *pixels;
    int ret = shmimage_writer_begin(t.writer, image->number, image->width,
                                    image->height, &pixels);

    if (ret != SHMIMAGE_OK)
        return ret;
    fill_pixels(pixels, image_size(image), image->number);
    return shmimage_writer_commit(t.writer);
}

void send_next(void)
{
    const Image *image = &t.script[t.next];

    if (t.next == t.count)
        return;
    if (image->restart && !t.restarted) {
        shmimage_writer_close(t.writer);
        ck_assert_int_eq(shmimage_writer_open(t.path, 0, &t.writer),
                         SHMIMAGE_OK);
        t.restarted = 1;
    }
    if (put(image) == SHMIMAGE_OK) {
        t.next++;
        t.restarted = 0;
    }
}

void send_now(const Image *image)
{
    ck_assert_int_eq(put(image), SHMIMAGE_OK);
}

int try_open(const char *options)
{
    AVDictionary *dict = NULL;
    int ret;

    ck_assert_int_ge(av_dict_parse_string(&dict, options, "=", ":", 0), 0);
    t.format = avformat_alloc_context();
    ck_assert_ptr_nonnull(t.format);
    t.format->flags |= t.format_flags;
    t.format->interrupt_callback.callback = on_interrupt_callback;
    ret = avformat_open_input(&t.format, t.path,
                              (const AVInputFormat *)t.device, &dict);
    /* What the device does not know would be left. */
    ck_assert(ret < 0 || !av_dict_count(dict));
    av_dict_free(&dict);
    return ret;
}

void open_device(const char *options)
{
    int ret = try_open(options);

    ck_assert_msg(ret == 0, "%s", t.log);
}

void close_device(void)
{
    avformat_close_input(&t.format);
}

int try_read(void)
{
    av_packet_unref(t.packet);
    return av_read_frame(t.format, t.packet);
}

void read_image(void)
{
    ck_assert_int_eq(try_read(), 0);
}

void serve_first(const Image *script, size_t count, const char *options)
{
    serve_script(script, count);
    open_device(options);
    t.hook = NULL;
    read_image();
    assert_pixels(t.packet, &script[0]);
}

void assert_end(void)
{
    ck_assert_int_eq(try_read(), AVERROR_EOF);
    ck_assert_int_eq(try_read(), AVERROR_EOF);
}

void assert_pixels(const AVPacket *packet, const Image *image)
{
    size_t size = image_size(image);

    ck_assert_uint_eq(packet->size, size);
    ck_assert_msg(pixels_match(packet->data, size, image->number),
                  "the pixels of image %u differ", image->number);
}

int logged(const char *text)
{
    int count = 0;

    for (const char *at = t.log; (at = strstr(at, text)); at++)
        count++;
    return count;
}
