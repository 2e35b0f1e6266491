/*
 * Shared memory image input device
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
 * Input device for the shared memory image transport, through libshmimage.
 */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <shmimage.h>

#include "libavutil/buffer.h"
#include "libavutil/common.h"
#include "libavutil/internal.h"
#include "libavutil/intreadwrite.h"
#include "libavutil/log.h"
#include "libavutil/mathematics.h"
#include "libavutil/mem.h"
#include "libavutil/opt.h"
#include "libavutil/time.h"
#include "libavformat/avformat.h"
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#include "libavformat/demux.h"
#endif
#include "libavformat/internal.h"
#include "shmimage_common.h"
#include "shmimage_dec.h"

#define CONTROL_SLICE     50000 ///< microseconds between looks at the channel
#define REPORT_INTERVAL 1000000 ///< microseconds between lines on it
#define HOLD_SLICE         2000 ///< microseconds to hold the newest image

/**
 * How long to wait, in microseconds, for a caller that does not want to block.
 * The ffmpeg tool is one. It comes back after 10 ms, and if it was sent away at
 * once, a fast server would find both buffers occupied by then.
 */
#define NONBLOCK_WAIT     10000

/**
 * The rate of a stream with wallclock timestamps. The ffmpeg tool drops what
 * comes faster, and fills outputs of a constant rate up to it with copies: at
 * 200, encoding these cost more images than the higher rate saved.
 */
#define WALLCLOCK_RATE      120

/**
 * How long images must have come, in microseconds, to know their rate.
 */
#define RATE_PERIOD     5000000 ///< while they come
#define RATE_PERIOD_END 1000000 ///< at the end, when there is no better time

enum Timestamps {
    TIMESTAMPS_FRAME,
    TIMESTAMPS_WALLCLOCK,
};

enum OnDisconnect {
    ON_DISCONNECT_EOF,
    ON_DISCONNECT_WAIT,
};

/** Where the capture is. */
enum State {
    STATE_STARTING,          ///< no image has come yet
    STATE_CAPTURING,
    STATE_ENDED,             ///< no further image is taken
};

/** What has been logged already, as flags. */
enum Told {
    TOLD_NO_SERVER = 1,      ///< that no server has been at the file
    TOLD_NO_IMAGE  = 2,      ///< that the server has sent no image
    TOLD_REFUSED   = 4,      ///< that an image does not fit
    TOLD_TRUNCATED = 8,      ///< that the file was shortened
    TOLD_RATE      = 16,     ///< that images come at another rate
};

typedef struct ShmImageContext {
    const AVClass *class;    ///< class for private options
    AVRational framerate;    ///< images per second, as the server numbers them
    int timestamps;          ///< what pts is made from, enum Timestamps
    int64_t timeout;         ///< microseconds without an image; 0 for no limit
    int latest;              ///< skip to the newest image that is ready
    int on_disconnect;       ///< what to do without a server, enum OnDisconnect
    int guard;               ///< survive a file that is shortened
    int zero_copy;           ///< lend images to packets where possible
    int64_t repeat_idle;     ///< microseconds to a repetition; 0 for none
    int control;             ///< descriptor of the control channel, or -1
    int wait_file;           ///< wait for the file to be created
    int64_t owner;           ///< user whose file is trusted, or -1

    ShmImageReader *reader;  ///< the client's end of the file
    AVPacket *first;         ///< image of read_header, until read_packet
    AVBufferPool *pool;      ///< buffers for images of the current size
    AVBufferRef *last;       ///< the newest image, if it may be given again
    const ShmImageFrame *last_lent; ///< what that lies in, NULL for a copy
    uint32_t width, height;  ///< of the newest packet; 0 before the first one
    enum State state;
    int told;                ///< what has been logged, flags of enum Told
    int unheeded;            ///< what the reader said while an image was there
    int64_t waiting_since;   ///< start of the wait, or AV_NOPTS_VALUE
    int64_t given_at;        ///< when the newest packet was made
    int64_t next_report;     ///< when the control channel may get a line

    uint32_t number;         ///< of the newest image
    uint32_t session;        ///< of the newest image
    uint32_t replaced;       ///< times that another file took the name
    int64_t position;        ///< number, but 64 bits and always increasing
    int64_t pts;             ///< of the newest packet
    int64_t epoch;           ///< what makes a pts of the steady clock
    FFShmImageRate rate;     ///< of the images by their position

    uint64_t delivered;      ///< packets handed out
    uint64_t lent;           ///< of those, the ones that were not copies
    uint64_t repeated;       ///< of those, the ones that came again
    uint64_t missed;         ///< numbers whose image never came or was lost
    uint64_t skipped;        ///< images left out because of latest
} ShmImageContext;

