/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stddef.h>

#include "shared_memory_image_client_priv.h"
#include "support.h"

START_TEST(test_layout_matches_published_struct)
{
    ck_assert_uint_eq(sizeof(BufferHeader), SHMI_HEADER_SIZE);
    ck_assert_uint_eq(offsetof(BufferHeader, frame_number), 0);
    ck_assert_uint_eq(offsetof(BufferHeader, width), 4);
    ck_assert_uint_eq(offsetof(BufferHeader, height), 8);
    ck_assert_uint_eq(offsetof(BufferHeader, offset), 12);
    ck_assert_uint_eq(offsetof(BufferHeader, num_scanlines), 16);
    ck_assert_uint_eq(offsetof(BufferHeader, buffer_state), SHMI_STATE_OFFSET);
    ck_assert_uint_eq(offsetof(BufferHeader, pad), 21);
}
END_TEST

START_TEST(test_payload_size_rounds_an_odd_length_down)
{
    ck_assert_uint_eq(shmi_payload_size(26214400), 13107200 - 24);
    ck_assert_uint_eq(shmi_payload_size(20000001), 10000000 - 24);
    ck_assert_uint_eq(shmi_buffer_offset(20000001, 0), 0);
    ck_assert_uint_eq(shmi_buffer_offset(20000001, 1), 10000000);
    ck_assert_uint_eq(shmi_buffer_offset(20000003, 1), 10000001);
}
END_TEST

START_TEST(test_buffer_offset_rounds_an_odd_length_down)
{
    ck_assert_uint_eq(shmi_buffer_offset(20000000, 0), 0);
    ck_assert_uint_eq(shmi_buffer_offset(20000000, 1), 10000000);
    ck_assert_uint_eq(shmi_buffer_offset(20000001, 0), 0);
    ck_assert_uint_eq(shmi_buffer_offset(20000001, 1), 10000000);
}
END_TEST

START_TEST(test_payload_size_without_room_for_a_header)
{
    ck_assert_uint_eq(shmi_payload_size(0), 0);
    ck_assert_uint_eq(shmi_payload_size(47), 0);
    ck_assert_uint_eq(shmi_payload_size(48), 0);
    ck_assert_uint_eq(shmi_payload_size(50), 1);
}
END_TEST

START_TEST(test_image_size_at_its_limit)
{
    ck_assert_uint_eq(shmi_image_size(3840, 2160, 24883200), 24883200);
    ck_assert_uint_eq(shmi_image_size(3840, 2160, 24883199), 0);
    ck_assert_uint_eq(shmi_image_size(0, 7, 1000), 0);
    ck_assert_uint_eq(shmi_image_size(7, 0, 1000), 0);
}
END_TEST

START_TEST(test_image_size_does_not_overflow)
{
    ck_assert_uint_eq(shmi_image_size(UINT32_MAX, UINT32_MAX, SIZE_MAX), 0);
    ck_assert_uint_eq(shmi_image_size(UINT32_MAX, 3, SHMI_MAX_IMAGE_SIZE), 0);
    ck_assert_uint_eq(shmi_image_size(0x10000, 0x10000, 1000), 0);
}
END_TEST

START_TEST(test_number_before_wraps)
{
    ck_assert(shmi_number_before(1, 2));
    ck_assert(!shmi_number_before(2, 1));
    ck_assert(!shmi_number_before(5, 5));
    ck_assert(shmi_number_before(UINT32_MAX, 0));
    ck_assert(!shmi_number_before(0, UINT32_MAX));
    ck_assert(shmi_number_before(0, 0x7fffffff));
}
END_TEST

/* Headers against a payload of 300 bytes: 100 pixels. */
static const struct {
    uint32_t width, height, offset, num_scanlines;
    int result;
} headers[] = {
    { 10, 10, 0, 10, 0 },
    { 10, 10, 0, 0, 0 },            /* 0 at offset 0 is the whole image */
    { 100, 1, 0, 1, 0 },
    { 1, 100, 0, 100, 0 },
    { 10, 11, 0, 11, -1 },          /* larger than the payload */
    { 10, 11, 0, 0, -1 },
    { 10, 1000, 990, 10, 0 },       /* a block of a larger image */
    { 10, 1000, 991, 10, -1 },      /* reaches below the image */
    { 10, 1000, 1000, 0, -1 },      /* a block of nothing */
    { 10, 1000, 1001, 1, -1 },
    { 10, 1000, 5, 0, -1 },
    { 10, 1000, 0xffffffff, 2, -1 },
    { 10, 10, 0, 0xffffffff, -1 },
    { 0, 10, 0, 10, -1 },
    { 10, 0, 0, 0, -1 },
    { 0xffffffff, 1, 0, 1, -1 },
    { 1, 0xffffffff, 0, 1, -1 },    /* more than an image may have */
    { 0x55555556, 4, 0, 4, -1 },    /* 3 * width * height wraps to a little */
};

START_TEST(test_header_check_table)
{
    ShmiHeader header = {
        .width         = headers[_i].width,
        .height        = headers[_i].height,
        .offset        = headers[_i].offset,
        .num_scanlines = headers[_i].num_scanlines,
    };

    ck_assert_int_eq(shmi_header_check(&header, 300), headers[_i].result);
}
END_TEST

START_TEST(test_header_check_replaces_zero_scanlines)
{
    ShmiHeader header = { .width = 4, .height = 5 };

    ck_assert_int_eq(shmi_header_check(&header, 300), 0);
    ck_assert_uint_eq(header.num_scanlines, 5);
    ck_assert(shmi_header_is_whole(&header));
}
END_TEST

START_TEST(test_header_read_at_any_address)
{
    uint8_t bytes[40] = { 0 };
    const ShmiHeader written = { 1, 2, 3, 4, 5 };
    ShmiHeader header;

    for (int shift = 0; shift < 8; shift++) {
        shmi_header_write(bytes + shift, &written);
        shmi_header_read(&header, bytes + shift);
        ck_assert_mem_eq(&header, &written, sizeof(header));
        ck_assert_uint_eq(bytes[shift + SHMI_STATE_OFFSET], 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layout");
    TCase *tcase = tcase_create("layout");

    tcase_add_test(tcase, test_layout_matches_published_struct);
    tcase_add_test(tcase, test_payload_size_rounds_an_odd_length_down);
    tcase_add_test(tcase, test_buffer_offset_rounds_an_odd_length_down);
    tcase_add_test(tcase, test_payload_size_without_room_for_a_header);
    tcase_add_test(tcase, test_image_size_at_its_limit);
    tcase_add_test(tcase, test_image_size_does_not_overflow);
    tcase_add_test(tcase, test_number_before_wraps);
    tcase_add_loop_test(tcase, test_header_check_table, 0,
                        sizeof(headers) / sizeof(headers[0]));
    tcase_add_test(tcase, test_header_check_replaces_zero_scanlines);
    tcase_add_test(tcase, test_header_read_at_any_address);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
