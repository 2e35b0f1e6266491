/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the module with the devices gives to preload.c, which loads it.
 */
#include "config.h"

#include "device.h"

__attribute__((visibility("default")))
const Devices shmimage_devices = {
    .outputs = { &ff_shmimage_muxer },
    .inputs  = { &ff_shmimage_demuxer },
};
