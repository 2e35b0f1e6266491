/*
 * What the shared memory image devices share
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

#include <shmimage.h>

#include "libavutil/error.h"
#include "libavutil/log.h"
#include "libavformat/avformat.h"
#include "shmimage_common.h"

int ff_shmimage_averror(int status)
{
    switch (status) {
    case SHMIMAGE_ERROR_NOT_FOUND:   return AVERROR(ENOENT);
    case SHMIMAGE_ERROR_PERMISSION:  return AVERROR(EACCES);
    case SHMIMAGE_ERROR_BUSY:        return AVERROR(EBUSY);
    case SHMIMAGE_ERROR_NO_SPACE:    return AVERROR(ENOSPC);
    case SHMIMAGE_ERROR_MAP:
    case SHMIMAGE_ERROR_MEMORY:      return AVERROR(ENOMEM);
    case SHMIMAGE_ERROR_OPEN:
    case SHMIMAGE_ERROR_TRUNCATED:   return AVERROR(EIO);
    case SHMIMAGE_ERROR_ARGUMENT:
    case SHMIMAGE_ERROR_FILE_SIZE:
    case SHMIMAGE_ERROR_TOO_LARGE:
    case SHMIMAGE_ERROR_NOT_REGULAR:
    case SHMIMAGE_ERROR_NOT_A_STREAM: return AVERROR(EINVAL);
    default:                         return AVERROR_EXTERNAL;
    }
}

int ff_shmimage_fail(AVFormatContext *s, int status)
{
    av_log(s, AV_LOG_ERROR, "%s\n", shmimage_error_message());
    return ff_shmimage_averror(status);
}

int ff_shmimage_interrupted(const AVFormatContext *s)
{
    const AVIOInterruptCB *cb = &s->interrupt_callback;

    return cb->callback && cb->callback(cb->opaque);
}
