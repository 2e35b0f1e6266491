/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Streams on a file system that is full. Where a file was made by this library
 * all its space is its own; one that was made sparse meets the lack of space
 * at the first touch of a page, and that must end nobody.
 *
 * Each test has a small file system of its own, in name spaces of this
 * program's own. Without the right to have those, all is skipped.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared_memory_image_client_priv.h"
#include "support.h"

#define SKIPPED 77

enum { SIDE = 1800, SIZE = SIDE * SIDE * SHMI_BYTES_PER_PIXEL };

static const char *path;
static char folder[128];
static uint8_t pixels[SIZE];

#define assert_message_has(text)                                    \
    ck_assert_msg(strstr(shmimage_error_message(), text) != NULL,   \
                  "the message is: %s", shmimage_error_message())

static void assert_told_that_it_is_full(int status)
{
    ck_assert_int_eq(status, SHMIMAGE_ERROR_TRUNCATED);
    assert_message_has(path);
    assert_message_has("the file system is full");
}

static void resize_file_system(const char *options)
{
    ck_assert_int_eq(mount("none", folder, "tmpfs", MS_REMOUNT, options), 0);
}

static void setup(void)
{
    path = test_name();
    strcpy(folder, folder_of(path));
    ck_assert_int_eq(mount("none", folder, "tmpfs", 0, "size=30m"), 0);
}

static void teardown(void)
{
    umount2(folder, MNT_DETACH);
    test_files_remove();
}

/* Use up all space but for some pages. */
static void fill(int pages_left)
{
    static const char page[4096];
    char name[160];
    struct stat st;
    int fd;

    snprintf(name, sizeof(name), "%s/.filler", folder);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    while (write(fd, page, sizeof(page)) > 0)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(ftruncate(fd, st.st_size - pages_left * 4096), 0);
    close(fd);
}

static void make_sparse_file(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 40000000), 0);
    close(fd);
}

static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static ShmImageWriter *open_writer(void)
{
    ShmImageWriter *writer;

    ck_assert_msg(shmimage_writer_open(path, 0, &writer) == SHMIMAGE_OK,
                  "%s", shmimage_error_message());
    return writer;
}

static ShmImageReader *open_reader(void)
{
    ShmImageReader *reader;

    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    return reader;
}

static int put(ShmImageWriter *writer, uint32_t number)
{
    fill_pixels(pixels, SIZE, number);
    return shmimage_writer_put(writer, number, SIDE, SIDE, pixels, 0);
}

static void take(ShmImageReader *reader, uint32_t number)
{
    ShmImageFrame *frame;

    ck_assert_int_eq(shmimage_reader_acquire(reader, 30000000, &frame),
                     SHMIMAGE_OK);
    ck_assert_uint_eq(frame->number, number);
    ck_assert(pixels_match(frame->pixels, frame->size, number));
    ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
    shmimage_reader_release(frame);
}

/* Enough for what the tests draw. */
static void assert_stream_works(void)
{
    ShmImageWriter *writer;
    ShmImageReader *reader;

    resize_file_system("size=80m");
    writer = open_writer();
    reader = open_reader();
    for (uint32_t number = 1; number < 4; number++) {
        ck_assert_int_eq(put(writer, number), SHMIMAGE_OK);
        take(reader, number);
    }
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
}

/* No room for the first header, or for the second one. */
START_TEST(test_writer_open_without_a_page)
{
    const int before = count_descriptors();
    ShmImageWriter *writer = (ShmImageWriter *)pixels;

    make_sparse_file();
    fill(_i);
    assert_told_that_it_is_full(shmimage_writer_open(path, 0, &writer));
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(count_descriptors(), before);
    assert_stream_works();
}
END_TEST

START_TEST(test_reset_without_a_page)
{
    make_sparse_file();
    fill(_i);
    assert_told_that_it_is_full(shmimage_file_reset(path, 0));
    assert_stream_works();
    ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_OK);
    ck_assert_int_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_published_create_without_a_page)
{
    SharedMemoryImageStream stream;

    make_sparse_file();
    fill(_i);
    ck_assert_int_eq(SharedMemoryImageStream_create(
                         path, IMAGESTREAM_OPTIONS_SERVER, &stream),
                     IMAGESTREAM_BAD_FILE_SIZE);
    assert_message_has("the file system is full");
    ck_assert_ptr_null(stream);
    assert_stream_works();
}
END_TEST

static void assert_dropped(ShmImageWriter *writer, uint64_t images)
{
    ShmImageWriterStats stats;

    ck_assert_int_eq(shmimage_writer_stats(writer, &stats, sizeof(stats)),
                     SHMIMAGE_OK);
    ck_assert_uint_eq(stats.dropped, images);
    ck_assert_uint_eq(stats.published, 0);
}

static void assert_writer_has_to_go(ShmImageWriter *writer)
{
    assert_told_that_it_is_full(put(writer, 2));
    assert_told_that_it_is_full(
        shmimage_writer_wait(writer, SHMIMAGE_FOREVER));
    assert_dropped(writer, 2);
    shmimage_writer_close(writer);
    assert_stream_works();
}

/* As if there were a client. Room is for the headers, not for an image. */
static ShmImageWriter *connect_writer(int pages)
{
    ShmImageWriter *writer;

    make_sparse_file();
    fill(pages);
    writer = open_writer();
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke_state(path, i, SHMIMAGE_STATE_SERVER);
    return writer;
}

START_TEST(test_put_without_the_pages)
{
    ShmImageWriter *writer = connect_writer(_i);

    assert_told_that_it_is_full(put(writer, 1));
    assert_writer_has_to_go(writer);
}
END_TEST

