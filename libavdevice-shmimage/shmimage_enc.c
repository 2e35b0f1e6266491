/*
 * Shared memory image output device
 * Copyright (c) 2026 The shmimage authors
 *
 * This file is part of FFmpeg.
 *
 * FFmpeg is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 *
 * FFmpeg is distributed in the hope that it will be useful,
 * but WITHOUT ANY WARRANTY; without even the implied warranty of
 * MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU
 * Lesser General Public License for more details.
 *
 * You should have received a copy of the GNU Lesser General Public
 * License along with FFmpeg; if not, write to the Free Software
 * Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA
 */

/**
 * @file
 * Output device for the shared memory image transport, through libshmimage.
 */

#include <inttypes.h>
#include <string.h>

#include <shmimage.h>

#include "libavutil/common.h"
#include "libavutil/frame.h"
#include "libavutil/internal.h"
#include "libavutil/log.h"
#include "libavutil/opt.h"
#include "libavutil/pixdesc.h"
#include "libavutil/time.h"
#include "libavformat/avformat.h"
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#include "libavformat/mux.h"
#endif
#include "libavformat/internal.h"
#include "shmimage_common.h"

enum OnFull {
    ON_FULL_DROP,
    ON_FULL_BLOCK,
};

enum OnDisconnect {
    ON_DISCONNECT_DROP,
    ON_DISCONNECT_ERROR,
};

enum Numbers {
    NUMBERS_PTS,
    NUMBERS_COUNT,
};

typedef struct ShmImageMuxContext {
    const AVClass *class;    ///< class for private options
    int64_t wait_client;     ///< microseconds to wait for the first client
    int64_t timeout;         ///< microseconds to wait for a buffer, 0: forever
    int on_full;             ///< what to do without a free buffer, enum OnFull
    int on_disconnect;       ///< what to do without a client, enum OnDisconnect
    int numbers;             ///< what numbers are made from, enum Numbers
    int64_t owner;           ///< user whose file is trusted, or -1

    ShmImageWriter *writer;  ///< the server's end of the file
    int had_client;          ///< a client has been there
    int given_up;            ///< do not wait again until a buffer is free
    int64_t next;            ///< least number of the next image
} ShmImageMuxContext;

/**
 * Wait for a free buffer, and so for a client to give one.
 *
 * @param until when to give up, on the clock of av_gettime_relative;
 *              INT64_MAX for never
 * @return SHMIMAGE_OK; SHMIMAGE_NO_BUFFER or SHMIMAGE_UNCONNECTED if there is
 *         none in time; AVERROR_EXIT, or another AVERROR
 */
static int wait_for_buffer(AVFormatContext *s, int64_t until)
{
    ShmImageMuxContext *ctx = s->priv_data;

    for (;;) {
        int64_t left = until - av_gettime_relative();
        int ret;

        if (ff_shmimage_interrupted(s))
            return AVERROR_EXIT;
        ret = shmimage_writer_wait(ctx->writer,
                                   av_clip64(left, 0, FF_SHMIMAGE_WAIT_SLICE));
        if (ret < 0)
            return ff_shmimage_fail(s, ret);
        if (ret == SHMIMAGE_UNCONNECTED && ctx->had_client)
            return ret;
        if (ret == SHMIMAGE_OK || left <= 0)
            return ret;
    }
}

/**
 * Wait for the first client, for as long as the option says.
 */
static av_cold int wait_for_client(AVFormatContext *s)
{
    ShmImageMuxContext *ctx = s->priv_data;
    int ret;

    if (!ctx->wait_client)
        return 0;
    av_log(s, AV_LOG_INFO, "%s: waiting for a client\n", s->url);
    ret = wait_for_buffer(s, av_sat_add64(av_gettime_relative(),
                                          ctx->wait_client));
    if (ret <= 0)
        return ret;
    av_log(s, AV_LOG_ERROR, "%s: no client within %g s; start one that reads "
           "this very path, or raise wait_client\n", s->url,
           ctx->wait_client / (double)AV_TIME_BASE);
    return AVERROR(ETIMEDOUT);
}

static av_cold int check_stream(AVFormatContext *s)
{
    const AVCodecParameters *par;

    if (s->nb_streams != 1 ||
        s->streams[0]->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
        av_log(s, AV_LOG_ERROR, "%s: one video stream is all that this device "
               "takes; leave out the others, for example with -an -sn\n",
               s->url);
        return AVERROR(EINVAL);
    }
    par = s->streams[0]->codecpar;
    if ((par->codec_id == AV_CODEC_ID_WRAPPED_AVFRAME ||
         par->codec_id == AV_CODEC_ID_RAWVIDEO) &&
        par->format == AV_PIX_FMT_RGB24)
        return 0;
    av_log(s, AV_LOG_ERROR, "%s: the transport carries uncompressed video in "
           "the pixel format rgb24 only, not %s in %s; add -c:v "
           "wrapped_avframe -pix_fmt rgb24\n", s->url,
           avcodec_get_name(par->codec_id),
           par->format < 0 ? "none" : av_get_pix_fmt_name(par->format));
    return AVERROR(EINVAL);
}

