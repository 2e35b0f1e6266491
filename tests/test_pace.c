/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * When the images of "shmimage send" are due.
 */
#include "config.h"

#include "pace.h"
#include "support.h"

#define START (7 * PACE_SECOND)

static const struct {
    Rate rate;
    uint64_t index;
    int64_t due; /* after the start */
} images[] = {
    { { 60, 1 }, 0, 0 },
    { { 60, 1 }, 1, 16666666 },
    { { 60, 1 }, 61, 1016666666 },
    { { 333, 10 }, 999, 30 * PACE_SECOND },
    { { 30000, 1001 }, 30001, INT64_C(1001033366666) },
    { { 1, 3600 }, 2, 7200 * PACE_SECOND },
    /* No product is too large, though these are years. */
    { { 4294967295, 86400 }, INT64_C(4294967295) * 1000,
      86400000 * PACE_SECOND },
    { { 1000000, 1 }, UINT64_C(9000000000000001),
      INT64_C(9000000000000001000) },
};

START_TEST(test_pace_due_follows_the_rate)
{
    const Pace pace = { images[_i].rate, START };

    ck_assert_int_eq(pace_due(&pace, images[_i].index),
                     START + images[_i].due);
}
END_TEST

START_TEST(test_pace_index_is_the_last_that_is_due)
{
    const Pace pace = { images[_i].rate, START };
    const uint64_t index = images[_i].index;
    const int64_t due = pace_due(&pace, index);

    ck_assert_uint_eq(pace_index(&pace, due), index);
    ck_assert_uint_eq(pace_index(&pace, pace_due(&pace, index + 1) - 1),
                      index);
    if (index)
        ck_assert_uint_eq(pace_index(&pace, due - 1), index - 1);
}
END_TEST

START_TEST(test_pace_without_a_rate_is_due_at_the_start)
{
    const Pace pace = { { 0, 1 }, START };

    ck_assert_int_eq(pace_due(&pace, 1000), START);
    ck_assert_uint_eq(pace_index(&pace, 2 * START), 0);
}
END_TEST

int main(void)
{
    const int count = sizeof(images) / sizeof(*images);
    Suite *suite = suite_create("pace");
    TCase *tcase = tcase_create("pace");

    tcase_add_loop_test(tcase, test_pace_due_follows_the_rate, 0, count);
    tcase_add_loop_test(tcase, test_pace_index_is_the_last_that_is_due, 0,
                        count);
    tcase_add_test(tcase, test_pace_without_a_rate_is_due_at_the_start);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
