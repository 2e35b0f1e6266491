/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "wait.h"

#define check_message_has(text)                                    \
    ck_assert_msg(strstr(shmimage_error_message(), text) != NULL,  \
                  "the message is: %s", shmimage_error_message())

static const unsigned ways[] = { 0, SHMIMAGE_REPLACE };

#define NB_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static struct stat stat_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(lstat(path, &st), 0);
    return st;
}

START_TEST(test_file_size_of_no_pixels_is_zero)
{
    ck_assert_uint_eq(shmimage_file_size(0, 1), 0);
    ck_assert_uint_eq(shmimage_file_size(1, 0), 0);
    ck_assert_uint_eq(shmimage_file_size(0, 0), 0);
}
END_TEST

START_TEST(test_file_size_is_20_million_at_least)
{
    ck_assert_uint_ge(shmimage_file_size(1, 1), 20000000);
}
END_TEST

static const uint32_t sizes[][2] = {
    { 1, 1 }, { 3, 5 }, { 1919, 1079 }, { 1920, 1080 }, { 3840, 2160 },
    { 7680, 4320 }, { 1, 10000000 }, { 357913941, 1 },
};

#define NB_SIZES ((int)(sizeof(sizes) / sizeof(sizes[0])))

START_TEST(test_file_size_holds_two_images)
{
    uint64_t size = shmimage_file_size(sizes[_i][0], sizes[_i][1]);

    ck_assert_uint_ge(size / 2,
                      24 + UINT64_C(3) * sizes[_i][0] * sizes[_i][1]);
}
END_TEST

START_TEST(test_file_size_puts_both_headers_on_a_page)
{
    ck_assert_uint_eq(shmimage_file_size(sizes[_i][0], sizes[_i][1]) % 8192,
                      0);
}
END_TEST

START_TEST(test_file_size_of_too_large_an_image_is_zero)
{
    ck_assert_uint_eq(shmimage_file_size(357913942, 1), 0);
    ck_assert_uint_eq(shmimage_file_size(65536, 65536), 0);
    ck_assert_uint_eq(shmimage_file_size(0x55555556, 4), 0);
    ck_assert_uint_eq(shmimage_file_size(UINT32_MAX, UINT32_MAX), 0);
}
END_TEST

START_TEST(test_create_makes_a_file_of_the_size_asked_for)
{
    const char *path = test_name();

    ck_assert_int_eq(shmimage_file_create(path, 20000003, ways[_i]),
                     SHMIMAGE_OK);
    ck_assert_int_eq(stat_of(path).st_size, 20000003);
}
END_TEST

START_TEST(test_create_makes_no_file_under_20_million_bytes)
{
    const char *path = test_name();

    ck_assert_int_eq(shmimage_file_create(path, 0, ways[_i]), SHMIMAGE_OK);
    ck_assert_int_eq(stat_of(path).st_size, 20000000);
}
END_TEST

START_TEST(test_create_reserves_every_page)
{
    struct stat st = stat_of(test_file(TEST_FILE_SIZE));

    ck_assert_int_ge(st.st_blocks * INT64_C(512), TEST_FILE_SIZE);
}
END_TEST

START_TEST(test_create_makes_zeros)
{
    FILE *file = fopen(test_file(TEST_FILE_SIZE), "r");
    int c, bits = 0;

    while ((c = getc(file)) != EOF)
        bits |= c;
    fclose(file);
    ck_assert_int_eq(bits, 0);
}
END_TEST

static const mode_t masks[] = { 0, 022, 077, 0177, 0777 };

static void check_mode(unsigned flags, mode_t mask)
{
    const char *path = test_name();
    mode_t before;
    int ret;

    if (flags)
        write_file(path, "old");
    before = umask(mask);
    ret = shmimage_file_create(path, 0, flags);
    umask(before);
    ck_assert_int_eq(ret, SHMIMAGE_OK);
    ck_assert_int_eq(stat_of(path).st_mode & 07777, 0600);
}

START_TEST(test_create_has_mode_0600_with_any_umask)
{
    check_mode(0, masks[_i]);
}
END_TEST

START_TEST(test_replace_has_mode_0600_with_any_umask)
{
    check_mode(SHMIMAGE_REPLACE, masks[_i]);
}
END_TEST

START_TEST(test_create_refuses_a_name_that_is_taken)
{
    const char *path = test_name();

    write_file(path, "old");
    ck_assert_int_eq(shmimage_file_create(path, 0, 0), SHMIMAGE_ERROR_EXISTS);
    check_message_has(path);
}
END_TEST

START_TEST(test_create_leaves_what_has_the_name_alone)
{
    const char *path = test_name();

    write_file(path, "old");
    shmimage_file_create(path, 0, 0);
    ck_assert_int_eq(stat_of(path).st_size, 3);
}
END_TEST

START_TEST(test_create_does_not_follow_a_symlink)
{
    const char *path = test_name(), *target = test_name();

    ck_assert_int_eq(symlink(target, path), 0);
    ck_assert_int_eq(shmimage_file_create(path, 0, 0), SHMIMAGE_ERROR_EXISTS);
    ck_assert_int_eq(access(target, F_OK), -1);
}
END_TEST

