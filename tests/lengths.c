/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <unistd.h>

#include "lengths.h"
#include "wait.h"

#define WIDTH      300
#define HEIGHT     200
#define IMAGE_SIZE (SHMI_BYTES_PER_PIXEL * WIDTH * HEIGHT)

const off_t lengths[] = {
    0, 1, 20, 21, 24, 25, 4095, 4096, 4097, IMAGE_SIZE, IMAGE_SIZE + 24,
    HALF - 1, HALF, HALF + 20, HALF + 24, HALF + 4096, HALF + IMAGE_SIZE,
    TEST_FILE_SIZE - 4096, TEST_FILE_SIZE - 1,
};
const int nb_lengths = sizeof(lengths) / sizeof(lengths[0]);

TCase *lengths_tcase(const char *name)
{
    width  = WIDTH;
    height = HEIGHT;
    return pair_tcase(name);
}

void set_length(off_t length)
{
    ck_assert_int_eq(truncate(path, length), 0);
}

void check_follows_another_file(uint32_t old_session)
{
    replace(TEST_FILE_SIZE, false);
    open_writer();
    hurry(SHMI_CHECK_INTERVAL);
    wait_until(follows());
    for (uint32_t number = 100; number < 104; number++)
        ck_assert_uint_gt(session_of_next(number), old_session);
}
