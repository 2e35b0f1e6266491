/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real processes that are killed, or stopped for a while, in every situation in
 * which neither of them is in a call: each state of either buffer, with none,
 * one or both of them held.
 */
#include "config.h"

#include <string.h>

#include "restarts.h"

/* Why no stream is ever in a situation; NULL if one can be. */
static const char *why_not(const char *states, int held)
{
    int locked = (states[0] == '3') + (states[1] == '3');
    int initialised = (states[0] == '4') + (states[1] == '4');

    if (held < locked)
        return "a living client holds what is locked; the next one takes it "
               "back before it does anything else";
    if (held > locked + initialised)
        return "what a client holds stays locked, or is initialised";
    if (!strcmp(states, "11"))
        return "a server draws one image at a time, and initialises what one "
               "before it drew";
    if (initialised == 1 && held == locked)
        return "a server initialises both buffers in one call, and a client "
               "answers for both in one, where it holds neither: see "
               "test_restart_steps.c";
    return NULL;
}

START_TEST(test_situations_are_complete)
{
    for (int i = 0; i < 5 * 5 * 3; i++) {
        const char states[] = { '0' + i / 15, '0' + i / 3 % 5, '\0' };
        int held = i % 3, rows = 0;

        for (int j = 0; j < nb_situations; j++)
            rows += !strcmp(situations[j].states, states) &&
                    situations[j].held == held;
        ck_assert_msg(rows == !why_not(states, held),
                      "states %s with %d held: %d rows, but %s", states, held,
                      rows, why_not(states, held) ? why_not(states, held)
                                                  : "it can be");
    }
}
END_TEST

/* Each situation, what happens in it to whom, and when frames are released: the
 * number of a test. */
#define CASES (nb_situations * EVENTS * 2 * WAYS_TO_RELEASE)

static void check_case(int number, Maker server, Maker client)
{
    Releases releases = number % WAYS_TO_RELEASE;
    ShmiRole role     = number / WAYS_TO_RELEASE % 2;
    Event event       = number / WAYS_TO_RELEASE / 2 % EVENTS;

    begin_anew(server, client);
    go_to(&situations[number / WAYS_TO_RELEASE / 2 / EVENTS]);
    if (t.held < (int)releases)
        return;
    let_happen(event, role, NULL);
    assert_goes_on(releases);
}

START_TEST(test_goes_on_between_two_of_ours)
{
    check_case(in_case(_i), OURS, OURS);
}
END_TEST

START_TEST(test_goes_on_with_a_server_of_the_vendor)
{
    check_case(in_case(_i), VENDOR, OURS);
}
END_TEST

START_TEST(test_goes_on_with_a_client_of_the_vendor)
{
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
    Suite *suite = suite_create("restart_matrix");
    TCase *tcase = restarts_tcase("restart_matrix");

    tcase_add_test(tcase, test_situations_are_complete);
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
        add_test_of_cases(tcase, tests[i], CASES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
