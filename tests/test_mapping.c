/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening a file, well and badly. Whatever opens one says the same of it, so
 * most tests here run once for each function that does.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define NOBODY 65534

static int open_reader(const char *path)
{
    ShmImageReader *reader;
    int ret = shmimage_reader_open(path, 0, &reader);

    shmimage_reader_close(reader);
    return ret;
}

static int open_writer(const char *path)
{
    ShmImageWriter *writer;
    int ret = shmimage_writer_open(path, 0, &writer);

    shmimage_writer_close(writer);
    return ret;
}

static int open_info(const char *path)
{
    ShmImageFileInfo info;

    return shmimage_file_info(path, &info, sizeof(info));
}

static int open_reset(const char *path)
{
    return shmimage_file_reset(path, 0);
}

/* The first three need permission to write. */
static int (*const openers[])(const char *path) = {
    open_reader, open_writer, open_reset, open_info,
};

#define NB_OPENERS      ((int)(sizeof(openers) / sizeof(openers[0])))
#define NB_CHANGING     (NB_OPENERS - 1)
#define INFO            (NB_OPENERS - 1)

#define check_message_has(text)                                    \
    ck_assert_msg(strstr(shmimage_error_message(), text) != NULL,  \
                  "the message is: %s", shmimage_error_message())

static const char *sized_file(off_t size)
{
    const char *path = test_name();
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, size), 0);
    close(fd);
    return path;
}

START_TEST(test_open_of_nothing_is_an_argument_error)
{
    ck_assert_int_eq(openers[_i](NULL), SHMIMAGE_ERROR_ARGUMENT);
}
END_TEST

START_TEST(test_open_of_a_missing_file)
{
    const char *path = test_name();

    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_FOUND);
    check_message_has(path);
    check_message_has("shmimage create");
}
END_TEST

START_TEST(test_open_in_a_missing_folder)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/none/live.shm", test_name());
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_FOUND);
    check_message_has(path);
}
END_TEST

START_TEST(test_open_below_a_file)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/live.shm", sized_file(0));
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_FOUND);
    check_message_has(path);
}
END_TEST

START_TEST(test_open_of_a_file_that_is_too_small)
{
    const char *path = sized_file(9999999);

    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_FILE_SIZE);
}
END_TEST

START_TEST(test_open_of_a_file_that_is_too_small_tells_both_sizes)
{
    const char *path = sized_file(9999999);

    openers[_i](path);
    check_message_has(path);
    check_message_has("9999999");
    check_message_has("10000000");
}
END_TEST

START_TEST(test_open_of_an_empty_file)
{
    ck_assert_int_eq(openers[_i](sized_file(0)), SHMIMAGE_ERROR_FILE_SIZE);
}
END_TEST

START_TEST(test_open_of_the_smallest_file)
{
    ck_assert_int_ge(openers[_i](sized_file(10000000)), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_open_of_a_file_with_an_odd_size)
{
    ck_assert_int_ge(openers[_i](sized_file(10000001)), SHMIMAGE_OK);
}
END_TEST

static uint8_t *read_all(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size);
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(bytes, 1, size, file), size);
    fclose(file);
    return bytes;
}

/* A file of bytes that are 3 or 4 at the place of one state, and something else
 * at that of the other. */
static const char *other_file(int buffer)
{
    const char *path = sized_file(12000000);
    const ShmiHeader text = { 0x74747474, 0x3a4b5c6d, 0x01020304, 7, 9 };

    poke(path, buffer, &text, SHMIMAGE_STATE_CLIENT_LOCKED);
    poke(path, !buffer, &text, SHMIMAGE_STATE_INIT + 1);
    return path;
}

START_TEST(test_open_leaves_another_file_alone)
{
    const char *path = other_file(_i % SHMI_BUFFERS);
    int (*const opener)(const char *) = openers[_i / SHMI_BUFFERS];
    uint8_t *before = read_all(path, 12000000), *after;
    struct flock lock = { .l_type = F_WRLCK };
    int fd;

    ck_assert_int_eq(opener(path), SHMIMAGE_ERROR_NOT_A_STREAM);
    check_message_has(path);
    check_message_has("begins with 'tttt");
    check_message_has(" 5,");
    after = read_all(path, 12000000);
    ck_assert_int_eq(memcmp(before, after, 12000000), 0);
    free(before);
    free(after);
    /* Nor is it locked any more. */
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(fcntl(fd, F_GETLK, &lock), 0);
    ck_assert_int_eq(lock.l_type, F_UNLCK);
    close(fd);
}
END_TEST

/* A vendor's server may leave anything in bytes that have no meaning. */
START_TEST(test_open_does_not_mind_unused_bytes)
{
    const char *path = sized_file(12000000);
    int fd = open(path, O_RDWR | O_CLOEXEC);

    for (int i = 0; i < SHMI_BUFFERS; i++)
        ck_assert_int_eq(pwrite(fd, "\xff\xff\xff", 3, i * 6000000 +
                                SHMI_STATE_OFFSET + 1), 3);
    close(fd);
    ck_assert_int_ge(openers[_i](path), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_open_of_a_folder)
{
    const char *path = test_name();

    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_REGULAR);
    check_message_has(path);
}
END_TEST

/* Nobody is at the other end: an open that waited would wait for ever. */
START_TEST(test_open_of_a_fifo_does_not_hang)
{
    const char *path = test_name();

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_REGULAR);
    check_message_has(path);
}
END_TEST

START_TEST(test_open_of_a_socket)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, test_name());
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
                     0);
    ck_assert_int_eq(openers[_i](address.sun_path),
                     SHMIMAGE_ERROR_NOT_REGULAR);
    check_message_has(address.sun_path);
    close(fd);
}
END_TEST

