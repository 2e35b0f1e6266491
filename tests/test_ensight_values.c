/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Names, values, types and texts of the published interface: what a program
 * that was written for the vendor's headers is compiled against.
 */
#include "config.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "ensight_harness.h"

#define VALUE(name, value) { #name, IMAGESTREAM_##name, value }

static const struct {
    const char *name;
    long actual;
    long published;
} constants[] = {
    VALUE(UNCONNECTED, 4),
    VALUE(RECONNECTING, 3),
    VALUE(NO_FRAMEAVAILABLE, 2),
    VALUE(NO_BUFFERAVAILABLE, 1),
    VALUE(NOERROR, 0),
    VALUE(BAD_ARGS, -1),
    VALUE(NOT_LOCKED, -2),
    VALUE(BAD_FILE_SIZE, -3),
    VALUE(UNABLE_TO_OPEN_FILE, -4),
    VALUE(UNABLE_TO_MAP_FILE, -5),
    VALUE(MEMORY_ALLOC_ERROR, -6),
    VALUE(THREAD_CREATE_ERROR, -7),
    VALUE(IS_SERVER, -8),
    VALUE(IS_NOTSERVER, -9),
    VALUE(FRAME_TOO_LARGE, -10),
    VALUE(LOCKED, -11),
    VALUE(OPTIONS_NONE, 0x0),
    VALUE(OPTIONS_INITBUFFERHEADERS, 0x1),
    VALUE(OPTIONS_NOTHREADS, 0x2),
    VALUE(OPTIONS_SERVER, 0x3),
    VALUE(OPTIONS_FLIPVERTICAL, 0x100),
    VALUE(BUFFER_STATE_SERVER, 0),
    VALUE(BUFFER_STATE_SERVER_LOCKED, 1),
    VALUE(BUFFER_STATE_CLIENT, 2),
    VALUE(BUFFER_STATE_CLIENT_LOCKED, 3),
    VALUE(BUFFER_STATE_INIT, 4),
    VALUE(FRAME_STATE_UNDEFINED, 0),
    VALUE(FRAME_STATE_IMAGE_READY, 1),
    VALUE(FRAME_STATE_IMAGE_LOCKED, 2),
};

START_TEST(test_constant_has_published_value)
{
    ck_assert_msg(constants[_i].actual == constants[_i].published,
                  "IMAGESTREAM_%s is %ld, not %ld", constants[_i].name,
                  constants[_i].actual, constants[_i].published);
}
END_TEST

START_TEST(test_api_version)
{
    ck_assert_str_eq(IMAGESTREAM_API_VERSION, "1.0");
}
END_TEST

#define IS_OF_TYPE(expression, type) _Generic((expression), type: 1, default: 0)

START_TEST(test_types)
{
    SharedMemoryImageError error = 0;
    SharedMemoryImageStream stream = NULL;
    SharedMemoryFrame frame = NULL;

    ck_assert(IS_OF_TYPE(error, int));
    ck_assert(IS_OF_TYPE(stream, struct _SharedMemoryImageStream *));
    ck_assert(IS_OF_TYPE(frame, struct _SharedMemoryFrame *));
    ck_assert(IS_OF_TYPE(frame->iFrame, uint32_t));
    ck_assert(IS_OF_TYPE(frame->iWidth, uint32_t));
    ck_assert(IS_OF_TYPE(frame->iHeight, uint32_t));
    ck_assert(IS_OF_TYPE(frame->buffer, uint8_t *));
}
END_TEST

START_TEST(test_function_types)
{
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_create,
                         int (*)(const char *, uint32_t,
                                 struct _SharedMemoryImageStream **)));
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_lock,
                         int (*)(struct _SharedMemoryImageStream *,
                                 struct _SharedMemoryFrame **)));
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_unlock,
                         int (*)(struct _SharedMemoryImageStream *)));
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_putframe,
                         int (*)(struct _SharedMemoryImageStream *,
                                 struct _SharedMemoryFrame *)));
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_destroy,
                         int (*)(struct _SharedMemoryImageStream *)));
    ck_assert(IS_OF_TYPE(&SharedMemoryImageStream_errorstring,
                         const char *(*)(int)));
}
END_TEST

/* Programs initialise a frame without naming its members. */
START_TEST(test_frame_members_are_in_order)
{
    uint8_t pixels[3] = { 0 };
    struct _SharedMemoryFrame frame = { 1, 2, 3, pixels };

    ck_assert_uint_eq(frame.iFrame, 1);
    ck_assert_uint_eq(frame.iWidth, 2);
    ck_assert_uint_eq(frame.iHeight, 3);
    ck_assert_ptr_eq(frame.buffer, pixels);
    ck_assert_uint_eq(offsetof(struct _SharedMemoryFrame, iFrame), 0);
    ck_assert_uint_eq(offsetof(struct _SharedMemoryFrame, iWidth), 4);
    ck_assert_uint_eq(offsetof(struct _SharedMemoryFrame, iHeight), 8);
    ck_assert_uint_ge(offsetof(struct _SharedMemoryFrame, buffer), 12);
}
END_TEST

#define MEMBER(name, type, offset)                                      \
    { #name, offsetof(BufferHeader, name), offset,                      \
      IS_OF_TYPE(&((BufferHeader *)NULL)->name, type) }

static const struct {
    const char *name;
    size_t actual;
    size_t published;
    int has_type;
} members[] = {
    MEMBER(frame_number, uint32_t *, 0),
    MEMBER(width, uint32_t *, 4),
    MEMBER(height, uint32_t *, 8),
    MEMBER(offset, uint32_t *, 12),
    MEMBER(num_scanlines, uint32_t *, 16),
    MEMBER(buffer_state, uint8_t *, 20),
    MEMBER(pad, uint8_t (*)[3], 21),
};

