/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each side learns that the other one is gone, however it went, from the lock
 * that it held; and of one that holds no lock nothing is ever said.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared_memory_image_client_priv.h"
#include "support.h"

#define WIDTH  16
#define HEIGHT 9
#define SIZE   (3 * WIDTH * HEIGHT)

static const char *path;
static ShmImageWriter *writer;
static ShmImageReader *reader;
static pid_t child;

static void setup(void)
{
    path   = test_file(TEST_FILE_SIZE);
    writer = NULL;
    reader = NULL;
    child  = 0;
}

static void end_child(void)
{
    if (!child)
        return;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    child = 0;
}

static void teardown(void)
{
    end_child();
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    test_files_remove();
}

static void open_writer(void)
{
    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
}

static void close_writer(void)
{
    shmimage_writer_close(writer);
    writer = NULL;
}

static void open_reader(int expected)
{
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), expected);
}

static int put_with(ShmImageWriter *w, uint32_t number)
{
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    return shmimage_writer_put(w, number, WIDTH, HEIGHT, pixels, 0);
}

static int put(uint32_t number)
{
    return put_with(writer, number);
}

static int look(void)
{
    ShmImageFrame *frame;

    return shmimage_reader_acquire(reader, 0, &frame);
}

static ShmImageFrame *take(uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, frame->size, number));
    return frame;
}

static bool connected(void)
{
    ShmImageWriterStats stats;

    shmimage_writer_stats(writer, &stats, sizeof(stats));
    return stats.connected;
}

static int count_state(uint8_t state)
{
    return (peek_state(path, 0) == state) + (peek_state(path, 1) == state);
}

/* A client answers for one buffer after the other. */
static void wait_for_client(void)
{
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 0 && connected());
}

static void poke_states(uint8_t state)
{
    poke_state(path, 0, state);
    poke_state(path, 1, state);
}

static void poke_image(int buffer, uint32_t number)
{
    const ShmiHeader image = { number, WIDTH, HEIGHT, 0, HEIGHT };
    uint8_t pixels[SIZE];

    fill_pixels(pixels, SIZE, number);
    poke_pixels(path, buffer, pixels, SIZE);
    poke(path, buffer, &image, SHMIMAGE_STATE_CLIENT);
}

static void vendor_server_starts(void)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(path, i, &empty, SHMIMAGE_STATE_INIT);
}

static void pause_for_ever(void)
{
    alarm(100);
    for (;;)
        pause();
}

#if SHMI_HAVE_OFD_LOCKS

static void close_reader(void)
{
    shmimage_reader_close(reader);
    reader = NULL;
}

/* A server in a process of its own that sends a number of images. */
static void start_server(uint32_t images)
{
    child = fork();
    if (child)
        return;
    if (shmimage_writer_open(path, 0, &writer) != SHMIMAGE_OK)
        _exit(1);
    for (uint32_t number = 0; number < images; number++)
        if (shmimage_writer_wait(writer, SHMIMAGE_FOREVER) != SHMIMAGE_OK ||
            put_with(writer, number) != SHMIMAGE_OK)
            _exit(1);
    pause_for_ever();
}

/* Take an image from a server that may not have sent it yet. */
static void expect_image(uint32_t number)
{
    ShmImageFrame *frame = NULL;

    wait_until(shmimage_reader_acquire(reader, 0, &frame) == SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, SIZE, number));
    shmimage_reader_release(frame);
}

static void assert_disconnected_once(void)
{
    ck_assert_int_eq(look(), SHMIMAGE_DISCONNECTED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}

START_TEST(test_acquire_says_once_that_a_server_was_closed)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    close_writer();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_once_that_a_server_was_killed)
{
    open_reader(SHMIMAGE_RECONNECTING);
    start_server(1);
    expect_image(0);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    end_child();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_hands_out_what_a_dead_server_left)
{
    start_server(2);
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 2);
    open_reader(SHMIMAGE_OK);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT) == 2);
    end_child();
    shmimage_reader_release(take(0));
    shmimage_reader_release(take(1));
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_hands_out_what_a_closed_server_left)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    close_writer();
    shmimage_reader_release(take(1));
    shmimage_reader_release(take(2));
    assert_disconnected_once();
}
END_TEST

