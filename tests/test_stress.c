/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads and processes at full speed, and processes that are killed. A writer
 * that waits for room loses nothing: every image arrives, once, as it was sent.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "wait.h"

#define MAX_WIDTH  40
#define MAX_HEIGHT 30
#define MAX_SIZE   (3 * MAX_WIDTH * MAX_HEIGHT)
#define MAX_IMAGES 10000

static const char *path;
static ShmImageWriter *writer;
static ShmImageReader *reader;
static uint32_t nb_images;
static atomic_uint arrived;
static atomic_uint damaged;
static atomic_uint failed;
static atomic_uchar seen[MAX_IMAGES];

/* Fewer where each of them takes longer, as with peers that only poll. */
static uint32_t count_images(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    if (!shmi_wait_can_wake() || (preloaded && strstr(preloaded, "vgpreload")))
        return MAX_IMAGES / 50;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    return MAX_IMAGES / 5;
#else
    return MAX_IMAGES;
#endif
}

static void setup(void)
{
    path      = test_file(TEST_FILE_SIZE);
    writer    = NULL;
    reader    = NULL;
    nb_images = count_images();
    atomic_store(&arrived, 0);
    atomic_store(&damaged, 0);
    atomic_store(&failed, 0);
    memset(seen, 0, sizeof(seen));
    alarm(PATIENCE);
}

static void teardown(void)
{
    alarm(0);
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    test_files_remove();
}

static uint32_t width_of(uint32_t number)
{
    return 1 + number % MAX_WIDTH;
}

static uint32_t height_of(uint32_t number)
{
    return 1 + number % MAX_HEIGHT;
}

static size_t size_of(uint32_t number)
{
    return (size_t)3 * width_of(number) * height_of(number);
}

/* The next image never takes long, however many of them there are. */
static void wait_again(void)
{
    alarm(PATIENCE);
}

/* Even numbers are copied in, odd ones are drawn in place. */
static int send_image(ShmImageWriter *w, uint32_t number)
{
    uint8_t copy[MAX_SIZE], *pixels;
    int ret;

    wait_again();
    if (number % 2 == 0) {
        fill_pixels(copy, size_of(number), number);
        return shmimage_writer_put(w, number, width_of(number),
                                   height_of(number), copy, 0);
    }
    ret = shmimage_writer_begin(w, number, width_of(number),
                                height_of(number), &pixels);
    if (ret != SHMIMAGE_OK)
        return ret;
    fill_pixels(pixels, size_of(number), number);
    return shmimage_writer_commit(w);
}

/* What a writer does, in a thread or in a process; 0 is success. */
static int send_all(ShmImageWriter *w, uint32_t nb)
{
    for (uint32_t number = 0; number < nb; number++)
        if (shmimage_writer_wait(w, SHMIMAGE_FOREVER) != SHMIMAGE_OK ||
            send_image(w, number) != SHMIMAGE_OK)
            return 1;
    return 0;
}

static bool is_intact(const ShmImageFrame *frame)
{
    wait_again();
    return frame->width == width_of(frame->number) &&
           frame->height == height_of(frame->number) &&
           frame->size == size_of(frame->number) &&
           pixels_match(frame->pixels, frame->size, frame->number);
}

static void *writer_thread(void *arg)
{
    (void)arg;
    atomic_fetch_add(&failed, send_all(writer, nb_images));
    return NULL;
}

/* Reader threads share one reader. */
static void *reader_thread(void *arg)
{
    ShmImageFrame *frame;

    (void)arg;
    while (atomic_load(&arrived) < nb_images && !atomic_load(&failed)) {
        int ret = shmimage_reader_acquire(reader, 10000, &frame);

        if (ret == SHMIMAGE_NO_FRAME)
            continue;
        if (ret != SHMIMAGE_OK || frame->number >= nb_images) {
            atomic_fetch_add(&failed, 1);
            break;
        }
        atomic_fetch_add(&damaged, !is_intact(frame));
        atomic_fetch_add(&seen[frame->number], 1);
        shmimage_reader_release(frame);
        atomic_fetch_add(&arrived, 1);
    }
    return NULL;
}

static void check_each_arrived_once(void)
{
    ck_assert_uint_eq(atomic_load(&failed), 0);
    ck_assert_uint_eq(atomic_load(&damaged), 0);
    for (uint32_t number = 0; number < nb_images; number++)
        ck_assert_msg(seen[number] == 1, "image %u arrived %d times", number,
                      seen[number]);
}

static void open_both(void)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

START_TEST(test_threads_take_every_image_once)
{
    void *(*const work[])(void *) = {
        writer_thread, reader_thread, reader_thread,
    };
    pthread_t threads[3];

    open_both();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work[i], NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check_each_arrived_once();
}
END_TEST

/* Each thread sends every other image, and tries until it is let in. */
static void *crowd_thread(void *arg)
{
    uint8_t pixels[MAX_SIZE];

    for (uint32_t number = arg != NULL; number < nb_images; number += 2) {
        int ret;

        fill_pixels(pixels, size_of(number), number);
        do {
            shmimage_writer_wait(writer, SHMIMAGE_FOREVER);
            ret = shmimage_writer_put(writer, number, width_of(number),
                                      height_of(number), pixels, 0);
        } while (ret == SHMIMAGE_NO_BUFFER);
        if (ret != SHMIMAGE_OK)
            atomic_fetch_add(&failed, 1);
    }
    return NULL;
}

