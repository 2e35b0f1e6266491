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

#include "libavformat/avformat.h"
#include "libavdevice/avdevice.h"

/**
 * List the streams where programs put them as a rule.
 */
int ff_shmimage_get_device_list(AVFormatContext *s, AVDeviceInfoList *list);

#endif /* AVDEVICE_SHMIMAGE_DEC_H */
