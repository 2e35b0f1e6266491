/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader whose file is replaced by something that it can't read from: it
 * keeps what it has until there is something better.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pair.h"
#include "wait.h"

static void make_small_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, SHMI_MIN_FILE_SIZE - 1), 0);
    close(fd);
}

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(name, 0700), 0);
}

static void make_fifo(const char *name)
{
    ck_assert_int_eq(mkfifo(name, 0600), 0);
}

static void make_dangling_link(const char *name)
{
    ck_assert_int_eq(symlink("nothing/there", name), 0);
}

static void make_nothing(const char *name)
{
    (void)name;
}

static void (*const make_invalid[])(const char *) = {
    make_small_file, make_folder, make_fifo, make_dangling_link, make_nothing,
};

enum { INVALID = sizeof(make_invalid) / sizeof(make_invalid[0]) };

/* Long enough for the reader to have asked for the name, more than once. */
static void look_for_a_while(void)
{
    for (int i = 0; i < 5; i++) {
        hurry(2 * SHMI_CHECK_INTERVAL);
        ck_assert_int_eq(look(), SHMIMAGE_NO_FRAME);
    }
}

START_TEST(test_follow_of_nothing_that_is_invalid)
{
    uint32_t session = session_of_next(1);
    ShmImageFrame *held = put_and_take(2);

    ck_assert_int_eq(unlink(path), 0);
    make_invalid[_i](path);
    look_for_a_while();
    /* The old one still carries the stream. */
    ck_assert_uint_eq(session_of_next(3), session);
    ck_assert(pixels_match(held->pixels, SIZE, 2));
    shmimage_reader_release(held);
    check_goes_on(session);
    ck_assert_int_eq(sessions(), session);
}
END_TEST

START_TEST(test_follow_once_there_is_something_valid)
{
    uint32_t session = session_of_next(1);

    ck_assert_int_eq(unlink(path), 0);
    make_invalid[_i](path);
    look_for_a_while();
    remove(path);
    old_writer = writer;
    ck_assert_int_eq(shmimage_file_create(path, 0, 0), SHMIMAGE_OK);
    open_writer();
    wait_until(follows());
    check_goes_on(session + 1);
}
END_TEST

START_TEST(test_follow_of_a_file_that_another_reader_has)
{
#if SHMI_HAVE_OFD_LOCKS
    uint32_t session = session_of_next(1);
    ShmImageReader *other;

    replace(TEST_FILE_SIZE, true);
    ck_assert_int_eq(shmimage_reader_open(path, 0, &other),
                     SHMIMAGE_RECONNECTING);
    look_for_a_while();
    shmimage_reader_close(other);
    open_writer();
    wait_until(follows());
    check_goes_on(session + 1);
#endif
}
END_TEST

int main(void)
{
    const TTest *const of_each[] = {
        test_follow_of_nothing_that_is_invalid,
        test_follow_once_there_is_something_valid,
    };
    Suite *suite = suite_create("follow_refused");
    TCase *tcase = pair_tcase("follow_refused");

    ADD_TESTS(tcase, of_each, INVALID);
    tcase_add_test(tcase, test_follow_of_a_file_that_another_reader_has);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
