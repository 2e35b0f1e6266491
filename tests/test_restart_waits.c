/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real processes that wait while the other one is killed or stopped, or that
 * are killed or stopped while they wait. The stream goes on within a second of
 * sleep, although nobody is woken.
 */
#include "config.h"

#include <signal.h>

#include "restarts.h"

#define SECOND INT64_C(1000000000)

/* Sleeps that pass until the other one is back. */
#define MISSED_SLEEPS 5

/* The end that waits sleeps, or has what it waited for. */
static Answer wait_for_more(ShmiRole role)
{
    const Order order = { .task = role == SHMI_SERVER ? DO_WAIT_FOR_ROOM
                                                      : DO_WAIT_FOR_IMAGE };

    return begin_task(role, &order);
}

/* Use what was waited for. Returns whether it was an image. */
static bool use(ShmiRole role, const Answer *answer)
{
    if (answer->result != SHMIMAGE_OK) {
        ck_assert_int_eq(answer->result, SHMIMAGE_DISCONNECTED);
        return false;
    }
    if (role == SHMI_SERVER)
        ck_assert_int_eq(carry_out(SHMI_SERVER, DO_PUT), SHMIMAGE_OK);
    else
        release(t.held - 1);
    return true;
}

/* Wait until there is nothing more, and leave it at that. */
static Answer fall_asleep(ShmiRole role)
{
    Answer answer = wait_for_more(role);

    for (; answer.kind == DONE; answer = wait_for_more(role))
        use(role, &answer);
    ck_assert_int_eq(answer.kind, SLEEPS);
    return answer;
}

/* For a while nothing comes. */
static Answer sleep_on(ShmiRole role, Answer asleep)
{
    for (int i = 0; i < MISSED_SLEEPS; i++) {
        asleep = go_on(role, &asleep);
        if (asleep.kind == DONE) {
            use(role, &asleep);
            asleep = fall_asleep(role);
        }
    }
    return asleep;
}

static Answer start_and_fall_asleep(ShmiRole role)
{
    kill_end(role);
    start(role);
    return fall_asleep(role);
}

/* What can happen while one waits. */
enum {
    IT_IS_KILLED,
    IT_IS_STOPPED,
    OTHER_IS_KILLED,
    OTHER_IS_KILLED_AND_MISSED,
    OTHER_IS_STOPPED,
    OTHER_IS_STOPPED_WHILE_IT_RESTARTS,
    HAPPENINGS
};

static void restart(ShmiRole role)
{
    kill_end(role);
    start(role);
}

static Answer let_happen_to(int what, ShmiRole role, Answer asleep)
{
    ShmiRole other = !role;

    switch (what) {
    case IT_IS_KILLED:
        return start_and_fall_asleep(role);
    case IT_IS_STOPPED:
        end_stop(&t.end[role]);
        restart(other);
        end_continue(&t.end[role]);
        return asleep;
    case OTHER_IS_KILLED:
        restart(other);
        return asleep;
    case OTHER_IS_KILLED_AND_MISSED:
        kill_end(other);
        asleep = sleep_on(role, asleep);
        start(other);
        return asleep;
    }
    end_stop(&t.end[other]);
    if (what == OTHER_IS_STOPPED)
        asleep = sleep_on(role, asleep);
    else
        asleep = start_and_fall_asleep(role);
    end_continue(&t.end[other]);
    return asleep;
}

/* The other end does its part, and the one that waits sleeps in between, until
 * an image has come through that was put since. */
static void assert_goes_on_soon(ShmiRole role, Answer asleep)
{
    uint32_t first = order_for(DO_PUT).number;

    t.slept = 0;
    while (!t.met || t.met_number < first) {
        if (t.drawing)
            carry_out(SHMI_SERVER, DO_COMMIT);
        if (role == SHMI_CLIENT)
            carry_out(SHMI_SERVER, DO_PUT);
        asleep = go_on(role, &asleep);
        while (asleep.kind == DONE) {
            use(role, &asleep);
            asleep = wait_for_more(role);
        }
        if (role == SHMI_SERVER) {
            take_all();
            while (t.held)
                release(0);
        }
        ck_assert_int_le(t.slept, SECOND);
    }
}

/* Each situation, who waits, and what happens: the number of a test. */
#define CASES (nb_situations * 2 * HAPPENINGS)

static void check_case(int number, Maker server)
{
    const Situation *situation = &situations[number / HAPPENINGS / 2];
    ShmiRole role = number / HAPPENINGS % 2;
    Answer asleep;

    begin_anew(server, OURS);
    go_to(situation);
    /* Who holds all that there is has nothing to wait for. */
    if (role == SHMI_SERVER ? t.drawing : t.held == SHMI_BUFFERS)
        return;
    asleep = fall_asleep(role);
    asleep = let_happen_to(number % HAPPENINGS, role, asleep);
    assert_goes_on_soon(role, asleep);
}

START_TEST(test_goes_on_between_two_of_ours)
{
    check_case(in_case(_i), OURS);
}
END_TEST

START_TEST(test_goes_on_with_a_server_of_the_vendor)
{
    if (in_case(_i) / HAPPENINGS % 2 == SHMI_CLIENT)
        check_case(in_case(_i), VENDOR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restart_waits");
    TCase *tcase = restarts_tcase("restart_waits");

    add_test_of_cases(tcase, test_goes_on_between_two_of_ours, CASES);
    add_test_of_cases(tcase, test_goes_on_with_a_server_of_the_vendor, CASES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
