/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <pthread.h>

#include "state.h"
#include "support.h"

#define VALUES 256

static const struct {
    const char *name;
    bool (*step)(ShmiState *state);
    uint8_t from, to;
} steps[] = {
    { "begin", shmi_state_begin,
      SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_SERVER_LOCKED },
    { "publish", shmi_state_publish,
      SHMIMAGE_STATE_SERVER_LOCKED, SHMIMAGE_STATE_CLIENT },
    { "abort", shmi_state_abort,
      SHMIMAGE_STATE_SERVER_LOCKED, SHMIMAGE_STATE_SERVER },
    { "connect", shmi_state_connect,
      SHMIMAGE_STATE_INIT, SHMIMAGE_STATE_SERVER },
    { "lock", shmi_state_lock,
      SHMIMAGE_STATE_CLIENT, SHMIMAGE_STATE_CLIENT_LOCKED },
    { "release", shmi_state_release,
      SHMIMAGE_STATE_CLIENT_LOCKED, SHMIMAGE_STATE_SERVER },
};

#define NB_STEPS ((int)(sizeof(steps) / sizeof(steps[0])))

START_TEST(test_state_values_are_the_published_ones)
{
    ck_assert_int_eq(SHMIMAGE_STATE_SERVER, 0);
    ck_assert_int_eq(SHMIMAGE_STATE_SERVER_LOCKED, 1);
    ck_assert_int_eq(SHMIMAGE_STATE_CLIENT, 2);
    ck_assert_int_eq(SHMIMAGE_STATE_CLIENT_LOCKED, 3);
    ck_assert_int_eq(SHMIMAGE_STATE_INIT, 4);
}
END_TEST

START_TEST(test_step_succeeds_from_one_value_only)
{
    for (int value = 0; value < VALUES; value++) {
        ShmiState state = (uint8_t)value;

        ck_assert_msg(steps[_i].step(&state) == (value == steps[_i].from),
                      "%s from %d", steps[_i].name, value);
    }
}
END_TEST

START_TEST(test_step_leads_to_its_value)
{
    ShmiState state = steps[_i].from;

    steps[_i].step(&state);
    ck_assert_msg(state == steps[_i].to, "%s led to %d", steps[_i].name,
                  state);
}
END_TEST

START_TEST(test_step_that_fails_changes_nothing)
{
    for (int value = 0; value < VALUES; value++) {
        ShmiState state = (uint8_t)value;

        if (value == steps[_i].from)
            continue;
        steps[_i].step(&state);
        ck_assert_msg(state == value, "%s made %d of %d", steps[_i].name,
                      state, value);
    }
}
END_TEST

START_TEST(test_step_leaves_the_bytes_around_alone)
{
    ShmiState bytes[3] = { 0xa5, steps[_i].from, 0x5a };

    steps[_i].step(&bytes[1]);
    ck_assert_uint_eq(bytes[0], 0xa5);
    ck_assert_uint_eq(bytes[2], 0x5a);
}
END_TEST

START_TEST(test_state_initialise_from_every_value)
{
    for (int value = 0; value < VALUES; value++) {
        ShmiState state = (uint8_t)value;

        shmi_state_initialise(&state);
        ck_assert_uint_eq(state, SHMIMAGE_STATE_INIT);
    }
}
END_TEST

START_TEST(test_state_initialise_leaves_the_bytes_around_alone)
{
    ShmiState bytes[3] = { 0xa5, 0, 0x5a };

    shmi_state_initialise(&bytes[1]);
    ck_assert_uint_eq(bytes[0], 0xa5);
    ck_assert_uint_eq(bytes[2], 0x5a);
}
END_TEST

START_TEST(test_state_load_of_every_value)
{
    for (int value = 0; value < VALUES; value++) {
        const ShmiState state = (uint8_t)value;

        ck_assert_uint_eq(shmi_state_load(&state), value);
    }
}
END_TEST

START_TEST(test_state_still_locked_for_one_value_only)
{
    for (int value = 0; value < VALUES; value++) {
        const ShmiState state = (uint8_t)value;

        ck_assert_int_eq(shmi_state_still_locked(&state),
                         value == SHMIMAGE_STATE_CLIENT_LOCKED);
    }
}
END_TEST

static bool sees_image(ShmiState *state)
{
    return shmi_state_load(state) == SHMIMAGE_STATE_CLIENT;
}

static bool sees_room(ShmiState *state)
{
    return shmi_state_load(state) == SHMIMAGE_STATE_SERVER;
}

/* How a buffer goes from one side to the other. */
static const struct {
    uint8_t from;
    bool (*give)(ShmiState *state);
    bool (*take)(ShmiState *state);
} hand_overs[] = {
    { SHMIMAGE_STATE_SERVER_LOCKED, shmi_state_publish, shmi_state_lock },
    { SHMIMAGE_STATE_SERVER_LOCKED, shmi_state_publish, sees_image },
    { SHMIMAGE_STATE_CLIENT_LOCKED, shmi_state_release, shmi_state_begin },
    { SHMIMAGE_STATE_CLIENT_LOCKED, shmi_state_release, sees_room },
    { SHMIMAGE_STATE_INIT, shmi_state_connect, shmi_state_begin },
    { SHMIMAGE_STATE_INIT, shmi_state_connect, sees_room },
};

#define NB_HAND_OVERS ((int)(sizeof(hand_overs) / sizeof(hand_overs[0])))

/* The buffer belongs to one side at a time and so is an ordinary variable. */
static int buffer;
static ShmiState buffer_state;

static void *give(void *arg)
{
    const int *which = arg;

    buffer = 1;
    hand_overs[*which].give(&buffer_state);
    return NULL;
}

static void *take(void *arg)
{
    const int *which = arg;

    while (!hand_overs[*which].take(&buffer_state))
        pause_briefly();
    buffer += 1;
    return NULL;
}

/* ThreadSanitizer sees it where the order is missing, even if the processor
 * keeps it: here, and not between two mappings of one file, the two sides have
 * the buffer at one address. */
START_TEST(test_step_hands_the_buffer_over)
{
    pthread_t giver, taker;

    buffer = 0;
    buffer_state = hand_overs[_i].from;
    ck_assert_int_eq(pthread_create(&taker, NULL, take, &_i), 0);
    ck_assert_int_eq(pthread_create(&giver, NULL, give, &_i), 0);
    pthread_join(giver, NULL);
    pthread_join(taker, NULL);
    ck_assert_int_eq(buffer, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tcase = tcase_create("state");

    tcase_add_test(tcase, test_state_values_are_the_published_ones);
    tcase_add_loop_test(tcase, test_step_succeeds_from_one_value_only, 0,
                        NB_STEPS);
    tcase_add_loop_test(tcase, test_step_leads_to_its_value, 0, NB_STEPS);
    tcase_add_loop_test(tcase, test_step_that_fails_changes_nothing, 0,
                        NB_STEPS);
    tcase_add_loop_test(tcase, test_step_leaves_the_bytes_around_alone, 0,
                        NB_STEPS);
    tcase_add_test(tcase, test_state_initialise_from_every_value);
    tcase_add_test(tcase, test_state_initialise_leaves_the_bytes_around_alone);
    tcase_add_test(tcase, test_state_load_of_every_value);
    tcase_add_test(tcase, test_state_still_locked_for_one_value_only);
    tcase_add_loop_test(tcase, test_step_hands_the_buffer_over, 0,
                        NB_HAND_OVERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