START_TEST(test_draw_without_the_pages)
{
    ShmImageWriter *writer = connect_writer(_i);
    uint8_t *canvas;

    ck_assert_int_eq(shmimage_writer_begin(writer, 1, SIDE, SIDE, &canvas),
                     SHMIMAGE_OK);
    fill_pixels(canvas, SIZE, 1);
    /* The caller's program may read what it draws. */
    ck_assert(pixels_match(canvas, SIZE, 1));
    assert_told_that_it_is_full(shmimage_writer_commit(writer));
    assert_writer_has_to_go(writer);
}
END_TEST

START_TEST(test_reader_without_a_page)
{
    const int before = count_descriptors();
    ShmImageReader *reader;
    ShmImageFrame *frame;

    make_sparse_file();
    fill(_i);
    reader = open_reader();
    assert_told_that_it_is_full(shmimage_reader_acquire(reader, 0, &frame));
    ck_assert_ptr_null(frame);
    /* Once is enough, however often it looks for something better. */
    ck_assert_int_eq(shmimage_reader_acquire(reader, 300000, &frame),
                     SHMIMAGE_NO_FRAME);
    shmimage_reader_close(reader);
    resize_file_system("size=80m");
    assert_stream_works();
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

/* A server that wrote the header first, and whose pixels had no room. */
START_TEST(test_frame_without_its_pages)
{
    const ShmiHeader header = { 1, SIDE, SIDE, 0, SIDE };
    ShmImageReader *reader;
    ShmImageFrame *frame;
    size_t sum = 0;

    make_sparse_file();
    for (int i = 0; i < SHMI_BUFFERS; i++)
        poke(path, i, &header, SHMIMAGE_STATE_CLIENT);
    fill(_i);
    reader = open_reader();
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame), SHMIMAGE_OK);
    for (size_t i = 0; i < frame->size; i++)
        sum += frame->pixels[i];
    ck_assert_uint_eq(sum, 0);
    assert_told_that_it_is_full(shmimage_frame_check(frame));
    shmimage_reader_release(frame);
    assert_told_that_it_is_full(shmimage_reader_acquire(reader, 0, &frame));
    shmimage_reader_close(reader);
    assert_stream_works();
}
END_TEST

START_TEST(test_created_file_can_be_written_when_all_is_full)
{
    const uint32_t side = 1825; /* of the largest square image that fits */
    ShmImageWriter *writer;
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_file_create(path, 0, 0), SHMIMAGE_OK);
    fill(0);
    writer = open_writer();
    reader = open_reader();
    for (uint32_t number = 1; number < 5; number++) {
        ShmImageFrame *frame;
        uint8_t *canvas;

        ck_assert_int_eq(shmimage_writer_begin(writer, number, side, side,
                                               &canvas), SHMIMAGE_OK);
        fill_pixels(canvas, side * side * 3, number);
        ck_assert_int_eq(shmimage_writer_commit(writer), SHMIMAGE_OK);
        ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                         SHMIMAGE_OK);
        ck_assert(pixels_match(frame->pixels, frame->size, number));
        ck_assert_int_eq(shmimage_frame_check(frame), SHMIMAGE_OK);
        shmimage_reader_release(frame);
    }
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
}
END_TEST

/* For a moment there have to be two. */
START_TEST(test_replace_needs_room_for_both_files)
{
    ShmImageWriter *writer;
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_file_create(path, 0, 0), SHMIMAGE_OK);
    writer = open_writer();
    reader = open_reader();
    ck_assert_int_eq(put(writer, 1), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE |
                                                   SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_ERROR_NO_SPACE);
    assert_message_has(path);
    ck_assert_int_eq(count_entries(folder), 1);
    take(reader, 1);
    ck_assert_int_eq(put(writer, 2), SHMIMAGE_OK);
    take(reader, 2);
    shmimage_reader_close(reader);
    shmimage_writer_close(writer);
    resize_file_system("size=60m");
    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE |
                                                   SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    assert_stream_works();
}
END_TEST

static bool write_map(const char *name, unsigned id)
{
    FILE *map = fopen(name, "w");
    bool written = map && fprintf(map, "0 %u 1", id) > 0;

    return map && fclose(map) == 0 && written;
}

/* Become free to mount. A user other than root has to be root of something. */
static bool enter_name_spaces(void)
{
    const unsigned user = geteuid(), group = getegid();
    FILE *groups;

    if (user) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
            return false;
        groups = fopen("/proc/self/setgroups", "w");
        if (groups) {
            fputs("deny", groups);
            fclose(groups);
        }
        if (!write_map("/proc/self/uid_map", user) ||
            !write_map("/proc/self/gid_map", group))
            return false;
    } else if (unshare(CLONE_NEWNS)) {
        return false;
    }
    return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/mnt", "tmpfs", 0, "size=64k") == 0;
}

int main(void)
{
    Suite *suite;
    TCase *tcase;

    if (!enter_name_spaces()) {
        perror("skipped: a small file system is needed and can't be mounted");
        return SKIPPED;
    }
    suite = suite_create("full file system");
    tcase = tcase_create("full");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_writer_open_without_a_page, 0, 2);
    tcase_add_loop_test(tcase, test_reset_without_a_page, 0, 2);
    tcase_add_loop_test(tcase, test_published_create_without_a_page, 0, 2);
    tcase_add_loop_test(tcase, test_put_without_the_pages, 2, 5);
    tcase_add_loop_test(tcase, test_draw_without_the_pages, 2, 5);
    tcase_add_loop_test(tcase, test_reader_without_a_page, 0, 2);
    tcase_add_loop_test(tcase, test_frame_without_its_pages, 0, 3);
    tcase_add_test(tcase, test_created_file_can_be_written_when_all_is_full);
    tcase_add_test(tcase, test_replace_needs_room_for_both_files);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
