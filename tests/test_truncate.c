/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is shortened while it is mapped: it is reported, it ends nobody,
 * and once the file has its size again the stream goes on.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared_memory_image_client_priv.h"
#include "support.h"
#include "wait.h"

/* An image that has several pages, and a row on the last bytes of the file. */
#define WIDTH  300
#define HEIGHT 200
#define SIZE   (3 * WIDTH * HEIGHT)
#define HALF   (TEST_FILE_SIZE / 2)

static const off_t lengths[] = {
    0, 1, 20, 21, 24, 25, 4095, 4096, 4097, SIZE, SIZE + 24, HALF - 1, HALF,
    HALF + 20, HALF + 24, HALF + 4096, HALF + SIZE, TEST_FILE_SIZE - 4096,
    TEST_FILE_SIZE - 1,
};

enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static const char *path;
static ShmImageWriter *writer;
static ShmImageReader *reader;
static uint8_t image[SIZE];

static void open_writer(void)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static void close_writer(void)
{
    shmimage_writer_close(writer);
    writer = NULL;
}

static void setup(void)
{
    path = test_file(TEST_FILE_SIZE);
    open_writer();
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static void teardown(void)
{
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    test_files_remove();
}

static void set_length(off_t length)
{
    ck_assert_int_eq(truncate(path, length), 0);
}

static int put(uint32_t number)
{
    fill_pixels(image, SIZE, number);
    return shmimage_writer_put(writer, number, WIDTH, HEIGHT, image, 0);
}

static int look(void)
{
    ShmImageFrame *frame = NULL;
    int ret = shmimage_reader_acquire(reader, 0, &frame);

    shmimage_reader_release(frame);
    return ret;
}

static ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

static ShmImageFrame *put_and_take(uint32_t number)
{
    ck_assert_int_eq(put(number), SHMIMAGE_OK);
    return take();
}

/* Adds up, so that every page is touched. */
static unsigned touch(const ShmImageFrame *frame)
{
    unsigned sum = 0;

    for (size_t i = 0; i < frame->size; i++)
        sum += *(volatile const uint8_t *)(frame->pixels + i);
    return sum;
}

static bool answered(void)
{
    look();
    return peek_state(path, 0) == SHMIMAGE_STATE_SERVER &&
           peek_state(path, 1) == SHMIMAGE_STATE_SERVER;
}

/* A new server on the file of full size, for the reader that was there. */
static void check_goes_on(uint32_t old_session)
{
    close_writer();
    set_length(TEST_FILE_SIZE);
    open_writer();
    wait_until(answered());
    for (uint32_t number = 100; number < 104; number++) {
        ShmImageFrame *frame = put_and_take(number);

        ck_assert_uint_eq(frame->number, number);
        ck_assert_uint_gt(frame->session, old_session);
        ck_assert(pixels_match(frame->pixels, SIZE, number));
        ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
        shmimage_reader_release(frame);
    }
}

START_TEST(test_acquire_of_a_shortened_file)
{
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    set_length(lengths[_i]);
    wait_until(look() == SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_goes_on(0);
}
END_TEST

START_TEST(test_acquire_says_it_of_each_time)
{
    for (int i = 0; i < 3; i++) {
        set_length(lengths[_i]);
        ck_assert_int_eq(shmimage_reader_acquire(reader, SHMIMAGE_FOREVER,
                                                 &(ShmImageFrame *){ NULL }),
                         SHMIMAGE_ERROR_TRUNCATED);
        check_goes_on((uint32_t)i);
    }
}
END_TEST

static void *wait_for_image(void *arg)
{
    ShmImageFrame *frame = NULL;
    int ret;

    (void)arg;
    do
        ret = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);
    while (ret == SHMIMAGE_DISCONNECTED || ret == SHMIMAGE_ERROR_TRUNCATED);
    return frame;
}

START_TEST(test_acquire_that_waits_goes_on)
{
    ShmImageFrame *frame;
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_image, NULL), 0);
    set_length(lengths[_i]);
    close_writer();
    set_length(TEST_FILE_SIZE);
    open_writer();
    ck_assert_int_eq(shmimage_writer_wait(writer, 30000000), SHMIMAGE_OK);
    ck_assert_int_eq(put(5), SHMIMAGE_OK);
    pthread_join(thread, &result);
    frame = result;
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->number, 5);
    ck_assert(pixels_match(frame->pixels, SIZE, 5));
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_frame_check_of_one_frame)
{
    ShmImageFrame *held = put_and_take(1);
    uint32_t session = held->session;

    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    set_length(lengths[_i]);
    touch(held);
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    shmimage_reader_release(held);
    check_goes_on(session);
}
END_TEST

