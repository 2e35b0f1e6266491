/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader whose file is replaced: it goes over to the new one of that name,
 * and keeps the old one for as long as frames are held from it.
 */
#include "config.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

#define SECOND 1000000

/* Mappings of files that have lost their name, in this process. */
static int count_old_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    int count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "/live.shm") && strstr(line, "(deleted)");
    fclose(maps);
    return count;
}

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

START_TEST(test_follow_with_no_frame_held)
{
    uint32_t session = session_of_next(1);

    replace(TEST_FILE_SIZE, _i);
    open_writer();
    wait_until(follows());
    check_goes_on(session + 1);
    ck_assert_uint_eq(sessions(), session + 1);
}
END_TEST

START_TEST(test_follow_of_a_larger_file)
{
    static uint8_t pixels[4000 * 3000 * 3];
    uint32_t session = session_of_next(1);
    ShmImageFrame *frame;

    replace(shmimage_file_size(4000, 3000), _i);
    open_writer();
    wait_until(follows());
    fill_pixels(pixels, sizeof(pixels), 7);
    ck_assert_int_eq(shmimage_writer_put(writer, 7, 4000, 3000, pixels, 0),
                     SHMIMAGE_OK);
    frame = take();
    ck_assert_uint_eq(frame->session, session + 1);
    ck_assert(pixels_match(frame->pixels, frame->size, 7));
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_follow_before_the_server_is_there)
{
    uint32_t session = session_of_next(1);

    replace(TEST_FILE_SIZE, false);
    wait_until(look() == SHMIMAGE_NO_FRAME && count_old_mappings() == 0);
    open_writer();
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    check_goes_on(session + 1);
}
END_TEST

/* Its server has been answered by another client before. */
START_TEST(test_follow_of_a_stream_that_runs)
{
    uint32_t session = session_of_next(1);
    const char *name = path;
    ShmImageReader *other;
    ShmImageFrame *frame;

    old_writer = writer;
    path = test_file(TEST_FILE_SIZE);
    open_writer();
    ck_assert_int_eq(shmimage_reader_open(path, 0, &other), SHMIMAGE_OK);
    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    shmimage_reader_close(other);
    ck_assert_int_eq(rename(path, name), 0);
    path = name;
    wait_until(shmimage_reader_acquire(reader, 0, &frame) == SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, 2);
    ck_assert_uint_eq(frame->session, session + 1);
    ck_assert_uint_eq(sessions(), session + 1);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_follow_keeps_a_held_frame)
{
    ShmImageFrame *held = put_and_take(1);
    uint32_t session = held->session;

    replace(TEST_FILE_SIZE, _i);
    open_writer();
    wait_until(follows());
    check_goes_on(session + 1);
    ck_assert(pixels_match(held->pixels, SIZE, 1));
    ck_assert_int_eq(shmimage_frame_check(held), SHMIMAGE_OK);
    ck_assert_uint_eq(held->session, session);
    shmimage_reader_release(held);
    check_goes_on(session + 1);
}
END_TEST

/* While both buffers are held there is no looking for another file. */
START_TEST(test_follow_keeps_two_held_frames)
{
    ShmImageFrame *first = put_and_take(1);
    ShmImageFrame *second = put_and_take(2);
    uint32_t session = first->session;

    replace(TEST_FILE_SIZE, _i);
    open_writer();
    ck_assert_int_eq(look(), SHMIMAGE_ERROR_LOCKED);
    shmimage_reader_release(first);
    wait_until(follows());
    check_goes_on(session + 1);
    ck_assert(pixels_match(second->pixels, SIZE, 2));
    ck_assert_int_eq(shmimage_frame_check(second), SHMIMAGE_OK);
    shmimage_reader_release(second);
    check_goes_on(session + 1);
}
END_TEST

