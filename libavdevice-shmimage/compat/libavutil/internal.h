/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Stands in for FFmpeg's private header of this name, with what the device
 * takes from it, where only FFmpeg's public headers are installed.
 */
#ifndef SHMIMAGE_COMPAT_AVUTIL_INTERNAL_H
#define SHMIMAGE_COMPAT_AVUTIL_INTERNAL_H

#define NULL_IF_CONFIG_SMALL(text) text

#endif /* SHMIMAGE_COMPAT_AVUTIL_INTERNAL_H */