START_TEST(test_frame_check_of_two_frames)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    uint32_t session = first->session;

    set_length(lengths[_i]);
    look();
    touch(second);
    touch(first);
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(first);
    shmimage_reader_release(second);
    check_goes_on(session);
}
END_TEST

START_TEST(test_frame_check_of_what_was_not_touched)
{
    ShmImageFrame *held = put_and_take(1);

    set_length(lengths[_i]);
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
}
END_TEST

/* The file has its size again before anybody asks; with or without a touch
 * between. */
START_TEST(test_frame_check_of_a_file_that_was_emptied)
{
    ShmImageFrame *held = put_and_take(1);

    set_length(0);
    if (_i)
        touch(held);
    set_length(TEST_FILE_SIZE);
    ck_assert(!pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(held);
}
END_TEST

START_TEST(test_frame_check_of_null)
{
    ck_assert_int_eq(shmimage_frame_check(NULL), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_release_after_close_of_a_shortened_file)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);

    set_length(lengths[_i]);
    shmimage_reader_close(reader);
    reader = NULL;
    touch(second);
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(second);
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_release(first);
}
END_TEST

/* The stream goes on beside a frame from before, whose release is none of what
 * has come since. Buffer 0 or 1 of the old file. */
START_TEST(test_release_of_an_old_frame_frees_no_new_one)
{
    off_t length = lengths[_i / 2];
    ShmImageFrame *old = put_and_take(1), *first, *second;

    if (_i % 2) {
        shmimage_reader_release(old);
        old = put_and_take(2);
    }
    set_length(length);
    look();
    close_writer();
    set_length(TEST_FILE_SIZE);
    open_writer();
    wait_until((look(), peek_state(path, _i % 2) == SHMIMAGE_STATE_SERVER ||
                        peek_state(path, !(_i % 2)) ==
                            SHMIMAGE_STATE_SERVER));
    ck_assert_int_eq(put(10), SHMIMAGE_OK);
    first = take();
    second = NULL;
    if (put(11) == SHMIMAGE_OK)
        second = take();
    shmimage_reader_release(old);
    for (uint32_t number = 12; number < 16; number++)
        put(number);
    ck_assert(pixels_match(first->pixels, SIZE, 10));
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_OK);
    if (second)
        ck_assert(pixels_match(second->pixels, SIZE, 11));
    shmimage_reader_release(first);
    shmimage_reader_release(second);
}
END_TEST

START_TEST(test_put_into_a_shortened_file)
{
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    set_length(lengths[_i]);
    ck_assert_int_eq(put(2), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_int_eq(put(3), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_abort(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
    check_goes_on(0);
}
END_TEST

START_TEST(test_commit_into_a_shortened_file)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, WIDTH, HEIGHT, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    fill_pixels(pixels, SIZE, 1);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_NOT_LOCKED);
    ck_assert_int_eq(shmimage_writer_begin(writer, 2, WIDTH, HEIGHT, &pixels),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_ptr_null(pixels);
    check_goes_on(0);
}
END_TEST

START_TEST(test_abort_and_close_in_a_shortened_file)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, WIDTH, HEIGHT, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    fill_pixels(pixels, SIZE, 1);
    if (_i % 2)
        ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_OK);
    check_goes_on(0);
}
END_TEST

