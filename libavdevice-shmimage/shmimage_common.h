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

#ifndef AVDEVICE_SHMIMAGE_COMMON_H
#define AVDEVICE_SHMIMAGE_COMMON_H

#include "libavformat/avformat.h"

/**
 * The longest time, in microseconds, in which nobody asks the interrupt
 * callback.
 */
#define FF_SHMIMAGE_WAIT_SLICE 250000

/**
 * Turn an error of libshmimage into one of FFmpeg.
 */
int ff_shmimage_averror(int status);

/**
 * Log what libshmimage has just said about an error.
 *
 * @return the error, as one of FFmpeg
 */
int ff_shmimage_fail(AVFormatContext *s, int status);

/**
 * Ask the caller's interrupt callback.
 */
int ff_shmimage_interrupted(const AVFormatContext *s);

#endif /* AVDEVICE_SHMIMAGE_COMMON_H */
