/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "presence.h"
#include "support.h"

static const char *path;
static int mine;
static int other;

static int open_stream(int access)
{
    int fd = open(path, access | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void setup(void)
{
    path  = test_file(TEST_FILE_SIZE);
    mine  = open_stream(O_RDWR);
    other = open_stream(O_RDWR);
}

static void teardown(void)
{
    close(mine);
    close(other);
    test_files_remove();
}

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_presence_take_finds_a_role_free)
{
    ck_assert_int_eq(shmi_presence_take(mine, _i, 0, 0), SHMI_PRESENCE_FREE);
}
END_TEST

START_TEST(test_presence_take_finds_a_role_held)
{
    shmi_presence_take(other, _i, 0, 0);
    ck_assert_int_eq(shmi_presence_take(mine, _i, 0, 0), SHMI_PRESENCE_HELD);
}
END_TEST

START_TEST(test_presence_take_of_a_held_role_leaves_it_to_its_holder)
{
    int third = open_stream(O_RDWR);

    shmi_presence_take(other, _i, 0, 0);
    shmi_presence_take(mine, _i, 0, 0);
    close(other);
    other = open_stream(O_RDWR);
    ck_assert_int_eq(shmi_presence_look(third, _i), SHMI_PRESENCE_FREE);
    close(third);
}
END_TEST

START_TEST(test_presence_take_of_one_role_leaves_the_other_free)
{
    shmi_presence_take(other, _i, 1, 0);
    ck_assert_int_eq(shmi_presence_take(mine, !_i, 1, 0), SHMI_PRESENCE_FREE);
}
END_TEST

START_TEST(test_presence_look_sees_another_open_file)
{
    shmi_presence_take(other, _i, 0, 0);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_HELD);
}
END_TEST

START_TEST(test_presence_look_does_not_see_itself)
{
    shmi_presence_take(mine, _i, 0, 0);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_FREE);
}
END_TEST

START_TEST(test_presence_look_takes_nothing)
{
    shmi_presence_look(mine, _i);
    ck_assert_int_eq(shmi_presence_take(other, _i, 0, 0), SHMI_PRESENCE_FREE);
}
END_TEST

START_TEST(test_presence_look_needs_only_permission_to_read)
{
    int third = open_stream(O_RDONLY);

    shmi_presence_take(other, _i, 0, 0);
    ck_assert_int_eq(shmi_presence_look(third, _i), SHMI_PRESENCE_HELD);
    close(third);
}
END_TEST

START_TEST(test_presence_ends_when_it_is_dropped)
{
    shmi_presence_take(mine, _i, 1, 0);
    shmi_presence_take(other, _i, 1, 1);
    shmi_presence_drop(mine, _i);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_HELD);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 1);
    shmi_presence_drop(other, _i);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_FREE);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 0);
}
END_TEST

START_TEST(test_presence_ends_when_the_file_is_closed)
{
    int third = open_stream(O_RDWR);

    shmi_presence_take(third, _i, 1, 0);
    close(third);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_FREE);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 0);
}
END_TEST

START_TEST(test_presence_stays_when_another_descriptor_is_closed)
{
    int third = open_stream(O_RDWR);

    shmi_presence_take(mine, _i, 0, 0);
    close(third);
    ck_assert_int_eq(shmi_presence_look(other, _i), SHMI_PRESENCE_HELD);
}
END_TEST

START_TEST(test_presence_wakes_if_so_taken)
{
    shmi_presence_take(other, _i, 1, 0);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 1);
}
END_TEST

START_TEST(test_presence_wakes_not_unless_so_taken)
{
    shmi_presence_take(other, _i, 0, 0);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 0);
}
END_TEST

START_TEST(test_presence_wakes_not_for_one_who_was_refused)
{
    shmi_presence_take(other, _i, 0, 0);
    shmi_presence_take(mine, _i, 1, 0);
    ck_assert_int_eq(shmi_presence_wakes(other, _i), 0);
}
END_TEST

