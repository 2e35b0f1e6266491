/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that takes images and writes them to standard output, one PPM file
 * behind the other, until the server ends. See README.md. */
#include <shmimage.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

/* The file may be shortened while the pixels in it are used, which is known
 * only afterwards. So they are copied, and written if they were whole. */
static int take(const ShmImageFrame *frame)
{
    uint8_t *pixels = malloc(frame->size);
    int ret;

    if (!pixels) {
        perror("an image");
        exit(1);
    }
    ret = shmimage_frame_copy(frame, pixels, 0);
    if (ret == SHMIMAGE_OK) {
        printf("P6\n%u %u\n255\n", frame->width, frame->height);
        fwrite(pixels, frame->size, 1, stdout);
        fflush(stdout);
    }
    free(pixels);
    return ret;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "live.shm";
    char *end = "";
    long left = argc > 2 ? strtol(argv[2], &end, 10) : -1;
    ShmImageReader *reader = NULL;
    int ret;

    if (*end || (argc > 2 && left < 1)) {
        fprintf(stderr, "%s: not a number of images\n", argv[2]);
        return 2;
    }
    ret = shmimage_reader_open(path, 0, &reader);
    while (left && ret >= 0 && ret != SHMIMAGE_DISCONNECTED &&
           !ferror(stdout)) {
        ShmImageFrame *frame;

        ret = shmimage_reader_acquire(reader, 5 * SECOND, &frame);
        if (ret == SHMIMAGE_NO_FRAME)
            fprintf(stderr, "still waiting for an image\n");
        if (ret != SHMIMAGE_OK)
            continue;
        ret = take(frame);
        if (left > 0)
            left--;
        shmimage_reader_release(frame);
    }
    if (ret < 0)
        fprintf(stderr, "%s\n", shmimage_error_message());
    else if (ferror(stdout))
        perror("standard output");
    shmimage_reader_close(reader);
    return ret < 0 || ferror(stdout);
}