/* A process that is about to create a file, and is stopped; 0 where no process
 * may trace another one. */
static pid_t about_to_create(const char *path, unsigned flags)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(1);
        raise(SIGSTOP);
        _exit(shmimage_file_create(path, 0, flags) < 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSTOPPED(status) ? pid : 0;
}

/* Let it go on to the begin or the end of its next system call. */
static bool goes_on(pid_t pid)
{
    int status;

    ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    return WIFSTOPPED(status);
}

/* The file is never seen but whole, and nothing else is left of it. */
static bool is_killed_after(unsigned flags, int stops)
{
    const char *path = flags ? test_file(TEST_FILE_SIZE) : test_name();
    ShmImageFileInfo info;
    pid_t pid = about_to_create(path, flags);
    int status;
    bool is_there = flags;

    if (!pid)
        return false;
    while (stops-- > 0 && goes_on(pid)) {
        int ret = shmimage_file_info(path, &info, sizeof(info));

        ck_assert_int_eq(ret, is_there || ret == SHMIMAGE_OK
                                  ? SHMIMAGE_OK
                                  : SHMIMAGE_ERROR_NOT_FOUND);
        is_there = ret == SHMIMAGE_OK;
        ck_assert(!is_there || info.size == TEST_FILE_SIZE);
    }
    if (stops >= 0)
        return false;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    /* A new one that replaces another has a hidden name for a moment. */
    ck_assert_int_le(count_entries(folder_of(path)), is_there + !!flags);
    test_files_remove();
    return true;
}

/* At the begin and the end of every system call. */
START_TEST(test_create_is_killed)
{
    int stops = 0;

    while (is_killed_after(ways[_i], stops))
        stops++;
    printf("killed at %d places\n", stops);
}
END_TEST

START_TEST(test_replace_keeps_the_old_file_for_who_has_it_open)
{
    const char *path = test_file(TEST_FILE_SIZE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t state;

    poke_state(path, 0, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_file_create(path, 30000000, SHMIMAGE_REPLACE),
                     SHMIMAGE_OK);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(st.st_size, TEST_FILE_SIZE);
    ck_assert_int_eq(pread(fd, &state, 1, SHMI_STATE_OFFSET), 1);
    ck_assert_uint_eq(state, SHMIMAGE_STATE_CLIENT);
    close(fd);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

/* A server, a reader, and both. */
START_TEST(test_replace_of_a_file_in_use_is_refused)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ino_t before = stat_of(path).st_ino;
    ShmImageWriter *writer = NULL;
    ShmImageReader *reader = NULL;

    if (_i != 1)
        ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    if (_i != 0)
        ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE),
                     SHMIMAGE_ERROR_BUSY);
    check_message_has(path);
    check_message_has(_i == 1 ? "a client is using" : "a server is using");
    ck_assert_uint_eq(stat_of(path).st_ino, before);
    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE |
                                                   SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    ck_assert_uint_ne(stat_of(path).st_ino, before);
    shmimage_writer_close(writer);
    shmimage_reader_close(reader);
    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE),
                     SHMIMAGE_OK);
}
END_TEST

#endif

START_TEST(test_replace_makes_another_file)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ino_t before = stat_of(path).st_ino;

    poke_state(path, 0, SHMIMAGE_STATE_CLIENT);
    shmimage_file_create(path, 30000000, SHMIMAGE_REPLACE);
    ck_assert_uint_ne(stat_of(path).st_ino, before);
    ck_assert_int_eq(stat_of(path).st_size, 30000000);
    ck_assert_uint_eq(peek_state(path, 0), 0);
}
END_TEST

START_TEST(test_replace_leaves_nothing_else_in_the_folder)
{
    const char *path = test_file(TEST_FILE_SIZE);

    shmimage_file_create(path, 0, SHMIMAGE_REPLACE);
    ck_assert_int_eq(count_entries(folder_of(path)), 1);
}
END_TEST

static void check_not_replaced(const char *path)
{
    mode_t type = stat_of(path).st_mode & S_IFMT;

    ck_assert_int_eq(shmimage_file_create(path, 0, SHMIMAGE_REPLACE),
                     SHMIMAGE_ERROR_NOT_REGULAR);
    check_message_has(path);
    ck_assert_int_eq(stat_of(path).st_mode & S_IFMT, type);
}

START_TEST(test_replace_refuses_a_folder)
{
    const char *path = test_name();

    mkdir(path, 0700);
    check_not_replaced(path);
}
END_TEST

START_TEST(test_replace_refuses_a_fifo)
{
    const char *path = test_name();

    mkfifo(path, 0600);
    check_not_replaced(path);
}
END_TEST

START_TEST(test_replace_refuses_a_symlink)
{
    const char *path = test_name();

    ck_assert_int_eq(symlink(test_file(TEST_FILE_SIZE), path), 0);
    check_not_replaced(path);
}
END_TEST

