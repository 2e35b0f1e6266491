/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The device on a system in which any call may fail, and without memory for
 * what it asks of libavutil, libavcodec and libavformat. All that fails does
 * so inside of the device's own functions.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "device_harness.h"
#include "faults.h"

#include "libavutil/intreadwrite.h"

/* What the shared libraries of FFmpeg get their memory from: the names that a
 * program defines come before those of the C library. */
#define NEXT(name) (*(void **)&next_##name = dlsym(RTLD_NEXT, #name))

int posix_memalign(void **block, size_t alignment, size_t size)
    __attribute__((visibility("default")));
int posix_memalign(void **block, size_t alignment, size_t size)
{
    static int (*next_posix_memalign)(void **, size_t, size_t);

    if (fault_strikes(FAULT_LIBAV))
        return ENOMEM;
    if (!next_posix_memalign)
        NEXT(posix_memalign);
    return next_posix_memalign(block, alignment, size);
}

void *realloc(void *block, size_t size) __attribute__((visibility("default")));
void *realloc(void *block, size_t size)
{
    static void *(*next_realloc)(void *, size_t);

    if (fault_strikes(FAULT_LIBAV))
        return NULL;
    if (!next_realloc)
        NEXT(realloc);
    return next_realloc(block, size);
}

static const struct {
    Fault which;
    int error;
    int result;     /* 0 if it is not to be noticed */
} failures[] = {
    { FAULT_LIBAV, ENOMEM, AVERROR(ENOMEM) },
    { FAULT_MALLOC, ENOMEM, AVERROR(ENOMEM) },
    { FAULT_CALLOC, ENOMEM, AVERROR(ENOMEM) },
    { FAULT_MUTEX, EAGAIN, AVERROR_EXTERNAL },
    { FAULT_OPEN, ENOENT, AVERROR(ENOENT) },
    { FAULT_OPEN, EACCES, AVERROR(EACCES) },
    { FAULT_OPEN, EISDIR, AVERROR(EINVAL) },
    { FAULT_OPEN, EMFILE, AVERROR(EIO) },
    { FAULT_FSTAT, EIO, AVERROR(EIO) },
    { FAULT_MMAP, ENOMEM, AVERROR(ENOMEM) },
    { FAULT_SIGACTION, EINVAL, AVERROR(ENOMEM) },
    { FAULT_STAT, EACCES, AVERROR(EACCES) },
    { FAULT_LOCK, ENOLCK, 0 },
    { FAULT_FUTEX, ENOSYS, 0 },
    { FAULT_FUTEX, EFAULT, 0 },
    { FAULT_CLOSE, EIO, 0 },
    { FAULT_MUNMAP, ENOMEM, 0 },
};

enum { FAILURES = sizeof(failures) / sizeof(failures[0]) };

/* The images of the server, some of them in two blocks. */
static const struct {
    Image image;
    bool blocks;
} script[] = {
    { { 0, 4, 4, 0 }, false },
    { { 1, 4, 4, 0 }, true },
    { { 2, 6, 2, 0 }, false },
    { { 3, 6, 2, 0 }, true },
    { { 4, 4, 4, 0 }, false },
    { { 5, 2, 8, 0 }, false },
    { { 6, 2, 8, 0 }, false },
};

enum { IMAGES = sizeof(script) / sizeof(script[0]), MAX_SIZE = 48 };

static void poke_rows(int buffer, const Image *image, uint32_t row,
                      uint32_t rows)
{
    const size_t stride = 3 * (size_t)image->width;
    const ShmiHeader header = { image->number, image->width, image->height,
                                row, rows };
    uint8_t pixels[MAX_SIZE];

    fill_pixels(pixels, sizeof(pixels), image->number);
    poke_pixels(t.path, buffer, pixels + row * stride, rows * stride);
    poke(t.path, buffer, &header, SHMIMAGE_STATE_CLIENT);
}

/* The server is another process, for which nothing fails. */
static void poke_next(void)
{
    const Image *image = &script[t.next].image;
    const uint32_t half = image->height / 2;

    fault_pause();
    if (t.next < IMAGES &&
        peek_state(t.path, 0) == SHMIMAGE_STATE_SERVER &&
        peek_state(t.path, 1) == SHMIMAGE_STATE_SERVER) {
        if (script[t.next].blocks)
            poke_rows(1, image, half, image->height - half);
        poke_rows(0, image, 0, script[t.next].blocks ? half : image->height);
        t.next++;
    }
    fault_resume();
}

static int read_header(AVFormatContext *s)
{
    int ret;

    fault_resume();
    ret = ff_shmimage_demuxer.read_header(s);
    fault_pause();
    return ret;
}

