/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting, with a fake system that has a clock of its own: it goes forward
 * only while somebody sleeps, and it counts who does.
 */
#include "config.h"

#include <string.h>

#include "support.h"
#include "wait.h"

#define MICROSECOND INT64_C(1000)
#define SECOND      INT64_C(1000000000)

static struct {
    int64_t clock;
    int futex_sleeps;
    int plain_sleeps;
    int64_t longest;    /* of all sleeps */
    int wakes;
    uint32_t *woken;
    bool no_futex;      /* the system refuses to sleep on words */
} fake;

/* Two headers' worth of state bytes, each on a word. */
static struct {
    _Alignas(uint32_t) ShmiState bytes[2][8];
    ShmiState *state[SHMI_BUFFERS];
    ShmiWatch watch;
} peer;

static int64_t fake_now(void)
{
    return fake.clock;
}

static void pass(int64_t time)
{
    ck_assert_int_gt(time, 0);
    if (fake.longest < time)
        fake.longest = time;
    fake.clock += time;
}

/* Like the kernel's: compares first, and sleeps only if nothing changed. */
static bool fake_sleep_on(const ShmiWatch *watch, int64_t time)
{
    if (fake.no_futex)
        return false;
    for (int i = 0; i < watch->words; i++)
        if (*watch->word[i] != watch->seen[i])
            return true;
    fake.futex_sleeps++;
    pass(time);
    return true;
}

static void fake_sleep(int64_t time)
{
    fake.plain_sleeps++;
    pass(time);
}

static void fake_wake(uint32_t *word)
{
    fake.wakes++;
    fake.woken = word;
}

static const ShmiWaitOps fake_ops = {
    .now      = fake_now,
    .sleep_on = fake_sleep_on,
    .sleep    = fake_sleep,
    .wake     = fake_wake,
};

static void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    memset(&peer, 0, sizeof(peer));
    fake.clock    = 5 * SECOND;
    peer.state[0] = &peer.bytes[0][0];
    peer.state[1] = &peer.bytes[1][0];
    shmi_wait_ops = &fake_ops;
}

static void teardown(void)
{
    shmi_wait_ops = &shmi_wait_system;
}

static void sleep_until(int64_t deadline, bool peer_wakes)
{
    shmi_watch_begin(&peer.watch, peer.state);
    while (shmi_watch_sleep(&peer.watch, deadline, peer_wakes,
                            SHMI_POLL_INTERVAL))
        continue;
}

START_TEST(test_deadline_is_in_nanoseconds)
{
    ck_assert_int_eq(shmi_deadline(7), 5 * SECOND + 7 * MICROSECOND);
}
END_TEST

START_TEST(test_deadline_of_zero_is_now)
{
    ck_assert_int_eq(shmi_deadline(0), 5 * SECOND);
}
END_TEST

START_TEST(test_deadline_of_a_negative_time_is_never)
{
    ck_assert_int_eq(shmi_deadline(SHMIMAGE_FOREVER), INT64_MAX);
    ck_assert_int_eq(shmi_deadline(INT64_MIN), INT64_MAX);
}
END_TEST

START_TEST(test_deadline_at_the_largest_time)
{
    int64_t largest = (INT64_MAX - fake.clock) / 1000;

    ck_assert_int_eq(shmi_deadline(largest), fake.clock + largest * 1000);
}
END_TEST

START_TEST(test_deadline_of_a_huge_time_does_not_overflow)
{
    int64_t largest = (INT64_MAX - fake.clock) / 1000;

    ck_assert_int_eq(shmi_deadline(largest + 1), INT64_MAX);
    ck_assert_int_eq(shmi_deadline(INT64_MAX / 1000 + 1), INT64_MAX);
    ck_assert_int_eq(shmi_deadline(INT64_MAX), INT64_MAX);
}
END_TEST

START_TEST(test_watch_sleep_after_the_deadline_does_not_sleep)
{
    shmi_watch_begin(&peer.watch, peer.state);
    ck_assert(!shmi_watch_sleep(&peer.watch, fake.clock, _i,
                                SHMI_POLL_INTERVAL));
    ck_assert(!shmi_watch_sleep(&peer.watch, fake.clock - 1, _i,
                                SHMI_POLL_INTERVAL));
    ck_assert_int_eq(fake.futex_sleeps + fake.plain_sleeps, 0);
}
END_TEST

START_TEST(test_watch_sleep_before_the_deadline_sleeps)
{
    shmi_watch_begin(&peer.watch, peer.state);
    ck_assert(shmi_watch_sleep(&peer.watch, fake.clock + 1, _i,
                               SHMI_POLL_INTERVAL));
    ck_assert_int_eq(fake.futex_sleeps + fake.plain_sleeps, 1);
}
END_TEST

START_TEST(test_watch_sleep_ends_at_the_deadline)
{
    int64_t deadline = fake.clock + SECOND + 300 * MICROSECOND + 1;

    sleep_until(deadline, _i);
    ck_assert_int_eq(fake.clock, deadline);
}
END_TEST

START_TEST(test_watch_sleep_for_ever_goes_on)
{
    shmi_watch_begin(&peer.watch, peer.state);
    for (int i = 0; i < 1000; i++)
        ck_assert(shmi_watch_sleep(&peer.watch, INT64_MAX, _i,
                                   SHMI_POLL_INTERVAL));
}
END_TEST

START_TEST(test_watch_sleep_of_a_woken_waiter_is_long)
{
    sleep_until(fake.clock + 10 * SECOND, true);
    ck_assert_int_eq(fake.futex_sleeps, 10 * SECOND / SHMI_CHECK_INTERVAL);
    ck_assert_int_eq(fake.plain_sleeps, 0);
}
END_TEST

