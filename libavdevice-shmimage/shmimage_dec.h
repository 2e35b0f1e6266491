/*
 * Parts of the shared memory image input device
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

#ifndef AVDEVICE_SHMIMAGE_DEC_H
#define AVDEVICE_SHMIMAGE_DEC_H

#include <stdint.h>

#include "libavutil/rational.h"
#include "libavformat/avformat.h"
#include "libavdevice/avdevice.h"

/**
 * How fast images come, by their numbers.
 */
typedef struct FFShmImageRate {
    uint64_t count;          ///< images so far
    int64_t first_time;      ///< arrival of the first one, in microseconds
    int64_t first_number;
    int64_t last_time;       ///< arrival of the newest one
    int64_t last_number;
} FFShmImageRate;

/**
 * Take note of an image.
 *
 * @param time   when it arrived, in microseconds of a steady clock
 * @param number its number, which always increases
 */
void ff_shmimage_rate_add(FFShmImageRate *rate, int64_t time, int64_t number);

/**
 * The numbers that pass in a hundred seconds, measured from the first image to
 * the newest one; 0 if that is not known.
 */
int64_t ff_shmimage_rate_hundredths(const FFShmImageRate *rate);

/**
 * Whether the rate has been measured for some microseconds, and is more than
 * 5 % off the one that is expected.
 */
int ff_shmimage_rate_differs(const FFShmImageRate *rate, AVRational expected,
                             int64_t period);

/**
 * Whether a descriptor can be a control channel, which is a stream socket that
 * the program has inherited and shares with another process. It stays the
 * caller's: nothing here closes it.
 *
 * @return 0, or AVERROR(EINVAL) after a message
 */
int ff_shmimage_control_check(AVFormatContext *s, int fd);

/**
 * Whether the other end of the control channel has sent something, or is gone,
 * or the descriptor is closed.
 */
int ff_shmimage_control_stops(int fd);

/**
 * Send a line of text. It is lost if that would block.
 */
void ff_shmimage_control_tell(int fd, const char *line);

/**
 * List the streams where programs put them as a rule.
 */
int ff_shmimage_get_device_list(AVFormatContext *s, AVDeviceInfoList *list);

#endif /* AVDEVICE_SHMIMAGE_DEC_H */
