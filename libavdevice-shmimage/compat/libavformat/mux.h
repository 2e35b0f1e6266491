/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Stands in for FFmpeg's private header of this name, where only FFmpeg's
 * public headers are installed: what a muxer looks like since release 7.0. The
 * callbacks that the device leaves out are plain pointers to functions here,
 * which have the same layout. layout_check.c compares it with the original.
 */
#ifndef SHMIMAGE_COMPAT_AVFORMAT_MUX_H
#define SHMIMAGE_COMPAT_AVFORMAT_MUX_H

#include "libavformat/avformat.h"

typedef struct FFOutputFormat {
    AVOutputFormat p;
    int priv_data_size;
    int flags_internal;
    int (*write_header)(AVFormatContext *s);
    int (*write_packet)(AVFormatContext *s, AVPacket *pkt);
    int (*write_trailer)(AVFormatContext *s);
    void (*interleave_packet)(void);
    void (*query_codec)(void);
    void (*get_output_timestamp)(void);
    void (*control_message)(void);
    void (*write_uncoded_frame)(void);
    void (*get_device_list)(void);
    int (*init)(AVFormatContext *s);
    void (*deinit)(AVFormatContext *s);
    void (*check_bitstream)(void);
} FFOutputFormat;

#endif /* SHMIMAGE_COMPAT_AVFORMAT_MUX_H */
