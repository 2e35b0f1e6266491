/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Texts: of statuses, of states, of the last failure and of the version.
 */
#include "config.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "ensight_harness.h"
#include "error.h"

#define STATUS(name) { #name, SHMIMAGE_##name }

static const struct {
    const char *name;
    int status;
} statuses[] = {
    STATUS(DISCONNECTED),
    STATUS(UNCONNECTED),
    STATUS(RECONNECTING),
    STATUS(NO_FRAME),
    STATUS(NO_BUFFER),
    STATUS(OK),
    STATUS(ERROR_ARGUMENT),
    STATUS(ERROR_NOT_LOCKED),
    STATUS(ERROR_FILE_SIZE),
    STATUS(ERROR_OPEN),
    STATUS(ERROR_MAP),
    STATUS(ERROR_MEMORY),
    STATUS(ERROR_THREAD),
    STATUS(ERROR_IS_SERVER),
    STATUS(ERROR_IS_NOT_SERVER),
    STATUS(ERROR_TOO_LARGE),
    STATUS(ERROR_LOCKED),
    STATUS(ERROR_NOT_FOUND),
    STATUS(ERROR_NOT_REGULAR),
    STATUS(ERROR_PERMISSION),
    STATUS(ERROR_BUSY),
    STATUS(ERROR_EXISTS),
    STATUS(ERROR_NO_SPACE),
    STATUS(ERROR_TRUNCATED),
    STATUS(ERROR_NOT_A_STREAM),
};

START_TEST(test_error_string_of_status)
{
    const char *text = shmimage_error_string(statuses[_i].status);

    ck_assert_ptr_nonnull(text);
    ck_assert_str_ne(text, "");
    ck_assert_msg(strcmp(text, shmimage_error_string(INT_MAX)),
                  "%s has no text", statuses[_i].name);
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(text, shmimage_error_string(statuses[i].status));
}
END_TEST

static bool is_status(int value)
{
    for (int i = 0; i < COUNT(statuses); i++)
        if (statuses[i].status == value)
            return true;
    return false;
}

START_TEST(test_error_string_of_any_int)
{
    const char *unknown = shmimage_error_string(INT_MAX);

    ck_assert_ptr_nonnull(unknown);
    ck_assert_str_ne(unknown, "");
    ck_assert_str_eq(shmimage_error_string(INT_MIN), unknown);
    for (int value = -100; value <= 100; value++)
        ck_assert_int_eq(!strcmp(shmimage_error_string(value), unknown),
                         !is_status(value));
}
END_TEST

START_TEST(test_error_string_is_that_of_published_interface)
{
    for (int value = -100; value <= 100; value++)
        ck_assert_str_eq(shmimage_error_string(value),
                         SharedMemoryImageStream_errorstring(value));
}
END_TEST

static const struct {
    int state;
    const char *name;
} states[] = {
    { 0, "server" },
    { 1, "server-locked" },
    { 2, "client" },
    { 3, "client-locked" },
    { 4, "init" },
    { 5, "unknown" },
    { 255, "unknown" },
    { -1, "unknown" },
    { INT_MIN, "unknown" },
    { INT_MAX, "unknown" },
};

START_TEST(test_state_name)
{
    ck_assert_str_eq(shmimage_state_name(states[_i].state), states[_i].name);
}
END_TEST

START_TEST(test_version)
{
    ck_assert_str_eq(shmimage_version(), PACKAGE_VERSION);
    ck_assert_str_eq(shmimage_version(), SHMIMAGE_VERSION);
}
END_TEST

static void *first_message(void *copy)
{
    snprintf(copy, 64, "%s", shmimage_error_message());
    return NULL;
}

START_TEST(test_error_message_is_empty_at_first)
{
    char copy[64] = "nothing was copied";
    pthread_t thread;

    ck_assert_int_eq(shmi_error(SHMIMAGE_ERROR_MAP, "in this thread"),
                     SHMIMAGE_ERROR_MAP);
    ck_assert_int_eq(pthread_create(&thread, NULL, first_message, copy), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_str_eq(copy, "");
}
END_TEST

static void *fail_here(void *path)
{
    ShmImageReader *reader;

    return shmimage_reader_open(path, 0, &reader) < 0 ? path : NULL;
}

START_TEST(test_error_message_belongs_to_its_thread)
{
    static char path[] = "/nonexistent/of-another-thread.shm";
    pthread_t thread;
    void *failed;

    shmi_error(SHMIMAGE_ERROR_OPEN, "%s: mine", "here.shm");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_here, path), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_eq(failed, path);
    ck_assert_str_eq(shmimage_error_message(), "here.shm: mine");
}
END_TEST

START_TEST(test_error_message_of_last_failure)
{
    ShmImageReader *reader;

    ck_assert_int_eq(shmimage_reader_open("/nonexistent/first.shm", 0,
                                          &reader),
                     SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "first.shm"));
    ck_assert_int_eq(shmimage_reader_open("/nonexistent/second.shm", 0,
                                          &reader),
                     SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "second.shm"));
    ck_assert_ptr_null(strstr(shmimage_error_message(), "first.shm"));
}
END_TEST

START_TEST(test_error_message_has_no_final_newline)
{
    const char *message;

    shmi_error(statuses[_i].status, NULL);
    message = shmimage_error_message();
    ck_assert_str_eq(message, shmimage_error_string(statuses[_i].status));
    ck_assert_int_ne(message[strlen(message) - 1], '\n');
}
END_TEST

/* What to do comes last in a message, and must survive a long name. */
START_TEST(test_error_message_has_room_for_any_path)
{
    ShmImageReader *reader;
    char path[4096];

    memset(path, '/', sizeof(path));
    path[sizeof(path) - 2] = 'x';
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(shmimage_reader_open(path, 0, &reader),
                     SHMIMAGE_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), path));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(),
                                 "shmimage create"));
}
END_TEST

START_TEST(test_error_message_is_cut_at_its_end)
{
    static char endless[100000];

    memset(endless, 'x', sizeof(endless) - 1);
    shmi_error(SHMIMAGE_ERROR_OPEN, "%s", endless);
    ck_assert_uint_gt(strlen(shmimage_error_message()), 100);
    ck_assert_uint_lt(strlen(shmimage_error_message()), sizeof(endless) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");

    tcase_add_loop_test(tcase, test_error_string_of_status, 0,
                        COUNT(statuses));
    tcase_add_test(tcase, test_error_string_of_any_int);
    tcase_add_test(tcase, test_error_string_is_that_of_published_interface);
    tcase_add_loop_test(tcase, test_state_name, 0, COUNT(states));
    tcase_add_test(tcase, test_version);
    tcase_add_test(tcase, test_error_message_is_empty_at_first);
    tcase_add_test(tcase, test_error_message_belongs_to_its_thread);
    tcase_add_test(tcase, test_error_message_of_last_failure);
    tcase_add_loop_test(tcase, test_error_message_has_no_final_newline, 0,
                        COUNT(statuses));
    tcase_add_test(tcase, test_error_message_has_room_for_any_path);
    tcase_add_test(tcase, test_error_message_is_cut_at_its_end);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