START_TEST(test_buffer_header_member)
{
    ck_assert_msg(members[_i].actual == members[_i].published,
                  "%s is at %zu, not at %zu", members[_i].name,
                  members[_i].actual, members[_i].published);
    ck_assert_msg(members[_i].has_type, "%s has another type",
                  members[_i].name);
    ck_assert_uint_eq(sizeof(BufferHeader), 24);
}
END_TEST

/* Bytes that continue a sequence of UTF-8 which begins with this one. */
static int nb_continuations(uint8_t byte)
{
    if (byte < 0x80)
        return 0;
    if (byte >= 0xc2 && byte < 0xe0)
        return 1;
    if (byte >= 0xe0 && byte < 0xf0)
        return 2;
    if (byte >= 0xf0 && byte < 0xf5)
        return 3;
    return -1;
}

static bool is_utf8(const char *text)
{
    for (; *text; text++)
        for (int left = nb_continuations((uint8_t)*text); left; left--)
            if (left < 0 || ((uint8_t)*++text & 0xc0) != 0x80)
                return false;
    return true;
}

static void assert_has_text(int code)
{
    const char *text = SharedMemoryImageStream_errorstring(code);

    ck_assert_msg(text && *text && is_utf8(text), "code %d", code);
}

START_TEST(test_errorstring_for_any_int)
{
    for (int code = -100; code <= 100; code++)
        assert_has_text(code);
    assert_has_text(INT_MIN);
    assert_has_text(INT_MAX);
}
END_TEST

/* Those that only shmimage.h has are among them. */
START_TEST(test_errorstring_tells_codes_apart)
{
    const char *unknown = SharedMemoryImageStream_errorstring(INT_MAX);

    for (int code = SHMIMAGE_ERROR_NO_SPACE; code <= IMAGESTREAM_UNCONNECTED;
         code++) {
        const char *text = SharedMemoryImageStream_errorstring(code);

        ck_assert_str_eq(text, shmimage_error_string(code));
        ck_assert_str_ne(text, unknown);
        for (int other = SHMIMAGE_ERROR_NO_SPACE; other < code; other++)
            ck_assert_str_ne(text,
                             SharedMemoryImageStream_errorstring(other));
    }
}
END_TEST

static const struct {
    int ours;
    int published;
} same[] = {
    { SHMIMAGE_UNCONNECTED, IMAGESTREAM_UNCONNECTED },
    { SHMIMAGE_RECONNECTING, IMAGESTREAM_RECONNECTING },
    { SHMIMAGE_NO_FRAME, IMAGESTREAM_NO_FRAMEAVAILABLE },
    { SHMIMAGE_NO_BUFFER, IMAGESTREAM_NO_BUFFERAVAILABLE },
    { SHMIMAGE_OK, IMAGESTREAM_NOERROR },
    { SHMIMAGE_ERROR_ARGUMENT, IMAGESTREAM_BAD_ARGS },
    { SHMIMAGE_ERROR_NOT_LOCKED, IMAGESTREAM_NOT_LOCKED },
    { SHMIMAGE_ERROR_FILE_SIZE, IMAGESTREAM_BAD_FILE_SIZE },
    { SHMIMAGE_ERROR_OPEN, IMAGESTREAM_UNABLE_TO_OPEN_FILE },
    { SHMIMAGE_ERROR_MAP, IMAGESTREAM_UNABLE_TO_MAP_FILE },
    { SHMIMAGE_ERROR_MEMORY, IMAGESTREAM_MEMORY_ALLOC_ERROR },
    { SHMIMAGE_ERROR_THREAD, IMAGESTREAM_THREAD_CREATE_ERROR },
    { SHMIMAGE_ERROR_IS_SERVER, IMAGESTREAM_IS_SERVER },
    { SHMIMAGE_ERROR_IS_NOT_SERVER, IMAGESTREAM_IS_NOTSERVER },
    { SHMIMAGE_ERROR_TOO_LARGE, IMAGESTREAM_FRAME_TOO_LARGE },
    { SHMIMAGE_ERROR_LOCKED, IMAGESTREAM_LOCKED },
    { SHMIMAGE_STATE_SERVER, IMAGESTREAM_BUFFER_STATE_SERVER },
    { SHMIMAGE_STATE_SERVER_LOCKED, IMAGESTREAM_BUFFER_STATE_SERVER_LOCKED },
    { SHMIMAGE_STATE_CLIENT, IMAGESTREAM_BUFFER_STATE_CLIENT },
    { SHMIMAGE_STATE_CLIENT_LOCKED, IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED },
    { SHMIMAGE_STATE_INIT, IMAGESTREAM_BUFFER_STATE_INIT },
};

START_TEST(test_code_of_ours_is_the_published_one)
{
    ck_assert_int_eq(same[_i].ours, same[_i].published);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("published values");
    TCase *tcase = tcase_create("values");

    tcase_add_loop_test(tcase, test_constant_has_published_value, 0,
                        COUNT(constants));
    tcase_add_test(tcase, test_api_version);
    tcase_add_test(tcase, test_types);
    tcase_add_test(tcase, test_function_types);
    tcase_add_test(tcase, test_frame_members_are_in_order);
    tcase_add_loop_test(tcase, test_buffer_header_member, 0, COUNT(members));
    tcase_add_test(tcase, test_errorstring_for_any_int);
    tcase_add_test(tcase, test_errorstring_tells_codes_apart);
    tcase_add_loop_test(tcase, test_code_of_ours_is_the_published_one, 0,
                        COUNT(same));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
