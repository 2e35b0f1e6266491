/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The FFmpeg programs that are installed, and what they can do.
 */
#ifndef SHMIMAGE_TOOLS_FFMPEG_H
#define SHMIMAGE_TOOLS_FFMPEG_H

#include <stdint.h>

#include "command.h"

typedef struct Ffmpeg {
    char *path;    /**< of the program; free() it */
    int libavformat; /**< its major version, or 0 if that can't be told */
} Ffmpeg;

/**
 * Look for a program, and see that it will have the device: if it was not
 * built with it, the module is preloaded into it.
 *
 * @param program its name or path
 * @return an exit code, with what is wrong reported
 */
int ffmpeg_find(Ffmpeg *ffmpeg, const Command *command, const char *program);

/**
 * Ask a program of FFmpeg whether it has a part. A signal of stop.h ends that,
 * and the answer is yes then.
 *
 * @param kind such as "encoder", "filter" or "muxer"
 */
int ffmpeg_has(Ffmpeg *ffmpeg, const char *kind, const char *name);

/** How long a film is, in microseconds; 0 if that can't be told. */
int64_t ffmpeg_duration(const Ffmpeg *ffmpeg, const char *path);

#endif /* SHMIMAGE_TOOLS_FFMPEG_H */
