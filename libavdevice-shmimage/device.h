/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The devices as seen by a program that is not FFmpeg's own source tree, and
 * what FFmpeg calls their types in the release at hand.
 */
#ifndef SHMIMAGE_DEVICE_H
#define SHMIMAGE_DEVICE_H

#include "libavformat/avformat.h"

/* Both begin with FFmpeg's public AVInputFormat or AVOutputFormat. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#include "libavformat/demux.h"
#include "libavformat/mux.h"
typedef FFInputFormat InputDevice;
typedef FFOutputFormat OutputDevice;
#else
typedef AVInputFormat InputDevice;
typedef AVOutputFormat OutputDevice;
#endif

extern const InputDevice ff_shmimage_demuxer;
extern const OutputDevice ff_shmimage_muxer;

/** Two lists as FFmpeg has them: NULL ends each. */
typedef struct Devices {
    const OutputDevice *outputs[2];
    const InputDevice *inputs[2];
} Devices;

/** Those of the module. */
extern const Devices shmimage_devices;

/** Where libavdevice tells libavformat its two lists, which end with NULL. */
void avpriv_register_devices(const OutputDevice *const outputs[],
                             const InputDevice *const inputs[]);

#endif /* SHMIMAGE_DEVICE_H */