START_TEST(test_follow_again_and_again_with_a_frame_of_each_file)
{
    enum { FILES = 5 };
    ShmImageFrame *held[FILES];
    int descriptors = count_descriptors();
    uint32_t session;

    for (uint32_t i = 0; i < FILES; i++) {
        held[i] = put_and_take(i);
        replace(TEST_FILE_SIZE, false);
        open_writer();
        wait_until(follows());
    }
    ck_assert_int_ge(count_old_mappings(), FILES);
    session = held[0]->session;
    for (uint32_t i = 0; i < FILES; i++) {
        ck_assert_uint_eq(held[i]->session, session + i);
        ck_assert(pixels_match(held[i]->pixels, SIZE, i));
        shmimage_reader_release(held[i]);
    }
    ck_assert_int_eq(count_old_mappings(), 0);
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(test_follow_gives_up_the_old_file)
{
    int descriptors = count_descriptors();

    replace(TEST_FILE_SIZE, false);
    open_writer();
    wait_until(follows());
    ck_assert_int_eq(count_old_mappings(), 0);
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(test_follow_gives_up_the_old_file_after_its_last_frame)
{
    int descriptors = count_descriptors();
    ShmImageFrame *held = put_and_take(1);

    replace(TEST_FILE_SIZE, false);
    open_writer();
    wait_until(follows());
    ck_assert_int_gt(count_old_mappings(), 0);
    shmimage_reader_release(held);
    ck_assert_int_eq(count_old_mappings(), 0);
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

/* In the order of the frames, or of the files. */
START_TEST(test_release_after_follow_and_close)
{
    ShmImageFrame *first = put_and_take(1), *second;

    replace(TEST_FILE_SIZE, false);
    open_writer();
    wait_until(follows());
    second = put_and_take(2);
    shmimage_reader_close(reader);
    reader = NULL;
    shmimage_reader_release(_i ? second : first);
    ck_assert(pixels_match((_i ? first : second)->pixels, SIZE, _i ? 1 : 2));
    shmimage_reader_release(_i ? first : second);
    ck_assert_int_eq(count_old_mappings(), 0);
}
END_TEST

START_TEST(test_follow_tells_the_server_of_the_old_file)
{
#if SHMI_HAVE_OFD_LOCKS
    session_of_next(1);
    replace(TEST_FILE_SIZE, true);
    open_writer();
    wait_until(follows());
    ck_assert_int_eq(shmimage_writer_wait(old_writer, 0),
                     SHMIMAGE_UNCONNECTED);
#endif
}
END_TEST

START_TEST(test_follow_reads_the_old_file_to_its_end)
{
    uint32_t session = session_of_next(1);

    ck_assert_int_eq(put(2), SHMIMAGE_OK);
    ck_assert_int_eq(put(3), SHMIMAGE_OK);
    replace(TEST_FILE_SIZE, false);
    open_writer();
    for (uint32_t number = 2; number < 4; number++) {
        ShmImageFrame *frame = take();

        ck_assert_uint_eq(frame->number, number);
        ck_assert_uint_eq(frame->session, session);
        shmimage_reader_release(frame);
    }
    wait_until(follows());
    check_goes_on(session + 1);
}
END_TEST

/* The other block, which has the same number, is of another image. */
START_TEST(test_follow_drops_an_image_that_lacks_blocks)
{
    const ShmiHeader bottom = { 7, width, height, 4, height - 4 };
    const ShmiHeader top = { 7, width, height, 0, 4 };
    ShmImageReaderStats stats;

    poke(path, 0, &bottom, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    replace(TEST_FILE_SIZE, false);
    open_writer();
    wait_until(follows());
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.incomplete, 1);
    poke(path, 0, &top, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
}
END_TEST

START_TEST(test_follow_in_a_reader_that_waits)
{
    uint32_t session = session_of_next(1);
    ShmImageFrame *frame;
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_image, NULL), 0);
    replace(TEST_FILE_SIZE, _i);
    open_writer();
    ck_assert_int_eq(shmimage_writer_wait(writer, 30 * SECOND), SHMIMAGE_OK);
    ck_assert_int_eq(put(5), SHMIMAGE_OK);
    pthread_join(thread, &result);
    frame = result;
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(frame->number, 5);
    ck_assert_uint_eq(frame->session, session + 1);
    shmimage_reader_release(frame);
}
END_TEST

START_TEST(test_follow_of_a_link_that_is_turned)
{
    const char *first = path, *name = test_name();
    uint32_t session = session_of_next(1);

    shmimage_reader_close(reader);
    ck_assert_int_eq(symlink(first, name), 0);
    ck_assert_int_eq(shmimage_reader_open(name, 0, &reader),
                     SHMIMAGE_RECONNECTING);
    ck_assert_uint_eq(session_of_next(2), 0);
    old_writer = writer;
    path = test_file(TEST_FILE_SIZE);
    open_writer();
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(symlink(path, name), 0);
    wait_until(follows());
    check_goes_on(session);
}
END_TEST

START_TEST(test_disconnected_of_the_new_file_s_server)
{
#if SHMI_HAVE_OFD_LOCKS
    session_of_next(1);
    replace(TEST_FILE_SIZE, _i);
    open_writer();
    wait_until(follows());
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    shmimage_writer_close(writer);
    writer = NULL;
    ck_assert_int_eq(look(), SHMIMAGE_DISCONNECTED);
    ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
#endif
}
END_TEST

START_TEST(test_disconnected_of_the_server_of_each_file)
{
#if SHMI_HAVE_OFD_LOCKS
    for (int i = 0; i < 3; i++) {
        close_writer();
        ck_assert_int_eq(look(), SHMIMAGE_DISCONNECTED);
        replace(TEST_FILE_SIZE, false);
        open_writer();
        wait_until(follows());
    }
#endif
}
END_TEST

int main(void)
{
    const TTest *const twice[] = {
        test_follow_with_no_frame_held,
        test_follow_of_a_larger_file,
        test_follow_keeps_a_held_frame,
        test_follow_keeps_two_held_frames,
        test_release_after_follow_and_close,
        test_follow_in_a_reader_that_waits,
        test_disconnected_of_the_new_file_s_server,
    };
    const TTest *const once[] = {
        test_follow_before_the_server_is_there,
        test_follow_of_a_stream_that_runs,
        test_follow_again_and_again_with_a_frame_of_each_file,
        test_follow_gives_up_the_old_file,
        test_follow_gives_up_the_old_file_after_its_last_frame,
        test_follow_tells_the_server_of_the_old_file,
        test_follow_reads_the_old_file_to_its_end,
        test_follow_drops_an_image_that_lacks_blocks,
        test_disconnected_of_the_server_of_each_file,
        test_follow_of_a_link_that_is_turned,
    };
    Suite *suite = suite_create("follow");
    TCase *tcase = pair_tcase("follow");

    ADD_TESTS(tcase, twice, 2);
    ADD_TESTS(tcase, once, 1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
