/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "pace.h"
#include "support.h"
#include "tally.h"

#define MILLISECOND (PACE_SECOND / 1000)
#define FILE_BYTES  20000000

enum {
    S = SHMIMAGE_STATE_SERVER,
    D = SHMIMAGE_STATE_SERVER_LOCKED,
    C = SHMIMAGE_STATE_CLIENT,
    R = SHMIMAGE_STATE_CLIENT_LOCKED,
    I = SHMIMAGE_STATE_INIT,
};

static Watched w;
static Look now;

static void setup(void)
{
    w   = (Watched){ 0 };
    now = (Look){
        .time   = PACE_SECOND,
        .device = 1,
        .inode  = 2,
        .info   = { .size = FILE_BYTES },
    };
}

static void set(int buffer, uint8_t state, uint32_t number)
{
    ShmImageBufferInfo *b = &now.info.buffer[buffer];

    *b = (ShmImageBufferInfo){ .number = number, .state = state };
    if (state != I)
        b->width = b->height = b->num_scanlines = 8;
}

/* Look when so many milliseconds have passed. */
static void look_after(int64_t milliseconds)
{
    now.time += milliseconds * MILLISECOND;
    tally_look(&w, &now);
}

static void both(uint8_t state0, uint32_t number0, uint8_t state1,
                 uint32_t number1)
{
    set(0, state0, number0);
    set(1, state1, number1);
    look_after(1);
}

/* Ten images a second, for a whole period; the last is number 10. */
static void watch_a_second(void)
{
    both(S, 0, S, UINT32_MAX);
    for (uint32_t n = 1; n <= 10; n++) {
        set(n & 1, S, n);
        look_after(100);
    }
    tally_next_period(&w);
}

START_TEST(test_what_is_there_already_is_not_counted)
{
    both(C, 8, R, 7);
    both(C, 8, R, 7);
    ck_assert_uint_eq(w.period.images, 0);
    ck_assert_uint_eq(w.newest, 8);
    ck_assert_uint_eq(w.width, 8);
    ck_assert_uint_eq(w.total.looks, 2);
    ck_assert_int_eq(w.total.time, MILLISECOND);
}
END_TEST

START_TEST(test_images_are_counted_once_in_any_state)
{
    both(S, 1, S, 0);
    both(D, 2, S, 0); /* being drawn, so not yet an image */
    ck_assert_uint_eq(w.period.images, 0);
    both(C, 2, D, 3);
    both(R, 2, C, 3);
    both(S, 4, S, 3); /* came and went */
    ck_assert_uint_eq(w.period.images, 3);
    ck_assert_uint_eq(w.period.missed, 0);
    ck_assert_uint_eq(w.newest, 4);
}
END_TEST

START_TEST(test_two_at_once_are_taken_in_their_order)
{
    both(S, UINT32_MAX - 2, S, UINT32_MAX - 3);
    both(C, 0, C, UINT32_MAX); /* and one is missing */
    ck_assert_uint_eq(w.period.images, 2);
    ck_assert_uint_eq(w.period.missed, 1);
    ck_assert_uint_eq(w.newest, 0);
    ck_assert_uint_eq(w.period.events, 0);
}
END_TEST

START_TEST(test_image_behind_the_newest_was_seen_late)
{
    watch_a_second();
    both(S, 10, C, 12); /* 11 was being drawn when buffer 0 was looked at */
    ck_assert_uint_eq(w.period.missed, 1);
    both(C, 11, C, 12);
    ck_assert_uint_eq(w.period.images, 2);
    ck_assert_uint_eq(w.period.missed, 0);
    ck_assert_uint_eq(w.total.missed, 0);
    ck_assert_uint_eq(w.newest, 12);
}
END_TEST

START_TEST(test_blocks_are_one_image)
{
    both(S, 3, S, 2);
    both(C, 4, S, 2);
    both(S, 4, C, 4);
    ck_assert_uint_eq(w.period.images, 1);
    ck_assert_uint_eq(w.period.missed, 0);
}
END_TEST

