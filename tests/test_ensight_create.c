/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * SharedMemoryImageStream_create() and _destroy(): every way to open an end
 * of a stream that does not need a failure of the system.
 */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ensight_harness.h"

enum { NOBODY = 65534, NOT_POSSIBLE = 100 };

static const uint32_t roles[] = { IMAGESTREAM_OPTIONS_NONE,
                                  IMAGESTREAM_OPTIONS_SERVER };

/* Create a stream and, if there is one, destroy it. */
static SharedMemoryImageError try_create(const char *path, uint32_t options)
{
    SharedMemoryImageStream stream = (SharedMemoryImageStream)&t;
    SharedMemoryImageError ret = SharedMemoryImageStream_create(path, options,
                                                                &stream);

    if (ret < 0) {
        ck_assert_ptr_null(stream);
    } else {
        ck_assert_ptr_nonnull(stream);
        ck_assert_int_eq(SharedMemoryImageStream_destroy(stream),
                         IMAGESTREAM_NOERROR);
    }
    return ret;
}

START_TEST(test_create_without_name)
{
    ck_assert_int_eq(try_create(NULL, roles[_i]), IMAGESTREAM_BAD_ARGS);
}
END_TEST

START_TEST(test_create_without_stream)
{
    ck_assert_int_eq(SharedMemoryImageStream_create(t.path, roles[_i], NULL),
                     IMAGESTREAM_BAD_ARGS);
    assert_states(0, 0);
}
END_TEST

START_TEST(test_create_with_unknown_option)
{
    const uint32_t known = IMAGESTREAM_OPTIONS_SERVER |
                           IMAGESTREAM_OPTIONS_FLIPVERTICAL;
    uint32_t option = UINT32_C(1) << _i;

    if (option & known)
        return;
    ck_assert_int_eq(try_create(t.path, option), IMAGESTREAM_BAD_ARGS);
    ck_assert_int_eq(try_create(t.path, IMAGESTREAM_OPTIONS_SERVER | option),
                     IMAGESTREAM_BAD_ARGS);
    assert_states(0, 0);
}
END_TEST

START_TEST(test_create_missing_file)
{
    ck_assert_int_eq(try_create(test_name(), roles[_i]),
                     IMAGESTREAM_BAD_FILE_SIZE);
}
END_TEST

START_TEST(test_create_missing_folder)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/live.shm", test_name());
    ck_assert_int_eq(try_create(path, roles[_i]), IMAGESTREAM_BAD_FILE_SIZE);
    snprintf(path, sizeof(path), "%s/below-a-file", t.path);
    ck_assert_int_eq(try_create(path, roles[_i]), IMAGESTREAM_BAD_FILE_SIZE);
}
END_TEST

START_TEST(test_create_small_file)
{
    static const off_t sizes[] = { 0, 1, 47, 48, 9999999 };

    for (int i = 0; i < COUNT(sizes); i++) {
        ck_assert_int_eq(truncate(t.path, sizes[i]), 0);
        ck_assert_int_eq(try_create(t.path, roles[_i]),
                         IMAGESTREAM_BAD_FILE_SIZE);
    }
}
END_TEST

START_TEST(test_create_smallest_file)
{
    ck_assert_int_eq(truncate(t.path, 10000000), 0);
    start_both();
    ck_assert_int_eq(put(1, 1, (5000000 - 24) / 3), IMAGESTREAM_NOERROR);
    take_image(1);
}
END_TEST

/* A buffer may begin at any byte. */
START_TEST(test_create_file_of_any_length)
{
    ck_assert_int_eq(truncate(t.path, TEST_FILE_SIZE + _i), 0);
    start_both();
    for (uint32_t number = 1; number < 5; number += 2) {
        ck_assert_int_eq(put(number, 3, 5), IMAGESTREAM_NOERROR);
        ck_assert_int_eq(put(number + 1, 5, 3), IMAGESTREAM_NOERROR);
        take_image(number);
        take_image(number + 1);
    }
}
END_TEST

START_TEST(test_create_folder)
{
    ck_assert_int_eq(try_create("/", roles[_i]),
                     IMAGESTREAM_UNABLE_TO_OPEN_FILE);
}
END_TEST

START_TEST(test_create_device)
{
    ck_assert_int_eq(try_create("/dev/zero", roles[_i]),
                     IMAGESTREAM_UNABLE_TO_OPEN_FILE);
}
END_TEST

START_TEST(test_create_fifo)
{
    const char *path = test_name();

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(try_create(path, roles[_i]),
                     IMAGESTREAM_UNABLE_TO_OPEN_FILE);
}
END_TEST

START_TEST(test_create_socket)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = test_name();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    ck_assert_int_eq(try_create(path, roles[_i]),
                     IMAGESTREAM_UNABLE_TO_OPEN_FILE);
    close(fd);
}
END_TEST

static bool become_nobody(void)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
            setuid(NOBODY) == 0);
}

/* Root may open anything, so a process without privileges has to try. */
static int try_create_as_nobody(const char *path, uint32_t options)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        SharedMemoryImageStream stream;

        if (!become_nobody())
            _exit(NOT_POSSIBLE);
        _exit(-SharedMemoryImageStream_create(path, options, &stream));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