static ShmImageReaderStats reader_stats(const ShmImageContext *ctx)
{
    ShmImageReaderStats stats = { 0 };

    if (ctx->reader)
        shmimage_reader_stats(ctx->reader, &stats, sizeof(stats));
    return stats;
}

/** Whether this has not been logged yet; marks it as logged. */
static int is_news(ShmImageContext *ctx, enum Told what)
{
    int news = !(ctx->told & what);

    ctx->told |= what;
    return news;
}

static void say_what_is_awaited(AVFormatContext *s, int initialised)
{
    ShmImageContext *ctx = s->priv_data;

    if (initialised && is_news(ctx, TOLD_NO_IMAGE))
        av_log(s, AV_LOG_INFO, "%s: waiting for an image; a server has "
               "used this file\n", s->url);
    if (!initialised && is_news(ctx, TOLD_NO_SERVER))
        av_log(s, AV_LOG_INFO, "%s: waiting for a server; none has used "
               "this file yet\n", s->url);
}

static void warn_of_refused(AVFormatContext *s,
                            const ShmImageReaderStats *stats)
{
    uint32_t width  = stats->refused_width;
    uint32_t height = stats->refused_height;
    uint64_t size   = shmimage_file_size(width, height);

    av_log(s, AV_LOG_WARNING, "%s: ignoring an image whose header does not "
           "fit the file or the image\n", s->url);
    if (size)
        av_log(s, AV_LOG_WARNING, "if the server means %"PRIu32"x%"PRIu32
               ", it needs a file of %"PRIu64" bytes: shmimage create --force "
               "--take-over --size %"PRIu32"x%"PRIu32" %s, then start the "
               "server again\n", width, height, size, width, height, s->url);
}

static void report_wait(AVFormatContext *s, int got_image)
{
    ShmImageContext *ctx = s->priv_data;
    ShmImageReaderStats stats = reader_stats(ctx);

    if (stats.refused && is_news(ctx, TOLD_REFUSED))
        warn_of_refused(s, &stats);
    if (stats.replaced != ctx->replaced)
        av_log(s, AV_LOG_INFO, "%s: another file has taken this name; "
               "capturing from that one\n", s->url);
    ctx->replaced = stats.replaced;
    if (!got_image && ctx->state == STATE_STARTING)
        say_what_is_awaited(s, stats.initialised);
}

/**
 * Whether the time stamps make images play faster or slower than they arrive.
 * With a control channel, its other end gets the rate instead of a warning.
 */
static int is_off_rate(const ShmImageContext *ctx, int64_t period)
{
    return ctx->timestamps == TIMESTAMPS_FRAME && ctx->control < 0 &&
           ff_shmimage_rate_differs(&ctx->rate, ctx->framerate, period);
}

static void warn_of_rate(AVFormatContext *s, const char *come)
{
    const ShmImageContext *ctx = s->priv_data;
    double rate      = ff_shmimage_rate_hundredths(&ctx->rate) / 100.;
    double framerate = av_q2d(ctx->framerate);

    av_log(s, AV_LOG_WARNING, "%s: images %s at %.2f a second, but -framerate "
           "is %.6g: they play at %.3g times the speed; use -framerate %.*f, "
           "or -timestamps wallclock for the time of arrival\n", s->url, come,
           rate, framerate, framerate / FFMAX(rate, 0.01), rate < 5 ? 2 : 0,
           rate);
}

static void report_progress(const ShmImageContext *ctx)
{
    ShmImageReaderStats stats = reader_stats(ctx);
    int64_t rate = ff_shmimage_rate_hundredths(&ctx->rate);
    char line[512];

    snprintf(line, sizeof(line),
             "delivered=%"PRIu64" repeated=%"PRIu64" missing=%"PRIu64
             " skipped=%"PRIu64" refused=%"PRIu64" incomplete=%"PRIu64
             " width=%"PRIu32" height=%"PRIu32" rate=%"PRId64".%02d\n",
             ctx->delivered - ctx->repeated, ctx->repeated, ctx->missed,
             ctx->skipped, stats.refused, stats.incomplete, ctx->width,
             ctx->height, rate / 100, (int)(rate % 100));
    ff_shmimage_control_tell(ctx->control, line);
}

