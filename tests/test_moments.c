/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Calls of the reader and of the writer while the other side acts.
 */
#include "config.h"

#include "moments.h"
#include "wait.h"

enum { LAST_MOMENT = 40 };

static ShmImageReader *reader;
static ShmImageWriter *writer;
/* Where the reader has the headers and the states. */
static const uint8_t *header[SHMI_BUFFERS];
static const uint8_t *state[SHMI_BUFFERS];

static void teardown(void)
{
    shmi_wait_ops = &shmi_wait_system;
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    reader = NULL;
    writer = NULL;
    moments_end();
}

/* Acquire, and check what comes. */
static ShmImageFrame *acquire(void)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(reader, 0, &frame);

    if (ret != SHMIMAGE_OK) {
        ck_assert_int_eq(ret, SHMIMAGE_NO_FRAME);
        return NULL;
    }
    ck_assert_uint_eq(frame->width, WIDTH);
    ck_assert_uint_eq(frame->height, HEIGHT);
    ck_assert_msg(pixels_match(frame->pixels, SIZE, frame->number),
                  "the pixels of image %u differ", frame->number);
    return frame;
}

/* Open the reader, and find out where it has the buffers. */
static void open_reader(void)
{
    its_start();
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ShmImageFrame *frame;

        its_publish(i, 1);
        frame = acquire();
        ck_assert_ptr_nonnull(frame);
        header[i] = frame->pixels - SHMI_HEADER_SIZE;
        state[i]  = header[i] + SHMI_STATE_OFFSET;
        shmimage_reader_release(frame);
    }
    ck_assert_ptr_ne(page_of(header[1]), page_of(state[1]));
}

static void assert_states(int first, int second)
{
    ck_assert_int_eq(peek_state(path, 0), first);
    ck_assert_int_eq(peek_state(path, 1), second);
}

static void assert_next(uint32_t number)
{
    ShmImageFrame *frame = acquire();

    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->number, number);
    shmimage_reader_release(frame);
}

static void publish_0_then_1(void)
{
    its_publish(0, UINT32_MAX);
    its_publish(1, 0);
}

static void publish_1_then_0(void)
{
    its_publish(1, UINT32_MAX);
    its_publish(0, 0);
}

/* Returns whether the images came in the middle of the call. */
static bool publish_at(int n, void (*action)(void))
{
    ShmImageFrame *frame;
    bool came;

    arm(n, state[0], state[1], action);
    frame = acquire();
    came = disarm();
    if (!frame) {
        assert_next(UINT32_MAX);
    } else {
        ck_assert_uint_eq(frame->number, UINT32_MAX);
        shmimage_reader_release(frame);
    }
    assert_next(0);
    ck_assert_ptr_null(acquire());
    return came;
}

START_TEST(test_acquire_while_images_come)
{
    int n = 1;

    open_reader();
    while (publish_at(n, _i ? publish_1_then_0 : publish_0_then_1))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 4);
}
END_TEST

/* Two images are ready when the server starts again. */
static bool restart_in_acquire(int n)
{
    ShmImageFrame *frame;
    bool came;

    its_publish(0, 10);
    its_publish(1, 11);
    arm(n, state[0], state[1], its_start);
    frame = acquire();
    came = disarm();
    if (frame)
        ck_assert_uint_eq(frame->number, 10);
    shmimage_reader_release(frame);
    ck_assert_ptr_null(acquire());
    assert_states(SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_SERVER);
    return came;
}

