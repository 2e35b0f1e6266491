/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The other side acts in the middle of a call, at every moment that matters.
 *
 * A call goes back and forth between pages of the mapping: one has the state
 * of buffer 0, another the state of buffer 1. One of the two is protected, so
 * that the call's next access to it faults. The handler of that signal then
 * protects the other page instead, and the call goes on until it comes to that
 * one. The nth time, the handler plays the other process, through a mapping of
 * its own, and opens both pages. Running a test for n = 1, 2, 3 and so on puts
 * the action between any two accesses of the call that are to different pages.
 *
 * (Valgrind needs --vex-iropt-register-updates=allregs-at-mem-access for it.)
 *
 * The header of buffer 1 itself lies on two pages here: the state is on the
 * second one.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state.h"
#include "support.h"

enum { WIDTH = 40, HEIGHT = 60, SIZE = WIDTH * HEIGHT * SHMI_BYTES_PER_PIXEL,
       LAST_MOMENT = 40 };

static const char *path;
static ShmImageReader *reader;
static ShmImageWriter *writer;
static size_t page_size;
static size_t file_size;
/* Where the reader has the headers and the states. */
static const uint8_t *header[SHMI_BUFFERS];
static const uint8_t *state[SHMI_BUFFERS];

/* The other process. */
static uint8_t *its_base;
static void (*its_action)(void);
static volatile sig_atomic_t moments_left;

/* The pages of the mapping under test, one of which is protected. */
static uint8_t *page[2];
static volatile sig_atomic_t closed_page;

static void set_access(int which, int access)
{
    if (mprotect(page[which], page_size, access) < 0)
        abort();
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    uint8_t *address = info->si_addr;
    int which = closed_page;

    (void)context;
    if (address < page[which] || address >= page[which] + page_size) {
        signal(number, SIG_DFL);
        return;
    }
    set_access(which, PROT_READ | PROT_WRITE);
    if (--moments_left > 0) {
        closed_page = !which;
        set_access(!which, PROT_NONE);
    } else {
        its_action();
    }
}

static uint8_t *page_of(const uint8_t *address)
{
    return (uint8_t *)((uintptr_t)address / page_size * page_size);
}

/* Let the other process act at moment n of the call that follows. */
static void arm(int n, const uint8_t *first, const uint8_t *second,
                void (*action)(void))
{
    page[0]      = page_of(first);
    page[1]      = page_of(second);
    its_action   = action;
    moments_left = n;
    closed_page  = 0;
    set_access(0, PROT_NONE);
}

/* Returns whether the call got as far as to that moment. If not, the other
 * process acts now. */
static bool disarm(void)
{
    if (moments_left <= 0)
        return true;
    set_access(closed_page, PROT_READ | PROT_WRITE);
    its_action();
    return false;
}

static uint8_t *its_buffer(int buffer)
{
    return its_base + shmi_buffer_offset(file_size, buffer);
}

static ShmiState *its_state(int buffer)
{
    return (ShmiState *)(its_buffer(buffer) + SHMI_STATE_OFFSET);
}

static void its_publish(int buffer, uint32_t number)
{
    const ShmiHeader image = { number, WIDTH, HEIGHT, 0, HEIGHT };

    fill_pixels(its_buffer(buffer) + SHMI_HEADER_SIZE, SIZE, number);
    shmi_header_write(its_buffer(buffer), &image);
    atomic_store(its_state(buffer), SHMIMAGE_STATE_CLIENT);
}

static void its_start(void)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        shmi_state_initialise(its_state(i));
        shmi_header_write(its_buffer(i), &empty);
    }
}

static void its_map(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    its_base = mmap(NULL, file_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                    fd, 0);
    ck_assert_ptr_ne(its_base, MAP_FAILED);
    close(fd);
}

static void setup(void)
{
    struct sigaction action = { .sa_sigaction = on_fault,
                                .sa_flags = SA_SIGINFO };

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    file_size = (TEST_FILE_SIZE / 2 / page_size + 1) * page_size;
    file_size = (file_size - SHMI_STATE_OFFSET) * 2;
    path = test_file(file_size);
    its_map();
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

static void teardown(void)
{
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    reader = NULL;
    writer = NULL;
    munmap(its_base, file_size);
    test_files_remove();
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
    arm(n, state[0], state[1], its_start);
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
    ck_assert_int_gt(n, 1);
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

int main(void)
{
    Suite *suite = suite_create("moments");
    TCase *tcase = tcase_create("moments");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_acquire_while_images_come, 0, 2);
    tcase_add_test(tcase, test_acquire_while_server_starts_again);
    tcase_add_test(tcase, test_acquire_leaves_a_held_buffer_to_its_holder);
    tcase_add_test(tcase, test_acquire_never_uses_a_header_that_changed);
    tcase_add_test(tcase, test_release_while_server_starts_again);
    tcase_add_test(tcase, test_put_while_another_server_starts);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
