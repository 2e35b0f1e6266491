/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Preloaded into ffmpeg, it has libx264 fail after FAIL_AFTER images, or take
 * ENCODE_MS milliseconds longer for each of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int x264_encoder_encode(void *encoder, void *nal, int *nals, void *in,
                        void *out);

int x264_encoder_encode(void *encoder, void *nal, int *nals, void *in,
                        void *out)
{
    static int images;
    const char *most = getenv("FAIL_AFTER"), *longer = getenv("ENCODE_MS");
    int (*next)(void *, void *, int *, void *, void *);

    if (most && ++images > atoi(most))
        return -1;
    if (longer && in)
        usleep(1000 * (unsigned)atoi(longer));
    *(void **)&next = dlsym(RTLD_NEXT, "x264_encoder_encode");
    return next(encoder, nal, nals, in, out);
}