START_TEST(test_threads_share_a_writer)
{
    void *(*const work[])(void *) = {
        crowd_thread, crowd_thread, reader_thread,
    };
    pthread_t threads[3];

    open_both();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work[i],
                                        i ? &threads[i] : NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check_each_arrived_once();
}
END_TEST

/* What a reader does, in this process or another; 0 is success. */
static int take_all_in_order(ShmImageReader *r, uint32_t nb)
{
    for (uint32_t number = 0; number < nb; number++) {
        ShmImageFrame *frame;
        bool good;

        if (shmimage_reader_acquire(r, SHMIMAGE_FOREVER, &frame) < 0)
            return 1;
        good = frame->number == number && is_intact(frame);
        shmimage_reader_release(frame);
        if (!good)
            return 2;
    }
    return 0;
}

static int server_process(uint32_t nb)
{
    ShmImageWriter *w;
    int ret;

    if (shmimage_writer_open(path, 0, &w) != SHMIMAGE_OK)
        return 3;
    ret = send_all(w, nb);
    shmimage_writer_close(w);
    return ret;
}

static int client_process(uint32_t nb)
{
    ShmImageReader *r;
    int ret;

    if (shmimage_reader_open(path, 0, &r) < 0)
        return 3;
    ret = take_all_in_order(r, nb);
    shmimage_reader_close(r);
    return ret;
}

static pid_t start(int (*work)(uint32_t nb), uint32_t nb)
{
    pid_t pid = fork();

    if (pid == 0) {
        alarm(PATIENCE);
        _exit(work(nb));
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void check_end(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

/* In an odd file the peers can't wake each other, so it takes longer. */
static uint32_t choose_file(bool odd)
{
    if (!odd)
        return nb_images;
    path = test_file(TEST_FILE_SIZE + 3);
    return nb_images / 20;
}

START_TEST(test_processes_lose_nothing_from_a_server)
{
    uint32_t nb = choose_file(_i);
    pid_t pid;

    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    pid = start(server_process, nb);
    ck_assert_int_eq(take_all_in_order(reader, nb), 0);
    check_end(pid);
}
END_TEST

START_TEST(test_processes_lose_nothing_to_a_client)
{
    uint32_t nb = choose_file(_i);
    pid_t pid;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    pid = start(client_process, nb);
    ck_assert_int_eq(send_all(writer, nb), 0);
    check_end(pid);
}
END_TEST

static void kill_now(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

#define KILLS 15

/* Take images until so many of a session have come. */
static void take_of_session(uint32_t session, int nb)
{
    while (nb > 0) {
        ShmImageFrame *frame;
        int ret = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);

        if (ret == SHMIMAGE_DISCONNECTED)
            continue;
        ck_assert_int_eq(ret, SHMIMAGE_OK);
        ck_assert_uint_le(frame->session, session);
        ck_assert(is_intact(frame));
        nb -= frame->session == session;
        shmimage_reader_release(frame);
    }
}

START_TEST(test_processes_stream_goes_on_when_the_server_is_killed)
{
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    for (uint32_t session = 1; session <= KILLS; session++) {
        pid_t pid = start(server_process, UINT32_MAX);

        take_of_session(session, 10);
        kill_now(pid);
    }
}
END_TEST

/* Take images as they come, as a client does that met the stream midway. */
static int viewer_process(uint32_t nb)
{
    ShmImageReader *r;
    ShmImageFrame *frame;
    bool good = shmimage_reader_open(path, 0, &r) >= 0;

    while (good && nb--) {
        good = shmimage_reader_acquire(r, SHMIMAGE_FOREVER, &frame) ==
               SHMIMAGE_OK && is_intact(frame);
        shmimage_reader_release(frame);
    }
    return !good;
}

static void send_images(uint32_t first, uint32_t nb)
{
    for (uint32_t number = first; number < first + nb; number++) {
        ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                         SHMIMAGE_OK);
        ck_assert_int_eq(send_image(writer, number), SHMIMAGE_OK);
    }
}

START_TEST(test_processes_stream_goes_on_when_the_client_is_killed)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    for (uint32_t i = 0; i < KILLS; i++) {
        pid_t pid = start(viewer_process, UINT32_MAX);

        send_images(10 * i, 10);
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
        kill_now(pid);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stress");
    TCase *tcase = tcase_create("stress");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_threads_take_every_image_once);
    tcase_add_test(tcase, test_threads_share_a_writer);
    tcase_add_loop_test(tcase, test_processes_lose_nothing_from_a_server, 0,
                        2);
    tcase_add_loop_test(tcase, test_processes_lose_nothing_to_a_client, 0, 2);
    tcase_add_test(tcase,
                   test_processes_stream_goes_on_when_the_server_is_killed);
    tcase_add_test(tcase,
                   test_processes_stream_goes_on_when_the_client_is_killed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