/**
 * Make the file unless there is one. Whether one that is there is large enough
 * shows with the first image.
 */
static av_cold int create_file(AVFormatContext *s)
{
    const AVCodecParameters *par = s->streams[0]->codecpar;
    uint64_t size = shmimage_file_size(par->width, par->height);
    int ret;

    if (!size) {
        av_log(s, AV_LOG_ERROR, "%s: images of %dx%d are larger than a stream "
               "can carry; scale them\n", s->url, par->width, par->height);
        return AVERROR(EINVAL);
    }
    ret = shmimage_file_create(s->url, size, 0);
    if (ret == SHMIMAGE_ERROR_EXISTS)
        return 0;
    if (ret < 0)
        return ff_shmimage_fail(s, ret);
    av_log(s, AV_LOG_VERBOSE, "%s: created\n", s->url);
    return 0;
}

static av_cold int shmimage_write_header(AVFormatContext *s)
{
    ShmImageMuxContext *ctx = s->priv_data;
    AVStream *st;
    int ret = check_stream(s);

    if (ret < 0)
        return ret;
    ret = create_file(s);
    if (ret < 0)
        return ret;
    ret = shmimage_file_check_owner(s->url, ctx->owner);
    if (ret == SHMIMAGE_OK)
        ret = shmimage_writer_open(s->url, 0, &ctx->writer);
    if (ret < 0)
        return ff_shmimage_fail(s, ret);

    st = s->streams[0];
    if (st->avg_frame_rate.num > 0 && st->avg_frame_rate.den > 0)
        avpriv_set_pts_info(st, 64, st->avg_frame_rate.den,
                            st->avg_frame_rate.num);
    else
        ctx->numbers = NUMBERS_COUNT;
    return wait_for_client(s);
}

/**
 * Fail, or do not wait again until a buffer is free.
 *
 * @param why SHMIMAGE_NO_BUFFER or SHMIMAGE_UNCONNECTED
 */
static int give_up(AVFormatContext *s, int why)
{
    ShmImageMuxContext *ctx = s->priv_data;
    int error = ctx->on_disconnect == ON_DISCONNECT_ERROR;
    int gone = why == SHMIMAGE_UNCONNECTED && ctx->had_client;

    if (!ctx->given_up)
        av_log(s, error ? AV_LOG_ERROR : AV_LOG_WARNING, "%s: %s%s\n", s->url,
               gone ? "the client is gone"
                    : "no client has taken an image within timeout",
               error ? "" : "; dropping images until a client takes them");
    ctx->given_up = 1;
    if (!error)
        return 0;
    return gone ? AVERROR(EPIPE) : AVERROR(ETIMEDOUT);
}

/**
 * Wait for room for the next image, if that is what to do.
 */
static int make_room(AVFormatContext *s)
{
    ShmImageMuxContext *ctx = s->priv_data;
    int64_t until = 0;
    int ret;

    if (ctx->on_full == ON_FULL_DROP)
        return 0;
    if (!ctx->given_up)
        until = av_sat_add64(av_gettime_relative(),
                             ctx->timeout ? ctx->timeout : INT64_MAX);
    ret = wait_for_buffer(s, until);
    if (ret > 0)
        return give_up(s, ret);
    if (!ret)
        ctx->given_up = 0;
    return ret;
}

static int put_image(AVFormatContext *s, uint32_t number, uint32_t width,
                     uint32_t height, const uint8_t *pixels, ptrdiff_t stride)
{
    ShmImageMuxContext *ctx = s->priv_data;
    int ret;

    do {
        ret = make_room(s);
        if (ret < 0)
            return ret;
        ret = shmimage_writer_put(ctx->writer, number, width, height, pixels,
                                  stride);
        if (ret < 0)
            return ff_shmimage_fail(s, ret);
        /* The room may be lost again, with the client. */
    } while (ret != SHMIMAGE_OK && ctx->on_full == ON_FULL_BLOCK &&
             !ctx->given_up);
    if (ret == SHMIMAGE_OK)
        ctx->had_client = 1;
    return 0;
}

/**
 * Numbers go up, even where several images have one time stamp.
 */
static uint32_t next_number(AVFormatContext *s, const AVPacket *pkt)
{
    ShmImageMuxContext *ctx = s->priv_data;

    if (ctx->numbers == NUMBERS_PTS && pkt->pts != AV_NOPTS_VALUE)
        ctx->next = FFMAX(ctx->next, pkt->pts);
    return ctx->next++;
}

static int shmimage_write_packet(AVFormatContext *s, AVPacket *pkt)
{
    const AVCodecParameters *par = s->streams[0]->codecpar;
    uint32_t number = next_number(s, pkt);
    const AVFrame *frame = (const AVFrame *)pkt->data;

    if (par->codec_id == AV_CODEC_ID_WRAPPED_AVFRAME)
        return put_image(s, number, frame->width, frame->height,
                         frame->data[0], frame->linesize[0]);
    if (pkt->size != 3LL * par->width * par->height) {
        av_log(s, AV_LOG_ERROR, "%s: an image of %d bytes is not one of "
               "%dx%d; scale all images to one size\n", s->url, pkt->size,
               par->width, par->height);
        return AVERROR(EINVAL);
    }
    return put_image(s, number, par->width, par->height, pkt->data, 0);
}

