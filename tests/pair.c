/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"

const char *path;
ShmImageWriter *writer;
ShmImageWriter *old_writer;
ShmImageReader *reader;
pid_t child;
uint32_t width  = 16;
uint32_t height = 9;

static void setup_file(void)
{
    path       = test_file(TEST_FILE_SIZE);
    writer     = NULL;
    old_writer = NULL;
    reader     = NULL;
    child      = 0;
}

static void setup_pair(void)
{
    setup_file();
    open_writer();
    open_reader(SHMIMAGE_OK);
}

static void teardown(void)
{
    end_child();
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    shmimage_writer_close(old_writer);
    test_files_remove();
}

static TCase *tcase_with(const char *name, SFun setup)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    return tcase;
}

TCase *file_tcase(const char *name)
{
    return tcase_with(name, setup_file);
}

TCase *pair_tcase(const char *name)
{
    return tcase_with(name, setup_pair);
}

void add_tests(TCase *tcase, const TTest *const tests[], size_t nb, int times)
{
    for (size_t i = 0; i < nb; i++)
        tcase_add_loop_test(tcase, tests[i], 0, times);
}

void open_writer(void)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

void close_writer(void)
{
    shmimage_writer_close(writer);
    writer = NULL;
}

void open_reader(int expected)
{
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), expected);
}

void close_reader(void)
{
    shmimage_reader_close(reader);
    reader = NULL;
}

static uint8_t *new_pixels(uint32_t number)
{
    uint8_t *pixels = malloc(SIZE);

    ck_assert_ptr_nonnull(pixels);
    fill_pixels(pixels, SIZE, number);
    return pixels;
}

int put_with(ShmImageWriter *w, uint32_t number)
{
    uint8_t *pixels = new_pixels(number);
    int ret = shmimage_writer_put(w, number, width, height, pixels, 0);

    free(pixels);
    return ret;
}

int put(uint32_t number)
{
    return put_with(writer, number);
}

int look(void)
{
    ShmImageFrame *frame = NULL;
    int ret = shmimage_reader_acquire(reader, 0, &frame);

    shmimage_reader_release(frame);
    return ret;
}

ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_msg(pixels_match(frame->pixels, frame->size, frame->number),
                  "the pixels of image %u differ", frame->number);
    return frame;
}

ShmImageFrame *take_image(uint32_t number)
{
    ShmImageFrame *frame = take();

    ck_assert_uint_eq(frame->number, number);
    return frame;
}

ShmImageFrame *put_and_take(uint32_t number)
{
    ck_assert_int_eq(put(number), SHMIMAGE_OK);
    return take_image(number);
}

uint32_t session_of_next(uint32_t number)
{
    ShmImageFrame *frame = put_and_take(number);
    uint32_t session = frame->session;

    ck_assert_uint_eq(frame->width, width);
    ck_assert_uint_eq(frame->height, height);
    ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
    shmimage_reader_release(frame);
    return session;
}

void *wait_for_image(void *arg)
{
    ShmImageFrame *frame = NULL;
    int ret;

    (void)arg;
    do
        ret = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);
    while (ret == SHMIMAGE_DISCONNECTED || ret == SHMIMAGE_ERROR_TRUNCATED);
    return frame;
}

void check_goes_on(uint32_t session)
{
    for (uint32_t number = 100; number < 104; number++)
        ck_assert_uint_eq(session_of_next(number), session);
    ck_assert_int_eq(put(200), SHMIMAGE_OK);
    ck_assert_int_eq(put(201), SHMIMAGE_OK);
    shmimage_reader_release(take_image(200));
    shmimage_reader_release(take_image(201));
}

uint64_t sessions(void)
{
    ShmImageReaderStats stats;

    shmimage_reader_stats(reader, &stats, sizeof(stats));
    return stats.sessions;
}

bool connected(void)
{
    ShmImageWriterStats stats;

    shmimage_writer_stats(writer, &stats, sizeof(stats));
    return stats.connected;
}

int count_state(uint8_t state)
{
    return (peek_state(path, 0) == state) + (peek_state(path, 1) == state);
}

bool follows(void)
{
    look();
    return count_state(SHMIMAGE_STATE_SERVER) == SHMI_BUFFERS;
}

void replace(uint64_t size, bool writer_stays)
{
    if (writer_stays)
        old_writer = writer;
    else
        shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_int_eq(shmimage_file_create(path, size, SHMIMAGE_REPLACE |
                                                      SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
}

void poke_states(uint8_t state)
{
    poke_state(path, 0, state);
    poke_state(path, 1, state);
}

void poke_image(int buffer, uint32_t number)
{
    const ShmiHeader image = { number, width, height, 0, height };
    uint8_t *pixels = new_pixels(number);

    poke_pixels(path, buffer, pixels, SIZE);
    poke(path, buffer, &image, SHMIMAGE_STATE_CLIENT);
    free(pixels);
}

void vendor_server_starts(void)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(path, i, &empty, SHMIMAGE_STATE_INIT);
}

_Noreturn void pause_for_ever(void)
{
    alarm(TEST_TIMEOUT);
    for (;;)
        pause();
}

void end_child(void)
{
    if (!child)
        return;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    child = 0;
}

void start_client(int images)
{
    ShmImageFrame *frame;

    child = fork();
    if (child)
        return;
    if (shmimage_reader_open(path, 0, &reader) < 0)
        _exit(1);
    while (images--)
        if (shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame))
            _exit(1);
    pause_for_ever();
}

void start_server(uint32_t images)
{
    child = fork();
    if (child)
        return;
    if (shmimage_writer_open(path, 0, &writer) != SHMIMAGE_OK)
        _exit(1);
    for (uint32_t number = 0; number < images; number++)
        if (shmimage_writer_wait(writer, SHMIMAGE_FOREVER) != SHMIMAGE_OK ||
            put(number) != SHMIMAGE_OK)
            _exit(1);
    pause_for_ever();
}