static int read_packet(AVFormatContext *s, AVPacket *packet)
{
    int ret;

    fault_resume();
    ret = ff_shmimage_demuxer.read_packet(s, packet);
    fault_pause();
    return ret;
}

static int read_close(AVFormatContext *s)
{
    int ret;

    fault_resume();
    ret = ff_shmimage_demuxer.read_close(s);
    fault_pause();
    return ret;
}

static InputDevice failing_device;

static void begin(void)
{
    ck_assert_int_eq(shmimage_file_create(t.path, 0, 0), SHMIMAGE_OK);
    failing_device = ff_shmimage_demuxer;
    failing_device.read_header = read_header;
    failing_device.read_packet = read_packet;
    failing_device.read_close  = read_close;
    t.device = &failing_device;
    t.hook   = poke_next;
}

static void start_server(void)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(t.path, i, &empty, SHMIMAGE_STATE_INIT);
    t.next   = 0;
    t.log[0] = '\0';
}

/* The size that a program downstream believes in. */
static void follow_size(uint32_t *width, uint32_t *height)
{
    size_t size;
    const uint8_t *change = av_packet_get_side_data(
        t.packet, AV_PKT_DATA_PARAM_CHANGE, &size);

    if (change) {
        ck_assert_uint_eq(size, 12);
        *width  = AV_RL32(change + 4);
        *height = AV_RL32(change + 8);
    }
}

/* Read them all. Returns how many were lost. */
static int read_images(int failure)
{
    uint32_t width  = (uint32_t)t.format->streams[0]->codecpar->width;
    uint32_t height = (uint32_t)t.format->streams[0]->codecpar->height;
    int lost = 0;

    for (int i = 0; i < IMAGES; i++) {
        const Image *image = &script[i].image;
        int ret = try_read();

        if (ret < 0) {
            ck_assert_int_eq(ret, failures[failure].result);
            lost++;
            continue;
        }
        follow_size(&width, &height);
        ck_assert_int_eq(t.packet->pts, image->number);
        ck_assert_uint_eq(width, image->width);
        ck_assert_uint_eq(height, image->height);
        assert_pixels(t.packet, image);
    }
    return lost;
}

/* What was lost is accounted for. */
static void assert_log(int lost)
{
    char text[80];

    snprintf(text, sizeof(text), "%d images delivered, %d missing by their "
             "numbers", IMAGES - lost, lost);
    ck_assert_msg(logged(text) == 1, "%s", t.log);
}

/* Returns how many images were lost, or -1 when the device did not open. */
static int run(int failure)
{
    int lost, ret = try_open("timeout=30");

    if (ret < 0) {
        ck_assert_int_eq(ret, failures[failure].result);
        ck_assert_ptr_null(t.format);
        /* libavformat says of no memory what there is to say. */
        ck_assert(failures[failure].which == FAULT_LIBAV ||
                  logged(t.path) == 1);
        return -1;
    }
    lost = read_images(failure);
    av_packet_unref(t.packet);
    close_device();
    assert_log(lost);
    return lost;
}

/* Returns whether the call came; noticed counts those that had an effect. */
static bool run_with_one_call_failing(int failure, int nth, int *noticed)
{
    Account before;
    bool came;
    int result;

    start_server();
    before = account_now();
    fault_plan(failures[failure].which, nth, failures[failure].error);
    fault_pause();
    result = run(failure);
    came = fault_came();
    assert_account(&before);
    ck_assert(result == 0 || (came && failures[failure].result));
    ck_assert_int_le(result, 1);
    *noticed += result != 0;
    if (result) {
        start_server();
        ck_assert_int_eq(run(failure), 0);
        assert_account(&before);
    }
    return came;
}

static bool can_come(int failure)
{
    switch (failures[failure].which) {
    case FAULT_LOCK:
        return SHMI_HAVE_OFD_LOCKS;
    case FAULT_FUTEX:
        return SHMI_HAVE_FUTEX;
    case FAULT_SIGACTION:   /* only once in a process */
    case FAULT_STAT:        /* only when an image is late */
        return false;
    default:
        return true;
    }
}

START_TEST(test_each_call_fails)
{
    int noticed = 0, nth = 1;

    begin();
    while (run_with_one_call_failing(_i, nth, &noticed))
        nth++;
    ck_assert(nth > 1 || !can_come(_i));
    ck_assert(noticed || !failures[_i].result || !can_come(_i));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device, failing system");
    TCase *tcase = device_tcase("faults");

    tcase_add_loop_test(tcase, test_each_call_fails, 0, FAILURES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
