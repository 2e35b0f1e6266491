/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Putting an image together from blocks, without a reader: each row of the
 * image here is filled with ten times its number, plus a mark of its block.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "assembly.h"
#include "faults.h"
#include "support.h"

enum { WIDTH = 2, HEIGHT = 5, ROW = WIDTH * SHMI_BYTES_PER_PIXEL };

static ShmiAssembly assembly;
static uint64_t incomplete;

static void setup(void)
{
    assembly   = (ShmiAssembly){ 0 };
    incomplete = 0;
}

static void teardown(void)
{
    shmi_assembly_drop(&assembly, &incomplete);
}

static int add_of(ShmiHeader header, uint8_t mark)
{
    uint8_t pixels[HEIGHT * ROW];

    for (uint32_t y = 0; y < header.num_scanlines; y++)
        memset(pixels + y * ROW, (int)(10 * (header.offset + y) + mark), ROW);
    return shmi_assembly_add(&assembly, &header, pixels, &incomplete);
}

static int add(uint32_t number, uint32_t offset, uint32_t rows)
{
    return add_of((ShmiHeader){ number, WIDTH, HEIGHT, offset, rows }, 0);
}

static void assert_row(uint32_t y, int value)
{
    for (int i = 0; i < ROW; i++)
        ck_assert_int_eq(assembly.pixels[y * ROW + i], value);
}

static void assert_image_taken(void)
{
    uint8_t *pixels;

    for (uint32_t y = 0; y < HEIGHT; y++)
        assert_row(y, (int)(10 * y));
    pixels = shmi_assembly_take(&assembly);
    ck_assert_ptr_nonnull(pixels);
    ck_assert_ptr_null(assembly.pixels);
    ck_assert_ptr_null(assembly.present);
    free(pixels);
}

/* Blocks in the order of their arrival. */
static const struct {
    int blocks;
    uint32_t offset[HEIGHT];
    uint32_t rows[HEIGHT];
} orders[] = {
    { 1, { 0 }, { 5 } },
    { 2, { 3, 0 }, { 2, 3 } },
    { 2, { 1, 0 }, { 4, 1 } },
    { 3, { 4, 2, 0 }, { 1, 2, 2 } },
    { 3, { 2, 4, 0 }, { 2, 1, 2 } },
    { 5, { 4, 3, 2, 1, 0 }, { 1, 1, 1, 1, 1 } },
    { 5, { 1, 2, 3, 4, 0 }, { 1, 1, 1, 1, 1 } },
};

START_TEST(test_add_completes_an_image)
{
    int last = orders[_i].blocks - 1;

    for (int i = 0; i < last; i++)
        ck_assert_int_eq(add(7, orders[_i].offset[i], orders[_i].rows[i]),
                         SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(7, orders[_i].offset[last], orders[_i].rows[last]),
                     SHMIMAGE_OK);
    assert_image_taken();
    ck_assert_uint_eq(incomplete, 0);
}
END_TEST

START_TEST(test_add_last_block_with_scanlines_missing)
{
    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(7, 0, 2), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 1);
    ck_assert_ptr_null(assembly.pixels);
}
END_TEST

START_TEST(test_add_only_the_last_block)
{
    ck_assert_int_eq(add(7, 0, 4), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 1);
    ck_assert_ptr_null(assembly.pixels);
}
END_TEST

START_TEST(test_add_block_after_the_last_one)
{
    ck_assert_int_eq(add(7, 0, 3), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 1);
    ck_assert_int_eq(add(7, 0, 3), SHMIMAGE_OK);
    assert_image_taken();
}
END_TEST

START_TEST(test_add_does_not_count_a_scanline_twice)
{
    for (int i = 0; i < HEIGHT; i++)
        ck_assert_int_eq(add(7, 4, 1), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(7, 0, 3), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 1);
}
END_TEST

START_TEST(test_add_overlapping_blocks)
{
    const ShmiHeader lower = { 7, WIDTH, HEIGHT, 2, 3 };
    const ShmiHeader upper = { 7, WIDTH, HEIGHT, 0, 4 };

    ck_assert_int_eq(add_of(lower, 1), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add_of(upper, 2), SHMIMAGE_OK);
    assert_row(0, 2);
    assert_row(1, 12);
    assert_row(2, 22);
    assert_row(3, 32);
    assert_row(4, 41);
}
END_TEST

