/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The published interface, called from several threads at once.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "ensight_harness.h"

enum {
    NB_IMAGES  = 2000,
    NB_READERS = 3,
    NB_WRITERS = 2,
    NB_STREAMS = 4,
    NB_LIVES   = 10,
    WIDTH      = 9,
    HEIGHT     = 5,
    SIZE       = WIDTH * HEIGHT * SHMI_BYTES_PER_PIXEL,
};

/* A failed assertion has to be the main thread's, so the others count. */
static atomic_int mistakes;
static atomic_uint next_number;
static atomic_int received;
static atomic_bool stopped;
static atomic_int times_seen[NB_IMAGES];

#define EXPECT(condition) \
    ((condition) ? (void)0 : (void)atomic_fetch_add(&mistakes, 1))

static SharedMemoryImageError put_on(SharedMemoryImageStream server,
                                     uint32_t number)
{
    uint8_t pixels[SIZE];
    struct _SharedMemoryFrame image = { number, WIDTH, HEIGHT, pixels };

    fill_pixels(pixels, sizeof(pixels), number);
    return SharedMemoryImageStream_putframe(server, &image);
}

static void *write_images(void *unused)
{
    uint32_t number;

    (void)unused;
    while ((number = atomic_fetch_add(&next_number, 1)) < NB_IMAGES) {
        SharedMemoryImageError ret;

        while ((ret = put_on(t.server, number)) > 0 && !stopped)
            sched_yield();
        EXPECT(ret == IMAGESTREAM_NOERROR);
    }
    return NULL;
}

static void look_at(SharedMemoryFrame frame)
{
    uint32_t number = frame->iFrame;

    /* Let the others try to lock meanwhile. */
    sched_yield();
    EXPECT(number < NB_IMAGES);
    EXPECT(frame->iWidth == WIDTH && frame->iHeight == HEIGHT);
    EXPECT(pixels_match(frame->buffer, SIZE, number));
    if (number < NB_IMAGES)
        atomic_fetch_add(&times_seen[number], 1);
}

static void *read_images(void *unused)
{
    (void)unused;
    while (received < NB_IMAGES && !stopped) {
        SharedMemoryFrame frame;
        SharedMemoryImageError ret = SharedMemoryImageStream_lock(t.client,
                                                                  &frame);

        if (ret == IMAGESTREAM_NOERROR) {
            look_at(frame);
            EXPECT(SharedMemoryImageStream_unlock(t.client) ==
                   IMAGESTREAM_NOERROR);
            atomic_fetch_add(&received, 1);
        } else {
            EXPECT(ret == IMAGESTREAM_NO_FRAMEAVAILABLE ||
                   ret == IMAGESTREAM_LOCKED);
            sched_yield();
        }
    }
    return NULL;
}

START_TEST(test_threads_share_both_ends)
{
    pthread_t threads[NB_READERS + NB_WRITERS];

    start_both();
    for (int i = 0; i < COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                        i < NB_READERS ? read_images
                                                       : write_images,
                                        NULL), 0);
    while (received < NB_IMAGES && !mistakes) {
        int before = received;

        wait_until(received > before || received >= NB_IMAGES || mistakes);
    }
    stopped = true;
    for (int i = 0; i < COUNT(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(mistakes, 0);
    for (int i = 0; i < NB_IMAGES; i++)
        ck_assert_int_eq(times_seen[i], 1);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

static void *live_and_die(void *path)
{
    for (uint32_t life = 0; life < NB_LIVES; life++) {
        SharedMemoryImageStream server, client;
        SharedMemoryFrame frame;

        EXPECT(SharedMemoryImageStream_create(
                   path, IMAGESTREAM_OPTIONS_SERVER, &server) ==
               IMAGESTREAM_NOERROR);
        EXPECT(SharedMemoryImageStream_create(
                   path, IMAGESTREAM_OPTIONS_NONE, &client) ==
               IMAGESTREAM_NOERROR);
        EXPECT(put_on(server, life) == IMAGESTREAM_NOERROR);
        EXPECT(SharedMemoryImageStream_lock(client, &frame) ==
               IMAGESTREAM_NOERROR);
        EXPECT(pixels_match(frame->buffer, SIZE, life));
        EXPECT(SharedMemoryImageStream_destroy(client) == IMAGESTREAM_NOERROR);
        EXPECT(SharedMemoryImageStream_destroy(server) == IMAGESTREAM_NOERROR);
    }
    return NULL;
}

START_TEST(test_threads_have_streams_of_their_own)
{
    char paths[NB_STREAMS][128];
    pthread_t threads[NB_STREAMS];

    for (int i = 0; i < NB_STREAMS; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s", test_file(TEST_FILE_SIZE));
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live_and_die,
                                        paths[i]), 0);
    }
    for (int i = 0; i < NB_STREAMS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(mistakes, 0);
}
END_TEST

static void *unlock_and_destroy(void *unused)
{
    (void)unused;
    EXPECT(SharedMemoryImageStream_unlock(t.client) == IMAGESTREAM_NOERROR);
    EXPECT(SharedMemoryImageStream_unlock(t.client) ==
           IMAGESTREAM_NOT_LOCKED);
    EXPECT(SharedMemoryImageStream_destroy(t.client) == IMAGESTREAM_NOERROR);
    return NULL;
}

START_TEST(test_thread_unlocks_what_another_has_locked)
{
    pthread_t thread;

    start_both();
    ck_assert_int_eq(put(1, WIDTH, HEIGHT), IMAGESTREAM_NOERROR);
    lock_image(1);
    ck_assert_int_eq(pthread_create(&thread, NULL, unlock_and_destroy, NULL),
                     0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    t.client = NULL;
    ck_assert_int_eq(mistakes, 0);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

static void *fail_once(void *unused)
{
    SharedMemoryImageStream stream;

    (void)unused;
    EXPECT(!*shmimage_error_message());
    EXPECT(SharedMemoryImageStream_create("/nonexistent/theirs", 0, &stream) ==
           IMAGESTREAM_BAD_FILE_SIZE);
    EXPECT(strstr(shmimage_error_message(), "/nonexistent/theirs"));
    return NULL;
}

START_TEST(test_thread_has_a_message_of_its_own)
{
    SharedMemoryImageStream stream;
    pthread_t thread;

    ck_assert_int_eq(SharedMemoryImageStream_create("/nonexistent/mine", 0,
                                                    &stream),
                     IMAGESTREAM_BAD_FILE_SIZE);
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_once, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(mistakes, 0);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(),
                                 "/nonexistent/mine"));
}
END_TEST

static void forget(void)
{
    mistakes    = 0;
    next_number = 0;
    received    = 0;
    stopped     = false;
    for (int i = 0; i < NB_IMAGES; i++)
        times_seen[i] = 0;
}

int main(void)
{
    Suite *suite = suite_create("published interface, threads");
    TCase *tcase = ensight_tcase("threads");

    tcase_add_checked_fixture(tcase, forget, NULL);
    tcase_add_test(tcase, test_threads_share_both_ends);
    tcase_add_test(tcase, test_threads_have_streams_of_their_own);
    tcase_add_test(tcase, test_thread_unlocks_what_another_has_locked);
    tcase_add_test(tcase, test_thread_has_a_message_of_its_own);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
