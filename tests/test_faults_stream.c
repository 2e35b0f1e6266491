/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The library on a system in which any call may fail: the status is one that
 * shmimage.h documents, the message names the file, nothing leaks, and the
 * next try succeeds.
 */
#include "config.h"

#include "fault_driver.h"

/* As a server's start leaves it. */
static void make_initialised_file(void)
{
    const ShmiHeader empty = { 0 };

    make_fault_file();
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(fault_path, i, &empty, SHMIMAGE_STATE_INIT);
}

static bool open_writer(ShmImageWriter **writer)
{
    *writer = (ShmImageWriter *)writer;
    if (gave(WRITER_OPEN, shmimage_writer_open(fault_path, 0, writer),
             SHMIMAGE_OK))
        return true;
    ck_assert_ptr_null(*writer);
    return false;
}

static bool open_reader(ShmImageReader **reader, int normal)
{
    *reader = (ShmImageReader *)reader;
    if (gave(READER_OPEN, shmimage_reader_open(fault_path, 0, reader),
             normal))
        return true;
    ck_assert_ptr_null(*reader);
    return false;
}

static int put(ShmImageWriter *writer, uint32_t number)
{
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    return shmimage_writer_put(writer, number, WIDTH, HEIGHT, pixels, 0);
}

static void draw(ShmImageWriter *writer, uint32_t number)
{
    uint8_t *pixels;

    ck_assert(gave(WRITER_WAIT, shmimage_writer_wait(writer, 1000000),
                   SHMIMAGE_OK));
    ck_assert(gave(WRITER_BEGIN,
                   shmimage_writer_begin(writer, number, WIDTH, HEIGHT,
                                         &pixels), SHMIMAGE_OK));
    fill_pixels(pixels, SIZE, number);
    ck_assert(gave(WRITER_COMMIT, shmimage_writer_commit(writer),
                   SHMIMAGE_OK));
}

static void assert_frame(const ShmImageFrame *frame, uint32_t number)
{
    uint8_t copy[SIZE];

    ck_assert_uint_eq(frame->number, number);
    ck_assert_uint_eq(frame->size, SIZE);
    ck_assert(pixels_match(frame->pixels, SIZE, number));
    ck_assert(gave(FRAME_CHECK, shmimage_frame_check(frame), SHMIMAGE_OK));
    ck_assert(gave(FRAME_COPY, shmimage_frame_copy(frame, copy, 0),
                   SHMIMAGE_OK));
    ck_assert(pixels_match(copy, SIZE, number));
}

/* Returns whether it was there. */
static bool take(ShmImageReader *reader, uint32_t number)
{
    ShmImageFrame *frame = (ShmImageFrame *)&reader;

    if (!gave(READER_ACQUIRE, shmimage_reader_acquire(reader, 0, &frame),
              SHMIMAGE_OK)) {
        ck_assert_ptr_null(frame);
        return false;
    }
    assert_frame(frame, number);
    make(shmimage_reader_release(frame));
    return true;
}

static void assert_stats(ShmImageWriter *writer, ShmImageReader *reader,
                         uint64_t images)
{
    ShmImageWriterStats sent;
    ShmImageReaderStats got;

    ck_assert(gave(WRITER_STATS,
                   shmimage_writer_stats(writer, &sent, sizeof(sent)),
                   SHMIMAGE_OK));
    ck_assert(gave(READER_STATS,
                   shmimage_reader_stats(reader, &got, sizeof(got)),
                   SHMIMAGE_OK));
    ck_assert_uint_eq(sent.published, images);
    ck_assert_uint_eq(sent.dropped, 0);
    ck_assert_uint_eq(got.delivered, images);
}

static bool run_reader(void)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;

    if (!open_reader(&reader, SHMIMAGE_OK))
        return false;
    ck_assert(gave(READER_ACQUIRE, shmimage_reader_acquire(reader, 1, &frame),
                   SHMIMAGE_NO_FRAME));
    make(shmimage_reader_close(reader));
    return true;
}

