/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "flow.h"
#include "support.h"
#include "testcard.h"

#define GUARD      64
#define GUARD_BYTE 0xa5

/* A picture between two strips that nobody may write to. */
typedef struct Canvas {
    int width, height;
    size_t size;
    uint8_t *memory;
    uint8_t *pixels;
} Canvas;

static const int sizes[][2] = {
    { 64, 64 }, { 65, 67 }, { 100, 64 }, { 64, 500 }, { 159, 161 },
    { 160, 160 }, { 320, 240 }, { 641, 479 }, { 720, 1280 }, { 1280, 720 },
    { 1919, 300 },
};
static const int nb_sizes = sizeof(sizes) / sizeof(sizes[0]);

static const uint32_t numbers[] = {
    0, 1, 1234, 999999, 1000000, 0x55555555, 0xaaaaaaaa, 0xffffffff,
};
static const int nb_numbers = sizeof(numbers) / sizeof(numbers[0]);

static Canvas canvas_new(int width, int height, uint8_t fill)
{
    Canvas c = { .width = width, .height = height };

    c.size   = (size_t)width * height * 3;
    c.memory = malloc(c.size + 2 * GUARD);
    ck_assert_ptr_nonnull(c.memory);
    memset(c.memory, GUARD_BYTE, c.size + 2 * GUARD);
    c.pixels = c.memory + GUARD;
    memset(c.pixels, fill, c.size);
    return c;
}

static void canvas_free(Canvas *c)
{
    for (int i = 0; i < GUARD; i++) {
        ck_assert_uint_eq(c->memory[i], GUARD_BYTE);
        ck_assert_uint_eq(c->pixels[c->size + i], GUARD_BYTE);
    }
    free(c->memory);
}

static Canvas draw(int width, int height, uint32_t number, uint8_t fill)
{
    Canvas c       = canvas_new(width, height, fill);
    TestCard *card = testcard_new(width, height, "60 fps");

    ck_assert_ptr_nonnull(card);
    testcard_draw(card, number, c.pixels, width * 3);
    testcard_free(card);
    return c;
}

static void assert_number(const Canvas *c, uint32_t number)
{
    uint32_t read = ~number;

    ck_assert_msg(testcard_read_number(c->pixels, c->width, c->height,
                                       c->width * 3, &read) == 0,
                  "no number in %dx%d", c->width, c->height);
    ck_assert_uint_eq(read, number);
}

static void assert_no_number(const Canvas *c)
{
    uint32_t read;

    ck_assert_int_eq(testcard_read_number(c->pixels, c->width, c->height,
                                          c->width * 3, &read), -1);
}

START_TEST(test_read_number_as_drawn)
{
    const int *size = sizes[_i];

    for (int i = 0; i < nb_numbers; i++) {
        Canvas c = draw(size[0], size[1], numbers[i], 0);

        assert_number(&c, numbers[i]);
        canvas_free(&c);
    }
}
END_TEST

static int overlap(int a0, int a1, int b0, int b1)
{
    return (a1 < b1 ? a1 : b1) - (a0 > b0 ? a0 : b0);
}

/* The mean of what a component of a smaller picture covers. */
static uint8_t shrink_at(const Canvas *from, int width, int height, int x,
                         int y, int component)
{
    const int left = x * from->width, right = left + from->width;
    const int top = y * from->height, bottom = top + from->height;
    int64_t sum    = 0;

    for (int v = top / height; v * height < bottom; v++) {
        const uint8_t *row = from->pixels + (size_t)v * from->width * 3;

        for (int u = left / width; u * width < right; u++)
            sum += (int64_t)row[u * 3 + component] *
                   overlap(u * width, (u + 1) * width, left, right) *
                   overlap(v * height, (v + 1) * height, top, bottom);
    }
    return (uint8_t)(sum / ((int64_t)from->width * from->height));
}

static Canvas shrink(const Canvas *from, int width, int height)
{
    Canvas to  = canvas_new(width, height, 0);
    uint8_t *p = to.pixels;

    for (int y = 0; y < height; y++)
        for (int i = 0; i < width * 3; i++)
            *p++ = shrink_at(from, width, height, i / 3, y, i % 3);
    return to;
}