/* The reader has never found a buffer empty while the server was there. */
START_TEST(test_acquire_knows_the_server_that_it_found)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_reader();
    open_reader(SHMIMAGE_RECONNECTING);
    put(1);
    put(2);
    close_writer();
    shmimage_reader_release(take(1));
    shmimage_reader_release(take(2));
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_it_of_each_server)
{
    open_reader(SHMIMAGE_RECONNECTING);
    for (uint32_t i = 0; i < 4; i++) {
        open_writer();
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
        shmimage_reader_release(take(i));
        close_writer();
        assert_disconnected_once();
    }
}
END_TEST

START_TEST(test_acquire_says_nothing_when_the_next_server_is_there)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    open_writer();
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take(1));
    close_writer();
    assert_disconnected_once();
}
END_TEST

START_TEST(test_acquire_says_it_beside_a_held_frame)
{
    ShmImageFrame *held;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    held = take(1);
    close_writer();
    assert_disconnected_once();
    ck_assert(pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    shmimage_reader_release(held);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_says_it_once_a_buffer_is_released)
{
    ShmImageFrame *first, *second;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    first  = take(1);
    second = take(2);
    close_writer();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_LOCKED);
    shmimage_reader_release(first);
    assert_disconnected_once();
    shmimage_reader_release(second);
}
END_TEST

static void *wait_for_ever(void *arg)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);

    (void)arg;
    shmimage_reader_release(frame);
    return (void *)(intptr_t)ret;
}

/* Closed, or killed. */
START_TEST(test_acquire_that_waits_returns)
{
    pthread_t thread;
    void *result;

    open_reader(SHMIMAGE_RECONNECTING);
    if (_i) {
        start_server(1);
        expect_image(0);
    } else {
        open_writer();
        look();
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    if (_i)
        end_child();
    else
        close_writer();
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_DISCONNECTED);
}
END_TEST

START_TEST(test_acquire_says_nothing_of_a_vendor_server_after_ours)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    if (_i)
        assert_disconnected_once();
    vendor_server_starts();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    poke_image(0, 5);
    shmimage_reader_release(take(5));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

/* A reset is no server that comes and goes. */
START_TEST(test_acquire_says_nothing_after_a_reset)
{
    pthread_t thread;
    void *result;

    vendor_server_starts();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_OK);
        wait_until(count_state(SHMIMAGE_STATE_SERVER) == 2);
    }
    poke_image(0, 1);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_OK);
}
END_TEST

START_TEST(test_published_lock_finds_no_frame_of_a_server_that_is_gone)
{
    SharedMemoryImageStream stream;
    SharedMemoryFrame frame;

    open_writer();
    ck_assert_int_eq(SharedMemoryImageStream_create(path, 0, &stream),
                     IMAGESTREAM_NOERROR);
    close_writer();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(SharedMemoryImageStream_lock(stream, &frame),
                         IMAGESTREAM_NO_FRAMEAVAILABLE);
    SharedMemoryImageStream_destroy(stream);
}
END_TEST

/* A client in a process of its own that takes a number of images. */
static void start_client(int images)
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

/* Within as many images as there are buffers, and one. */
static void assert_goes_unconnected(void)
{
    int ret = SHMIMAGE_OK;

    for (uint32_t i = 0; i < 3 && ret != SHMIMAGE_UNCONNECTED; i++)
        ret = put(90 + i);
    ck_assert_int_eq(ret, SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_INIT), 2);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000),
                     SHMIMAGE_UNCONNECTED);
    ck_assert(!connected());
}

