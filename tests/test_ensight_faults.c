/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The published interface on a system that fails: the codes for it, that
 * nothing leaks, and that the next try succeeds.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "ensight_harness.h"
#include "faults.h"

enum { LAST_ERRNO = 133 };

static const struct {
    Fault which;
    int error;
    SharedMemoryImageError code;
    int least;  /* calls of create that can fail like this */
} faults[] = {
    { FAULT_CALLOC, ENOMEM, IMAGESTREAM_MEMORY_ALLOC_ERROR, 1 },
    { FAULT_MALLOC, ENOMEM, IMAGESTREAM_MEMORY_ALLOC_ERROR, 1 },
    { FAULT_MUTEX, EAGAIN, IMAGESTREAM_THREAD_CREATE_ERROR, 1 },
    { FAULT_MUTEX, ENOMEM, IMAGESTREAM_THREAD_CREATE_ERROR, 1 },
    { FAULT_MMAP, ENODEV, IMAGESTREAM_UNABLE_TO_MAP_FILE, 1 },
    { FAULT_MMAP, ENOMEM, IMAGESTREAM_UNABLE_TO_MAP_FILE, 1 },
    { FAULT_MMAP, EAGAIN, IMAGESTREAM_UNABLE_TO_MAP_FILE, 1 },
    { FAULT_OPEN, EACCES, IMAGESTREAM_UNABLE_TO_OPEN_FILE, 1 },
    { FAULT_OPEN, EMFILE, IMAGESTREAM_UNABLE_TO_OPEN_FILE, 1 },
    { FAULT_OPEN, ENOENT, IMAGESTREAM_BAD_FILE_SIZE, 1 },
};

/* Returns whether create got as far as to the nth call, and so failed. */
static bool create_fails(uint32_t options, int fault, int nth)
{
    SharedMemoryImageStream stream = (SharedMemoryImageStream)&t;
    SharedMemoryImageError ret;
    Account before = account_now();

    fault_plan(faults[fault].which, nth, faults[fault].error);
    ret = SharedMemoryImageStream_create(t.path, options, &stream);
    if (!fault_came()) {
        t.client = stream;
        ck_assert_int_ge(ret, 0);
        return false;
    }
    assert_account(&before);
    ck_assert_int_eq(ret, faults[fault].code);
    ck_assert_ptr_null(stream);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), t.path));
    return true;
}

static void assert_create_recovers(uint32_t options, int fault)
{
    int nth = 1;

    while (create_fails(options, fault, nth))
        nth++;
    ck_assert_int_gt(nth, faults[fault].least);
}

START_TEST(test_create_client_when_the_system_fails)
{
    poke_image(0, 3, IMAGESTREAM_BUFFER_STATE_CLIENT);
    poke_image(1, 4, IMAGESTREAM_BUFFER_STATE_INIT);
    assert_create_recovers(IMAGESTREAM_OPTIONS_NONE, _i);
    take_image(3);
}
END_TEST

START_TEST(test_create_server_when_the_system_fails)
{
    assert_create_recovers(IMAGESTREAM_OPTIONS_SERVER, _i);
    t.server = t.client;
    t.client = NULL;
    start_client(IMAGESTREAM_NOERROR);
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
}
END_TEST

/* Neither end counts as having been there. */
START_TEST(test_failed_create_leaves_the_file_alone)
{
    poke_image(0, 3, IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED);
    poke_image(1, 4, IMAGESTREAM_BUFFER_STATE_INIT);
    ck_assert(create_fails(IMAGESTREAM_OPTIONS_NONE, _i, 1));
    ck_assert(create_fails(IMAGESTREAM_OPTIONS_SERVER, _i, 1));
    assert_states(IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED,
                  IMAGESTREAM_BUFFER_STATE_INIT);
    ck_assert_uint_eq(peek_header(t.path, 0).frame_number, 3);
}
END_TEST

/* However the file can't be opened or mapped, the code is one that programs
 * written for the vendor's library know. */
START_TEST(test_create_has_a_published_code_for_any_errno)
{
    SharedMemoryImageStream stream;
    SharedMemoryImageError ret;

    fault_plan(FAULT_OPEN, 1, _i);
    ret = SharedMemoryImageStream_create(t.path, 0, &stream);
    ck_assert(fault_came());
    ck_assert(ret == IMAGESTREAM_UNABLE_TO_OPEN_FILE ||
              ret == IMAGESTREAM_BAD_FILE_SIZE);
    fault_plan(FAULT_MMAP, 1, _i);
    ret = SharedMemoryImageStream_create(t.path, 0, &stream);
    ck_assert(fault_came());
    ck_assert_int_eq(ret, IMAGESTREAM_UNABLE_TO_MAP_FILE);
}
END_TEST