START_TEST(test_open_of_a_device)
{
    ck_assert_int_eq(openers[_i]("/dev/zero"), SHMIMAGE_ERROR_NOT_REGULAR);
    check_message_has("/dev/zero");
}
END_TEST

static const char *link_to(const char *target)
{
    const char *path = test_name();

    ck_assert_int_eq(symlink(target, path), 0);
    return path;
}

START_TEST(test_open_of_a_symlink_to_a_file)
{
    ck_assert_int_ge(openers[_i](link_to(sized_file(10000000))), SHMIMAGE_OK);
}
END_TEST

START_TEST(test_open_of_a_symlink_to_nothing)
{
    const char *path = link_to(test_name());

    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_NOT_FOUND);
    check_message_has(path);
}
END_TEST

START_TEST(test_open_of_a_symlink_to_itself)
{
    const char *path = link_to("live.shm");

    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_OPEN);
    check_message_has(path);
}
END_TEST

START_TEST(test_open_of_a_name_that_is_too_long)
{
    char path[600];

    memset(path, 'x', sizeof(path));
    memcpy(path, "/tmp/", 5);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_OPEN);
    check_message_has(path);
}
END_TEST

/* In a child that is nobody in particular, so that root is refused too. */
static int status_for_nobody(int (*opener)(const char *), const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int ret;

        if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) ||
                               setuid(NOBODY)))
            _exit(1);
        ret = opener(path);
        if (ret < 0 && !strstr(shmimage_error_message(), path))
            _exit(2);
        _exit(100 - ret);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child died: %#x", (unsigned)status);
    return 100 - WEXITSTATUS(status);
}

static const char *file_with_mode(mode_t mode)
{
    const char *path = sized_file(10000000);

    ck_assert_int_eq(chmod(folder_of(path), 0755), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

START_TEST(test_open_without_any_permission)
{
    ck_assert_int_eq(status_for_nobody(openers[_i], file_with_mode(0)),
                     SHMIMAGE_ERROR_PERMISSION);
}
END_TEST

START_TEST(test_open_without_permission_to_write)
{
    ck_assert_int_eq(status_for_nobody(openers[_i], file_with_mode(0444)),
                     SHMIMAGE_ERROR_PERMISSION);
}
END_TEST

START_TEST(test_info_needs_only_permission_to_read)
{
    ck_assert_int_eq(status_for_nobody(openers[INFO], file_with_mode(0444)),
                     SHMIMAGE_OK);
}
END_TEST

START_TEST(test_open_of_a_file_larger_than_the_address_space)
{
    const char *path = sized_file(0);

    if (truncate(path, INT64_C(1) << 47) < 0) {
        fputs("skipped: no file can be that large here\n", stderr);
        return;
    }
    ck_assert_int_eq(openers[_i](path), SHMIMAGE_ERROR_MAP);
    check_message_has(path);
}
END_TEST

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

START_TEST(test_open_leaves_no_descriptor_behind)
{
    const char *good = sized_file(10000000);
    const char *small = sized_file(10);
    int before = count_descriptors();

    openers[_i](good);
    openers[_i](small);
    openers[_i]("/dev/zero");
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(test_open_is_not_inherited_by_other_programs)
{
    const char *path = sized_file(10000000);
    int lowest = dup(0), flags;
    ShmImageReader *reader;

    close(lowest);
    ck_assert_int_ge(shmimage_reader_open(path, 0, &reader), SHMIMAGE_OK);
    flags = fcntl(lowest, F_GETFD);
    shmimage_reader_close(reader);
    ck_assert_int_eq(flags, FD_CLOEXEC);
}
END_TEST

int main(void)
{
    const TTest *const with_each[] = {
        test_open_of_nothing_is_an_argument_error,
        test_open_of_a_missing_file,
        test_open_in_a_missing_folder,
        test_open_below_a_file,
        test_open_of_a_file_that_is_too_small,
        test_open_of_a_file_that_is_too_small_tells_both_sizes,
        test_open_of_an_empty_file,
        test_open_of_the_smallest_file,
        test_open_of_a_file_with_an_odd_size,
        test_open_does_not_mind_unused_bytes,
        test_open_of_a_folder,
        test_open_of_a_fifo_does_not_hang,
        test_open_of_a_socket,
        test_open_of_a_device,
        test_open_of_a_symlink_to_a_file,
        test_open_of_a_symlink_to_nothing,
        test_open_of_a_symlink_to_itself,
        test_open_of_a_name_that_is_too_long,
        test_open_without_any_permission,
        test_open_leaves_no_descriptor_behind,
    };
    Suite *suite = suite_create("mapping");
    TCase *tcase = tcase_create("mapping");

    tcase_add_checked_fixture(tcase, NULL, test_files_remove);
    for (size_t i = 0; i < sizeof(with_each) / sizeof(with_each[0]); i++)
        tcase_add_loop_test(tcase, with_each[i], 0, NB_OPENERS);
    tcase_add_loop_test(tcase, test_open_without_permission_to_write, 0,
                        NB_CHANGING);
    tcase_add_loop_test(tcase,
                        test_open_of_a_file_larger_than_the_address_space, 0,
                        NB_CHANGING);
    tcase_add_loop_test(tcase, test_open_leaves_another_file_alone, 0,
                        NB_CHANGING * SHMI_BUFFERS);
    tcase_add_test(tcase, test_info_needs_only_permission_to_read);
    tcase_add_test(tcase, test_open_is_not_inherited_by_other_programs);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