static bool run_writer(void)
{
    ShmImageWriter *writer;
    uint8_t *pixels;

    if (!open_writer(&writer))
        return false;
    ck_assert(gave(WRITER_WAIT, shmimage_writer_wait(writer, 1),
                   SHMIMAGE_UNCONNECTED));
    ck_assert(gave(WRITER_PUT, put(writer, 1), SHMIMAGE_UNCONNECTED));
    poke_state(fault_path, 1, SHMIMAGE_STATE_SERVER);
    ck_assert(gave(WRITER_BEGIN,
                   shmimage_writer_begin(writer, 2, WIDTH, HEIGHT, &pixels),
                   SHMIMAGE_OK));
    ck_assert(gave(WRITER_ABORT, shmimage_writer_abort(writer), SHMIMAGE_OK));
    make(shmimage_writer_close(writer));
    return true;
}

static void stream(ShmImageWriter *writer, ShmImageReader *reader)
{
    ShmImageFrame *frame;

    for (uint32_t number = 1; number < 4; number++) {
        ck_assert(gave(WRITER_PUT, put(writer, number), SHMIMAGE_OK));
        ck_assert(take(reader, number));
    }
    ck_assert(gave(READER_ACQUIRE, shmimage_reader_acquire(reader, 1, &frame),
                   SHMIMAGE_NO_FRAME));
    draw(writer, 4);
    draw(writer, 5);
    ck_assert(gave(WRITER_WAIT, shmimage_writer_wait(writer, 1),
                   SHMIMAGE_NO_BUFFER));
    ck_assert(take(reader, 4));
    ck_assert(take(reader, 5));
    assert_stats(writer, reader, 5);
}

static bool run_stream(void)
{
    ShmImageWriter *writer;
    ShmImageReader *reader;
    bool completed;

    if (!open_writer(&writer))
        return false;
    completed = open_reader(&reader, SHMIMAGE_OK);
    if (completed) {
        stream(writer, reader);
        make(shmimage_reader_close(reader));
    }
    make(shmimage_writer_close(writer));
    return completed;
}

/* An image that is lost stays so; the next one comes. */
static bool run_blocks(void)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;
    bool completed;

    make_initialised_file();
    if (!open_reader(&reader, SHMIMAGE_OK))
        return false;
    poke_blocks(1);
    completed = take(reader, 1);
    /* What is left of it goes. */
    if (!completed)
        ck_assert(gave(READER_ACQUIRE,
                       shmimage_reader_acquire(reader, 0, &frame),
                       SHMIMAGE_NO_FRAME));
    for (int i = 0; i < SHMI_BUFFERS; i++)
        ck_assert_int_eq(peek_state(fault_path, i), SHMIMAGE_STATE_SERVER);
    poke_blocks(2);
    completed &= take(reader, 2);
    make(shmimage_reader_close(reader));
    return completed;
}

static const Scenario scenarios[] = {
    { .name    = "reader",
      .prepare = make_initialised_file,
      .run     = run_reader,
      .needs   = FAULTS_OF_AN_END,
      .absorbs = true },
    { .name    = "writer",
      .prepare = make_fault_file,
      .run     = run_writer,
      .needs   = FAULTS_OF_AN_END },
    { .name    = "stream",
      .prepare = make_fault_file,
      .run     = run_stream,
      .needs   = FAULTS_OF_AN_END,
      .absorbs = true },
    { .name    = "blocks",
      .prepare = make_fault_file,
      .run     = run_blocks,
      .needs   = FAULTS_OF_AN_END },
};

int main(void)
{
    Suite *suite = suite_create("streams on a failing system");

    suite_add_tcase(suite, fault_tcase(scenarios, sizeof(scenarios) /
                                                      sizeof(scenarios[0])));
    return run_suite(suite);
}
