/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "copy.h"
#include "support.h"

#define AREA  (40 << 20)
#define GUARD 64 /* bytes around the destination that must not change */

static uint8_t *from, *to;

static uint8_t *reserve(void)
{
    uint8_t *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(area, MAP_FAILED);
    return area;
}

static void setup(void)
{
    from = reserve();
    to = reserve();
    for (size_t i = 0; i < AREA; i++)
        from[i] = (uint8_t)(i * 2654435761u >> 24);
}

static void teardown(void)
{
    munmap(from, AREA);
    munmap(to, AREA);
}

static int is_untouched(const uint8_t *bytes)
{
    static const uint8_t guard[GUARD] = { 0 };

    return !memcmp(bytes, guard, GUARD);
}

static void check_copy(size_t at, size_t source, size_t size)
{
    uint8_t *dst = to + GUARD + at;

    memset(to, 0, size + at + 2 * GUARD);
    shmi_copy(dst, from + source, size);
    ck_assert_msg(!memcmp(dst, from + source, size),
                  "%zu bytes from %zu to %zu are not the same", size, source,
                  at);
    ck_assert_msg(is_untouched(dst - GUARD) && is_untouched(dst + size),
                  "%zu bytes from %zu to %zu spill", size, source, at);
}

/* The distances modulo a page decide, and so do the sizes. */
static const size_t distances[][2] = {
    { 0, 0 }, { 24, 16 }, { 16, 24 }, { 24, 24 }, { 25, 7 }, { 63, 0 },
    { 64, 0 }, { 4, 4092 }, { 2048, 5 }, { 1, 3 },
};
static const size_t sizes[] = {
    0, 1, 3, 15, 16, 17, 63, 64, 65, 2031, 2032, 2033, 4064, 4065, 12288,
    (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (16 << 20) - 1, 16 << 20,
    (16 << 20) + 1, (16 << 20) + 127, 24883200,
};

START_TEST(test_copy_any_size)
{
    for (size_t i = 0; i < sizeof(distances) / sizeof(*distances); i++)
        check_copy(distances[i][0], distances[i][1], sizes[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy");
    TCase *tcase = tcase_create("copy");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_copy_any_size, 0,
                        sizeof(sizes) / sizeof(*sizes));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
