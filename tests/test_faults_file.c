/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What can only fail once in a process.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fault_driver.h"

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

int main(void)
{
    Suite *suite = suite_create("files on a failing system");
    TCase *once = fault_tcase(NULL, 0);

    tcase_add_test(once, test_handler_is_refused_first);
    suite_add_tcase(suite, once);
    return run_suite(suite);
}
