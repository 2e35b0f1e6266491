/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One side sleeps and the other one wakes it, in another thread and in another
 * process. Where the system can wake, no sleep here ends by itself before the
 * alarm does: a wake-up that is forgotten fails the test.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "wait.h"

#define HOUR INT64_C(3600000000000)

/* What the sleeper, a thread or a process, tells of itself. */
typedef struct Sleeper {
    int (*work)(void);      /* 0 is success */
    bool is_process;
    pthread_t thread;
    atomic_int id;          /* 0 until it is about to sleep */
    int result;
} Sleeper;

static Sleeper *sleeper;
static const char *path;
static ShmImageWriter *writer;
static ShmImageReader *reader;

static void tell_who_sleeps(void)
{
    atomic_store(&sleeper->id, (int)syscall(SYS_gettid));
}

static bool patient_sleep_on(const ShmiWatch *watch, int64_t time)
{
    (void)time;
    tell_who_sleeps();
    return shmi_wait_system.sleep_on(watch, HOUR);
}

static void polling_sleep(int64_t time)
{
    tell_who_sleeps();
    shmi_wait_system.sleep(time);
}

static ShmiWaitOps patient_ops;

static void setup(void)
{
    patient_ops = shmi_wait_system;
    patient_ops.sleep_on = patient_sleep_on;
    patient_ops.sleep    = polling_sleep;
    shmi_wait_ops = &patient_ops;
    sleeper = mmap(NULL, sizeof(*sleeper), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(sleeper, MAP_FAILED);
    path   = test_file(shmimage_file_size(16, 16));
    writer = NULL;
    reader = NULL;
    alarm(PATIENCE);
}

static void teardown(void)
{
    alarm(0);
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    munmap(sleeper, sizeof(*sleeper));
    shmi_wait_ops = &shmi_wait_system;
    test_files_remove();
}

static void *run_sleeper(void *arg)
{
    (void)arg;
    sleeper->result = sleeper->work();
    return NULL;
}

static bool is_asleep(int id)
{
    char name[64], state = 0;
    FILE *file;

    snprintf(name, sizeof(name), "/proc/%d/stat", id);
    file = fopen(name, "r");
    if (!file)
        return false;
    if (fscanf(file, "%*d %*s %c", &state) != 1)
        state = 0;
    fclose(file);
    return state == 'S';
}

/* Start somebody who works, and wait until the work has come to a sleep. */
static void start_sleeper(int (*work)(void), bool is_process)
{
    sleeper->work       = work;
    sleeper->is_process = is_process;
    if (is_process) {
        pid_t pid = fork();

        if (pid == 0) {
            alarm(PATIENCE);
            _exit(work());
        }
        ck_assert_int_gt(pid, 0);
    } else {
        ck_assert_int_eq(pthread_create(&sleeper->thread, NULL, run_sleeper,
                                        NULL), 0);
    }
    wait_until(atomic_load(&sleeper->id) && is_asleep(sleeper->id));
}

/* Wait for the end of the work, and check that it was done. */
static void check_sleeper(void)
{
    if (sleeper->is_process) {
        int status;

        ck_assert_int_gt(waitpid(-1, &status, 0), 0);
        sleeper->result = status;
    } else {
        ck_assert_int_eq(pthread_join(sleeper->thread, NULL), 0);
    }
    ck_assert_int_eq(sleeper->result, 0);
}

static int put(uint32_t number)
{
    const uint8_t pixel[3] = { 1, 2, 3 };

    return shmimage_writer_put(writer, number, 1, 1, pixel, 0);
}

static void open_writer(void)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static void open_reader(void)
{
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
}

static int take_image(uint32_t number)
{
    ShmImageFrame *frame;
    int failed = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame) !=
                 SHMIMAGE_OK || frame->number != number;

    shmimage_reader_release(frame);
    return failed;
}

/* In a process of its own, the reader is opened there. */
static int take_image_7(void)
{
    if (sleeper->is_process &&
        shmimage_reader_open(path, 0, &reader) != SHMIMAGE_OK)
        return 2;
    return take_image(7);
}

static int wait_for_room(void)
{
    if (sleeper->is_process &&
        shmimage_writer_open(path, 0, &writer) != SHMIMAGE_OK)
        return 2;
    return shmimage_writer_wait(writer, SHMIMAGE_FOREVER) != SHMIMAGE_OK;
}

static int take_image_7_after_two(void)
{
    return take_image_7() || take_image(8) || take_image(9);
}

START_TEST(test_acquire_is_woken_by_put)
{
    open_writer();
    if (!_i)
        open_reader();
    start_sleeper(take_image_7, _i);
    ck_assert_int_eq(put(7), SHMIMAGE_OK);
    check_sleeper();
}
END_TEST

START_TEST(test_acquire_is_woken_by_an_image_in_either_buffer)
{
    open_writer();
    if (!_i)
        open_reader();
    start_sleeper(take_image_7_after_two, _i);
    for (uint32_t number = 7; number < 10; number++) {
        wait_until(shmimage_writer_wait(writer, 0) == SHMIMAGE_OK);
        wait_until(is_asleep(sleeper->id));
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
    }
    check_sleeper();
}
END_TEST

START_TEST(test_acquire_is_woken_by_commit)
{
    uint8_t *pixels;

    open_writer();
    if (!_i)
        open_reader();
    start_sleeper(take_image_7, _i);
    ck_assert_int_eq(shmimage_writer_begin(writer, 7, 1, 1, &pixels),
                     SHMIMAGE_OK);
    wait_until(is_asleep(sleeper->id));
    ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    check_sleeper();
}
END_TEST

