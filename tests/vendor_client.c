/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A viewer as it would be written against the published interface, in C:
 *
 *     vendor_client FILE COUNT
 *
 * makes the file, polls for images 0 to COUNT - 1 of vendor_server.cpp until
 * it has them all, and looks at every pixel.
 */
#include <shared_memory_image_client.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE  60
#define FILE_SIZE (25 * 1024 * 1024)

static int fail(const char *what, SharedMemoryImageError error)
{
    fprintf(stderr, "vendor_client: %s: %s (%d)\n", what,
            SharedMemoryImageStream_errorstring(error), error);
    return 1;
}

static int make_file(const char *name)
{
    int ret;
    int fd = open(name, O_RDWR | O_CREAT, 0600);

    if (fd < 0)
        return -1;
    ret = ftruncate(fd, FILE_SIZE);
    close(fd);
    return ret;
}

static int is_image(SharedMemoryFrame frame, uint32_t number)
{
    uint32_t size = 3 * frame->iWidth * frame->iHeight;
    uint32_t i;

    if (frame->iFrame != number || frame->iWidth != 17 + number % 5 ||
        frame->iHeight != 11 + number % 3)
        return 0;
    for (i = 0; i < size; i++)
        if (frame->buffer[i] != (uint8_t)(7 * number + i))
            return 0;
    return 1;
}

/* Returns 0 when the image was there and right. */
static int receive(SharedMemoryImageStream stream, uint32_t number)
{
    SharedMemoryFrame frame;
    struct _SharedMemoryFrame copy;
    SharedMemoryImageError error;

    alarm(DEADLINE);
    do
        error = SharedMemoryImageStream_lock(stream, &frame);
    while (error == IMAGESTREAM_NO_FRAMEAVAILABLE);
    if (error != IMAGESTREAM_NOERROR)
        return fail("lock", error);
    copy = *frame;
    if (!is_image(&copy, number)) {
        fprintf(stderr, "vendor_client: image %u differs: %u, %ux%u\n",
                (unsigned)number, (unsigned)copy.iFrame,
                (unsigned)copy.iWidth, (unsigned)copy.iHeight);
        return 1;
    }
    error = SharedMemoryImageStream_unlock(stream);
    return error == IMAGESTREAM_NOERROR ? 0 : fail("unlock", error);
}

int main(int argc, char **argv)
{
    SharedMemoryImageStream stream;
    SharedMemoryImageError error;
    uint32_t count;
    uint32_t number;

    if (argc != 3)
        return 2;
    count = (uint32_t)atoi(argv[2]);
    if (make_file(argv[1]) < 0) {
        perror(argv[1]);
        return 1;
    }
    error = SharedMemoryImageStream_create(argv[1], IMAGESTREAM_OPTIONS_NONE,
                                           &stream);
    if (error < 0)
        return fail("create", error);
    for (number = 0; number < count; number++)
        if (receive(stream, number))
            return 1;
    error = SharedMemoryImageStream_destroy(stream);
    return error == IMAGESTREAM_NOERROR ? 0 : fail("destroy", error);
}
