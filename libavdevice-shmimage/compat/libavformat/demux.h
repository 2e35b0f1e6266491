/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Stands in for FFmpeg's private header of this name, where only FFmpeg's
 * public headers are installed: what a demuxer looks like since release 7.0.
 * Releases differ in the types of the callbacks that the device leaves out;
 * here those are plain pointers to functions, which have the same layout.
 * layout_check.c compares it with the original.
 */
#ifndef SHMIMAGE_COMPAT_AVFORMAT_DEMUX_H
#define SHMIMAGE_COMPAT_AVFORMAT_DEMUX_H

#include "libavformat/avformat.h"

#define FF_INFMT_FLAG_INIT_CLEANUP (1 << 0)

struct AVDeviceInfoList;

typedef struct FFInputFormat {
    AVInputFormat p;
    enum AVCodecID raw_codec_id;
    int priv_data_size;
    int flags_internal;
    int (*read_probe)(const AVProbeData *data);
    int (*read_header)(AVFormatContext *s);
    int (*read_packet)(AVFormatContext *s, AVPacket *pkt);
    int (*read_close)(AVFormatContext *s);
    void (*read_seek)(void);
    void (*read_timestamp)(void);
    void (*read_play_or_set_state)(void);
    void (*read_pause_or_handle_command)(void);
    void (*read_seek2)(void);
    int (*get_device_list)(AVFormatContext *s,
                           struct AVDeviceInfoList *device_list);
} FFInputFormat;

#endif /* SHMIMAGE_COMPAT_AVFORMAT_DEMUX_H */
