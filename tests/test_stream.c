/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our writer and our reader on one file: every pixel arrives, whatever the
 * size of the image or the file, and however it was put in.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static const char *path;
static ShmImageWriter *writer;
static ShmImageReader *reader;

static void setup(void)
{
    path   = NULL;
    writer = NULL;
    reader = NULL;
}

static void teardown(void)
{
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    test_files_remove();
}

static void start(uint64_t size, unsigned flags)
{
    path = test_file(size);
    ck_assert_int_eq(shmimage_writer_open(path, flags, &writer), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

/* Take the next image, compare it, and give it back. */
static void check_next(uint32_t number, uint32_t width, uint32_t height,
                       const uint8_t *pixels)
{
    ShmImageFrame *frame = take();

    ck_assert_uint_eq(frame->number, number);
    ck_assert_uint_eq(frame->width, width);
    ck_assert_uint_eq(frame->height, height);
    ck_assert_uint_eq(frame->size, (size_t)3 * width * height);
    ck_assert(memcmp(frame->pixels, pixels, frame->size) == 0);
    shmimage_reader_release(frame);
}

static void draw(uint32_t number, uint32_t width, uint32_t height,
                 const uint8_t *pixels)
{
    uint8_t *place;

    ck_assert_int_eq(shmimage_writer_begin(writer, number, width, height,
                                           &place), SHMIMAGE_OK);
    memcpy(place, pixels, (size_t)3 * width * height);
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
}

static const struct {
    uint32_t width, height;
    int odd_bytes;  /* more than shmimage_file_size() says */
} streams[] = {
    { 1, 1, 0 },       { 1, 1, 1 },       { 3, 5, 0 },       { 3, 5, 3 },
    { 1919, 1079, 0 }, { 1919, 1079, 1 }, { 1919, 1079, 2 },
    { 3840, 2160, 0 }, { 3840, 2160, 3 },
};

#define NB_STREAMS ((int)(sizeof(streams) / sizeof(*streams)))

/* Once through each buffer, copied and drawn. */
START_TEST(test_stream_carries_every_pixel)
{
    const uint32_t width = streams[_i].width, height = streams[_i].height;
    const size_t size = (size_t)3 * width * height;
    uint8_t *pixels = calloc(size, 1);

    start(shmimage_file_size(width, height) + streams[_i].odd_bytes, 0);
    fill_pixels(pixels, size, 1);
    for (uint32_t number = 0; number < 4; number++) {
        pixels[size / 2] = (uint8_t)number;
        if (number < 2)
            ck_assert_int_eq(shmimage_writer_put(writer, number, width, height,
                                                 pixels, 0), SHMIMAGE_OK);
        else
            draw(number, width, height, pixels);
        check_next(number, width, height, pixels);
    }
    free(pixels);
}
END_TEST

START_TEST(test_stream_changes_its_size)
{
    static const uint32_t sizes[][2] = {
        { 640, 480 }, { 3, 5 }, { 640, 480 }, { 1, 1000 }, { 1000, 1 },
    };
    uint8_t *pixels = calloc(3, 640 * 480);

    start(TEST_FILE_SIZE, 0);
    fill_pixels(pixels, 3 * 640 * 480, 1);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(shmimage_writer_put(writer, i, sizes[i][0],
                                             sizes[i][1], pixels, 0),
                         SHMIMAGE_OK);
        check_next(i, sizes[i][0], sizes[i][1], pixels);
    }
    free(pixels);
}
END_TEST

#define WIDTH  5
#define HEIGHT 4
#define ROW    (3 * WIDTH)

/* Rows in memory: there is some room between them. */
#define PITCH (ROW + 7)

static const struct {
    int first;         /* the row in memory that put() gets */
    ptrdiff_t stride;
    unsigned flags;
    int order[HEIGHT]; /* the rows in memory that arrive, from the top */
} layouts[] = {
    { 0, PITCH, 0, { 0, 1, 2, 3 } },
    { 3, -PITCH, 0, { 3, 2, 1, 0 } },
    { 0, PITCH, SHMIMAGE_FLIP, { 3, 2, 1, 0 } },
    { 3, -PITCH, SHMIMAGE_FLIP, { 0, 1, 2, 3 } },
    { 1, 0, 0, { 1, 2, 3, 4 } },
    { 1, 0, SHMIMAGE_FLIP, { 4, 3, 2, 1 } },
    { 0, ROW, 0, { 0, 1, 2, 3 } },
    { 0, ROW, SHMIMAGE_FLIP, { 3, 2, 1, 0 } },
    { 3, -ROW, 0, { 3, 2, 1, 0 } },
    { 3, -ROW, SHMIMAGE_FLIP, { 0, 1, 2, 3 } },
};

#define NB_LAYOUTS ((int)(sizeof(layouts) / sizeof(*layouts)))

START_TEST(test_put_finds_the_rows)
{
    const ptrdiff_t stride = layouts[_i].stride;
    const size_t pitch = stride == PITCH || stride == -PITCH ? PITCH : ROW;
    uint8_t *memory = calloc(HEIGHT + 2, PITCH);
    uint8_t expected[HEIGHT * ROW];

    fill_pixels(memory, (HEIGHT + 2) * PITCH, 1);
    for (int y = 0; y < HEIGHT; y++)
        memcpy(expected + y * ROW, memory + layouts[_i].order[y] * pitch, ROW);
    start(TEST_FILE_SIZE, layouts[_i].flags);
    ck_assert_int_eq(shmimage_writer_put(writer, 1, WIDTH, HEIGHT,
                                         memory + layouts[_i].first * pitch,
                                         stride), SHMIMAGE_OK);
    check_next(1, WIDTH, HEIGHT, expected);
    free(memory);
}
END_TEST

START_TEST(test_put_flips_an_image_of_one_row)
{
    uint8_t pixels[ROW];

    fill_pixels(pixels, ROW, 1);
    start(TEST_FILE_SIZE, SHMIMAGE_FLIP);
    ck_assert_int_eq(shmimage_writer_put(writer, 1, WIDTH, 1, pixels, 0),
                     SHMIMAGE_OK);
    check_next(1, WIDTH, 1, pixels);
}
END_TEST

START_TEST(test_begin_does_not_flip)
{
    uint8_t pixels[HEIGHT * ROW];

    fill_pixels(pixels, sizeof(pixels), 1);
    start(TEST_FILE_SIZE, SHMIMAGE_FLIP);
    draw(1, WIDTH, HEIGHT, pixels);
    check_next(1, WIDTH, HEIGHT, pixels);
}
END_TEST

static int put(uint32_t number)
{
    uint8_t pixels[HEIGHT * ROW];

    fill_pixels(pixels, sizeof(pixels), number);
    return shmimage_writer_put(writer, number, WIDTH, HEIGHT, pixels, 0);
}

static void check_number(uint32_t number)
{
    uint8_t pixels[HEIGHT * ROW];

    fill_pixels(pixels, sizeof(pixels), number);
    check_next(number, WIDTH, HEIGHT, pixels);
}

static void write_bytes(int buffer, size_t offset, const uint8_t *bytes,
                        size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    offset += shmi_buffer_offset(TEST_FILE_SIZE + 1, buffer);
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    close(fd);
}

static void read_bytes(int buffer, size_t offset, uint8_t *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    offset += shmi_buffer_offset(TEST_FILE_SIZE + 1, buffer);
    ck_assert_int_eq(pread(fd, bytes, size, (off_t)offset), (ssize_t)size);
    close(fd);
}

START_TEST(test_stream_drops_what_finds_no_buffer)
{
    start(TEST_FILE_SIZE, 0);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_NO_BUFFER);
    check_number(1);
    ck_assert_int_eq(put(4), SHMIMAGE_OK);
    check_number(2);
    check_number(4);
}
END_TEST

