/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real system behind wait.h: sleeps in one process, wakes from another,
 * and systems that refuse one call or the other. No sleep here ends by itself
 * before the alarm does.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "wait.h"

#define HOUR INT64_C(3600000000000)

START_TEST(test_now_never_goes_back)
{
    int64_t before = shmi_wait_system.now();

    for (int i = 0; i < 1000; i++) {
        int64_t now = shmi_wait_system.now();

        ck_assert_int_ge(now, before);
        before = now;
    }
}
END_TEST

START_TEST(test_sleep_lets_its_time_pass)
{
    int64_t before = shmi_wait_system.now();

    shmi_wait_system.sleep(2000000);
    ck_assert_int_ge(shmi_wait_system.now() - before, 2000000);
}
END_TEST

#if SHMI_HAVE_FUTEX

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* What parent and child share. */
typedef struct Shared {
    _Alignas(uint32_t) ShmiState bytes[SHMI_BUFFERS][8];
} Shared;

static Shared *shared;
static ShmiState *states[SHMI_BUFFERS];

static void setup(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    for (int i = 0; i < SHMI_BUFFERS; i++)
        states[i] = &shared->bytes[i][0];
    alarm(PATIENCE);
}

static void teardown(void)
{
    alarm(0);
    munmap(shared, sizeof(*shared));
}

START_TEST(test_sleep_on_a_changed_word_returns)
{
    ShmiWatch watch;

    shmi_watch_begin(&watch, states);
    *states[_i] = SHMIMAGE_STATE_CLIENT;
    ck_assert(shmi_wait_system.sleep_on(&watch, HOUR));
}
END_TEST

START_TEST(test_sleep_on_ends_with_its_time)
{
    ShmiWatch watch;

    shmi_watch_begin(&watch, states);
    ck_assert(shmi_wait_system.sleep_on(&watch, 2000000));
}
END_TEST

/* A sleep may end early for no reason, but that is not what it does. That of an
 * old kernel is a millisecond. */
START_TEST(test_sleep_on_does_not_come_back_again_and_again)
{
    int64_t end = shmi_wait_system.now() + 200000000, now;
    ShmiWatch watch;
    int sleeps = 0;

    shmi_watch_begin(&watch, states);
    while ((now = shmi_wait_system.now()) < end) {
        ck_assert(shmi_wait_system.sleep_on(&watch, end - now));
        sleeps++;
    }
    ck_assert_int_lt(sleeps, 1000);
}
END_TEST

/* A file that is cut short takes its pages away from under the mapping. */
START_TEST(test_sleep_on_a_page_that_is_gone_is_refused)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    int fd = fileno(file);
    ShmiWatch watch = { .words = 2 };
    uint32_t *page;

    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    watch.word[0] = page;
    watch.word[1] = page + 1;
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert(!shmi_wait_system.sleep_on(&watch, HOUR));
    munmap(page, size);
    fclose(file);
}
END_TEST