/* Nothing that was drawn into pages that were gone is ever published. */
START_TEST(test_commit_after_the_file_has_its_size_again)
{
    uint8_t *pixels;
    int ret;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, WIDTH, HEIGHT, &pixels),
                     SHMIMAGE_OK);
    set_length(0);
    fill_pixels(pixels, SIZE, 1);
    set_length(TEST_FILE_SIZE);
    ret = shmimage_writer_commit(writer);
    ck_assert_int_eq(ret, SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_ne(look(), SHMIMAGE_OK);
    check_goes_on(0);
}
END_TEST

START_TEST(test_stats_of_a_shortened_file)
{
    ShmImageReaderStats reader_stats;
    ShmImageWriterStats writer_stats;
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, WIDTH, HEIGHT, &pixels),
                     SHMIMAGE_OK);
    set_length(lengths[_i]);
    ck_assert_int_eq(shmimage_writer_commit(writer),
                     SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(put(2), SHMIMAGE_ERROR_TRUNCATED);
    ck_assert_int_eq(shmimage_reader_stats(reader, &reader_stats,
                                           sizeof(reader_stats)), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_writer_stats(writer, &writer_stats,
                                           sizeof(writer_stats)), SHMIMAGE_OK);
    ck_assert_uint_eq(writer_stats.published, 0);
    ck_assert_uint_eq(writer_stats.dropped, 2);
}
END_TEST

START_TEST(test_published_calls_on_a_shortened_file)
{
    SharedMemoryImageStream client, server;
    SharedMemoryFrame frame;
    struct _SharedMemoryFrame mine = { 1, WIDTH, HEIGHT, image };

    ck_assert_int_eq(SharedMemoryImageStream_create(
                         path, IMAGESTREAM_OPTIONS_SERVER, &server),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_create(path, 0, &client),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(server, &mine),
                     IMAGESTREAM_NOERROR);
    ck_assert_int_eq(SharedMemoryImageStream_lock(client, &frame),
                     IMAGESTREAM_NOERROR);
    set_length(lengths[_i]);
    ck_assert_int_eq(SharedMemoryImageStream_putframe(server, &mine),
                     IMAGESTREAM_BAD_FILE_SIZE);
    memcpy(image, frame->buffer, SIZE);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(client),
                     IMAGESTREAM_NOERROR);
    wait_until(SharedMemoryImageStream_lock(client, &frame) ==
               IMAGESTREAM_BAD_FILE_SIZE);
    SharedMemoryImageStream_destroy(client);
    SharedMemoryImageStream_destroy(server);
}
END_TEST

/* The server has drawn its block when the file is shortened. */
START_TEST(test_blocks_from_a_shortened_file)
{
    const ShmiHeader bottom = { 1, WIDTH, HEIGHT, HEIGHT / 2, HEIGHT / 2 };
    const ShmiHeader top = { 1, WIDTH, HEIGHT, 0, HEIGHT / 2 };
    ShmImageFrame *frame;

    poke(path, 0, &bottom, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    poke(path, 1, &top, SHMIMAGE_STATE_CLIENT);
    set_length(HALF + 4096);
    ck_assert_int_ne(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_ptr_null(frame);
    check_goes_on(0);
}
END_TEST

/* Without a guard. */

static void read_unguarded(void)
{
    ShmImageReader *r;
    ShmImageFrame *frame;
    volatile uint8_t first;

    shmimage_reader_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r);
    if (put(1) != SHMIMAGE_OK ||
        shmimage_reader_acquire(r, 0, &frame) != SHMIMAGE_OK)
        _exit(0);
    set_length(0);
    first = frame->pixels[0];
    (void)first;
}

static void write_unguarded(void)
{
    ShmImageWriter *w;
    ShmImageReader *r;
    uint8_t *pixels;

    shmimage_writer_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &w);
    shmimage_reader_open(path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r);
    if (shmimage_writer_begin(w, 1, WIDTH, HEIGHT, &pixels) != SHMIMAGE_OK)
        _exit(0);
    set_length(0);
    memset(pixels, 1, SIZE);
}

