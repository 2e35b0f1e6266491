/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Making a file, looking at it and resetting it on a system in which any call
 * may fail; and what only fails once, or from outside.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_driver.h"

static bool create(unsigned flags)
{
    return gave(FILE_CREATE, shmimage_file_create(fault_path, 0, flags),
                SHMIMAGE_OK);
}

static ino_t inode(void)
{
    struct stat st;

    return stat(fault_path, &st) < 0 ? 0 : st.st_ino;
}

static void make_no_file(void)
{
    unlink(fault_path);
}

static bool run_create(void)
{
    const bool created = create(0);

    ck_assert_int_eq(count_entries(folder_of(fault_path)), created);
    return created;
}

static bool run_replace(void)
{
    const ino_t old = inode();
    const bool created = create(SHMIMAGE_REPLACE);

    ck_assert_int_eq(count_entries(folder_of(fault_path)), created || old);
    ck_assert(created == (inode() != old));
    return created;
}

static bool run_hidden(bool (*run)(void))
{
    bool created;

    no_unnamed_files = true;
    created = run();
    no_unnamed_files = false;
    return created;
}

static bool run_create_hidden(void)
{
    return run_hidden(run_create);
}

static bool run_replace_hidden(void)
{
    return run_hidden(run_replace);
}

static bool run_info(void)
{
    ShmImageFileInfo info, before;
    bool done;

    memset(&info, 0xa5, sizeof(info));
    before = info;
    done = gave(FILE_INFO, shmimage_file_info(fault_path, &info, sizeof(info)),
                SHMIMAGE_OK);
    ck_assert(done || !memcmp(&info, &before, sizeof(info)));
    return done;
}

static bool run_reset(void)
{
    return gave(FILE_RESET, shmimage_file_reset(fault_path, 0), SHMIMAGE_OK);
}

static const Scenario scenarios[] = {
    { .name    = "create",
      .prepare = make_no_file,
      .run     = run_create,
      .needs   = FAULT_BIT(FAULT_OPEN) | FAULT_BIT(FAULT_CHMOD) |
                 FAULT_BIT(FAULT_RESERVE) | FAULT_BIT(FAULT_LINK) },
    { .name    = "replace",
      .prepare = make_fault_file,
      .run     = run_replace,
      .needs   = FAULT_BIT(FAULT_LSTAT) | FAULT_BIT(FAULT_MALLOC) |
                 FAULT_BIT(FAULT_OPEN) | FAULT_BIT(FAULT_CHMOD) |
                 FAULT_BIT(FAULT_RESERVE) | FAULT_BIT(FAULT_LINK) |
                 FAULT_BIT(FAULT_RENAME) },
    { .name    = "replace nothing",
      .prepare = make_no_file,
      .run     = run_replace,
      .needs   = FAULT_BIT(FAULT_LSTAT) | FAULT_BIT(FAULT_OPEN) },
    { .name    = "create with a hidden name",
      .prepare = make_no_file,
      .run     = run_create_hidden,
      .spares  = FAULT_BIT(FAULT_CLOSE),
      .needs   = FAULT_BIT(FAULT_OPEN) | FAULT_BIT(FAULT_CHMOD) |
                 FAULT_BIT(FAULT_RESERVE) | FAULT_BIT(FAULT_LINK) },
    { .name    = "replace with a hidden name",
      .prepare = make_fault_file,
      .run     = run_replace_hidden,
      .spares  = FAULT_BIT(FAULT_CLOSE),
      .needs   = FAULT_BIT(FAULT_OPEN) | FAULT_BIT(FAULT_RESERVE) |
                 FAULT_BIT(FAULT_RENAME) },
    { .name    = "info",
      .prepare = make_fault_file,
      .run     = run_info,
      .needs   = FAULTS_OF_OPENING | FAULT_BIT(FAULT_READ) |
                 FAULT_BIT(FAULT_END) | FAULT_BIT(FAULT_LOCK) },
    { .name    = "reset",
      .prepare = make_fault_file,
      .run     = run_reset,
      .needs   = FAULTS_OF_MAPPING },
};

/* Later, it is installed already. */
START_TEST(test_handler_is_refused_first)
{
    ShmImageReader *reader;
    ShmImageFrame *frame;
    int nth = 0, ret;

    make_fault_file();
    do {
        fault_plan(FAULT_SIGACTION, ++nth, EINVAL);
        ret = shmimage_reader_open(fault_path, 0, &reader);
        ck_assert(fault_came() == (ret == SHMIMAGE_ERROR_MAP));
        if (ret < 0)
            ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "SIGBUS"));
    } while (ret < 0);
    ck_assert_int_gt(nth, 1);
    /* And now it is there. */
    ck_assert_int_eq(truncate(fault_path, 0), 0);
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_ERROR_TRUNCATED);
    shmimage_reader_close(reader);
}
END_TEST