START_TEST(test_create_without_permission)
{
    static const mode_t modes[] = { 0000, 0444, 0222 };

    ck_assert_int_eq(chmod(folder_of(t.path), 0755), 0);
    for (int i = 0; i < COUNT(modes); i++) {
        int ret;

        ck_assert_int_eq(chmod(t.path, modes[i]), 0);
        ret = try_create_as_nobody(t.path, roles[_i]);
        if (ret != -NOT_POSSIBLE)
            ck_assert_int_eq(ret, IMAGESTREAM_UNABLE_TO_OPEN_FILE);
    }
    ck_assert_int_eq(chmod(t.path, 0600), 0);
}
END_TEST

START_TEST(test_create_message_names_the_file)
{
    ck_assert_int_eq(truncate(t.path, 1234567), 0);
    ck_assert_int_lt(try_create(t.path, roles[_i]), 0);
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), t.path));
    ck_assert_ptr_nonnull(strstr(shmimage_error_message(), "1234567"));
}
END_TEST

static const struct {
    uint32_t options;
    bool server;
} role_of[] = {
    { IMAGESTREAM_OPTIONS_NONE, false },
    { IMAGESTREAM_OPTIONS_NOTHREADS, false },
    { IMAGESTREAM_OPTIONS_FLIPVERTICAL, false },
    { IMAGESTREAM_OPTIONS_INITBUFFERHEADERS, true },
    { IMAGESTREAM_OPTIONS_SERVER, true },
    { IMAGESTREAM_OPTIONS_SERVER | IMAGESTREAM_OPTIONS_FLIPVERTICAL, true },
};

START_TEST(test_create_options_decide_the_role)
{
    SharedMemoryImageError ret = SharedMemoryImageStream_create(
        t.path, role_of[_i].options, &t.client);

    ck_assert_int_ge(ret, 0);
    ck_assert_int_eq(SharedMemoryImageStream_unlock(t.client),
                     role_of[_i].server ? IMAGESTREAM_IS_SERVER
                                        : IMAGESTREAM_NOT_LOCKED);
    if (role_of[_i].server)
        assert_states(IMAGESTREAM_BUFFER_STATE_INIT,
                      IMAGESTREAM_BUFFER_STATE_INIT);
    else
        assert_states(0, 0);
}
END_TEST

/* Programs written against the vendor's pages expect no such error. */
START_TEST(test_create_does_not_mind_the_content)
{
    poke_state(t.path, 0, 255);
    ck_assert_int_ge(SharedMemoryImageStream_create(
                         t.path, _i ? IMAGESTREAM_OPTIONS_SERVER : 0,
                         &t.client), 0);
}
END_TEST

START_TEST(test_destroy_without_stream)
{
    ck_assert_int_eq(SharedMemoryImageStream_destroy(NULL),
                     IMAGESTREAM_BAD_ARGS);
}
END_TEST

START_TEST(test_destroy_leaves_the_file)
{
    start_both();
    ck_assert_int_eq(put(7, 3, 2), IMAGESTREAM_NOERROR);
    stop(&t.server);
    take_image(7);
    stop(&t.client);
    ck_assert_int_eq(access(t.path, R_OK | W_OK), 0);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

START_TEST(test_destroy_unlocks_the_frame)
{
    start_both();
    ck_assert_int_eq(put(1, 3, 2), IMAGESTREAM_NOERROR);
    lock_image(1);
    assert_states(IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
    stop(&t.client);
    assert_states(IMAGESTREAM_BUFFER_STATE_SERVER,
                  IMAGESTREAM_BUFFER_STATE_SERVER);
}
END_TEST

static void add_in_both_roles(TCase *tcase)
{
    const int end = COUNT(roles);

    tcase_add_loop_test(tcase, test_create_without_name, 0, end);
    tcase_add_loop_test(tcase, test_create_without_stream, 0, end);
    tcase_add_loop_test(tcase, test_create_missing_file, 0, end);
    tcase_add_loop_test(tcase, test_create_missing_folder, 0, end);
    tcase_add_loop_test(tcase, test_create_small_file, 0, end);
    tcase_add_loop_test(tcase, test_create_folder, 0, end);
    tcase_add_loop_test(tcase, test_create_device, 0, end);
    tcase_add_loop_test(tcase, test_create_fifo, 0, end);
    tcase_add_loop_test(tcase, test_create_socket, 0, end);
    tcase_add_loop_test(tcase, test_create_without_permission, 0, end);
    tcase_add_loop_test(tcase, test_create_message_names_the_file, 0, end);
}

int main(void)
{
    Suite *suite = suite_create("published create and destroy");
    TCase *tcase = ensight_tcase("create");

    add_in_both_roles(tcase);
    tcase_add_loop_test(tcase, test_create_with_unknown_option, 0, 32);
    tcase_add_test(tcase, test_create_smallest_file);
    tcase_add_loop_test(tcase, test_create_file_of_any_length, 0, 9);
    tcase_add_loop_test(tcase, test_create_options_decide_the_role, 0,
                        COUNT(role_of));
    tcase_add_loop_test(tcase, test_create_does_not_mind_the_content, 0, 2);
    tcase_add_test(tcase, test_destroy_without_stream);
    tcase_add_test(tcase, test_destroy_leaves_the_file);
    tcase_add_test(tcase, test_destroy_unlocks_the_frame);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
