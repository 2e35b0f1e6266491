/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rhythm.h"
#include "support.h"
#include "wait.h"

#define MS INT64_C(1000000)

static ShmiRhythm rhythm;

static void setup(void)
{
    rhythm = (ShmiRhythm){ 0 };
}

/* Images that were waited for, each some time after the one before. */
static int64_t note(int64_t now, int64_t interval, int count)
{
    for (int i = 0; i < count; i++)
        shmi_rhythm_note(&rhythm, now += interval, true);
    return now;
}

START_TEST(test_pause_is_short_while_nothing_is_known)
{
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, 5 * MS), SHMI_POLL_INTERVAL);
    for (int i = 0; i < SHMI_RHYTHM_SIZE; i++) {
        int64_t now = note(i * 16 * MS, 16 * MS, 1);

        ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), SHMI_POLL_INTERVAL);
    }
}
END_TEST

START_TEST(test_pause_is_three_quarters_of_an_interval)
{
    int64_t now = note(0, 16 * MS, SHMI_RHYTHM_SIZE + 1);

    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), 12 * MS);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now + 5 * MS), 7 * MS);
    for (int64_t silence = 12 * MS; silence <= 20 * MS; silence += MS)
        ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now + silence),
                         SHMI_RHYTHM_SHORTEST);
    for (int64_t silence = 21 * MS; silence < SHMI_RHYTHM_IDLE; silence += MS)
        ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now + silence),
                         SHMI_POLL_INTERVAL);
}
END_TEST

/* Wherever that is among those that are known. */
START_TEST(test_pause_follows_the_shortest_interval)
{
    int64_t now = note(0, 16 * MS, 30 + _i);

    now = note(now, 8 * MS, 1);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), 6 * MS);
    now = note(now, 16 * MS, SHMI_RHYTHM_SIZE - 1);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), 6 * MS);
    now = note(now, 16 * MS, 1);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), 12 * MS);
}
END_TEST

/* It may have been ready for any time. */
START_TEST(test_pause_makes_nothing_of_an_image_that_was_not_waited_for)
{
    int64_t now = note(0, 16 * MS, 30);

    shmi_rhythm_note(&rhythm, now + 1 * MS, false);
    now = note(now + 1 * MS, 1 * MS, 1);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), 12 * MS);
}
END_TEST

START_TEST(test_pause_has_a_limit)
{
    int64_t now = note(0, 500 * MS, 30);

    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), SHMI_RHYTHM_LONGEST);
}
END_TEST

START_TEST(test_pause_is_never_shorter_than_half_a_millisecond)
{
    int64_t now = note(0, 1, 30);

    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now), SHMI_RHYTHM_SHORTEST);
    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now + 2), SHMI_POLL_INTERVAL);
}
END_TEST

START_TEST(test_pause_is_longer_once_the_peer_is_idle)
{
    int64_t now = note(0, 16 * MS, _i);

    ck_assert_int_eq(shmi_rhythm_pause(&rhythm, now + SHMI_RHYTHM_IDLE),
                     SHMI_RHYTHM_IDLE_PAUSE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rhythm");
    TCase *tcase = tcase_create("rhythm");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_pause_is_short_while_nothing_is_known);
    tcase_add_test(tcase, test_pause_is_three_quarters_of_an_interval);
    tcase_add_loop_test(tcase, test_pause_follows_the_shortest_interval, 0,
                        SHMI_RHYTHM_SIZE);
    tcase_add_test(
        tcase, test_pause_makes_nothing_of_an_image_that_was_not_waited_for);
    tcase_add_test(tcase, test_pause_has_a_limit);
    tcase_add_test(tcase, test_pause_is_never_shorter_than_half_a_millisecond);
    tcase_add_loop_test(tcase, test_pause_is_longer_once_the_peer_is_idle, 0,
                        2 * SHMI_RHYTHM_SIZE);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
