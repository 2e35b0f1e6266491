/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "ensight_harness.h"

enum { POKED_WIDTH = 5, POKED_HEIGHT = 3 };

Ends t;

static void setup(void)
{
    t = (Ends){ .path = test_file(TEST_FILE_SIZE) };
}

static void teardown(void)
{
    if (t.client)
        SharedMemoryImageStream_destroy(t.client);
    if (t.server)
        SharedMemoryImageStream_destroy(t.server);
    test_files_remove();
}

TCase *ensight_tcase(const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    return tcase;
}

void start_server(uint32_t more_options)
{
    ck_assert_ptr_null(t.server);
    ck_assert_int_eq(
        SharedMemoryImageStream_create(
            t.path, IMAGESTREAM_OPTIONS_SERVER | more_options, &t.server),
        IMAGESTREAM_NOERROR);
    ck_assert_ptr_nonnull(t.server);
}

void start_client(SharedMemoryImageError expected)
{
    ck_assert_ptr_null(t.client);
    ck_assert_int_eq(SharedMemoryImageStream_create(
                         t.path, IMAGESTREAM_OPTIONS_NONE, &t.client),
                     expected);
    ck_assert_ptr_nonnull(t.client);
}

void start_both(void)
{
    start_server(0);
    start_client(IMAGESTREAM_NOERROR);
}

void stop(SharedMemoryImageStream *end)
{
    SharedMemoryImageStream stream = *end;

    *end = NULL;
    ck_assert_int_eq(SharedMemoryImageStream_destroy(stream),
                     IMAGESTREAM_NOERROR);
}

SharedMemoryImageError put(uint32_t number, uint32_t width, uint32_t height)
{
    size_t size = (size_t)width * height * SHMI_BYTES_PER_PIXEL;
    struct _SharedMemoryFrame image = { .iFrame  = number,
                                        .iWidth  = width,
                                        .iHeight = height,
                                        .buffer  = malloc(size) };
    SharedMemoryImageError ret;

    ck_assert_ptr_nonnull(image.buffer);
    fill_pixels(image.buffer, size, number);
    ret = SharedMemoryImageStream_putframe(t.server, &image);
    /* The caller may use its memory again at once. */
    memset(image.buffer, 0xee, size);
    free(image.buffer);
    return ret;
}

void assert_image(SharedMemoryFrame frame, uint32_t number, uint32_t width,
                  uint32_t height)
{
    size_t size = (size_t)width * height * SHMI_BYTES_PER_PIXEL;

    ck_assert_uint_eq(frame->iFrame, number);
    ck_assert_uint_eq(frame->iWidth, width);
    ck_assert_uint_eq(frame->iHeight, height);
    ck_assert_msg(pixels_match(frame->buffer, size, number),
                  "the pixels of image %u differ", number);
}

SharedMemoryFrame lock_image(uint32_t number)
{
    SharedMemoryFrame frame = NULL;

    ck_assert_int_eq(SharedMemoryImageStream_lock(t.client, &frame),
                     IMAGESTREAM_NOERROR);
    ck_assert_ptr_nonnull(frame);
    assert_image(frame, number, frame->iWidth, frame->iHeight);
    return frame;
}

void take_image(uint32_t number)
{
    lock_image(number);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOERROR);
}

void assert_states(int first, int second)
{
    ck_assert_int_eq(peek_state(t.path, 0), first);
    ck_assert_int_eq(peek_state(t.path, 1), second);
}

void poke_image(int buffer, uint32_t number, uint8_t state)
{
    const ShmiHeader header = { .frame_number  = number,
                                .width         = POKED_WIDTH,
                                .height        = POKED_HEIGHT,
                                .num_scanlines = POKED_HEIGHT };
    uint8_t pixels[POKED_WIDTH * POKED_HEIGHT * SHMI_BYTES_PER_PIXEL];

    fill_pixels(pixels, sizeof(pixels), number);
    poke_pixels(t.path, buffer, pixels, sizeof(pixels));
    poke(t.path, buffer, &header, state);
}