START_TEST(test_read_number_at_half_the_size)
{
    const int *size = sizes[_i];

    for (int i = 0; i < nb_numbers; i++) {
        Canvas c    = draw(size[0], size[1], numbers[i], 0);
        Canvas half = shrink(&c, size[0] / 2, size[1] / 2);

        assert_number(&half, numbers[i]);
        canvas_free(&half);
        canvas_free(&c);
    }
}
END_TEST

START_TEST(test_read_number_at_another_aspect_ratio)
{
    Canvas c      = draw(1280, 720, 0xcafe1234, 0);
    Canvas narrow = shrink(&c, 123, 457);

    assert_number(&narrow, 0xcafe1234);
    canvas_free(&narrow);
    canvas_free(&c);
}
END_TEST

START_TEST(test_read_number_with_noise_and_less_contrast)
{
    Canvas c       = draw(320, 240, 0x12345678, 0);
    uint32_t noise = 1;

    for (size_t i = 0; i < c.size; i++) {
        noise       = noise * 1664525 + 1013904223;
        c.pixels[i] = (uint8_t)(32 + c.pixels[i] * 5 / 8 + noise % 49);
    }
    assert_number(&c, 0x12345678);
    canvas_free(&c);
}
END_TEST

START_TEST(test_read_number_upside_down)
{
    for (int i = 0; i < nb_numbers; i++) {
        Canvas c       = canvas_new(sizes[_i][0], sizes[_i][1], 0);
        TestCard *card = testcard_new(c.width, c.height, "");

        testcard_draw(card, numbers[i],
                      c.pixels + (size_t)(c.height - 1) * c.width * 3,
                      -c.width * 3);
        assert_no_number(&c);
        testcard_free(card);
        canvas_free(&c);
    }
}
END_TEST

START_TEST(test_read_number_of_other_pictures)
{
    static const uint8_t fills[] = { 0, 90, 128, 255 };
    Canvas c                     = draw(63, 63, 7, 0);

    assert_no_number(&c);
    canvas_free(&c);
    for (size_t i = 0; i < sizeof(fills); i++) {
        c = canvas_new(200, 100, fills[i]);
        assert_no_number(&c);
        canvas_free(&c);
    }
    c = canvas_new(31, 200, 0);
    assert_no_number(&c);
    canvas_free(&c);
}
END_TEST

/* Whatever was there before is gone, and nothing beside it is touched. */
START_TEST(test_draw_fills_the_picture_alone)
{
    for (int i = 0; i < nb_sizes; i++) {
        Canvas a = draw(sizes[i][0], sizes[i][1], 4321, 0x00);
        Canvas b = draw(sizes[i][0], sizes[i][1], 4321, 0xff);

        ck_assert_mem_eq(a.pixels, b.pixels, a.size);
        canvas_free(&a);
        canvas_free(&b);
    }
}
END_TEST

START_TEST(test_draw_tiny_pictures)
{
    for (int height = 1; height <= 7; height++) {
        for (int width = 1; width <= 7; width++) {
            Canvas a    = draw(width, height, 10, 0x00);
            Canvas b    = draw(width, height, 10, 0xff);
            Canvas next = draw(width, height, 11, 0x00);

            ck_assert_mem_eq(a.pixels, b.pixels, a.size);
            ck_assert_mem_ne(a.pixels, next.pixels, a.size);
            canvas_free(&a);
            canvas_free(&b);
            canvas_free(&next);
        }
    }
}
END_TEST

START_TEST(test_draw_with_negative_stride_turns_upside_down)
{
    const int row     = 320 * 3;
    Canvas upright    = draw(320, 240, 99, 0);
    Canvas other      = canvas_new(320, 240, 0);
    TestCard *card    = testcard_new(320, 240, "60 fps");

    testcard_draw(card, 99, other.pixels + 239 * row, -row);
    for (int y = 0; y < 240; y++)
        ck_assert_mem_eq(upright.pixels + y * row,
                         other.pixels + (239 - y) * row, row);
    testcard_free(card);
    canvas_free(&other);
    canvas_free(&upright);
}
END_TEST

