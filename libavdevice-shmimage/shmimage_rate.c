/*
 * Rate of the images of the shared memory image input device
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

#include "libavutil/avutil.h"
#include "libavutil/mathematics.h"
#include "shmimage_dec.h"

void ff_shmimage_rate_add(FFShmImageRate *rate, int64_t time, int64_t number)
{
    if (!rate->count++) {
        rate->first_time   = time;
        rate->first_number = number;
    }
    rate->last_time   = time;
    rate->last_number = number;
}

int64_t ff_shmimage_rate_hundredths(const FFShmImageRate *rate)
{
    int64_t duration = rate->last_time - rate->first_time;

    if (duration <= 0)
        return 0;
    return av_rescale(rate->last_number - rate->first_number,
                      100LL * AV_TIME_BASE, duration);
}

int ff_shmimage_rate_differs(const FFShmImageRate *rate, AVRational expected,
                             int64_t period)
{
    int64_t measured = ff_shmimage_rate_hundredths(rate);
    double ratio = measured / (100 * av_q2d(expected));

    return rate->last_time - rate->first_time >= period &&
           (ratio < 0.95 || ratio > 1.05);
}
