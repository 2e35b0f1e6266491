/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is shortened, at any moment, while images go through at full
 * speed.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lengths.h"
#include "wait.h"

static atomic_bool stop;
static atomic_uint looks;           /* of the reader */
static atomic_uint taken;
static atomic_uint torn;            /* and yet checked */
static atomic_uint unexpected;
static atomic_uint reports;         /* of the reader: shortened, or gone */

static int draw(uint32_t number)
{
    uint8_t *pixels;
    int ret = shmimage_writer_begin(writer, number, width, height, &pixels);

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
        bool intact = frame->width == width && frame->height == height &&
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
        return lengths[rand_r(seed) % (unsigned)nb_lengths];
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
    replace(TEST_FILE_SIZE, false);
    open_writer();
}

/* It stays short until both have said so. */
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
        /* Too small, also since it was opened, or the other process has not
         * closed it yet. */
        do
            ret = shmimage_writer_open(path, 0, &writer);
        while (ret == SHMIMAGE_ERROR_FILE_SIZE ||
               ret == SHMIMAGE_ERROR_TRUNCATED || ret == SHMIMAGE_ERROR_BUSY);
        ck_assert_int_eq(ret, SHMIMAGE_OK);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
    ck_assert_uint_eq(atomic_load(&unexpected), 0);
    check_follows_another_file(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("truncate_race");
    TCase *tcase = lengths_tcase("truncate_race");

    tcase_add_test(tcase, test_shortened_at_any_moment);
    tcase_add_test(tcase, test_emptied_and_filled_at_full_speed);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