/* What makes a block one of another image. */
static const ShmiHeader others[] = {
    { 8, WIDTH, HEIGHT, 3, 2 },
    { 6, WIDTH, HEIGHT, 3, 2 },
    { 7, WIDTH - 1, HEIGHT, 3, 2 },
    { 7, WIDTH, HEIGHT + 1, 3, 2 },
};

START_TEST(test_add_block_of_another_image)
{
    ck_assert_int_eq(add(7, 1, 4), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add_of(others[_i], 0), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 1);
    ck_assert_uint_eq(assembly.number, others[_i].frame_number);
    ck_assert_uint_eq(assembly.width, others[_i].width);
    ck_assert_uint_eq(assembly.height, others[_i].height);
    ck_assert_uint_eq(assembly.missing, others[_i].height - 2);
}
END_TEST

START_TEST(test_add_does_not_mix_two_images)
{
    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(8, 0, 3), SHMIMAGE_NO_FRAME);
    ck_assert_uint_eq(incomplete, 2);
    ck_assert_ptr_null(assembly.pixels);
}
END_TEST

START_TEST(test_add_same_number_again)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(add(7, 2, 3), SHMIMAGE_NO_FRAME);
        ck_assert_int_eq(add(7, 0, 2), SHMIMAGE_OK);
        assert_image_taken();
    }
    ck_assert_uint_eq(incomplete, 0);
}
END_TEST

START_TEST(test_take_of_nothing)
{
    ck_assert_ptr_null(shmi_assembly_take(&assembly));
}
END_TEST

START_TEST(test_drop_counts_what_it_drops)
{
    shmi_assembly_drop(&assembly, &incomplete);
    ck_assert_uint_eq(incomplete, 0);
    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    shmi_assembly_drop(&assembly, &incomplete);
    ck_assert_uint_eq(incomplete, 1);
    shmi_assembly_drop(&assembly, &incomplete);
    ck_assert_uint_eq(incomplete, 1);
}
END_TEST

START_TEST(test_add_without_memory)
{
    Account before = account_now();
    int ret;

    fault_plan(_i ? FAULT_CALLOC : FAULT_MALLOC, 1, ENOMEM);
    ret = add(7, 3, 2);
    ck_assert(fault_came());
    assert_account(&before);
    ck_assert_int_eq(ret, SHMIMAGE_ERROR_MEMORY);
    ck_assert_ptr_null(assembly.pixels);

    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    ck_assert_int_eq(add(7, 0, 3), SHMIMAGE_OK);
    assert_image_taken();
}
END_TEST

START_TEST(test_add_without_memory_drops_the_image_before)
{
    ck_assert_int_eq(add(7, 3, 2), SHMIMAGE_NO_FRAME);
    fault_plan(FAULT_MALLOC, 1, ENOMEM);
    ck_assert_int_eq(add(8, 3, 2), SHMIMAGE_ERROR_MEMORY);
    ck_assert(fault_came());
    ck_assert_uint_eq(incomplete, 1);
    ck_assert_ptr_null(assembly.pixels);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("assembly of blocks");
    TCase *tcase = tcase_create("blocks");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_add_completes_an_image, 0,
                        sizeof(orders) / sizeof(orders[0]));
    tcase_add_test(tcase, test_add_last_block_with_scanlines_missing);
    tcase_add_test(tcase, test_add_only_the_last_block);
    tcase_add_test(tcase, test_add_block_after_the_last_one);
    tcase_add_test(tcase, test_add_does_not_count_a_scanline_twice);
    tcase_add_test(tcase, test_add_overlapping_blocks);
    tcase_add_loop_test(tcase, test_add_block_of_another_image, 0,
                        sizeof(others) / sizeof(others[0]));
    tcase_add_test(tcase, test_add_does_not_mix_two_images);
    tcase_add_test(tcase, test_add_same_number_again);
    tcase_add_test(tcase, test_take_of_nothing);
    tcase_add_test(tcase, test_drop_counts_what_it_drops);
    tcase_add_loop_test(tcase, test_add_without_memory, 0, 2);
    tcase_add_test(tcase, test_add_without_memory_drops_the_image_before);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