static void assert_serves_the_next_client(void)
{
    open_reader(SHMIMAGE_OK);
    ck_assert(connected());
    for (uint32_t number = 100; number < 106; number += 2) {
        ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_OK);
        ck_assert_int_eq(put(number), SHMIMAGE_OK);
        ck_assert_int_eq(put(number + 1), SHMIMAGE_OK);
        ck_assert_int_eq(put(number + 2), SHMIMAGE_NO_BUFFER);
        shmimage_reader_release(take(number));
        shmimage_reader_release(take(number + 1));
    }
}

/* What the buffers are in that the client does not hold. */
typedef enum Rest { FREE, DRAWING, READY, RESTS } Rest;

static void fill_rest(Rest rest, uint32_t number)
{
    uint8_t *pixels;

    if (rest == DRAWING)
        shmimage_writer_begin(writer, number, WIDTH, HEIGHT, &pixels);
    for (; rest == READY && put(number) == SHMIMAGE_OK; number++)
        ;
}

START_TEST(test_writer_goes_on_when_its_client_is_killed)
{
    int held = _i / RESTS;
    Rest rest = _i % RESTS;

    open_writer();
    start_client(held);
    wait_for_client();
    for (uint32_t i = 0; i < (uint32_t)held; i++)
        ck_assert_int_eq(put(i), SHMIMAGE_OK);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == held);
    fill_rest(rest, 10);
    ck_assert(connected());
    end_child();
    if (rest == DRAWING && held < SHMI_BUFFERS)
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_writer_goes_on_when_its_client_is_closed)
{
    Rest rest = _i % RESTS;

    open_writer();
    open_reader(SHMIMAGE_OK);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    shmimage_reader_release(take(1));
    fill_rest(rest, 10);
    close_reader();
    if (rest == DRAWING)
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_writer_goes_on_for_client_after_client)
{
    open_writer();
    for (int i = 0; i < 6; i++) {
        start_client(i % 3);
        wait_for_client();
        for (uint32_t number = 0; number < (uint32_t)i % 3; number++)
            ck_assert_int_eq(put(number), SHMIMAGE_OK);
        wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == i % 3);
        /* Once more, as a client that came and went unseen is not missed. */
        wait_for_client();
        end_child();
        assert_goes_unconnected();
    }
    assert_serves_the_next_client();
}
END_TEST

START_TEST(test_writer_wait_sees_that_its_client_is_killed)
{
    open_writer();
    start_client(2);
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 2);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000), SHMIMAGE_NO_BUFFER);
    end_child();
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_INIT), 2);
    assert_serves_the_next_client();
}
END_TEST

static void *wait_for_room(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)shmimage_writer_wait(writer, SHMIMAGE_FOREVER);
}

START_TEST(test_writer_wait_ends_with_the_next_client)
{
    pthread_t thread;
    void *result;

    open_writer();
    start_client(2);
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_room, NULL), 0);
    end_child();
    wait_until(count_state(SHMIMAGE_STATE_INIT) == 2);
    open_reader(SHMIMAGE_OK);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, SHMIMAGE_OK);
}
END_TEST

START_TEST(test_writer_leaves_frames_of_a_closed_reader_alone)
{
    ShmImageFrame *first, *second;

    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    put(2);
    first  = take(1);
    second = take(2);
    close_reader();
    for (uint32_t number = 3; number < 6; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    shmimage_reader_release(second);
    for (uint32_t number = 6; number < 9; number++)
        put(number);
    ck_assert(connected());
    ck_assert(pixels_match(first->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(first), SHMIMAGE_OK);
    shmimage_reader_release(first);
    assert_goes_unconnected();
    assert_serves_the_next_client();
}
END_TEST

/* The writer has seen that the one of ours is gone. */
START_TEST(test_writer_leaves_a_vendor_client_alone_after_ours)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    put(1);
    shmimage_reader_release(take(1));
    close_reader();
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_OK);
    poke_states(SHMIMAGE_STATE_CLIENT_LOCKED);
    for (uint32_t number = 4; number < 8; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), 2);
}
END_TEST