/**
 * Report on the control channel, and check whether it ends the capture.
 *
 * @return 0 or AVERROR_EOF
 */
static int check_control(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    int64_t now = av_gettime_relative();

    if (ctx->control < 0)
        return 0;
    if (now >= ctx->next_report) {
        ctx->next_report = now + REPORT_INTERVAL;
        report_progress(ctx);
    }
    if (!ff_shmimage_control_stops(ctx->control))
        return 0;
    av_log(s, AV_LOG_INFO, "%s: the control channel ends the capture\n",
           s->url);
    return AVERROR_EOF;
}

/**
 * Copy an image, with the padding that FFmpeg wants.
 *
 * @return 0, or AVERROR_INVALIDDATA if the file was shortened meanwhile
 */
static int copy_image(ShmImageContext *ctx, const ShmImageFrame *frame,
                      AVBufferRef **copy)
{
    size_t size = frame->size;

    if (!ctx->pool)
        ctx->pool = av_buffer_pool_init(size + AV_INPUT_BUFFER_PADDING_SIZE,
                                        NULL);
    *copy = ctx->pool ? av_buffer_pool_get(ctx->pool) : NULL;
    if (!*copy)
        return AVERROR(ENOMEM);
    memset((*copy)->data + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    return shmimage_frame_copy(frame, (*copy)->data, 0) < 0
               ? AVERROR_INVALIDDATA : 0;
}

static void forget_last(ShmImageContext *ctx)
{
    av_buffer_unref(&ctx->last);
    ctx->last_lent = NULL;
}

/**
 * Replace the newest image, which is lent, with a copy, so that the server gets
 * its buffer back: it may use no other.
 */
static void stop_holding_last(ShmImageContext *ctx)
{
    AVBufferRef *copy;
    int ret = copy_image(ctx, ctx->last_lent, &copy);

    forget_last(ctx);
    ctx->last = copy;
    if (ret < 0)
        forget_last(ctx);
}

/**
 * Decide what the loss of the server, or of its file, means.
 *
 * @return 0 to wait for the next one, AVERROR_EOF, or another error
 */
static int lose_server(AVFormatContext *s, int status)
{
    ShmImageContext *ctx = s->priv_data;
    int wait = ctx->on_disconnect == ON_DISCONNECT_WAIT;

    if (status == SHMIMAGE_ERROR_TRUNCATED) {
        /* It may lie in the part that was cut off. */
        forget_last(ctx);
        if (is_news(ctx, TOLD_TRUNCATED))
            av_log(s, wait ? AV_LOG_WARNING : AV_LOG_ERROR, "%s\n",
                   shmimage_error_message());
        if (!wait && ctx->state == STATE_STARTING)
            return ff_shmimage_averror(status);
    } else {
        /* Before its first image, one server is as good as the next. */
        wait |= ctx->state == STATE_STARTING;
        av_log(s, AV_LOG_INFO, "%s: the server is gone, %s\n", s->url,
               wait ? "waiting for the next one" : "the capture ends");
    }
    return wait ? 0 : AVERROR_EOF;
}

static int repeats_idle(const ShmImageContext *ctx)
{
    return ctx->repeat_idle && ctx->last;
}

/**
 * How long to block before the interrupt callback, the control channel and the
 * time limits are looked at again, in microseconds.
 */
static int64_t next_slice(const ShmImageContext *ctx, int64_t now)
{
    int64_t slice = ctx->control < 0 ? FF_SHMIMAGE_WAIT_SLICE : CONTROL_SLICE;

    if (ctx->last_lent)
        slice = HOLD_SLICE;
    if (ctx->timeout)
        slice = FFMIN(slice, ctx->timeout - (now - ctx->waiting_since));
    if (repeats_idle(ctx))
        slice = FFMIN(slice, ctx->repeat_idle - (now - ctx->given_at));
    return FFMAX(slice, 0);
}

static int is_loss(int status)
{
    return status == SHMIMAGE_DISCONNECTED ||
           status == SHMIMAGE_ERROR_TRUNCATED;
}

/**
 * Like shmimage_reader_acquire, after what that has said already: it tells of
 * each loss once.
 */
static int acquire_image(ShmImageContext *ctx, int64_t timeout,
                         ShmImageFrame **frame)
{
    int ret = ctx->unheeded;

    *frame = NULL;
    ctx->unheeded = 0;
    return ret ? ret : shmimage_reader_acquire(ctx->reader, timeout, frame);
}

/**
 * Wait for the next image, but for no longer than a slice of time.
 *
 * @param[out] frame the image, NULL if none came
 * @return the same as wait_for_image
 */
static int wait_a_slice(AVFormatContext *s, int64_t slice,
                        ShmImageFrame **frame)
{
    ShmImageContext *ctx = s->priv_data;
    int ret;

    if (ff_shmimage_interrupted(s))
        return AVERROR_EXIT;
    ret = check_control(s);
    if (ret < 0)
        return ret;
    ret = acquire_image(ctx, slice, frame);
    if (is_loss(ret))
        return lose_server(s, ret);
    if (ret < 0)
        return ff_shmimage_fail(s, ret);
    report_wait(s, ret == SHMIMAGE_OK);
    return 0;
}

/**
 * Wait for the next image.
 *
 * @param block      0 to wait for no longer than NONBLOCK_WAIT
 * @param[out] frame the image; NULL if it is time to repeat the last one
 * @return 0, AVERROR(EAGAIN) if it does not block, AVERROR(ETIMEDOUT) if no
 *         image came for as long as the option says, AVERROR_EOF if the server
 *         is gone and must not be waited for, or the control channel says so,
 *         AVERROR_EXIT, or another error
 */
static int wait_for_image(AVFormatContext *s, int block, ShmImageFrame **frame)
{
    ShmImageContext *ctx = s->priv_data;
    int64_t start = av_gettime_relative();
    int64_t now   = start;

    if (ctx->waiting_since == AV_NOPTS_VALUE)
        ctx->waiting_since = now;
    do {
        int64_t slice = next_slice(ctx, now);
        int ret;

        if (!block)
            slice = FFMIN(slice, start + NONBLOCK_WAIT - now);
        ret = wait_a_slice(s, slice, frame);
        if (ret < 0)
            return ret;
        if (*frame) {
            ctx->waiting_since = AV_NOPTS_VALUE;
            ctx->told &= ~TOLD_TRUNCATED;
            return 0;
        }
        if (ctx->last_lent)
            stop_holding_last(ctx);
        now = av_gettime_relative();
        if (ctx->timeout && now - ctx->waiting_since >= ctx->timeout)
            return AVERROR(ETIMEDOUT);
        if (repeats_idle(ctx) && now - ctx->given_at >= ctx->repeat_idle)
            return 0;
    } while (block || now < start + NONBLOCK_WAIT);
    return AVERROR(EAGAIN);
}

/**
 * Find the place of an image in time from its number.
 */
static void place_image(ShmImageContext *ctx, const ShmImageFrame *frame)
{
    int64_t step = 1;

    /* The number wraps. A server that was started again may count from
     * anywhere, and then tells nothing of the time between. */
    if (frame->session == ctx->session)
        step = FFMAX((int32_t)(frame->number - ctx->number), 1);
    else
        ctx->rate = (FFShmImageRate){ 0 };

    if (ctx->position == AV_NOPTS_VALUE) {
        ctx->position = frame->number;
    } else {
        ctx->position += step;
        ctx->missed   += step - 1;
    }
    ctx->number  = frame->number;
    ctx->session = frame->session;
}

/**
 * If another image is ready, drop this one in favour of that. One look is
 * enough, since there are two buffers, and it can't be kept busy for ever.
 */
static ShmImageFrame *skip_to_latest(ShmImageContext *ctx, ShmImageFrame *frame)
{
    ShmImageFrame *newer;
    int ret = shmimage_reader_acquire(ctx->reader, 0, &newer);

    if (ret != SHMIMAGE_OK) {
        if (is_loss(ret))
            ctx->unheeded = ret;
        return frame;
    }
    shmimage_reader_release(frame);
    ctx->skipped++;
    place_image(ctx, newer);
    return newer;
}

static int announce_size(AVFormatContext *s, uint32_t width, uint32_t height,
                         AVPacket *pkt)
{
    ShmImageContext *ctx = s->priv_data;
    uint8_t *change;

    change = av_packet_new_side_data(pkt, AV_PKT_DATA_PARAM_CHANGE, 12);
    if (!change)
        return AVERROR(ENOMEM);
    AV_WL32(change,     AV_SIDE_DATA_PARAM_CHANGE_DIMENSIONS);
    AV_WL32(change + 4, width);
    AV_WL32(change + 8, height);
    av_log(s, AV_LOG_INFO, "image %"PRIu32": the size changes from "
           "%"PRIu32"x%"PRIu32" to %"PRIu32"x%"PRIu32"\n", ctx->number,
           ctx->width, ctx->height, width, height);
    return 0;
}

/**
 * Whether a packet may have an image itself. One buffer at a time is lent, so
 * that the server always has the other one, however long packets are kept.
 */
static int can_lend(ShmImageContext *ctx)
{
    return ctx->zero_copy && SHMIMAGE_PADDING >= AV_INPUT_BUFFER_PADDING_SIZE &&
           reader_stats(ctx).held <= 1;
}

static void take_back(void *opaque, uint8_t *data)
{
    shmimage_reader_release(opaque);
}

/**
 * Give a packet an image itself, until its last reference is gone. That may be
 * in another thread, and after the demuxer was closed.
 */
static int lend_pixels(ShmImageFrame *frame, AVPacket *pkt)
{
    pkt->buf = av_buffer_create((uint8_t *)frame->pixels,
                                frame->size + AV_INPUT_BUFFER_PADDING_SIZE,
                                take_back, frame, AV_BUFFER_FLAG_READONLY);
    if (!pkt->buf) {
        shmimage_reader_release(frame);
        return AVERROR(ENOMEM);
    }
    pkt->data = pkt->buf->data;
    pkt->size = frame->size;
    return 0;
}

/**
 * Give a packet a copy of an image, and the image back to the server.
 */
static int copy_pixels(ShmImageContext *ctx, ShmImageFrame *frame,
                       AVPacket *pkt)
{
    int ret = copy_image(ctx, frame, &pkt->buf);

    if (pkt->buf) {
        pkt->data = pkt->buf->data;
        pkt->size = frame->size;
    }
    shmimage_reader_release(frame);
    return ret;
}

static int64_t image_duration(const ShmImageContext *ctx)
{
    return av_rescale(AV_TIME_BASE, ctx->framerate.den, ctx->framerate.num);
}

static void stamp_packet(ShmImageContext *ctx, AVPacket *pkt)
{
    ctx->given_at = av_gettime_relative();
    if (ctx->timestamps == TIMESTAMPS_WALLCLOCK) {
        /* The system's clock may be set while the capture goes on. */
        if (ctx->pts == AV_NOPTS_VALUE)
            ctx->epoch = av_gettime() - ctx->given_at;
        ctx->pts = FFMAX(ctx->epoch + ctx->given_at, ctx->pts + 1);
        pkt->duration = image_duration(ctx);
    } else {
        ctx->pts = ctx->position;
        pkt->duration = 1;
    }
    pkt->pts = pkt->dts = ctx->pts;
    pkt->flags |= AV_PKT_FLAG_KEY;
}

/**
 * Give a packet an image, and keep a reference if it may have to come again.
 */
static int give_pixels(ShmImageContext *ctx, ShmImageFrame *frame,
                       AVPacket *pkt)
{
    int lend = can_lend(ctx);
    int ret  = lend ? lend_pixels(frame, pkt) : copy_pixels(ctx, frame, pkt);

    if (ret < 0)
        return ret;
    ctx->lent += lend;
    if (ctx->timestamps != TIMESTAMPS_WALLCLOCK)
        return 0;
    ctx->last = av_buffer_ref(pkt->buf);
    if (!ctx->last)
        return AVERROR(ENOMEM);
    ctx->last_lent = lend ? frame : NULL;
    return 0;
}

static int make_packet(AVFormatContext *s, ShmImageFrame *frame, AVPacket *pkt)
{
    ShmImageContext *ctx = s->priv_data;
    uint32_t width, height;
    int changes, ret;

    /* So that its buffer comes back, and can be lent again. */
    forget_last(ctx);
    place_image(ctx, frame);
    if (ctx->latest)
        frame = skip_to_latest(ctx, frame);
    stamp_packet(ctx, pkt);
    width   = frame->width;
    height  = frame->height;
    changes = ctx->width != width || ctx->height != height;
    if (changes)
        av_buffer_pool_uninit(&ctx->pool);
    ret = give_pixels(ctx, frame, pkt);
    if (ret >= 0 && changes && ctx->width)
        ret = announce_size(s, width, height, pkt);
    /* The image is lost, and with it that it has another size: the next one
     * has to say so instead. */
    if (ret < 0) {
        ctx->missed++;
        forget_last(ctx);
        av_buffer_pool_uninit(&ctx->pool);
        return ret;
    }
    ff_shmimage_rate_add(&ctx->rate, ctx->given_at, ctx->position);
    if (is_off_rate(ctx, RATE_PERIOD) && is_news(ctx, TOLD_RATE))
        warn_of_rate(s, "come");
    ctx->width  = width;
    ctx->height = height;
    ctx->state  = STATE_CAPTURING;
    return 0;
}

static int repeat_image(ShmImageContext *ctx, AVPacket *pkt)
{
    pkt->buf = av_buffer_ref(ctx->last);
    if (!pkt->buf)
        return AVERROR(ENOMEM);
    pkt->data = pkt->buf->data;
    pkt->size = pkt->buf->size - AV_INPUT_BUFFER_PADDING_SIZE;
    stamp_packet(ctx, pkt);
    ctx->repeated++;
    return 0;
}

/**
 * End the capture. With timestamps of the clock, repeat the newest image if it
 * has been shown for longer than its packet says, so that it lasts until now.
 *
 * @return 0 with that packet, or AVERROR_EOF
 */
static av_cold int end_capture(ShmImageContext *ctx, AVPacket *pkt)
{
    ctx->state = STATE_ENDED;
    if (!ctx->last ||
        av_gettime_relative() - ctx->given_at <= image_duration(ctx))
        return AVERROR_EOF;
    return repeat_image(ctx, pkt);
}

static int next_packet(AVFormatContext *s, int block, AVPacket *pkt)
{
    ShmImageContext *ctx = s->priv_data;
    ShmImageFrame *frame;
    int ret;

    for (;;) {
        ret = wait_for_image(s, block, &frame);
        if (ret < 0)
            return ret;
        if (!frame)
            return repeat_image(ctx, pkt);
        ret = make_packet(s, frame, pkt);
        if (ret != AVERROR_INVALIDDATA)
            return ret;
        av_packet_unref(pkt);
        ret = lose_server(s, SHMIMAGE_ERROR_TRUNCATED);
        if (ret < 0)
            return ret;
    }
}

/**
 * Say how fast images come. Both rates have to be there, or probing reads more
 * images to find them.
 */
static av_cold void set_rates(const ShmImageContext *ctx, AVStream *st)
{
    AVRational wallclock_rate = { WALLCLOCK_RATE, 1 };

    st->avg_frame_rate = st->r_frame_rate = ctx->framerate;
    if (ctx->timestamps == TIMESTAMPS_FRAME) {
        avpriv_set_pts_info(st, 64, ctx->framerate.den, ctx->framerate.num);
        return;
    }
    avpriv_set_pts_info(st, 64, 1, AV_TIME_BASE);
    if (av_cmp_q(ctx->framerate, wallclock_rate) < 0)
        st->r_frame_rate = wallclock_rate;
}

static av_cold int add_stream(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    AVStream *st = avformat_new_stream(s, NULL);

    if (!st)
        return AVERROR(ENOMEM);
    set_rates(ctx, st);

    st->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    st->codecpar->codec_id   = AV_CODEC_ID_RAWVIDEO;
    st->codecpar->codec_tag  = MKTAG('R', 'G', 'B', 24);
    st->codecpar->format     = AV_PIX_FMT_RGB24;
    st->codecpar->width      = ctx->width;
    st->codecpar->height     = ctx->height;
    st->codecpar->color_range     = AVCOL_RANGE_JPEG;
    st->codecpar->color_space     = AVCOL_SPC_RGB;
    st->codecpar->color_primaries = AVCOL_PRI_BT709;
    st->codecpar->color_trc       = AVCOL_TRC_IEC61966_2_1;
    st->codecpar->bit_rate   = av_rescale(8LL * ctx->first->size,
                                          ctx->framerate.num,
                                          ctx->framerate.den);
    return 0;
}

static av_cold void say_no_image(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    const char *hint = "no server has used the file; check that one runs, "
                       "draws and uses this very path";

    if (reader_stats(ctx).initialised)
        hint = "a server has used the file; check that it still runs and "
               "draws";
    av_log(s, AV_LOG_ERROR, "%s: no image within %g s: %s, or raise the "
           "timeout\n", s->url, ctx->timeout / (double)AV_TIME_BASE, hint);
}

static int is_missing(int status)
{
    return status == SHMIMAGE_ERROR_NOT_FOUND ||
           status == SHMIMAGE_ERROR_FILE_SIZE;
}

static av_cold int wait_for_file(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    int64_t start = av_gettime_relative();
    int ret;

    av_log(s, AV_LOG_INFO, "%s: waiting for this file\n", s->url);
    do {
        if (ff_shmimage_interrupted(s))
            return AVERROR_EXIT;
        ret = check_control(s);
        if (ret < 0)
            return ret;
        ret = shmimage_file_wait(s->url, CONTROL_SLICE);
    } while (is_missing(ret) &&
             !(ctx->timeout && av_gettime_relative() - start >= ctx->timeout));
    return ret < 0 ? ff_shmimage_fail(s, ret) : 0;
}

static av_cold int open_reader(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    int ret;

    if (ctx->wait_file && is_missing(shmimage_file_wait(s->url, 0))) {
        ret = wait_for_file(s);
        if (ret < 0)
            return ret;
    }
    ret = shmimage_file_check_owner(s->url, ctx->owner);
    if (ret == SHMIMAGE_OK)
        ret = shmimage_reader_open(s->url, ctx->guard ? 0 : SHMIMAGE_NO_GUARD,
                                   &ctx->reader);
    return ret < 0 ? ff_shmimage_fail(s, ret) : 0;
}

static av_cold int shmimage_read_header(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    int ret;

    ctx->waiting_since = AV_NOPTS_VALUE;
    ctx->position      = AV_NOPTS_VALUE;
    ctx->pts           = AV_NOPTS_VALUE;

    if (ctx->repeat_idle && ctx->timestamps != TIMESTAMPS_WALLCLOCK) {
        av_log(s, AV_LOG_ERROR, "repeat_idle needs timestamps=wallclock: a "
               "repeated image has no number of its own\n");
        return AVERROR(EINVAL);
    }
    if (ctx->control >= 0) {
        ret = ff_shmimage_control_check(s, ctx->control);
        if (ret < 0)
            return ret;
    }
    ctx->first = av_packet_alloc();
    if (!ctx->first)
        return AVERROR(ENOMEM);
    ret = open_reader(s);
    if (ret < 0)
        return ret;

    ret = next_packet(s, 1, ctx->first);
    if (ret == AVERROR(ETIMEDOUT))
        say_no_image(s);
    if (ret == AVERROR_EOF) {
        av_log(s, AV_LOG_ERROR, "%s: the capture ended before the first "
               "image\n", s->url);
        ret = AVERROR(ECANCELED);
    }
    if (ret < 0)
        return ret;
    if (ctx->control >= 0)
        report_progress(ctx);
    return add_stream(s);
}

static int shmimage_read_packet(AVFormatContext *s, AVPacket *pkt)
{
    ShmImageContext *ctx = s->priv_data;
    int ret = 0;

    if (ctx->first) {
        av_packet_move_ref(pkt, ctx->first);
        av_packet_free(&ctx->first);
    } else if (ctx->state == STATE_ENDED) {
        return AVERROR_EOF;
    } else {
        ret = next_packet(s, !(s->flags & AVFMT_FLAG_NONBLOCK), pkt);
    }
    if (ret == AVERROR(ETIMEDOUT)) {
        av_log(s, AV_LOG_INFO, "%s: no image for %g s, the capture ends\n",
               s->url, ctx->timeout / (double)AV_TIME_BASE);
        ret = AVERROR_EOF;
    }
    if (ret == AVERROR_EOF)
        ret = end_capture(ctx, pkt);
    if (ret < 0)
        return ret;
    ctx->delivered++;
    return 0;
}

static av_cold int shmimage_read_close(AVFormatContext *s)
{
    ShmImageContext *ctx = s->priv_data;
    ShmImageReaderStats stats = reader_stats(ctx);

    if (ctx->control >= 0)
        report_progress(ctx);
    if (is_off_rate(ctx, RATE_PERIOD_END))
        warn_of_rate(s, "came");
    if (ctx->width || stats.refused)
        av_log(s, AV_LOG_INFO, "%s: %"PRIu64" images delivered, %"PRIu64
               " missing by their numbers, %"PRIu64" skipped, %"PRIu64
               " refused, %"PRIu64" incomplete\n", s->url,
               ctx->delivered - ctx->repeated, ctx->missed, ctx->skipped,
               stats.refused, stats.incomplete);
    av_log(s, AV_LOG_VERBOSE, "%s: %"PRIu64" images lent without a copy, %"
           PRIu64" repeated\n", s->url, ctx->lent, ctx->repeated);
    shmimage_reader_close(ctx->reader);
    av_buffer_unref(&ctx->last);
    av_buffer_pool_uninit(&ctx->pool);
    av_packet_free(&ctx->first);
    return 0;
}

#define OFFSET(x) offsetof(ShmImageContext, x)
#define DEC AV_OPT_FLAG_DECODING_PARAM
static const AVOption options[] = {
    { "framerate", "set the rate at which the server numbers its images",
      OFFSET(framerate), AV_OPT_TYPE_VIDEO_RATE, { .str = "60" },
      0, INT_MAX, DEC },
    { "timestamps", "set what the timestamps are made from",
      OFFSET(timestamps), AV_OPT_TYPE_INT, { .i64 = TIMESTAMPS_FRAME },
      TIMESTAMPS_FRAME, TIMESTAMPS_WALLCLOCK, DEC, .unit = "timestamps" },
    { "frame", "number of the image, in units of 1/framerate",
      0, AV_OPT_TYPE_CONST, { .i64 = TIMESTAMPS_FRAME },
      0, 0, DEC, .unit = "timestamps" },
    { "wallclock", "time of arrival, in microseconds, by a steady clock",
      0, AV_OPT_TYPE_CONST, { .i64 = TIMESTAMPS_WALLCLOCK },
      0, 0, DEC, .unit = "timestamps" },
    { "timeout", "set how long to wait for an image, 0 for no limit",
      OFFSET(timeout), AV_OPT_TYPE_DURATION, { .i64 = 0 },
      0, INT64_MAX, DEC },
    { "latest", "skip to the newest image that is ready",
      OFFSET(latest), AV_OPT_TYPE_BOOL, { .i64 = 0 }, 0, 1, DEC },
    { "on_disconnect", "set what to do when the server is gone",
      OFFSET(on_disconnect), AV_OPT_TYPE_INT, { .i64 = ON_DISCONNECT_EOF },
      ON_DISCONNECT_EOF, ON_DISCONNECT_WAIT, DEC, .unit = "on_disconnect" },
    { "eof", "end the capture",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_DISCONNECT_EOF },
      0, 0, DEC, .unit = "on_disconnect" },
    { "wait", "wait for the next server",
      0, AV_OPT_TYPE_CONST, { .i64 = ON_DISCONNECT_WAIT },
      0, 0, DEC, .unit = "on_disconnect" },
    { "guard", "survive a file that is shortened, by a handler of SIGBUS",
      OFFSET(guard), AV_OPT_TYPE_BOOL, { .i64 = 1 }, 0, 1, DEC },
    { "zero_copy", "lend images to packets instead of copying them",
      OFFSET(zero_copy), AV_OPT_TYPE_BOOL, { .i64 = 1 }, 0, 1, DEC },
    { "repeat_idle", "repeat the last image when no other comes for so long",
      OFFSET(repeat_idle), AV_OPT_TYPE_DURATION, { .i64 = 0 },
      0, INT64_MAX, DEC },
    { "control", "set the descriptor of a socket that ends the capture",
      OFFSET(control), AV_OPT_TYPE_INT, { .i64 = -1 }, -1, INT_MAX, DEC },
    { "wait_file", "wait for the file to be created",
      OFFSET(wait_file), AV_OPT_TYPE_BOOL, { .i64 = 0 }, 0, 1, DEC },
    { "owner", "set the number of another user whose file is trusted",
      OFFSET(owner), AV_OPT_TYPE_INT64, { .i64 = -1 }, -1, UINT_MAX, DEC },
    { NULL },
};