START_TEST(test_missed_is_sure_when_looked_in_time)
{
    watch_a_second();
    set(0, C, 15);
    look_after(1);
    ck_assert_uint_eq(w.period.missed, 4);
    ck_assert_uint_eq(w.period.unsure, 0);
}
END_TEST

START_TEST(test_missed_is_unsure_when_looked_late)
{
    watch_a_second();
    set(0, C, 15);
    look_after(250);
    ck_assert_uint_eq(w.period.missed, 4);
    ck_assert_uint_eq(w.period.unsure, 2);
}
END_TEST

START_TEST(test_missed_is_unsure_without_a_known_rate)
{
    both(S, 1, S, 0);
    both(S, 5, S, 0);
    ck_assert_uint_eq(w.period.missed, 3);
    ck_assert_uint_eq(w.period.unsure, 3);
}
END_TEST

START_TEST(test_times_are_the_shares_of_the_images)
{
    both(S, 0, S, UINT32_MAX);
    for (uint32_t n = 1; n <= 4; n++) {
        set(n & 1, D, n);
        look_after(3);
        set(n & 1, C, n);
        look_after(2);
        set(n & 1, R, n);
        look_after(6);
        set(n & 1, S, n);
        look_after(1);
    }
    ck_assert_uint_eq(w.period.images, 4);
    ck_assert_double_eq_tol(tally_mean(&w.period, D), 3, 1e-9);
    ck_assert_double_eq_tol(tally_mean(&w.period, C), 2, 1e-9);
    ck_assert_double_eq_tol(tally_mean(&w.period, R), 6, 1e-9);
    ck_assert_double_eq_tol(tally_rate(&w.period), 1000. / 12, 1e-9);
    /* No wait was seen twice, but the longest can't be below the mean. */
    ck_assert_int_eq(w.period.longest, 0);
    ck_assert_double_eq_tol(tally_longest_wait(&w.period), 2, 1e-9);
}
END_TEST

START_TEST(test_longest_wait_is_between_the_looks)
{
    both(S, 1, S, 0);
    both(C, 2, S, 0);
    look_after(5);
    look_after(6);
    both(R, 2, S, 0);
    both(C, 3, S, 0);
    look_after(7);
    ck_assert_int_eq(w.period.longest, 11 * MILLISECOND);
    ck_assert_double_eq_tol(tally_longest_wait(&w.period), 11, 1e-9);
}
END_TEST

START_TEST(test_nothing_is_known_of_no_image)
{
    both(C, 2, S, 1);
    both(C, 2, S, 1);
    ck_assert_double_lt(tally_mean(&w.period, C), 0);
    ck_assert_double_eq(tally_rate(&w.period), 0);
}
END_TEST

START_TEST(test_start_of_a_server_is_no_gap)
{
    both(S, 1000, S, 999);
    both(I, 0, I, 0);
    ck_assert_uint_eq(w.period.events, TALLY_STARTED);
    ck_assert_int_eq(w.numbered, 0);
    both(S, 2000, I, 0);
    ck_assert_uint_eq(w.period.images, 1);
    ck_assert_uint_eq(w.period.missed, 0);
}
END_TEST

/* The client has connected between two looks. */
START_TEST(test_start_of_a_server_shows_by_empty_headers)
{
    both(S, 1000, S, 999);
    set(1, I, 0);
    set(0, C, 0);
    now.info.buffer[1].state = S;
    look_after(1);
    ck_assert_uint_eq(w.period.events, TALLY_STARTED);
    ck_assert_uint_eq(w.period.images, 1);
    ck_assert_uint_eq(w.period.missed, 0);
    ck_assert_uint_eq(w.newest, 0);
}
END_TEST

START_TEST(test_numbers_far_back_are_another_server)
{
    both(S, 1000, S, 999);
    both(C, 5, S, 999);
    ck_assert_uint_eq(w.period.events, TALLY_STARTED);
    ck_assert_uint_eq(w.newest, 5);
    both(C, 5, C, 6);
    ck_assert_uint_eq(w.period.missed, 0);
    ck_assert_uint_eq(w.period.images, 2);
}
END_TEST