START_TEST(test_watch_sleep_with_a_silent_peer_looks_once_a_millisecond)
{
    sleep_until(fake.clock + SECOND, false);
    ck_assert_int_eq(fake.futex_sleeps + fake.plain_sleeps, 1000);
    ck_assert_int_eq(fake.longest, SHMI_POLL_INTERVAL);
}
END_TEST

START_TEST(test_watch_sleep_on_one_word_cannot_rely_on_wakes)
{
    peer.state[_i]++;
    sleep_until(fake.clock + SECOND, true);
    ck_assert_int_eq(fake.longest, SHMI_POLL_INTERVAL);
}
END_TEST

START_TEST(test_watch_sleep_without_words_is_a_plain_sleep)
{
    peer.state[0]++;
    peer.state[1]++;
    sleep_until(fake.clock + SECOND, true);
    ck_assert_int_eq(fake.futex_sleeps, 0);
    ck_assert_int_eq(fake.plain_sleeps, 1000);
}
END_TEST

START_TEST(test_watch_sleep_without_futexes_is_a_plain_sleep)
{
    fake.no_futex = true;
    sleep_until(fake.clock + SECOND, true);
    ck_assert_int_eq(fake.futex_sleeps, 0);
    ck_assert_int_eq(fake.plain_sleeps, 1000);
}
END_TEST

START_TEST(test_watch_sleep_without_futexes_ends_at_the_deadline)
{
    fake.no_futex = true;
    sleep_until(fake.clock + 300, true);
    ck_assert_int_eq(fake.longest, 300);
}
END_TEST

START_TEST(test_watch_sleep_after_a_change_does_not_sleep)
{
    shmi_watch_begin(&peer.watch, peer.state);
    *peer.state[_i] = SHMIMAGE_STATE_CLIENT;
    ck_assert(shmi_watch_sleep(&peer.watch, INT64_MAX, true,
                               SHMI_POLL_INTERVAL));
    ck_assert_int_eq(fake.futex_sleeps + fake.plain_sleeps, 0);
}
END_TEST

START_TEST(test_watch_begin_notes_both_words)
{
    *peer.state[0] = SHMIMAGE_STATE_CLIENT;
    *peer.state[1] = SHMIMAGE_STATE_INIT;
    shmi_watch_begin(&peer.watch, peer.state);
    ck_assert_int_eq(peer.watch.words, 2);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ck_assert_ptr_eq(peer.watch.word[i], peer.state[i]);
        ck_assert_mem_eq(&peer.watch.seen[i], peer.bytes[i], 4);
    }
}
END_TEST

START_TEST(test_watch_begin_leaves_out_a_word_that_is_not_aligned)
{
    for (int shift = 1; shift < 4; shift++) {
        peer.state[_i] = &peer.bytes[_i][shift];
        shmi_watch_begin(&peer.watch, peer.state);
        ck_assert_int_eq(peer.watch.words, 1);
        ck_assert_ptr_eq(peer.watch.word[0], peer.state[!_i]);
    }
}
END_TEST

START_TEST(test_wake_is_for_the_word_of_the_state)
{
    shmi_wake(peer.state[_i]);
    ck_assert_int_eq(fake.wakes, 1);
    ck_assert_ptr_eq(fake.woken, peer.state[_i]);
}
END_TEST

START_TEST(test_wake_is_left_out_where_no_futex_can_be)
{
    shmi_wake(peer.state[0] + _i);
    ck_assert_int_eq(fake.wakes, 0);
}
END_TEST

int main(void)
{
    const TTest *const once[] = {
        test_deadline_is_in_nanoseconds,
        test_deadline_of_zero_is_now,
        test_deadline_of_a_negative_time_is_never,
        test_deadline_at_the_largest_time,
        test_deadline_of_a_huge_time_does_not_overflow,
        test_watch_sleep_with_a_silent_peer_looks_once_a_millisecond,
        test_watch_sleep_without_words_is_a_plain_sleep,
        test_watch_sleep_without_futexes_is_a_plain_sleep,
        test_watch_sleep_without_futexes_ends_at_the_deadline,
    };
    /* For a peer that wakes and for one that doesn't. */
    const TTest *const for_each_peer[] = {
        test_watch_sleep_after_the_deadline_does_not_sleep,
        test_watch_sleep_before_the_deadline_sleeps,
        test_watch_sleep_ends_at_the_deadline,
        test_watch_sleep_for_ever_goes_on,
    };
    const TTest *const with_futexes[] = {
        test_watch_sleep_of_a_woken_waiter_is_long,
        test_watch_begin_notes_both_words,
    };
    const TTest *const with_futexes_on_each_word[] = {
        test_watch_sleep_after_a_change_does_not_sleep,
        test_watch_begin_leaves_out_a_word_that_is_not_aligned,
        test_wake_is_for_the_word_of_the_state,
    };
    Suite *suite = suite_create("wait");
    TCase *tcase = tcase_create("wait");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        tcase_add_test(tcase, once[i]);
    for (size_t i = 0; i < sizeof(for_each_peer) / sizeof(*once); i++)
        tcase_add_loop_test(tcase, for_each_peer[i], 0, 2);
    tcase_add_loop_test(tcase,
                        test_watch_sleep_on_one_word_cannot_rely_on_wakes, 0,
                        SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_wake_is_left_out_where_no_futex_can_be, 1,
                        4);
    for (int i = 0; i < 2 && shmi_wait_can_wake(); i++)
        tcase_add_test(tcase, with_futexes[i]);
    for (int i = 0; i < 3 && shmi_wait_can_wake(); i++)
        tcase_add_loop_test(tcase, with_futexes_on_each_word[i], 0,
                            SHMI_BUFFERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