/* The reader waits before there is a server at all. It is woken to answer,
 * and its answer wakes the server. */
START_TEST(test_wait_is_woken_by_a_reader_that_was_waiting)
{
    open_reader();
    start_sleeper(take_image_7, false);
    open_writer();
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_OK);
    ck_assert_int_eq(put(7), SHMIMAGE_OK);
    check_sleeper();
}
END_TEST

START_TEST(test_wait_is_woken_by_a_reader_that_opens)
{
    if (!_i)
        open_writer();
    start_sleeper(wait_for_room, _i);
    open_reader();
    check_sleeper();
}
END_TEST

static ShmImageFrame *take(void)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    return frame;
}

/* Make a stream in which no buffer is free, and give both frames. */
static void fill_stream(ShmImageFrame *frames[SHMI_BUFFERS])
{
    open_writer();
    open_reader();
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
        frames[i] = take();
    }
}

START_TEST(test_wait_is_woken_by_release_of_either_buffer)
{
    ShmImageFrame *frames[SHMI_BUFFERS];

    fill_stream(frames);
    start_sleeper(wait_for_room, false);
    shmimage_reader_release(frames[_i]);
    check_sleeper();
    shmimage_reader_release(frames[!_i]);
}
END_TEST

/* The writer has restarted in another process, and the reader holds all. */
START_TEST(test_wait_is_woken_by_release_after_a_restart)
{
    ShmImageFrame *frames[SHMI_BUFFERS];

    fill_stream(frames);
    shmimage_writer_close(writer);
    writer = NULL;
    start_sleeper(wait_for_room, true);
    shmimage_reader_release(frames[_i]);
    check_sleeper();
    shmimage_reader_release(frames[!_i]);
}
END_TEST

/* The first image is a lie: giving its buffer back wakes the server. */
START_TEST(test_wait_is_woken_when_an_image_is_refused)
{
    const ShmiHeader lie = { 1, 0, 0, 0, 0 };
    ShmImageFrame *frame;

    open_writer();
    open_reader();
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(path, i, &lie, SHMIMAGE_STATE_CLIENT);
    start_sleeper(wait_for_room, false);
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_NO_FRAME);
    check_sleeper();
}
END_TEST

static int end_of_server(void)
{
    ShmImageFrame *frame;

    return shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame) !=
           SHMIMAGE_DISCONNECTED;
}

/* Without locks nobody is seen to go. */
START_TEST(test_acquire_is_woken_by_the_end_of_its_server)
{
    if (!SHMI_HAVE_OFD_LOCKS)
        return;
    open_writer();
    open_reader();
    start_sleeper(end_of_server, false);
    shmimage_writer_close(writer);
    writer = NULL;
    check_sleeper();
}
END_TEST

static int woken;
static uint8_t woken_state;
static int woken_server;

/* Note what the one who is woken will see. */
static void note_wake(uint32_t *word)
{
    ShmImageFileInfo info = { 0 };

    shmimage_file_info(path, &info, sizeof(info));
    woken++;
    woken_state  = *(const uint8_t *)word;
    woken_server = info.server;
}

static void note_wakes(void)
{
    woken = 0;
    patient_ops.wake = note_wake;
}

START_TEST(test_wake_is_for_the_buffer_that_has_changed)
{
    if (!shmi_wait_can_wake())
        return;
    open_writer();
    open_reader();
    note_wakes();
    for (uint32_t number = 0; number < 4; number++) {
        ShmImageFrame *frame;

        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_uint_eq(woken_state, SHMIMAGE_STATE_CLIENT);
        frame = take();
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_uint_eq(woken_state, SHMIMAGE_STATE_CLIENT);
        shmimage_reader_release(frame);
        ck_assert_uint_eq(woken_state, SHMIMAGE_STATE_SERVER);
        frame = take();
        shmimage_reader_release(frame);
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        shmimage_reader_release(take());
    }
    ck_assert_int_eq(woken, 4 * 6);
}
END_TEST

START_TEST(test_wake_comes_when_the_server_is_gone)
{
    if (!shmi_wait_can_wake())
        return;
    open_writer();
    note_wakes();
    shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_int_eq(woken, SHMI_BUFFERS);
    ck_assert_int_eq(woken_server, 0);
}
END_TEST

int main(void)
{
    const TTest *const twice[] = {
        test_acquire_is_woken_by_put,
        test_acquire_is_woken_by_an_image_in_either_buffer,
        test_acquire_is_woken_by_commit,
        test_wait_is_woken_by_a_reader_that_opens,
        test_wait_is_woken_by_release_of_either_buffer,
        test_wait_is_woken_by_release_after_a_restart,
    };
    Suite *suite = suite_create("waking");
    TCase *tcase = tcase_create("waking");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++)
        tcase_add_loop_test(tcase, twice[i], 0, 2);
    tcase_add_test(tcase, test_wait_is_woken_by_a_reader_that_was_waiting);
    tcase_add_test(tcase, test_wait_is_woken_when_an_image_is_refused);
    tcase_add_test(tcase, test_acquire_is_woken_by_the_end_of_its_server);
    tcase_add_test(tcase, test_wake_is_for_the_buffer_that_has_changed);
    tcase_add_test(tcase, test_wake_comes_when_the_server_is_gone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