START_TEST(test_stream_goes_on_across_the_wrap)
{
    start(TEST_FILE_SIZE, 0);
    for (uint32_t number = UINT32_MAX - 5; number != 6; number += 2) {
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_int_eq(put(number + 1), SHMIMAGE_OK);
        check_number(number);
        check_number(number + 1);
    }
}
END_TEST

START_TEST(test_abort_is_never_seen)
{
    uint8_t *pixels;

    start(TEST_FILE_SIZE, 0);
    put(1);
    ck_assert_int_eq(shmimage_writer_begin(writer, 2, 1, 1, &pixels),
                     SHMIMAGE_OK);
    shmimage_writer_abort(writer);
    put(3);
    check_number(1);
    check_number(3);
}
END_TEST

/* With one frame held, the other buffer alone carries the stream. */
START_TEST(test_stream_goes_on_beside_a_held_frame)
{
    ShmImageFrame *held;

    start(TEST_FILE_SIZE, 0);
    if (_i) {
        put(0);
        check_number(0);
    }
    put(1);
    held = take();
    for (uint32_t number = 2; number < 6; number++) {
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
        check_number(number);
    }
    ck_assert(pixels_match(held->pixels, held->size, 1));
    shmimage_reader_release(held);
}
END_TEST

/* All but what the protocol names: the padding, and the room behind an image,
 * in which a peer may see something of its own. */
