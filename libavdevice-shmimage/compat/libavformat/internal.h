/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Stands in for FFmpeg's private header of this name, with what the device
 * takes from it, where only FFmpeg's public headers are installed.
 * layout_check.c compares it with the original.
 */
#ifndef SHMIMAGE_COMPAT_AVFORMAT_INTERNAL_H
#define SHMIMAGE_COMPAT_AVFORMAT_INTERNAL_H

#include "libavformat/avformat.h"

#if LIBAVFORMAT_VERSION_MAJOR < 61
#define FF_FMT_INIT_CLEANUP (1 << 0)
#endif

void avpriv_set_pts_info(AVStream *st, int pts_wrap_bits,
                         unsigned int pts_num, unsigned int pts_den);

#endif /* SHMIMAGE_COMPAT_AVFORMAT_INTERNAL_H */
