/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What keeps shmimage_file_create() from making a file. Every test runs once
 * for a new file and once for a replacement.
 */
#include "config.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define NOBODY  65534
#define SKIPPED 77

#define check_message_has(text)                                    \
    ck_assert_msg(strstr(shmimage_error_message(), text) != NULL,  \
                  "the message is: %s", shmimage_error_message())

static const unsigned ways[] = { 0, SHMIMAGE_REPLACE };

#define NB_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static void check_has_no_folder(const char *path, unsigned flags)
{
    char expected[160];

    snprintf(expected, sizeof(expected), "the directory %s does not exist",
             folder_of(path));
    ck_assert_int_eq(shmimage_file_create(path, 0, flags),
                     SHMIMAGE_ERROR_NOT_FOUND);
    check_message_has(path);
    check_message_has(expected);
}

START_TEST(test_create_in_a_missing_folder)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/live.shm", test_name());
    check_has_no_folder(path, ways[_i]);
}
END_TEST

START_TEST(test_create_below_a_file)
{
    const char *file = test_name();
    char path[128];

    write_file(file, "old");
    snprintf(path, sizeof(path), "%s/live.shm", file);
    check_has_no_folder(path, ways[_i]);
}
END_TEST

START_TEST(test_create_with_bad_arguments)
{
    const char *path = test_name();

    ck_assert_int_eq(shmimage_file_create(NULL, 0, ways[_i]),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_file_create("", 0, ways[_i]),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_file_create(path, 0, ways[_i] | 0x100),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(test_create_of_an_impossible_size)
{
    const char *path = test_name();

    ck_assert_int_eq(shmimage_file_create(path, UINT64_MAX, ways[_i]),
                     SHMIMAGE_ERROR_NO_SPACE);
    check_message_has(path);
    ck_assert_int_eq(count_entries(folder_of(path)), 0);
}
END_TEST

/* Run a part of a test in a child, for it changes what can't be changed back;
 * 0 is success, SKIPPED that the child could not make the change. */
static void check_in_child(int (*part)(const char *path, unsigned flags),
                           const char *path, unsigned flags)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(part(path, flags));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child died: %#x", (unsigned)status);
    if (WEXITSTATUS(status) == SKIPPED)
        fputs("skipped: needs more rights than this user has\n", stderr);
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static int create_as_nobody(const char *path, unsigned flags)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
        return SKIPPED;
    return shmimage_file_create(path, 0, flags) != SHMIMAGE_ERROR_PERMISSION ||
           !strstr(shmimage_error_message(), path);
}

START_TEST(test_create_in_a_folder_that_may_not_be_written)
{
    const char *path = test_name();

    if (ways[_i])
        write_file(path, "old");
    ck_assert_int_eq(chmod(folder_of(path), 0555), 0);
    check_in_child(create_as_nobody, path, ways[_i]);
    ck_assert_int_eq(chmod(folder_of(path), 0755), 0);
}
END_TEST

static int mount_small_file_system(const char *folder)
{
    return unshare(CLONE_NEWNS) ||
           mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
           mount("none", folder, "tmpfs", 0, "size=1m");
}

static int create_on_full_file_system(const char *path, unsigned flags)
{
    FILE *old;
    struct stat st;

    if (mount_small_file_system(folder_of(path)))
        return SKIPPED;
    if (flags) {
        old = fopen(path, "w");
        fputs("old", old);
        fclose(old);
    }
    if (shmimage_file_create(path, 0, flags) != SHMIMAGE_ERROR_NO_SPACE)
        return 1;
    if (!strstr(shmimage_error_message(), path))
        return 2;
    if (count_entries(folder_of(path)) != (flags ? 1 : 0))
        return 3;
    return flags && (stat(path, &st) || st.st_size != 3) ? 4 : 0;
}

START_TEST(test_create_on_a_full_file_system_leaves_all_as_it_was)
{
    check_in_child(create_on_full_file_system, test_name(), ways[_i]);
}
END_TEST

static int create_beyond_limit(const char *path, unsigned flags)
{
    const struct rlimit limit = { 1000000, 1000000 };

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return SKIPPED;
    if (shmimage_file_create(path, 0, flags) != SHMIMAGE_ERROR_NO_SPACE)
        return 1;
    return count_entries(folder_of(path)) ? 2 : 0;
}

START_TEST(test_create_beyond_a_limit_leaves_nothing)
{
    check_in_child(create_beyond_limit, test_name(), ways[_i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_create_in_a_missing_folder,
        test_create_below_a_file,
        test_create_with_bad_arguments,
        test_create_of_an_impossible_size,
        test_create_in_a_folder_that_may_not_be_written,
        test_create_on_a_full_file_system_leaves_all_as_it_was,
        test_create_beyond_a_limit_leaves_nothing,
    };
    Suite *suite = suite_create("file refused");
    TCase *tcase = tcase_create("file refused");

    tcase_add_checked_fixture(tcase, NULL, test_files_remove);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_loop_test(tcase, tests[i], 0, NB_WAYS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