static void add_tests(TCase *tcase)
{
    const TTest *const once[] = {
        test_acquire_says_once_that_a_server_was_closed,
        test_acquire_says_once_that_a_server_was_killed,
        test_acquire_hands_out_what_a_dead_server_left,
        test_acquire_hands_out_what_a_closed_server_left,
        test_acquire_knows_the_server_that_it_found,
        test_acquire_says_it_of_each_server,
        test_acquire_says_nothing_when_the_next_server_is_there,
        test_acquire_says_it_beside_a_held_frame,
        test_acquire_says_it_once_a_buffer_is_released,
        test_acquire_says_nothing_after_a_reset,
        test_published_lock_finds_no_frame_of_a_server_that_is_gone,
        test_writer_goes_on_for_client_after_client,
        test_writer_wait_sees_that_its_client_is_killed,
        test_writer_wait_ends_with_the_next_client,
        test_writer_leaves_frames_of_a_closed_reader_alone,
        test_writer_leaves_a_vendor_client_alone_after_ours,
    };

    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    tcase_add_loop_test(tcase, test_acquire_that_waits_returns, 0, 2);
    tcase_add_loop_test(
        tcase, test_acquire_says_nothing_of_a_vendor_server_after_ours, 0, 2);
    tcase_add_loop_test(tcase, test_writer_goes_on_when_its_client_is_killed,
                        0, 3 * RESTS);
    tcase_add_loop_test(tcase, test_writer_goes_on_when_its_client_is_closed,
                        0, RESTS);
}

#else

START_TEST(test_acquire_says_nothing_without_locks)
{
    open_writer();
    open_reader(SHMIMAGE_OK);
    close_writer();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_writer_takes_nothing_back_without_locks)
{
    open_writer();
    child = fork();
    if (child == 0) {
        ShmImageFrame *frame;

        shmimage_reader_open(path, 0, &reader);
        shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame);
        pause_for_ever();
    }
    wait_for_client();
    put(1);
    put(2);
    wait_until(count_state(SHMIMAGE_STATE_CLIENT_LOCKED) == 1);
    end_child();
    for (uint32_t number = 3; number < 6; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, test_acquire_says_nothing_without_locks);
    tcase_add_test(tcase, test_writer_takes_nothing_back_without_locks);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

START_TEST(test_acquire_says_nothing_of_a_vendor_server)
{
    vendor_server_starts();
    open_reader(SHMIMAGE_OK);
    for (uint32_t number = 0; number < 3; number++) {
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
        poke_image((int)number % 2, number);
        shmimage_reader_release(take(number));
    }
    vendor_server_starts();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_acquire_says_nothing_before_there_is_a_server)
{
    open_reader(SHMIMAGE_RECONNECTING);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

/* How many buffers the vendor's client holds; the rest is ready to be read. */
START_TEST(test_writer_leaves_a_vendor_client_alone)
{
    open_writer();
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(1), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    for (int i = 0; i < _i; i++)
        poke_state(path, i, SHMIMAGE_STATE_CLIENT_LOCKED);
    for (uint32_t number = 3; number < 8; number++)
        ck_assert_int_eq(put(number), SHMIMAGE_NO_BUFFER);
    ck_assert_int_eq(shmimage_writer_wait(writer, 1000), SHMIMAGE_NO_BUFFER);
    ck_assert(connected());
    ck_assert_int_eq(count_state(SHMIMAGE_STATE_CLIENT_LOCKED), _i);
    poke_states(SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(put(8), SHMIMAGE_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disconnect");
    TCase *tcase = tcase_create("disconnect");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    add_tests(tcase);
    tcase_add_test(tcase, test_acquire_says_nothing_of_a_vendor_server);
    tcase_add_test(tcase, test_acquire_says_nothing_before_there_is_a_server);
    tcase_add_loop_test(tcase, test_writer_leaves_a_vendor_client_alone, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