START_TEST(test_stream_writes_nothing_else_into_the_file)
{
    uint8_t before[64], after[64];
    const size_t image = HEIGHT * ROW;

    start(TEST_FILE_SIZE + 1, 0);
    memset(before, 0xee, sizeof(before));
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        write_bytes(i, 21, before, 3);
        write_bytes(i, 24 + image, before, sizeof(before));
    }
    for (uint32_t number = 0; number < 4; number++) {
        put(number);
        check_number(number);
    }
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        read_bytes(i, 21, after, 3);
        ck_assert_mem_eq(after, before, 3);
        read_bytes(i, 24 + image, after, sizeof(after));
        ck_assert_mem_eq(after, before, sizeof(after));
    }
}
END_TEST

START_TEST(test_images_outlive_their_server)
{
    start(TEST_FILE_SIZE, 0);
    put(1);
    put(2);
    shmimage_writer_close(writer);
    writer = NULL;
    check_number(1);
    check_number(2);
}
END_TEST

START_TEST(test_stats_of_both_ends_agree)
{
    ShmImageReaderStats received;
    ShmImageWriterStats sent;
    ShmImageFrame *frame;

    start(TEST_FILE_SIZE, 0);
    for (uint32_t number = 0; number < 10; number++) {
        put(number);
        if (number % 4 == 3)
            shmimage_reader_release(take());
    }
    while (shmimage_reader_acquire(reader, 0, &frame) == SHMIMAGE_OK)
        shmimage_reader_release(frame);
    shmimage_writer_stats(writer, &sent, sizeof(sent));
    shmimage_reader_stats(reader, &received, sizeof(received));
    ck_assert_uint_gt(sent.dropped, 0);
    ck_assert_uint_eq(sent.published + sent.dropped, 10);
    ck_assert_uint_eq(received.delivered, sent.published);
    ck_assert_uint_eq(received.sessions, 1);
    ck_assert_int_eq(sent.connected, 1);
}
END_TEST

int main(void)
{
    const TTest *const once[] = {
        test_stream_changes_its_size,
        test_put_flips_an_image_of_one_row,
        test_begin_does_not_flip,
        test_stream_drops_what_finds_no_buffer,
        test_stream_goes_on_across_the_wrap,
        test_abort_is_never_seen,
        test_stream_writes_nothing_else_into_the_file,
        test_images_outlive_their_server,
        test_stats_of_both_ends_agree,
    };
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_stream_carries_every_pixel, 0, NB_STREAMS);
    tcase_add_loop_test(tcase, test_put_finds_the_rows, 0, NB_LAYOUTS);
    tcase_add_loop_test(tcase, test_stream_goes_on_beside_a_held_frame, 0, 2);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
