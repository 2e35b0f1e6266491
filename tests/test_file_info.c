/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static const ShmiHeader odd_header = { 0xfffffffe, 3, 5, 7, 11 };

static ShmImageFileInfo info_of(const char *path)
{
    ShmImageFileInfo info;

    ck_assert_int_eq(shmimage_file_info(path, &info, sizeof(info)),
                     SHMIMAGE_OK);
    return info;
}

START_TEST(test_info_tells_the_sizes)
{
    ShmImageFileInfo info = info_of(test_file(20000003));

    ck_assert_uint_eq(info.size, 20000003);
    ck_assert_uint_eq(info.payload, 10000001 - 24);
}
END_TEST

START_TEST(test_info_tells_every_field_of_a_header)
{
    const char *path = test_file(20000003);
    ShmImageBufferInfo buffer;

    poke(path, _i, &odd_header, SHMIMAGE_STATE_CLIENT_LOCKED);
    buffer = info_of(path).buffer[_i];
    ck_assert_uint_eq(buffer.number, 0xfffffffe);
    ck_assert_uint_eq(buffer.width, 3);
    ck_assert_uint_eq(buffer.height, 5);
    ck_assert_uint_eq(buffer.offset, 7);
    ck_assert_uint_eq(buffer.num_scanlines, 11);
    ck_assert_uint_eq(buffer.state, SHMIMAGE_STATE_CLIENT_LOCKED);
}
END_TEST

START_TEST(test_info_tells_a_state_that_is_none)
{
    const char *path = test_file(TEST_FILE_SIZE);

    poke_state(path, _i, 0xee);
    ck_assert_uint_eq(info_of(path).buffer[_i].state, 0xee);
}
END_TEST

START_TEST(test_info_changes_nothing)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmiHeader header;

    poke(path, 0, &odd_header, SHMIMAGE_STATE_CLIENT);
    poke_state(path, 1, SHMIMAGE_STATE_INIT);
    info_of(path);
    header = peek_header(path, 0);
    ck_assert_mem_eq(&header, &odd_header, sizeof(header));
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_info_for_an_older_program_ends_where_its_struct_does)
{
    const size_t size = offsetof(ShmImageFileInfo, payload);
    ShmImageFileInfo info;

    memset(&info, 0xa5, sizeof(info));
    ck_assert_int_eq(shmimage_file_info(test_file(TEST_FILE_SIZE), &info,
                                        size), SHMIMAGE_OK);
    ck_assert_uint_eq(info.size, TEST_FILE_SIZE);
    ck_assert_uint_eq(info.payload, UINT64_C(0xa5a5a5a5a5a5a5a5));
}
END_TEST

START_TEST(test_info_for_a_newer_program_fills_its_struct_with_zeros)
{
    struct {
        ShmImageFileInfo info;
        uint8_t newer[64];
    } both;
    const uint8_t zeros[sizeof(both.newer)] = { 0 };

    memset(&both, 0xa5, sizeof(both));
    ck_assert_int_eq(shmimage_file_info(test_file(TEST_FILE_SIZE), &both.info,
                                        sizeof(both)), SHMIMAGE_OK);
    ck_assert_mem_eq(both.newer, zeros, sizeof(zeros));
}
END_TEST

START_TEST(test_info_with_bad_arguments)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageFileInfo info;

    ck_assert_int_eq(shmimage_file_info(path, NULL, sizeof(info)),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_file_info(path, &info, 0),
                     SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_info_of_a_file_without_peers)
{
    ShmImageFileInfo info = info_of(test_file(TEST_FILE_SIZE));

    ck_assert_int_eq(info.server, 0);
    ck_assert_int_eq(info.client, 0);
}
END_TEST

#if SHMI_HAVE_OFD_LOCKS

START_TEST(test_info_sees_a_server)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageWriter *writer;
    ShmImageFileInfo info;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    info = info_of(path);
    shmimage_writer_close(writer);
    ck_assert_int_eq(info.server, 1);
    ck_assert_int_eq(info.client, 0);
}
END_TEST