START_TEST(test_no_guard_ends_the_process)
{
    const struct rlimit no_core = { 0, 0 };
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        (_i ? write_unguarded : read_unguarded)();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    /* A sanitizer handles the signal, says so and exits. */
    ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS
                                      : WEXITSTATUS(status) != 0,
                  "status 0x%x", status);
}
END_TEST

START_TEST(test_no_guard_installs_no_handler)
{
    struct sigaction before, after;
    ShmImageReader *r;

    sigaction(SIGBUS, NULL, &before);
    ck_assert_int_ge(shmimage_reader_open(
                         path, SHMIMAGE_NO_GUARD | SHMIMAGE_TAKE_OVER, &r),
                     SHMIMAGE_OK);
    sigaction(SIGBUS, NULL, &after);
    ck_assert(before.sa_handler == after.sa_handler);
    shmimage_reader_close(r);
}
END_TEST

/* Both ends at full speed, in threads, and the file shortened at any moment.
 * It stays short until both have said so. */

static atomic_bool stop;
static atomic_uint looks;           /* of the reader */
static atomic_uint taken;
static atomic_uint torn;            /* and yet checked */
static atomic_uint unexpected;
static atomic_uint reports;         /* of the reader: shortened, or gone */

static int draw(uint32_t number)
{
    uint8_t *pixels;
    int ret = shmimage_writer_begin(writer, number, WIDTH, HEIGHT, &pixels);

    if (ret != SHMIMAGE_OK)
        return ret;
    fill_pixels(pixels, SIZE, number);
    return shmimage_writer_commit(writer);
}

static void *write_until_shortened(void *arg)
{
    uint32_t number = 0;
    int ret;

    (void)arg;
    do {
        ret = shmimage_writer_wait(writer, 10000);
        if (ret == SHMIMAGE_OK)
            ret = number % 2 ? put(number) : draw(number);
        number++;
    } while (ret >= SHMIMAGE_OK);
    atomic_fetch_add(&unexpected, ret != SHMIMAGE_ERROR_TRUNCATED);
    return NULL;
}

static void read_one(void)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(reader, 2000, &frame);

    if (ret == SHMIMAGE_OK) {
        bool intact = frame->width == WIDTH && frame->height == HEIGHT &&
                      pixels_match(frame->pixels, frame->size, frame->number);

        if (shmimage_frame_check(frame) == SHMIMAGE_OK)
            atomic_fetch_add(&torn, !intact);
        shmimage_reader_release(frame);
        atomic_fetch_add(&taken, 1);
    }
    atomic_fetch_add(&reports, ret == SHMIMAGE_ERROR_TRUNCATED);
    atomic_fetch_add(&unexpected, ret != SHMIMAGE_ERROR_TRUNCATED &&
                                  ret != SHMIMAGE_DISCONNECTED && ret != 0 &&
                                  ret != SHMIMAGE_NO_FRAME);
    atomic_fetch_add(&looks, 1);
}

static void *read_until_told(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
        read_one();
    return NULL;
}

static int count_rounds(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    if (!shmi_wait_can_wake() || (preloaded && strstr(preloaded, "vgpreload")))
        return 10;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    return 40;
#else
    return 200;
#endif
}

/* Most of them hit something. */
static off_t any_length(unsigned *seed)
{
    switch (rand_r(seed) % 4) {
    case 0:
        return lengths[rand_r(seed) % LENGTHS];
    case 1:
        return rand_r(seed) % SIZE;
    case 2:
        return HALF + rand_r(seed) % SIZE;
    default:
        return rand_r(seed) % TEST_FILE_SIZE;
    }
}