START_TEST(test_draw_does_not_depend_on_the_past)
{
    Canvas fresh   = draw(320, 240, 5000, 0);
    Canvas c       = canvas_new(320, 240, 0);
    TestCard *card = testcard_new(320, 240, "60 fps");

    for (uint32_t number = 3; number < 8; number++)
        testcard_draw(card, number * 1000, c.pixels, 320 * 3);
    testcard_draw(card, 5000, c.pixels, 320 * 3);
    ck_assert_mem_eq(fresh.pixels, c.pixels, c.size);
    testcard_free(card);
    canvas_free(&c);
    canvas_free(&fresh);
}
END_TEST

/* The picture is the same on every machine. When the card was changed on
 * purpose, so has to be this sum (FNV-1a). */
START_TEST(test_draw_gives_the_known_picture)
{
    Canvas c     = draw(320, 240, 1234, 0);
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < c.size; i++)
        sum = (sum ^ c.pixels[i]) * 16777619u;
    ck_assert_uint_eq(sum, 2406621605u);
    canvas_free(&c);
}
END_TEST

static long difference(const Canvas *a, const Canvas *b)
{
    long sum = 0;

    for (size_t i = 0; i < a->size; i++)
        sum += labs((long)a->pixels[i] - b->pixels[i]);
    return sum;
}

static Canvas draw_flow(uint32_t number)
{
    Canvas c   = canvas_new(320, 180, 0);
    Flow *flow = flow_new(c.width, c.height);

    ck_assert_ptr_nonnull(flow);
    flow_advance(flow, number);
    for (int y = 0; y < c.height; y++)
        flow_draw_row(flow, y, 0, c.width, c.pixels + y * c.width * 3);
    flow_free(flow);
    return c;
}

START_TEST(test_flow_goes_on_where_the_number_wraps)
{
    Canvas last   = draw_flow(UINT32_MAX);
    Canvas first  = draw_flow(0);
    Canvas second = draw_flow(1);

    ck_assert_int_gt(difference(&first, &second), 0);
    ck_assert_int_lt(difference(&last, &first),
                     2 * difference(&first, &second));
    canvas_free(&last);
    canvas_free(&first);
    canvas_free(&second);
}
END_TEST

START_TEST(test_new_out_of_range)
{
    ck_assert_ptr_null(testcard_new(0, 100, ""));
    ck_assert_ptr_null(testcard_new(100, 0, ""));
    ck_assert_ptr_null(testcard_new(-1, 100, ""));
    ck_assert_ptr_null(testcard_new(TESTCARD_MAX + 1, 1, ""));
    ck_assert_ptr_null(testcard_new(1, TESTCARD_MAX + 1, ""));
}
END_TEST

/* A label may be longer than the circle is wide. */
START_TEST(test_new_with_any_label)
{
    TestCard *card = testcard_new(
        200, 200, "0123456789012345678901234567890123456789\xff\x01~");
    Canvas c = canvas_new(200, 200, 0);

    ck_assert_ptr_nonnull(card);
    testcard_draw(card, 8, c.pixels, 600);
    assert_number(&c, 8);
    testcard_free(card);
    canvas_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("testcard");
    TCase *tcase = tcase_create("testcard");

    tcase_add_loop_test(tcase, test_read_number_as_drawn, 0, nb_sizes);
    tcase_add_loop_test(tcase, test_read_number_at_half_the_size, 0, nb_sizes);
    tcase_add_test(tcase, test_read_number_at_another_aspect_ratio);
    tcase_add_test(tcase, test_read_number_with_noise_and_less_contrast);
    tcase_add_loop_test(tcase, test_read_number_upside_down, 0, nb_sizes);
    tcase_add_test(tcase, test_read_number_of_other_pictures);
    tcase_add_test(tcase, test_draw_fills_the_picture_alone);
    tcase_add_test(tcase, test_draw_tiny_pictures);
    tcase_add_test(tcase, test_draw_with_negative_stride_turns_upside_down);
    tcase_add_test(tcase, test_draw_does_not_depend_on_the_past);
    tcase_add_test(tcase, test_draw_gives_the_known_picture);
    tcase_add_test(tcase, test_flow_goes_on_where_the_number_wraps);
    tcase_add_test(tcase, test_new_out_of_range);
    tcase_add_test(tcase, test_new_with_any_label);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
