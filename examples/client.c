/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that takes images and writes them to standard output, one PPM file
 * behind the other, until the server ends. See README.md. */
#include <shmimage.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

/* The pixels lie in the shared buffer, and the server can't use it again until
 * they are released. So take what is needed and give them back soon. */
static int take(const ShmImageFrame *frame)
{
    printf("P6\n%u %u\n255\n", frame->width, frame->height);
    return fwrite(frame->pixels, frame->size, 1, stdout) == 1 &&
           fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "live.shm";
    long left = argc > 2 ? atol(argv[2]) : -1;
    ShmImageReader *reader = NULL;
    int ret = shmimage_reader_open(path, 0, &reader);

    while (left && ret >= 0 && ret != SHMIMAGE_DISCONNECTED) {
        ShmImageFrame *frame;

        ret = shmimage_reader_acquire(reader, 5 * SECOND, &frame);
        if (ret == SHMIMAGE_NO_FRAME)
            fprintf(stderr, "still waiting for an image\n");
        if (ret != SHMIMAGE_OK)
            continue;
        if (!take(frame))
            left = 0;
        else if (left > 0)
            left--;
        shmimage_reader_release(frame);
    }
    if (ret < 0)
        fprintf(stderr, "%s\n", shmimage_error_message());
    if (ferror(stdout))
        perror("standard output");
    shmimage_reader_close(reader);
    return ret < 0 || ferror(stdout);
}
