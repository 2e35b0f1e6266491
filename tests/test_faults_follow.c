/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A reader whose file is replaced, or comes back, on a system in which any
 * call may fail: it tries again by itself, and the stream goes on.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "fault_driver.h"
#include "wait.h"

/* Microseconds to wait for what is there, or comes at the next look. */
#define A_WHILE 1000

/* Both ends of a stream. */
static ShmImageWriter *writer;
static ShmImageReader *reader;

/* Another one than before, which is not there any more or still open. */
static void make_another_file(void)
{
    unlink(fault_path);
    make_fault_file();
}

static bool open_writer(void)
{
    return gave(WRITER_OPEN, shmimage_writer_open(fault_path, 0, &writer),
                SHMIMAGE_OK);
}

static void close_writer(void)
{
    make(shmimage_writer_close(writer));
    writer = NULL;
}

static void close_both(void)
{
    make(shmimage_reader_close(reader));
    close_writer();
    reader = NULL;
}

/* A call may find that there is nothing yet, or nobody. The reader looks for
 * another file from time to time. Here time flies, so that it does so in each
 * call, and not after many, of which each may fail. */
static int once_more(ShmImageFrame **frame)
{
    int status;

    hurry(2 * SHMI_CHECK_INTERVAL);
    make(status = shmimage_reader_acquire(reader, A_WHILE, frame));
    ck_assert(status == SHMIMAGE_OK || status == SHMIMAGE_NO_FRAME ||
              status == SHMIMAGE_DISCONNECTED);
    return status;
}

/* The same frame for as long as it is held. */
static void assert_held(ShmImageFrame *frame, uint32_t number)
{
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, SIZE, number));
}

static ShmImageFrame *get_image(uint32_t number)
{
    const double deadline = seconds_now() + PATIENCE;
    ShmImageFrame *frame;

    while (once_more(&frame) != SHMIMAGE_OK)
        ck_assert(seconds_now() < deadline);
    assert_held(frame, number);
    return frame;
}

/* The reader has to follow first: from then on there is somebody. */
static void put_image(uint32_t number)
{
    const double deadline = seconds_now() + PATIENCE;
    uint8_t pixels[SIZE];
    ShmImageFrame *frame;
    int status;

    fill_pixels(pixels, SIZE, number);
    for (;;) {
        make(status = shmimage_writer_put(writer, number, WIDTH, HEIGHT,
                                          pixels, 0));
        if (status == SHMIMAGE_OK)
            return;
        ck_assert_int_eq(status, SHMIMAGE_UNCONNECTED);
        ck_assert(seconds_now() < deadline);
        ck_assert_int_ne(once_more(&frame), SHMIMAGE_OK);
    }
}

static bool start_both(void)
{
    if (!open_writer())
        return false;
    if (gave(READER_OPEN, shmimage_reader_open(fault_path, 0, &reader),
             SHMIMAGE_OK))
        return true;
    close_writer();
    return false;
}

/* The server is another one, and its file as well. */
static bool run_replaced(void)
{
    ShmImageFrame *held, *frame;
    uint32_t session;

    if (!start_both())
        return false;
    put_image(1);
    held = get_image(1);
    session = held->session;
    close_writer();
    make_another_file();
    if (!open_writer()) {
        make(shmimage_reader_release(held));
        close_both();
        return false;
    }
    put_image(2);
    frame = get_image(2);
    ck_assert_uint_ne(frame->session, session);
    assert_held(held, 1);
    make(shmimage_reader_release(frame));
    make(shmimage_reader_release(held));
    close_both();
    return true;
}

static const Scenario scenarios[] = {
    { .name    = "replaced",
      .prepare = make_another_file,
      .run     = run_replaced,
      .needs   = FAULTS_OF_AN_END | FAULT_BIT(FAULT_STAT),
      .passes  = FAULT_BIT(FAULT_STAT),
      .absorbs = true },
};

int main(void)
{
    Suite *suite = suite_create("following on a failing system");

    suite_add_tcase(suite, fault_tcase(scenarios, sizeof(scenarios) /
                                                      sizeof(scenarios[0])));
    return run_suite(suite);
}