static const AVClass shmimage_class = {
    .class_name = "shmimage indev",
    .item_name  = av_default_item_name,
    .option     = options,
    .version    = LIBAVUTIL_VERSION_INT,
    .category   = AV_CLASS_CATEGORY_DEVICE_VIDEO_INPUT,
};

#if LIBAVFORMAT_VERSION_MAJOR >= 61
const FFInputFormat ff_shmimage_demuxer = {
    .p.name         = "shmimage",
    .p.long_name    = NULL_IF_CONFIG_SMALL("Shared memory image capture"),
    .p.flags        = AVFMT_NOFILE,
    .p.priv_class   = &shmimage_class,
    .flags_internal = FF_INFMT_FLAG_INIT_CLEANUP,
#else
const AVInputFormat ff_shmimage_demuxer = {
    .name           = "shmimage",
    .long_name      = NULL_IF_CONFIG_SMALL("Shared memory image capture"),
    .flags          = AVFMT_NOFILE,
    .priv_class     = &shmimage_class,
    .flags_internal = FF_FMT_INIT_CLEANUP,
#endif
    .priv_data_size = sizeof(ShmImageContext),
    .read_header    = shmimage_read_header,
    .read_packet    = shmimage_read_packet,
    .read_close     = shmimage_read_close,
    .get_device_list = ff_shmimage_get_device_list,
};
