/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A renderer as it would be written against the published interface, in C++:
 *
 *     vendor_server FILE COUNT
 *
 * sends images 0 to COUNT - 1, of changing size, and none is dropped.
 * vendor_client.c knows what is in them.
 */
#include <shared_memory_image_client_priv.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <sched.h>
#include <unistd.h>

namespace {

const unsigned deadline = 60;

struct Image {
    struct _SharedMemoryFrame frame;
    std::vector<uint8_t> pixels;

    explicit Image(uint32_t number)
    {
        frame.iFrame  = number;
        frame.iWidth  = 17 + number % 5;
        frame.iHeight = 11 + number % 3;
        pixels.resize(3 * frame.iWidth * frame.iHeight);
        for (size_t i = 0; i < pixels.size(); i++)
            pixels[i] = static_cast<uint8_t>(7 * number + i);
        frame.buffer = pixels.data();
    }
};

bool fail(const char *what, SharedMemoryImageError error)
{
    std::fprintf(stderr, "vendor_server: %s: %s (%d)\n", what,
                 SharedMemoryImageStream_errorstring(error), error);
    return false;
}

bool send_image(SharedMemoryImageStream stream, uint32_t number)
{
    Image image(number);

    for (;;) {
        SharedMemoryFrame frame = &image.frame;
        SharedMemoryImageError error =
            SharedMemoryImageStream_putframe(stream, frame);

        if (error == IMAGESTREAM_NOERROR)
            return true;
        if (error != IMAGESTREAM_UNCONNECTED &&
            error != IMAGESTREAM_NO_BUFFERAVAILABLE)
            return fail("putframe", error);
        sched_yield();
    }
}

bool serve(const char *name, uint32_t count)
{
    SharedMemoryImageStream stream = nullptr;
    SharedMemoryImageError error = SharedMemoryImageStream_create(
        name, IMAGESTREAM_OPTIONS_SERVER, &stream);

    if (error != IMAGESTREAM_NOERROR)
        return fail("create", error);
    for (uint32_t number = 0; number < count; number++)
        if (!send_image(stream, number))
            return false;
    error = SharedMemoryImageStream_destroy(stream);
    return error == IMAGESTREAM_NOERROR || fail("destroy", error);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    alarm(deadline);
    return serve(argv[1], static_cast<uint32_t>(std::atoi(argv[2]))) ? 0 : 1;
}