static void queue_last_block(uint32_t number)
{
    const ShmiHeader header = { number, 2, 2, 0, 1 };
    const ShmiHeader bottom = { number, 2, 2, 1, 1 };
    uint8_t pixels[12];

    fill_pixels(pixels, sizeof(pixels), number);
    poke_pixels(t.path, 0, pixels, 6);
    poke_pixels(t.path, 1, pixels + 6, 6);
    poke(t.path, 0, &header, IMAGESTREAM_BUFFER_STATE_CLIENT);
    poke(t.path, 1, &bottom, IMAGESTREAM_BUFFER_STATE_CLIENT);
}

/* Returns whether lock got as far as to the nth allocation. */
static bool lock_fails(Fault which, int nth, uint32_t number)
{
    SharedMemoryFrame frame = NULL;
    SharedMemoryImageError ret;
    Account before;

    queue_last_block(number);
    before = account_now();
    fault_plan(which, nth, ENOMEM);
    ret = SharedMemoryImageStream_lock(t.client, &frame);
    if (!fault_came()) {
        ck_assert_int_eq(ret, IMAGESTREAM_NOERROR);
        assert_image(frame, number, 2, 2);
        return false;
    }
    ck_assert_int_eq(ret, IMAGESTREAM_MEMORY_ALLOC_ERROR);
    ck_assert_ptr_null(frame);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), t.path));
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     IMAGESTREAM_NOT_LOCKED);
    /* The image is lost; what is left of it goes with the next lock. */
    ck_assert_int_eq(SharedMemoryImageStream_lock(t.client, &frame),
                     IMAGESTREAM_NO_FRAMEAVAILABLE);
    assert_account(&before);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
    return true;
}

START_TEST(test_lock_without_memory_for_blocks)
{
    const Fault which = _i ? FAULT_CALLOC : FAULT_MALLOC;
    uint32_t number = 1;

    start_both();
    while (lock_fails(which, (int)number, number))
        number++;
    ck_assert_uint_gt(number, 1);
}
END_TEST

static void use_and_destroy_both(void)
{
    start_both();
    ck_assert_int_eq(put(1, 4, 4), IMAGESTREAM_NOERROR);
    take_image(1);
    ck_assert_int_eq(put(2, 4, 4), IMAGESTREAM_NOERROR);
    lock_image(2);
    stop(&t.server);
    stop(&t.client);
}

static void destroy_with_blocks(void)
{
    start_both();
    queue_last_block(1);
    lock_image(1);
    stop(&t.client);
    stop(&t.server);
}

static void destroy_with_half_an_image(void)
{
    SharedMemoryFrame frame;

    start_both();
    queue_last_block(1);
    poke_state(t.path, 0, IMAGESTREAM_BUFFER_STATE_SERVER);
    ck_assert_int_eq(SharedMemoryImageStream_lock(t.client, &frame),
                     IMAGESTREAM_NO_FRAMEAVAILABLE);
    stop(&t.client);
    stop(&t.server);
}

START_TEST(test_destroy_gives_everything_back)
{
    static void (*const lives[])(void) = { use_and_destroy_both,
                                           destroy_with_blocks,
                                           destroy_with_half_an_image };
    Account before = account_now();

    for (int i = 0; i < 3; i++)
        lives[_i]();
    assert_account(&before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("published interface, failing system");
    TCase *tcase = ensight_tcase("faults");

    tcase_add_loop_test(tcase, test_create_client_when_the_system_fails, 0,
                        COUNT(faults));
    tcase_add_loop_test(tcase, test_create_server_when_the_system_fails, 0,
                        COUNT(faults));
    tcase_add_loop_test(tcase, test_failed_create_leaves_the_file_alone, 0,
                        COUNT(faults));
    tcase_add_loop_test(tcase, test_create_has_a_published_code_for_any_errno,
                        1, LAST_ERRNO + 1);
    tcase_add_loop_test(tcase, test_lock_without_memory_for_blocks, 0, 2);
    tcase_add_loop_test(tcase, test_destroy_gives_everything_back, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