START_TEST(test_info_sees_a_client)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageReader *reader;
    ShmImageFileInfo info;

    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    info = info_of(path);
    shmimage_reader_close(reader);
    ck_assert_int_eq(info.server, 0);
    ck_assert_int_eq(info.client, 1);
}
END_TEST

START_TEST(test_reset_is_refused_while_a_server_is_there)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageWriter *writer;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    poke_state(path, 0, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_CLIENT);
    shmimage_writer_close(writer);
}
END_TEST

#endif /* SHMI_HAVE_OFD_LOCKS */

START_TEST(test_reset_takes_over_from_a_server)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageWriter *writer;

    ck_assert_int_eq(shmimage_writer_open(path, 0, &writer), SHMIMAGE_OK);
    poke_state(path, 0, SHMIMAGE_STATE_CLIENT);
    ck_assert_int_eq(shmimage_file_reset(path, SHMIMAGE_TAKE_OVER),
                     SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
    shmimage_writer_close(writer);
}
END_TEST

START_TEST(test_reset_leaves_any_state_as_a_servers_start_does)
{
    const char *path = test_file(TEST_FILE_SIZE);

    poke_state(path, 0, (uint8_t)_i);
    poke_state(path, 1, (uint8_t)_i);
    ck_assert_int_eq(shmimage_file_reset(path, SHMIMAGE_FORCE), SHMIMAGE_OK);
    ck_assert_uint_eq(peek_state(path, 0), SHMIMAGE_STATE_INIT);
    ck_assert_uint_eq(peek_state(path, 1), SHMIMAGE_STATE_INIT);
}
END_TEST

START_TEST(test_reset_is_a_restart_for_a_reader)
{
    const char *path = test_file(TEST_FILE_SIZE);
    ShmImageReader *reader;
    ShmImageFrame *frame;
    ShmImageReaderStats stats;

    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_file_reset(path, 0), SHMIMAGE_OK);
    ck_assert_int_eq(shmimage_reader_acquire(reader, 0, &frame),
                     SHMIMAGE_NO_FRAME);
    shmimage_reader_stats(reader, &stats, sizeof(stats));
    ck_assert_uint_eq(stats.sessions, 1);
    shmimage_reader_close(reader);
}
END_TEST

START_TEST(test_reset_with_an_unknown_flag)
{
    const char *path = test_file(TEST_FILE_SIZE);

    ck_assert_int_eq(shmimage_file_reset(path, SHMIMAGE_FLIP),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_int_eq(shmimage_file_reset(path, SHMIMAGE_REPLACE),
                     SHMIMAGE_ERROR_ARGUMENT);
    ck_assert_uint_eq(peek_state(path, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file info");
    TCase *tcase = tcase_create("file info");

    tcase_add_checked_fixture(tcase, NULL, test_files_remove);
    tcase_add_test(tcase, test_info_tells_the_sizes);
    tcase_add_loop_test(tcase, test_info_tells_every_field_of_a_header, 0,
                        SHMI_BUFFERS);
    tcase_add_loop_test(tcase, test_info_tells_a_state_that_is_none, 0,
                        SHMI_BUFFERS);
    tcase_add_test(tcase, test_info_changes_nothing);
    tcase_add_test(tcase,
                   test_info_for_an_older_program_ends_where_its_struct_does);
    tcase_add_test(tcase,
                   test_info_for_a_newer_program_fills_its_struct_with_zeros);
    tcase_add_test(tcase, test_info_with_bad_arguments);
    tcase_add_test(tcase, test_info_of_a_file_without_peers);
#if SHMI_HAVE_OFD_LOCKS
    tcase_add_test(tcase, test_info_sees_a_server);
    tcase_add_test(tcase, test_info_sees_a_client);
    tcase_add_test(tcase, test_reset_is_refused_while_a_server_is_there);
#endif
    tcase_add_test(tcase, test_reset_takes_over_from_a_server);
    tcase_add_loop_test(tcase,
                        test_reset_leaves_any_state_as_a_servers_start_does,
                        SHMIMAGE_STATE_SERVER, SHMIMAGE_STATE_INIT + 2);
    tcase_add_test(tcase, test_reset_is_a_restart_for_a_reader);
    tcase_add_test(tcase, test_reset_with_an_unknown_flag);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