static av_cold void shmimage_deinit(AVFormatContext *s)
{
    ShmImageMuxContext *ctx = s->priv_data;
    ShmImageWriterStats stats = { 0 };

    if (!ctx->writer)
        return;
    shmimage_writer_stats(ctx->writer, &stats, sizeof(stats));
    av_log(s, AV_LOG_INFO, "%s: %"PRIu64" images given to the client, %"PRIu64
           " dropped, %"PRIu64" without a client, %"PRIu64" left unread\n",
           s->url, stats.published, stats.dropped, stats.unconnected,
           stats.unread);
    shmimage_writer_close(ctx->writer);
    ctx->writer = NULL;
}

#define OFFSET(x) offsetof(ShmImageMuxContext, x)
#define ENC AV_OPT_FLAG_ENCODING_PARAM
static const AVOption options[] = {
    { "wait_client", "set how long to wait for a client at the start",
      OFFSET(wait_client), AV_OPT_TYPE_DURATION, { .i64 = 0 },
      0, INT64_MAX, ENC },
    { "timeout", "set how long on_full block waits for the client, 0 for ever",
      OFFSET(timeout), AV_OPT_TYPE_DURATION, { .i64 = 10 * AV_TIME_BASE },
      0, INT64_MAX, ENC },
    { "on_full", "set what to do when the client has no room",
      OFFSET(on_full), AV_OPT_TYPE_INT, { .i64 = ON_FULL_DROP },
      ON_FULL_DROP, ON_FULL_BLOCK, ENC, .unit = "on_full" },
    { "drop", "drop the image",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_FULL_DROP },
      0, 0, ENC, .unit = "on_full" },
    { "block", "wait for the client",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_FULL_BLOCK },
      0, 0, ENC, .unit = "on_full" },
    { "on_disconnect", "set what on_full block does without a client",
      OFFSET(on_disconnect), AV_OPT_TYPE_INT, { .i64 = ON_DISCONNECT_DROP },
      ON_DISCONNECT_DROP, ON_DISCONNECT_ERROR, ENC, .unit = "on_disconnect" },
    { "drop", "drop images until one takes them",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_DISCONNECT_DROP },
      0, 0, ENC, .unit = "on_disconnect" },
    { "error", "end with an error",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_DISCONNECT_ERROR },
      0, 0, ENC, .unit = "on_disconnect" },
    { "numbers", "set what the numbers of the images are made from",
      OFFSET(numbers), AV_OPT_TYPE_INT, { .i64 = NUMBERS_PTS },
      NUMBERS_PTS, NUMBERS_COUNT, ENC, .unit = "numbers" },
    { "pts", "timestamp, in units of one over the frame rate",
      0, AV_OPT_TYPE_CONST, { .i64 = NUMBERS_PTS },
      0, 0, ENC, .unit = "numbers" },
    { "count", "count of the images, from 0",
      0, AV_OPT_TYPE_CONST, { .i64 = NUMBERS_COUNT },
      0, 0, ENC, .unit = "numbers" },
    { "owner", "set the number of another user whose file is trusted",
      OFFSET(owner), AV_OPT_TYPE_INT64, { .i64 = -1 }, -1, UINT_MAX, ENC },
    { NULL },
};

static const AVClass shmimage_class = {
    .class_name = "shmimage outdev",
    .item_name  = av_default_item_name,
    .option     = options,
    .version    = LIBAVUTIL_VERSION_INT,
    .category   = AV_CLASS_CATEGORY_DEVICE_VIDEO_OUTPUT,
};

#if LIBAVFORMAT_VERSION_MAJOR >= 61
const FFOutputFormat ff_shmimage_muxer = {
    .p.name         = "shmimage",
    .p.long_name    = NULL_IF_CONFIG_SMALL("Shared memory image stream"),
    .p.audio_codec  = AV_CODEC_ID_NONE,
    .p.video_codec  = AV_CODEC_ID_WRAPPED_AVFRAME,
    .p.flags        = AVFMT_NOFILE | AVFMT_VARIABLE_FPS |
                      AVFMT_NOTIMESTAMPS,
    .p.priv_class   = &shmimage_class,
#else
const AVOutputFormat ff_shmimage_muxer = {
    .name           = "shmimage",
    .long_name      = NULL_IF_CONFIG_SMALL("Shared memory image stream"),
    .audio_codec    = AV_CODEC_ID_NONE,
    .video_codec    = AV_CODEC_ID_WRAPPED_AVFRAME,
    .flags          = AVFMT_NOFILE | AVFMT_VARIABLE_FPS |
                      AVFMT_NOTIMESTAMPS,
    .priv_class     = &shmimage_class,
#endif
    .priv_data_size = sizeof(ShmImageMuxContext),
    .write_header   = shmimage_write_header,
    .write_packet   = shmimage_write_packet,
    .deinit         = shmimage_deinit,
};
