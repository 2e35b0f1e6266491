/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"
#include "error.h"
#include "layout.h"
#include "mapping.h"
#include "presence.h"
#include "shmimage.h"

/* Halves are a multiple of this, so that both headers begin on a page, and a
 * futex can be on both. */
#define HALF_ALIGNMENT 4096

SHMI_EXPORT uint64_t shmimage_file_size(uint32_t width, uint32_t height)
{
    uint64_t size = shmi_image_size(width, height, SHMI_MAX_IMAGE_SIZE);
    uint64_t half = size + SHMI_HEADER_SIZE;

    if (!size)
        return 0;
    if (half < SHMI_MIN_CREATED_SIZE / SHMI_BUFFERS)
        half = SHMI_MIN_CREATED_SIZE / SHMI_BUFFERS;
    half = (half + HALF_ALIGNMENT - 1) / HALF_ALIGNMENT * HALF_ALIGNMENT;
    return half * SHMI_BUFFERS;
}

/* As shmi_file_error(), for what can only happen to a file that is made. */
static int create_error(const char *path, int error, const char *what)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return shmi_error(SHMIMAGE_ERROR_NOT_FOUND,
                          "%s: can't %s, its folder does not exist", path,
                          what);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return shmi_error(SHMIMAGE_ERROR_NO_SPACE,
                          "%s: can't %s (%s); free some space or use "
                          "another file system", path, what, strerror(error));
    default:
        return shmi_file_error(path, error, what);
    }
}

/* Some systems take all pages back and give up when a signal comes meanwhile,
 * so that a program with a timer would never see the end of it. */
static int allocate(int fd, off_t size)
{
    sigset_t all, old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    do
        error = posix_fallocate(fd, 0, size);
    while (error == EINTR);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

/* Give the file its size and, at once, all the space that it will need: a page
 * that can't be had when it is first written kills the writer. */
static int reserve(const char *path, int fd, uint64_t size)
{
    int error;

    if (size > INT64_MAX)
        return create_error(path, EFBIG, "create it");
    /* Whatever the umask has taken away. */
    if (fchmod(fd, 0600) < 0)
        return create_error(path, errno, "set its mode");
    error = allocate(fd, (off_t)size);
    if (error)
        return create_error(path, error, "reserve its space");
    return SHMIMAGE_OK;
}

/* Reserve and close. Where the space is had by writing, that it is not there
 * may come out as late as this. */
static int complete(const char *path, int fd, uint64_t size)
{
    int ret = reserve(path, fd, size);

    if (close(fd) < 0 && errno != EINTR && ret == SHMIMAGE_OK)
        ret = create_error(path, errno, "complete it");
    return ret;
}

static int create_new(const char *path, uint64_t size)
{
    int ret;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return shmi_error(SHMIMAGE_ERROR_EXISTS,
                          "%s: the file exists already; use it, or replace it "
                          "with 'shmimage create --force'", path);
    if (fd < 0)
        return create_error(path, errno, "create it");
    ret = complete(path, fd, size);
    if (ret < 0)
        unlink(path);
    return ret;
}

/* The file beside path that is going to take its name. */
static int create_beside(const char *path, uint64_t size, char *name)
{
    int ret;
    int fd = mkostemp(name, O_CLOEXEC);

    if (fd < 0)
        return create_error(path, errno, "create a replacement beside it");
    ret = complete(path, fd, size);
    if (ret == SHMIMAGE_OK && rename(name, path) < 0)
        ret = create_error(path, errno, "replace it");
    if (ret < 0)
        unlink(name);
    return ret;
}

static int replace(const char *path, uint64_t size)
{
    static const char suffix[] = ".XXXXXX";
    char *name;
    int ret;

    name = malloc(strlen(path) + sizeof(suffix));
    if (!name)
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    strcat(strcpy(name, path), suffix);
    ret = create_beside(path, size, name);
    free(name);
    return ret;
}

SHMI_EXPORT int shmimage_file_create(const char *path, uint64_t size,
                                     unsigned flags)
{
    struct stat st;

    if (!path || !*path || flags & ~(unsigned)SHMIMAGE_REPLACE)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    if (size < SHMI_MIN_CREATED_SIZE)
        size = SHMI_MIN_CREATED_SIZE;
    if (!(flags & SHMIMAGE_REPLACE))
        return create_new(path, size);
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? create_new(path, size)
                               : create_error(path, errno, "examine it");
    if (!S_ISREG(st.st_mode))
        return shmi_error(SHMIMAGE_ERROR_NOT_REGULAR,
                          "%s: not a regular file, so it is not replaced; use "
                          "another name", path);
    return replace(path, size);
}

static int read_buffer_info(const char *path, int fd, size_t offset,
                            ShmImageBufferInfo *info)
{
    uint8_t bytes[SHMI_HEADER_SIZE];
    ShmiHeader header;
    ssize_t got = pread(fd, bytes, sizeof(bytes), (off_t)offset);

    if (got < 0)
        return shmi_file_error(path, errno, "read it");
    if (got < (ssize_t)sizeof(bytes))
        return shmi_error(SHMIMAGE_ERROR_FILE_SIZE,
                          "%s: the file was shortened meanwhile; make a new "
                          "one with 'shmimage create --force'", path);
    shmi_header_read(&header, bytes);
    *info = (ShmImageBufferInfo){
        .number        = header.frame_number,
        .width         = header.width,
        .height        = header.height,
        .offset        = header.offset,
        .num_scanlines = header.num_scanlines,
        .state         = bytes[SHMI_STATE_OFFSET],
    };
    return SHMIMAGE_OK;
}

SHMI_EXPORT int shmimage_file_info(const char *path, ShmImageFileInfo *info,
                                   size_t info_size)
{
    ShmImageFileInfo now = { 0 };
    struct stat st;
    int ret = SHMIMAGE_OK;
    int fd;

    if (!path || !info || !info_size)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    fd = shmi_open_file(path, O_RDONLY, &st);
    if (fd < 0)
        return fd;
    now.size    = (uint64_t)st.st_size;
    now.payload = shmi_payload_size((size_t)st.st_size);
    for (int i = 0; i < SHMI_BUFFERS && ret == SHMIMAGE_OK; i++)
        ret = read_buffer_info(path, fd,
                               shmi_buffer_offset((size_t)st.st_size, i),
                               &now.buffer[i]);
    now.server = shmi_presence_look(fd, SHMI_SERVER) == SHMI_PRESENCE_HELD;
    now.client = shmi_presence_look(fd, SHMI_CLIENT) == SHMI_PRESENCE_HELD;
    close(fd);
    if (ret == SHMIMAGE_OK)
        shmi_copy_struct(info, info_size, &now, sizeof(now));
    return ret;
}