/* The bytes are known to programs built with other versions. */
static bool is_locked(int byte)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                          .l_start = byte, .l_len = 1 };

    ck_assert_int_eq(fcntl(other, F_OFD_GETLK, &lock), 0);
    return lock.l_type != F_UNLCK;
}

START_TEST(test_presence_locks_the_bytes_it_promises)
{
    shmi_presence_take(mine, _i, 1, 0);
    for (int byte = 0; byte < 8; byte++)
        ck_assert_int_eq(is_locked(byte), byte == _i || byte == _i + 2);
}
END_TEST

START_TEST(test_presence_take_over_locks_the_bytes_it_promises)
{
    int holder = open_stream(O_RDWR);

    shmi_presence_take(holder, _i, 1, 0);
    shmi_presence_take(mine, _i, 1, 1);
    close(holder);
    for (int byte = 0; byte < 8; byte++)
        ck_assert_int_eq(is_locked(byte), byte == _i + 2 || byte == _i + 4);
}
END_TEST

START_TEST(test_presence_is_unknown_where_locks_fail)
{
    ck_assert_int_eq(shmi_presence_take(-1, _i, 1, 1), SHMI_PRESENCE_UNKNOWN);
    ck_assert_int_eq(shmi_presence_look(-1, _i), SHMI_PRESENCE_UNKNOWN);
    ck_assert_int_eq(shmi_presence_wakes(-1, _i), 0);
}
END_TEST

/* A process that takes a role and then does nothing until it is killed. */
static pid_t start_holder(ShmiRole role)
{
    pid_t pid = fork();

    if (pid == 0) {
        shmi_presence_take(open(path, O_RDWR | O_CLOEXEC), role, 1, 0);
        alarm(TEST_TIMEOUT);
        for (;;)
            pause();
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

START_TEST(test_presence_ends_when_its_process_is_killed)
{
    pid_t pid = start_holder(_i);

    wait_until(shmi_presence_wakes(mine, _i));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_FREE);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    const TTest *const tests[] = {
        test_presence_take_finds_a_role_free,
        test_presence_take_finds_a_role_held,
        test_presence_take_of_a_held_role_leaves_it_to_its_holder,
        test_presence_take_of_one_role_leaves_the_other_free,
        test_presence_look_sees_another_open_file,
        test_presence_look_does_not_see_itself,
        test_presence_look_takes_nothing,
        test_presence_look_needs_only_permission_to_read,
        test_presence_ends_when_it_is_dropped,
        test_presence_ends_when_the_file_is_closed,
        test_presence_stays_when_another_descriptor_is_closed,
        test_presence_wakes_if_so_taken,
        test_presence_wakes_not_unless_so_taken,
        test_presence_wakes_not_for_one_who_was_refused,
        test_presence_locks_the_bytes_it_promises,
        test_presence_take_over_locks_the_bytes_it_promises,
        test_presence_is_unknown_where_locks_fail,
        test_presence_ends_when_its_process_is_killed,
    };

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_loop_test(tcase, tests[i], SHMI_SERVER, SHMI_CLIENT + 1);
}

#else

START_TEST(test_presence_is_unknown_without_locks)
{
    ck_assert_int_eq(shmi_presence_take(other, _i, 1, 0),
                     SHMI_PRESENCE_UNKNOWN);
    ck_assert_int_eq(shmi_presence_take(mine, _i, 1, 0), SHMI_PRESENCE_UNKNOWN);
    ck_assert_int_eq(shmi_presence_look(mine, _i), SHMI_PRESENCE_UNKNOWN);
}
END_TEST

START_TEST(test_presence_wakes_not_without_locks)
{
    shmi_presence_take(other, _i, 1, 0);
    ck_assert_int_eq(shmi_presence_wakes(mine, _i), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, test_presence_is_unknown_without_locks,
                        SHMI_SERVER, SHMI_CLIENT + 1);
    tcase_add_loop_test(tcase, test_presence_wakes_not_without_locks,
                        SHMI_SERVER, SHMI_CLIENT + 1);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

int main(void)
{
    Suite *suite = suite_create("presence");
    TCase *tcase = tcase_create("presence");

    tcase_add_checked_fixture(tcase, setup, teardown);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