START_TEST(test_acquire_while_server_starts_again)
{
    int n = 1;

    open_reader();
    while (restart_in_acquire(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 4);
}
END_TEST

/* The caller has the image of buffer 0 when the server starts again. */
static bool restart_while_holding(int n)
{
    ShmImageFrame *held;
    bool came;

    its_publish(0, 10);
    held = acquire();
    its_publish(1, 11);
    arm(n, state[1], header[1], its_start);
    shmimage_reader_release(acquire());
    came = disarm();
    shmimage_reader_release(acquire());
    assert_states(SHMIMAGE_STATE_INIT, SHMIMAGE_STATE_SERVER);
    ck_assert(pixels_match(held->pixels, SIZE, 10));
    shmimage_reader_release(held);
    assert_states(SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_SERVER);
    return came;
}

START_TEST(test_acquire_leaves_a_held_buffer_to_its_holder)
{
    int n = 1;

    open_reader();
    while (restart_while_holding(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 4);
}
END_TEST

static void start_and_draw(void)
{
    const ShmiHeader image = { 12, HEIGHT, WIDTH, 0, WIDTH };

    its_start();
    shmi_header_write(its_buffer(1), &image);
}

/* The image is in buffer 1, the header of which is read in two pages. */
static bool restart_in_copy(int n)
{
    ShmImageReaderStats stats;
    ShmImageFrame *frame;
    bool came;

    its_publish(1, 11);
    arm(n, header[1], state[1], start_and_draw);
    frame = acquire();
    came = disarm();
    if (frame)
        ck_assert_uint_eq(frame->number, 11);
    shmimage_reader_release(frame);
    ck_assert_ptr_null(acquire());
    assert_states(SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(shmimage_reader_stats(reader, &stats, sizeof(stats)),
                     SHMIMAGE_OK);
    ck_assert_uint_eq(stats.refused, 0);
    return came;
}

START_TEST(test_acquire_never_uses_a_header_that_changed)
{
    int n = 1;

    open_reader();
    while (restart_in_copy(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 4);
}
END_TEST

static bool restart_in_release(int n)
{
    ShmImageFrame *frame;
    bool came;

    its_publish(0, 10);
    its_publish(1, 11);
    frame = acquire();
    arm(n, state[0], state[1], its_start);
    shmimage_reader_release(frame);
    came = disarm();
    ck_assert_ptr_null(acquire());
    assert_states(SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_SERVER);
    return came;
}

START_TEST(test_release_while_server_starts_again)
{
    int n = 1;

    open_reader();
    while (restart_in_release(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 1);
}
END_TEST

/* Where the writer has buffer 0. */
static uint8_t *open_writer(void)
{
    uint8_t *pixels;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    atomic_store(its_state(0), SHMIMAGE_STATE_SERVER);
    ck_assert_int_eq(shmimage_writer_begin(writer, 0, 1, 1, &pixels),
                     SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_writer_abort(writer), SHMIMAGE_OK);
    return pixels - SHMI_HEADER_SIZE;
}

/* The two pages are those where buffer 0 begins and where its image ends. */
static bool restart_in_put(int n, const uint8_t *place)
{
    uint8_t pixels[SIZE];
    bool came;
    int ret;

    atomic_store(its_state(0), SHMIMAGE_STATE_SERVER);
    atomic_store(its_state(1), SHMIMAGE_STATE_INIT);
    fill_pixels(pixels, SIZE, 1);
    arm(n, place, place + SHMI_HEADER_SIZE + SIZE, its_start);
    ret = shmimage_writer_put(writer, 1, WIDTH, HEIGHT, pixels, 0);
    came = disarm();
    ck_assert_int_eq(ret, came ? SHMIMAGE_UNCONNECTED : SHMIMAGE_OK);
    assert_states(SHMIMAGE_STATE_INIT, SHMIMAGE_STATE_INIT);
    return came;
}

START_TEST(test_put_while_another_server_starts)
{
    const uint8_t *place = open_writer();
    int n = 1;

    while (restart_in_put(n, place))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 2);
}
END_TEST

#if SHMI_HAVE_FUTEX

static bool overslept;

/* The kernel compares the words before it lets anybody sleep. What comes after
 * that is followed by a wake-up, and what came before must show in a word. */
static bool would_sleep(const ShmiWatch *watch, int64_t time)
{
    (void)time;
    if (!disarm())
        return true;
    overslept = true;
    for (int i = 0; i < watch->words; i++)
        if (*watch->word[i] != watch->seen[i])
            overslept = false;
    return true;
}

static void watch_sleeps(void)
{
    static ShmiWaitOps ops;

    ops = shmi_wait_system;
    ops.sleep_on = would_sleep;
    shmi_wait_ops = &ops;
    overslept = false;
}

static void its_image(void)
{
    its_publish(0, 10);
}

static bool image_comes_in_acquire(int n)
{
    ShmImageFrame *frame;
    bool came;

    arm(n, state[0], state[1], its_image);
    ck_assert_int_eq(shmimage_reader_acquire(reader, SHMIMAGE_FOREVER, &frame),
                     SHMIMAGE_OK);
    came = disarm();
    ck_assert(!overslept);
    shmimage_reader_release(frame);
    shmimage_reader_release(acquire());
    return came;
}

START_TEST(test_acquire_never_sleeps_beside_an_image)
{
    int n = 1;

    open_reader();
    watch_sleeps();
    while (image_comes_in_acquire(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 4);
}
END_TEST

static void its_release(void)
{
    atomic_store(its_state(0), SHMIMAGE_STATE_SERVER);
}

static bool room_comes_in_wait(int n, const uint8_t *first)
{
    bool came;

    for (int i = 0; i < SHMI_BUFFERS; i++)
        atomic_store(its_state(i), SHMIMAGE_STATE_CLIENT);
    arm(n, first, first + (its_state(1) - its_state(0)), its_release);
    ck_assert_int_eq(shmimage_writer_wait(writer, SHMIMAGE_FOREVER),
                     SHMIMAGE_OK);
    came = disarm();
    ck_assert(!overslept);
    return came;
}

START_TEST(test_wait_never_sleeps_beside_room)
{
    const uint8_t *first = open_writer() + SHMI_STATE_OFFSET;
    int n = 1;

    watch_sleeps();
    while (room_comes_in_wait(n, first))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 2);
}
END_TEST

#endif /* SHMI_HAVE_FUTEX */

#if SHMI_HAVE_OFD_LOCKS

static unsigned its_taken;

/* A client comes, and takes what it finds. */
static void its_take(void)
{
    for (int i = 0; i < SHMI_BUFFERS; i++)
        its_taken += shmi_state_lock(its_state(i));
}

/* Two images are ready, and their client is gone. */
static const uint8_t *leave_images(void)
{
    uint8_t *pixels[SHMI_BUFFERS];

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ck_assert_int_eq(shmimage_writer_begin(writer, i, 1, 1, &pixels[i]),
                         SHMIMAGE_OK);
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
    }
    shmimage_reader_close(reader);
    reader    = NULL;
    its_taken = 0;
    return pixels[0] - SHMI_HEADER_SIZE + SHMI_STATE_OFFSET;
}

static bool come_while_writer_starts_anew(int n)
{
    const uint8_t *first = leave_images();
    ShmImageWriterStats stats;
    bool came;

    arm(n, first, first + (its_state(1) - its_state(0)), its_take);
    ck_assert_int_eq(shmimage_writer_wait(writer, 0), SHMIMAGE_UNCONNECTED);
    came = disarm();
    ck_assert_int_eq(shmimage_writer_stats(writer, &stats, sizeof(stats)), 0);
    ck_assert_uint_eq(stats.published, 2);
    ck_assert_uint_eq(stats.unread, 2 - its_taken);
    shmimage_writer_close(writer);
    writer = NULL;
    return came;
}

/* What a client could take before the writer took it back is not unread. */
START_TEST(test_wait_counts_what_the_next_client_takes)
{
    int n = 1;

    while (come_while_writer_starts_anew(n))
        ck_assert_int_lt(++n, LAST_MOMENT);
    ck_assert_int_gt(n, 2);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

int main(void)
{
    Suite *suite = suite_create("moments");
    TCase *tcase = tcase_create("moments");

    tcase_add_checked_fixture(tcase, moments_begin, teardown);
    tcase_add_loop_test(tcase, test_acquire_while_images_come, 0, 2);
    tcase_add_test(tcase, test_acquire_while_server_starts_again);
    tcase_add_test(tcase, test_acquire_leaves_a_held_buffer_to_its_holder);
    tcase_add_test(tcase, test_acquire_never_uses_a_header_that_changed);
    tcase_add_test(tcase, test_release_while_server_starts_again);
    tcase_add_test(tcase, test_put_while_another_server_starts);
#if SHMI_HAVE_FUTEX
    tcase_add_test(tcase, test_acquire_never_sleeps_beside_an_image);
    tcase_add_test(tcase, test_wait_never_sleeps_beside_room);
#endif
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(tcase, test_wait_counts_what_the_next_client_takes);
#endif
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