static void add_tests_of_size(TCase *tcase)
{
    tcase_add_test(tcase, test_file_size_of_no_pixels_is_zero);
    tcase_add_test(tcase, test_file_size_is_20_million_at_least);
    tcase_add_loop_test(tcase, test_file_size_holds_two_images, 0, NB_SIZES);
    tcase_add_loop_test(tcase, test_file_size_puts_both_headers_on_a_page, 0,
                        NB_SIZES);
    tcase_add_test(tcase, test_file_size_of_too_large_an_image_is_zero);
}

static void add_tests_of_create(TCase *tcase)
{
    const TTest *const either_way[] = {
        test_create_makes_a_file_of_the_size_asked_for,
        test_create_makes_no_file_under_20_million_bytes,
        test_create_is_killed,
    };
    const TTest *const once[] = {
        test_create_reserves_every_page,
        test_create_makes_zeros,
        test_create_refuses_a_name_that_is_taken,
        test_create_leaves_what_has_the_name_alone,
        test_create_does_not_follow_a_symlink,
        test_replace_keeps_the_old_file_for_who_has_it_open,
        test_replace_makes_another_file,
        test_replace_leaves_nothing_else_in_the_folder,
        test_replace_refuses_a_folder,
        test_replace_refuses_a_fifo,
        test_replace_refuses_a_symlink,
    };

    for (size_t i = 0; i < sizeof(either_way) / sizeof(either_way[0]); i++)
        tcase_add_loop_test(tcase, either_way[i], 0, NB_WAYS);
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        tcase_add_test(tcase, once[i]);
    tcase_add_loop_test(tcase, test_create_has_mode_0600_with_any_umask, 0,
                        sizeof(masks) / sizeof(masks[0]));
    tcase_add_loop_test(tcase, test_replace_has_mode_0600_with_any_umask, 0,
                        sizeof(masks) / sizeof(masks[0]));
}

/* A clock that goes on only while somebody sleeps. */
static int64_t fake_time, most_slept;
static int sleeps;
static const char *made_in_third_sleep;

static int64_t fake_now(void)
{
    return fake_time;
}

static void fake_sleep(int64_t time)
{
    fake_time += time;
    if (time > most_slept)
        most_slept = time;
    if (++sleeps == 3 && made_in_third_sleep)
        ck_assert_int_eq(shmimage_file_create(made_in_third_sleep, 0, 0),
                         SHMIMAGE_OK);
}

static int wait_with_fake_clock(const char *path, int64_t timeout)
{
    ShmiWaitOps ops = shmi_wait_system;
    int ret;

    ops.now   = fake_now;
    ops.sleep = fake_sleep;
    fake_time = most_slept = sleeps = 0;
    shmi_wait_ops = &ops;
    ret = shmimage_file_wait(path, timeout);
    shmi_wait_ops = &shmi_wait_system;
    made_in_third_sleep = NULL;
    return ret;
}

START_TEST(test_wait_for_a_file_that_is_there)
{
    ck_assert_int_eq(wait_with_fake_clock(test_file(TEST_FILE_SIZE),
                                          SHMIMAGE_FOREVER), SHMIMAGE_OK);
    ck_assert_int_eq(sleeps, 0);
}
END_TEST

START_TEST(test_wait_for_a_file_that_comes)
{
    made_in_third_sleep = test_name();
    ck_assert_int_eq(wait_with_fake_clock(made_in_third_sleep,
                                          _i ? SHMIMAGE_FOREVER : 1000000),
                     SHMIMAGE_OK);
    ck_assert_int_eq(sleeps, 3);
    ck_assert_int_le(most_slept, 10000000);
}
END_TEST

START_TEST(test_wait_for_a_file_that_does_not_come)
{
    const char *path = test_name();

    if (_i)
        write_file(path, "too small");
    ck_assert_int_eq(wait_with_fake_clock(path, 25000),
                     _i ? SHMIMAGE_ERROR_FILE_SIZE : SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_int_eq(fake_time, 25000000);
    check_message_has(path);
    ck_assert_int_eq(wait_with_fake_clock(path, 0),
                     _i ? SHMIMAGE_ERROR_FILE_SIZE : SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_int_eq(sleeps, 0);
}
END_TEST

START_TEST(test_wait_for_what_is_no_file)
{
    ck_assert_int_eq(wait_with_fake_clock("/dev", SHMIMAGE_FOREVER),
                     SHMIMAGE_ERROR_NOT_REGULAR);
    ck_assert_int_eq(shmimage_file_wait(NULL, 0), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");

    tcase_add_checked_fixture(tcase, NULL, test_files_remove);
    add_tests_of_size(tcase);
    add_tests_of_create(tcase);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_loop_test(tcase, test_replace_of_a_file_in_use_is_refused, 0, 3);
#endif
    tcase_add_test(tcase, test_wait_for_a_file_that_is_there);
    tcase_add_loop_test(tcase, test_wait_for_a_file_that_comes, 0, 2);
    tcase_add_loop_test(tcase, test_wait_for_a_file_that_does_not_come, 0, 2);
    tcase_add_test(tcase, test_wait_for_what_is_no_file);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