/* Where signals end it, a timer would do so each time that it is tried. */
START_TEST(test_create_is_not_interrupted)
{
    sigset_t old, mask;

    pthread_sigmask(SIG_BLOCK, NULL, &old);
    fault_plan(FAULT_SIGNAL, 1, EINTR);
    ck_assert_int_eq(shmimage_file_create(fault_path, 0, 0), SHMIMAGE_OK);
    ck_assert(!fault_came());
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number < NSIG; number++)
        ck_assert_int_eq(sigismember(&mask, number),
                         sigismember(&old, number));
}
END_TEST

START_TEST(test_create_reports_a_failing_close)
{
    if (_i)
        write_file(fault_path, "old");
    no_unnamed_files = true;
    fault_plan(FAULT_CLOSE, 1, ENOSPC);
    ck_assert_int_eq(shmimage_file_create(fault_path, 0,
                                          _i ? SHMIMAGE_REPLACE |
                                                   SHMIMAGE_TAKE_OVER : 0),
                     SHMIMAGE_ERROR_NO_SPACE);
    ck_assert(fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), _i);
}
END_TEST

/* Not even in part: a file system that is full for a moment harms others. */
START_TEST(test_create_reserves_nothing_of_a_file_that_cannot_fit)
{
    fault_plan(FAULT_RESERVE, 1, EIO);
    ck_assert_int_eq(shmimage_file_create(fault_path, UINT64_C(1) << 50, 0),
                     SHMIMAGE_ERROR_NO_SPACE);
    ck_assert(!fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), 0);
}
END_TEST

START_TEST(test_create_needs_no_links)
{
    no_unnamed_files = true;
    fault_plan(FAULT_LINK, 1, EPERM);
    ck_assert_int_eq(shmimage_file_create(fault_path, 0, 0), SHMIMAGE_OK);
    ck_assert(fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), 1);
}
END_TEST

/* As an earlier process of the same number may have left it. */
START_TEST(test_create_finds_another_hidden_name)
{
    no_unnamed_files = _i;
    fault_plan(_i ? FAULT_OPEN : FAULT_LINK, 1, EEXIST);
    write_file(fault_path, "old");
    ck_assert_int_eq(shmimage_file_create(fault_path, 0, SHMIMAGE_REPLACE |
                                                         SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    ck_assert(fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), 1);
}
END_TEST

/* Another process has made it since this one looked. */
START_TEST(test_create_does_not_take_a_name_from_another)
{
    no_unnamed_files = _i;
    fault_plan(FAULT_LINK, 1, EEXIST);
    ck_assert_int_eq(shmimage_file_create(fault_path, 0, 0),
                     SHMIMAGE_ERROR_EXISTS);
    ck_assert(fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), 0);
}
END_TEST

/* And no SIGXFSZ is left over that would end the process. */
START_TEST(test_create_tells_the_first_failure)
{
    struct rlimit old, limit;
    int ret;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 1 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    no_unnamed_files = _i;
    fault_plan(FAULT_CLOSE, 1, EIO);
    ret = shmimage_file_create(fault_path, 0, 0);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_assert_int_eq(ret, SHMIMAGE_ERROR_NO_SPACE);
    ck_assert(fault_came());
    ck_assert_int_eq(count_entries(folder_of(fault_path)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files on a failing system");
    TCase *once = fault_tcase(NULL, 0);

    tcase_add_test(once, test_handler_is_refused_first);
    tcase_add_test(once, test_create_is_not_interrupted);
    tcase_add_loop_test(once, test_create_tells_the_first_failure, 0, 2);
    tcase_add_loop_test(once, test_create_reports_a_failing_close, 0, 2);
    tcase_add_test(once,
                   test_create_reserves_nothing_of_a_file_that_cannot_fit);
    tcase_add_test(once, test_create_needs_no_links);
    tcase_add_loop_test(once, test_create_finds_another_hidden_name, 0, 2);
    tcase_add_loop_test(once, test_create_does_not_take_a_name_from_another, 0,
                        2);
    suite_add_tcase(suite, once);
    suite_add_tcase(suite, fault_tcase(scenarios, sizeof(scenarios) /
                                                      sizeof(scenarios[0])));
    return run_suite(suite);
}