static void shorten_once(unsigned *seed)
{
    unsigned before = atomic_load(&taken), enough = 1 + rand_r(seed) % 3;
    off_t length = any_length(seed);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, write_until_shortened,
                                    NULL), 0);
    wait_until(atomic_load(&taken) - before >= enough);
    for (volatile int i = rand_r(seed) % 100000; i > 0; i--)
        ;
    before = atomic_load(&reports);
    set_length(length);
    pthread_join(thread, NULL);
    close_writer();
    wait_until(atomic_load(&reports) > before);
    before = atomic_load(&looks);
    wait_until(atomic_load(&looks) - before >= 2);
    set_length(TEST_FILE_SIZE);
    open_writer();
}

START_TEST(test_shortened_at_any_moment)
{
    unsigned seed = 1;
    pthread_t thread;

    atomic_store(&stop, false);
    atomic_store(&torn, 0);
    atomic_store(&unexpected, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_until_told, NULL), 0);
    for (int i = count_rounds(); i > 0; i--)
        shorten_once(&seed);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(atomic_load(&torn), 0);
    ck_assert_uint_eq(atomic_load(&unexpected), 0);
}
END_TEST

/* Nobody waits for anybody: another process empties the file and fills it
 * again while images go through. */
static void empty_and_fill(int times)
{
    /* What the parent holds is not to be held for it. */
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    for (int i = 0; i < times; i++) {
        if (truncate(path, 0) < 0 || truncate(path, TEST_FILE_SIZE) < 0)
            _exit(1);
        pause_briefly();
    }
    _exit(0);
}

START_TEST(test_emptied_and_filled_at_full_speed)
{
    uint32_t number = 0;
    pthread_t thread;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        empty_and_fill(count_rounds());
    atomic_store(&stop, false);
    atomic_store(&unexpected, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_until_told, NULL), 0);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        int ret = number % 2 ? put(number) : draw(number);

        number++;
        if (ret >= SHMIMAGE_OK)
            continue;
        ck_assert_int_eq(ret, SHMIMAGE_ERROR_TRUNCATED);
        close_writer();
        /* Too small, or the other process has not closed it yet. */
        do
            ret = shmimage_writer_open(path, 0, &writer);
        while (ret == SHMIMAGE_ERROR_FILE_SIZE || ret == SHMIMAGE_ERROR_BUSY);
        ck_assert_int_eq(ret, SHMIMAGE_OK);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
    ck_assert_uint_eq(atomic_load(&unexpected), 0);
    check_goes_on(0);
}
END_TEST

int main(void)
{
    const TTest *const at_each_length[] = {
        test_acquire_of_a_shortened_file,
        test_acquire_says_it_of_each_time,
        test_acquire_that_waits_goes_on,
        test_frame_check_of_one_frame,
        test_frame_check_of_two_frames,
        test_frame_check_of_what_was_not_touched,
        test_release_after_close_of_a_shortened_file,
        test_put_into_a_shortened_file,
        test_commit_into_a_shortened_file,
        test_abort_and_close_in_a_shortened_file,
        test_stats_of_a_shortened_file,
        test_published_calls_on_a_shortened_file,
    };
    Suite *suite = suite_create("truncate");
    TCase *tcase = tcase_create("truncate");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 300);
    for (size_t i = 0; i < sizeof(at_each_length) / sizeof(*at_each_length);
         i++)
        tcase_add_loop_test(tcase, at_each_length[i], 0, LENGTHS);
    tcase_add_loop_test(tcase, test_frame_check_of_a_file_that_was_emptied,
                        0, 2);
    tcase_add_test(tcase, test_frame_check_of_null);
    tcase_add_loop_test(tcase, test_release_of_an_old_frame_frees_no_new_one,
                        0, 2 * LENGTHS);
    tcase_add_test(tcase, test_commit_after_the_file_has_its_size_again);
    tcase_add_test(tcase, test_blocks_from_a_shortened_file);
    tcase_add_loop_test(tcase, test_no_guard_ends_the_process, 0, 2);
    tcase_add_test(tcase, test_no_guard_installs_no_handler);
    tcase_add_test(tcase, test_shortened_at_any_moment);
    tcase_add_test(tcase, test_emptied_and_filled_at_full_speed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
