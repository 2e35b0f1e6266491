/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real processes that are killed, or stopped for a while, at every step of
 * every call, in every situation in which the call can be made.
 */
#include "config.h"

#include "restarts.h"

/* Calls have fewer steps. */
#define MOST_STEPS 80

static const struct {
    ShmiRole role;
    Task task;
} calls[] = {
    { SHMI_SERVER, DO_OPEN },
    { SHMI_SERVER, DO_PUT },
    { SHMI_SERVER, DO_COMMIT },
    { SHMI_SERVER, DO_CLOSE },
    { SHMI_CLIENT, DO_OPEN },
    { SHMI_CLIENT, DO_TAKE },
    { SHMI_CLIENT, DO_RELEASE },
    { SHMI_CLIENT, DO_CLOSE },
};
enum { CALLS = sizeof(calls) / sizeof(*calls) };

/* Of the events, that both are killed leaves nothing here that the others
 * don't. Instead, the other one is dead before the call, and back within it. */
enum { OTHER_RETURNS = BOTH_ARE_KILLED, EVENTS_IN_A_CALL };

static bool can_be_called(Task task)
{
    switch (task) {
    case DO_PUT:
        return !t.drawing;
    case DO_COMMIT:
        return t.drawing;
    case DO_TAKE:
        return t.held < SHMI_BUFFERS;
    case DO_RELEASE:
        return t.held > 0;
    default:
        return true;
    }
}

static void let_happen_in_call(int event, ShmiRole role, const Answer *call)
{
    if (event != OTHER_RETURNS) {
        let_happen(event, role, call);
        return;
    }
    t.starts_anew = role == SHMI_SERVER;
    start(!role);
    ck_assert_int_eq(go_on(role, call).kind, DONE);
}

/* A call that stops at a step. */
static Answer call_up_to(int step, ShmiRole role, Task task)
{
    Order order;

    if (task == DO_OPEN) {
        kill_end(role);
        launch(role);
    }
    order = order_for(task);
    order.stop_at = step;
    return begin_task(role, &order);
}

/* Each situation, call and event: the number of a test. */
#define CASES (nb_situations * CALLS * EVENTS_IN_A_CALL)

static void check_case(int number, Maker server, Maker client)
{
    int call = number / EVENTS_IN_A_CALL % CALLS;
    const Situation *situation = &situations[number / EVENTS_IN_A_CALL / CALLS];
    ShmiRole role = calls[call].role;
    Task task     = calls[call].task;
    int event = number % EVENTS_IN_A_CALL;
    int step  = 0;
    Answer answer;

    do {
        begin_anew(server, client);
        go_to(situation);
        if (!can_be_called(task))
            return;
        if (event == OTHER_RETURNS)
            kill_end(!role);
        answer = call_up_to(++step, role, task);
        ck_assert_int_ne(answer.kind, SLEEPS);
        if (answer.kind == STOPPED)
            let_happen_in_call(event, role, &answer);
        assert_goes_on(step % WAYS_TO_RELEASE);
        ck_assert_int_lt(step, MOST_STEPS);
    } while (answer.kind == STOPPED);
    ck_assert_int_gt(step, 1);
}

START_TEST(test_goes_on_between_two_of_ours)
{
    check_case(in_case(_i), OURS, OURS);
}
END_TEST

/* A vendor's own step that comes too late, after a start of the other side,
 * stores what is no longer true. That can't be mended from here. */
static bool is_too_much_for_a_vendor(int number, ShmiRole vendor)
{
    int event = number % EVENTS_IN_A_CALL;

    return calls[number / EVENTS_IN_A_CALL % CALLS].role == vendor &&
           (event == IS_STOPPED_WHILE_THE_OTHER_RESTARTS ||
            event == OTHER_RETURNS);
}

START_TEST(test_goes_on_with_a_server_of_the_vendor)
{
    if (!is_too_much_for_a_vendor(in_case(_i), SHMI_SERVER))
        check_case(in_case(_i), VENDOR, OURS);
}
END_TEST

START_TEST(test_goes_on_with_a_client_of_the_vendor)
{
    if (!is_too_much_for_a_vendor(in_case(_i), SHMI_CLIENT))
        check_case(in_case(_i), OURS, VENDOR);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_goes_on_between_two_of_ours,
        test_goes_on_with_a_server_of_the_vendor,
        test_goes_on_with_a_client_of_the_vendor,
    };
    Suite *suite = suite_create("restart_steps");
    TCase *tcase = restarts_tcase("restart_steps");

    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        add_test_of_cases(tcase, tests[i], CASES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