static int refuse_calls(long first, long second, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)first, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)second, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static pid_t start(void (*child)(int word), int word)
{
    pid_t pid = fork();

    if (pid == 0) {
        alarm(PATIENCE);
        child(word);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void check_end(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the child ended with status %#x", (unsigned)status);
}

static bool is_asleep(pid_t pid)
{
    char name[64], state = 0;
    FILE *file;

    snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
    file = fopen(name, "r");
    if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
        ck_abort_msg("can't read %s", name);
    fclose(file);
    return state == 'S';
}

static void sleep_until_changed(int word)
{
    ShmiWatch watch;

    shmi_watch_begin(&watch, states);
    while (shmi_state_load(states[word]) == SHMIMAGE_STATE_SERVER)
        if (!shmi_wait_system.sleep_on(&watch, HOUR))
            _exit(EXIT_FAILURE);
}

/* With one word only, the other not being aligned, an old kernel's sleep has
 * no reason to end early. */
static void sleep_until_changed_on_an_old_kernel(int word)
{
    refuse_calls(SYS_futex_waitv, SYS_futex_waitv, ENOSYS);
    states[!word]++;
    sleep_until_changed(word);
}

static void change_when_asleep(pid_t pid, int word)
{
    wait_until(is_asleep(pid));
    *states[word] = SHMIMAGE_STATE_CLIENT;
    shmi_wake(states[word]);
}

START_TEST(test_wake_reaches_another_process)
{
    pid_t pid = start(sleep_until_changed, _i);

    change_when_asleep(pid, _i);
    check_end(pid);
}
END_TEST

START_TEST(test_wake_reaches_all_who_sleep)
{
    pid_t first = start(sleep_until_changed, _i);
    pid_t second = start(sleep_until_changed, _i);

    wait_until(is_asleep(first));
    change_when_asleep(second, _i);
    check_end(first);
    check_end(second);
}
END_TEST

START_TEST(test_wake_reaches_a_process_with_an_old_kernel)
{
    pid_t pid = start(sleep_until_changed_on_an_old_kernel, _i);

    change_when_asleep(pid, _i);
    check_end(pid);
}
END_TEST

/* An old kernel can't watch the second word, so the sleep must be a short one
 * whatever was asked for. It would outlast the alarm if it weren't. */
static void sleep_on_two_words_of_an_old_kernel(int error)
{
    ShmiWatch watch;

    if (refuse_calls(SYS_futex_waitv, SYS_futex_waitv, error))
        return;
    shmi_watch_begin(&watch, states);
    if (!shmi_wait_system.sleep_on(&watch, HOUR))
        _exit(EXIT_FAILURE);
}

START_TEST(test_sleep_on_two_words_of_an_old_kernel_is_short)
{
    check_end(start(sleep_on_two_words_of_an_old_kernel, ENOSYS));
}
END_TEST

START_TEST(test_sleep_on_two_words_in_an_old_sandbox_is_short)
{
    check_end(start(sleep_on_two_words_of_an_old_kernel, EPERM));
}
END_TEST

static void sleep_without_any_futex(int error)
{
    ShmiWatch watch;

    if (refuse_calls(SYS_futex_waitv, SYS_futex, error))
        return;
    shmi_watch_begin(&watch, states);
    if (shmi_wait_system.sleep_on(&watch, HOUR))
        _exit(EXIT_FAILURE);
}

/* Whatever the reason, no sleep must not look like a sleep that was short: the
 * waiter would try again without end. */
START_TEST(test_sleep_on_without_any_futex_is_refused)
{
    static const int reasons[] = { ENOSYS, EPERM, ENOMEM };

    check_end(start(sleep_without_any_futex, reasons[_i]));
}
END_TEST

static void see_change_without_any_futex(int word)
{
    ShmiWatch watch;

    refuse_calls(SYS_futex_waitv, SYS_futex, ENOSYS);
    for (;;) {
        shmi_watch_begin(&watch, states);
        if (shmi_state_load(states[word]) != SHMIMAGE_STATE_SERVER)
            return;
        shmi_watch_sleep(&watch, shmi_deadline(SHMIMAGE_FOREVER), true,
                         SHMI_POLL_INTERVAL);
    }
}

START_TEST(test_watch_sleep_without_any_futex_still_sees_a_change)
{
    pid_t pid = start(see_change_without_any_futex, _i);

    change_when_asleep(pid, _i);
    check_end(pid);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_sleep_on_a_changed_word_returns, 0,
                        SHMI_BUFFERS);
    tcase_add_test(tcase, test_sleep_on_ends_with_its_time);
    tcase_add_test(tcase, test_sleep_on_does_not_come_back_again_and_again);
    tcase_add_test(tcase, test_sleep_on_a_page_that_is_gone_is_refused);
    tcase_add_loop_test(tcase, test_wake_reaches_another_process, 0,
                        SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_wake_reaches_all_who_sleep, 0,
                        SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_wake_reaches_a_process_with_an_old_kernel,
                        0, SHMI_BUFFERS);
    tcase_add_test(tcase, test_sleep_on_two_words_of_an_old_kernel_is_short);
    tcase_add_test(tcase, test_sleep_on_two_words_in_an_old_sandbox_is_short);
    tcase_add_loop_test(tcase, test_sleep_on_without_any_futex_is_refused, 0,
                        3);
    tcase_add_loop_test(tcase,
                        test_watch_sleep_without_any_futex_still_sees_a_change,
                        0, SHMI_BUFFERS);
}

#else

START_TEST(test_sleep_on_is_refused)
{
    ShmiState states[SHMI_BUFFERS] = { 0 };
    ShmiState *const state[SHMI_BUFFERS] = { &states[0], &states[1] };
    ShmiWatch watch;

    shmi_watch_begin(&watch, state);
    ck_assert(!shmi_wait_system.sleep_on(&watch, HOUR));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, test_sleep_on_is_refused);
}

#endif /* SHMI_HAVE_FUTEX */

int main(void)
{
    Suite *suite = suite_create("wait system");
    TCase *tcase = tcase_create("wait system");

    tcase_add_test(tcase, test_now_never_goes_back);
    tcase_add_test(tcase, test_sleep_lets_its_time_pass);
    add_tests(tcase);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
