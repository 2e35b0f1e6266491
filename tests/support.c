/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "wait.h"

#define MAX_FOLDERS 64

/* Of the whole run. A test that fails in a process of its own gets no chance
 * to clean up, so that run_suite() does it at the end. */
static char all_folders[40];
static char folders[MAX_FOLDERS][64];
static char names[MAX_FOLDERS][80];
static int nb_folders;

static void make_all_folders(void)
{
    snprintf(all_folders, sizeof(all_folders), "%s/shmimage-test-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(all_folders)) {
        perror(all_folders);
        exit(EXIT_FAILURE);
    }
    /* Some tests go on as another user. */
    chmod(all_folders, 0711);
}

const char *test_name(void)
{
    char *folder = folders[nb_folders];
    char *name   = names[nb_folders];

    ck_assert_int_lt(nb_folders, MAX_FOLDERS);
    snprintf(folder, sizeof(folders[0]), "%s/XXXXXX", all_folders);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    nb_folders++;
    snprintf(name, sizeof(names[0]), "%s/live.shm", folder);
    return name;
}

const char *test_file(uint64_t size)
{
    const char *path = test_name();

    ck_assert_msg(shmimage_file_create(path, size, 0) == SHMIMAGE_OK, "%s",
                  shmimage_error_message());
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_all(const char *folder)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void test_files_remove(void)
{
    while (nb_folders)
        remove_all(folders[--nb_folders]);
}

static size_t size_of(int fd)
{
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    return (size_t)st.st_size;
}

static int open_at(const char *path, int buffer, size_t *offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    *offset = shmi_buffer_offset(size_of(fd), buffer);
    return fd;
}

static void write_at(int fd, const void *bytes, size_t size, size_t offset)
{
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
}

static void read_at(int fd, void *bytes, size_t size, size_t offset)
{
    ck_assert_int_eq(pread(fd, bytes, size, (off_t)offset), (ssize_t)size);
}

const char *folder_of(const char *path)
{
    static char folder[128];

    strcpy(folder, path);
    *strrchr(folder, '/') = '\0';
    return folder;
}

int count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;

    if (!dir)
        return -1;
    while ((entry = readdir(dir)))
        n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return n;
}

void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

void poke_header(const char *path, int buffer, const ShmiHeader *header)
{
    size_t offset;
    int fd = open_at(path, buffer, &offset);

    write_at(fd, header, sizeof(*header), offset);
    close(fd);
}

void poke(const char *path, int buffer, const ShmiHeader *header,
          uint8_t state)
{
    poke_header(path, buffer, header);
    poke_state(path, buffer, state);
}

void poke_state(const char *path, int buffer, uint8_t state)
{
    size_t offset;
    int fd = open_at(path, buffer, &offset);

    write_at(fd, &state, 1, offset + SHMI_STATE_OFFSET);
    close(fd);
}

void poke_pixels(const char *path, int buffer, const uint8_t *pixels,
                 size_t size)
{
    size_t offset;
    int fd = open_at(path, buffer, &offset);

    write_at(fd, pixels, size, offset + SHMI_HEADER_SIZE);
    close(fd);
}

void peek_pixels(const char *path, int buffer, uint8_t *pixels, size_t size)
{
    size_t offset;
    int fd = open_at(path, buffer, &offset);

    read_at(fd, pixels, size, offset + SHMI_HEADER_SIZE);
    close(fd);
}

uint8_t peek_state(const char *path, int buffer)
{
    size_t offset;
    uint8_t state;
    int fd = open_at(path, buffer, &offset);

    read_at(fd, &state, 1, offset + SHMI_STATE_OFFSET);
    close(fd);
    return state;
}

ShmiHeader peek_header(const char *path, int buffer)
{
    size_t offset;
    ShmiHeader header;
    int fd = open_at(path, buffer, &offset);

    read_at(fd, &header, sizeof(header), offset);
    close(fd);
    return header;
}

static uint8_t pixel_at(size_t place, uint32_t number)
{
    return (uint8_t)((place * 2654435761u >> 13) + number * 167u);
}

void fill_pixels(uint8_t *pixels, size_t size, uint32_t number)
{
    for (size_t i = 0; i < size; i++)
        pixels[i] = pixel_at(i, number);
}

bool pixels_match(const uint8_t *pixels, size_t size, uint32_t number)
{
    for (size_t i = 0; i < size; i++)
        if (pixels[i] != pixel_at(i, number))
            return false;
    return true;
}

void pause_briefly(void)
{
    const struct timespec duration = { .tv_nsec = 1000000 };

    nanosleep(&duration, NULL);
}

double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + now.tv_nsec * 1e-9;
}

static int64_t hurried;

static int64_t hurried_now(void)
{
    return shmi_wait_system.now() + hurried;
}

void hurry(int64_t time)
{
    static ShmiWaitOps ops;

    ops           = shmi_wait_system;
    ops.now       = hurried_now;
    shmi_wait_ops = &ops;
    hurried      += time;
}

/* check's own 4 seconds are soon over on a busy machine. It asks for this when
 * a test case is made. */
__attribute__((constructor))
static void set_timeout(void)
{
    char seconds[16];

    snprintf(seconds, sizeof(seconds), "%d", TEST_TIMEOUT);
    setenv("CK_DEFAULT_TIMEOUT", seconds, 0);
}

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    make_all_folders();
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_all(all_folders);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