START_TEST(test_other_file_is_no_gap)
{
    both(S, 1, S, 0);
    now.inode++;
    both(C, 500, S, 499);
    ck_assert_uint_eq(w.period.events, TALLY_REPLACED);
    both(C, 500, C, 501);
    ck_assert_uint_eq(w.period.images, 1);
    ck_assert_uint_eq(w.period.missed, 0);
}
END_TEST

START_TEST(test_file_that_goes_and_comes)
{
    both(S, 1, S, 0);
    now.file = LOOK_MISSING;
    look_after(1);
    look_after(1);
    ck_assert_uint_eq(w.period.events, TALLY_REMOVED);
    tally_next_period(&w);
    now.file = LOOK_SHORT;
    look_after(1);
    ck_assert_uint_eq(w.period.events, TALLY_SHORTENED);
    tally_next_period(&w);
    now.file = LOOK_UNREADABLE;
    look_after(1);
    ck_assert_uint_eq(w.period.events, TALLY_UNREADABLE);
    tally_next_period(&w);
    now.file = LOOK_OK;
    now.info.size++;
    both(C, 7, S, 0);
    ck_assert_uint_eq(w.period.events, TALLY_BACK | TALLY_RESIZED);
    ck_assert_uint_eq(w.period.images, 0);
    ck_assert_uint_eq(w.total.events, TALLY_REMOVED | TALLY_SHORTENED |
                      TALLY_UNREADABLE | TALLY_BACK | TALLY_RESIZED);
}
END_TEST

static void assert_peers(const char *server, const char *client)
{
    tally_next_period(&w);
    ck_assert_str_eq(tally_peer(&w, TALLY_SERVER), server);
    ck_assert_str_eq(tally_peer(&w, TALLY_CLIENT), client);
}

START_TEST(test_peers_show_by_locks_or_by_what_they_do)
{
    both(S, 1, S, 0);
    assert_peers("none", "none");
    both(D, 2, S, 0);
    assert_peers("other", "none");
    both(S, 1, S, 0); /* the server has dropped it */
    assert_peers("none", "none");
    both(C, 2, S, 0);
    assert_peers("other", "none");
    both(R, 2, S, 0);
    assert_peers("none", "other");
    both(R, 2, S, 0);
    assert_peers("none", "none");
    both(S, 2, S, 3);
    assert_peers("other", "other");
    now.info.client = 1;
    both(C, 4, S, 3);
    assert_peers("other", "shmimage");
    now.info.server = 1;
    both(C, 4, S, 3);
    assert_peers("shmimage", "shmimage");
}
END_TEST

START_TEST(test_unknown_states_are_survived)
{
    both(S, 1, S, 0);
    both(255, 2, 99, 3);
    ck_assert_uint_eq(w.period.images, 0);
    ck_assert_int_eq(w.period.spent[0][TALLY_STATES - 1], MILLISECOND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tcase = tcase_create("tally");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_what_is_there_already_is_not_counted);
    tcase_add_test(tcase, test_images_are_counted_once_in_any_state);
    tcase_add_test(tcase, test_two_at_once_are_taken_in_their_order);
    tcase_add_test(tcase, test_image_behind_the_newest_was_seen_late);
    tcase_add_test(tcase, test_blocks_are_one_image);
    tcase_add_test(tcase, test_missed_is_sure_when_looked_in_time);
    tcase_add_test(tcase, test_missed_is_unsure_when_looked_late);
    tcase_add_test(tcase, test_missed_is_unsure_without_a_known_rate);
    tcase_add_test(tcase, test_times_are_the_shares_of_the_images);
    tcase_add_test(tcase, test_longest_wait_is_between_the_looks);
    tcase_add_test(tcase, test_nothing_is_known_of_no_image);
    tcase_add_test(tcase, test_start_of_a_server_is_no_gap);
    tcase_add_test(tcase, test_start_of_a_server_shows_by_empty_headers);
    tcase_add_test(tcase, test_numbers_far_back_are_another_server);
    tcase_add_test(tcase, test_other_file_is_no_gap);
    tcase_add_test(tcase, test_file_that_goes_and_comes);
    tcase_add_test(tcase, test_peers_show_by_locks_or_by_what_they_do);
    tcase_add_test(tcase, test_unknown_states_are_survived);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
