/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"
#include "error.h"
#include "layout.h"
#include "mapping.h"
#include "presence.h"
#include "shmimage.h"
#include "wait.h"

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
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return shmi_error(SHMIMAGE_ERROR_NO_SPACE,
                          "%s: can't %s (%s); free some space or use "
                          "another file system", path, what, strerror(error));
    case ENOMEM:
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    default:
        return shmi_file_error(path, error, what);
    }
}

/* Nanoseconds between two looks for a file that is not there yet. */
#define FILE_INTERVAL INT64_C(10000000)

/* What is reserved in one go. Signals are held up that long. */
#define RESERVE_STEP (INT64_C(16) << 20)

/* Some systems take all pages back and give up when a signal comes meanwhile,
 * so that a program with a timer would never see the end of it. And where the
 * file would be larger than the process may make one, SIGXFSZ comes with the
 * error, and would end the process. */
static int allocate_step(int fd, off_t offset, off_t size)
{
    const struct timespec at_once = { 0 };
    sigset_t all, old, pending, too_large;
    int error;

    sigfillset(&all);
    sigemptyset(&too_large);
    sigaddset(&too_large, SIGXFSZ);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    sigpending(&pending);
    do
        error = posix_fallocate(fd, offset, size);
    while (error == EINTR);
    if (error == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&too_large, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

/* Without this check, a file that can't fit would fill the file system before
 * it is refused. */
static bool has_room(int fd, off_t size)
{
    struct statvfs fs;

    return fstatvfs(fd, &fs) < 0 || !fs.f_blocks ||
           (uintmax_t)size / fs.f_frsize <= fs.f_bfree;
}

static int allocate(int fd, off_t size)
{
    int error = has_room(fd, size) ? 0 : ENOSPC;

    for (off_t offset = 0; offset < size && !error; offset += RESERVE_STEP) {
        off_t step = size - offset;

        if (step > RESERVE_STEP)
            step = RESERVE_STEP;
        error = allocate_step(fd, offset, step);
    }
    return error;
}

/* A file that is being made. */
typedef struct NewFile {
    const char *path;   /* the name that it is going to have */
    char *hidden;       /* the name that it has until then; NULL: none */
    int fd;             /* -1: not open */
} NewFile;

static int exists_error(const char *path)
{
    return shmi_error(SHMIMAGE_ERROR_EXISTS,
                      "%s: the file exists already; use it, or replace it "
                      "with 'shmimage create --force'", path);
}

/* Give a name to an open file that has none. */
static int link_open_file(int fd, const char *name)
{
    char open_file[32];

    snprintf(open_file, sizeof(open_file), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, open_file, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Open a file without a name: nothing is left of it if this process is killed.
 * Not every file system can do that, and without /proc it never gets a name. */
static int open_unnamed(NewFile *file)
{
#ifdef O_TMPFILE
    char *directory = shmi_beside(file->path, ".");

    if (!directory) {
        errno = ENOMEM;
        return -1;
    }
    if (access("/proc/self/fd", F_OK) == 0)
        file->fd = open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    else
        errno = EOPNOTSUPP;
    free(directory);
#else
    errno = EOPNOTSUPP;
#endif
    return file->fd;
}

/* Give the file a name that nobody looks for; create it first if necessary. */
static int take_hidden_name(NewFile *file)
{
    static atomic_uint count;
    char name[48];
    int ret;

    do {
        free(file->hidden);
        snprintf(name, sizeof(name), ".shmimage-%ld-%u", (long)getpid(),
                 atomic_fetch_add(&count, 1));
        file->hidden = shmi_beside(file->path, name);
        if (!file->hidden) {
            errno = ENOMEM;
            return -1;
        }
        if (file->fd >= 0)
            ret = link_open_file(file->fd, file->hidden);
        else
            ret = file->fd = open(file->hidden, O_RDWR | O_CREAT | O_EXCL |
                                                    O_CLOEXEC, 0600);
    } while (ret < 0 && errno == EEXIST);
    if (ret < 0) {
        free(file->hidden);
        file->hidden = NULL;
    }
    return ret;
}

static int open_new(NewFile *file)
{
    if (open_unnamed(file) >= 0 ||
        (errno == EOPNOTSUPP && take_hidden_name(file) >= 0))
        return SHMIMAGE_OK;
    return create_error(file->path, errno, "create it");
}

/* Give the file its size and, at once, all the space that it will need: a page
 * that can't be had when it is first written kills the writer. */
static int reserve(NewFile *file, uint64_t size)
{
    int error;

    if (size > INT64_MAX)
        return create_error(file->path, EFBIG, "create it");
    /* Whatever the umask has taken away. */
    if (fchmod(file->fd, 0600) < 0)
        return create_error(file->path, errno, "set its mode");
    error = allocate(file->fd, (off_t)size);
    if (error)
        return create_error(file->path, error, "reserve its space");
    return SHMIMAGE_OK;
}

/* Not every file system has links. */
static int rename_if_free(const char *from, const char *to)
{
    if (link(from, to) == 0) {
        unlink(from);
        return 0;
    }
#ifdef RENAME_NOREPLACE
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
        return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
#endif
    return -1;
}

static int put_in_place(NewFile *file, bool replace)
{
    int ret;

    if (replace && !file->hidden && take_hidden_name(file) < 0)
        return create_error(file->path, errno,
                            "create a replacement beside it");
    if (replace)
        ret = rename(file->hidden, file->path);
    else if (file->hidden)
        ret = rename_if_free(file->hidden, file->path);
    else
        ret = link_open_file(file->fd, file->path);
    if (ret < 0 && errno == EEXIST)
        return exists_error(file->path);
    if (ret < 0)
        return create_error(file->path, errno,
                            replace ? "replace it" : "create it");
    /* Another process may have the hidden name now. */
    free(file->hidden);
    file->hidden = NULL;
    return SHMIMAGE_OK;
}

/* A file system that reserves space by writing may report as late as this that
 * it has none. None that knows files without a name is like that. */
static int close_early(NewFile *file)
{
    int fd = file->fd;

    if (!file->hidden)
        return SHMIMAGE_OK;
    file->fd = -1;
    if (close(fd) < 0 && errno != EINTR)
        return create_error(file->path, errno, "complete it");
    return SHMIMAGE_OK;
}

static int make_file(const char *path, uint64_t size, bool replace)
{
    NewFile file = { .path = path, .fd = -1 };
    int ret = open_new(&file);

    if (ret == SHMIMAGE_OK)
        ret = reserve(&file, size);
    if (ret == SHMIMAGE_OK)
        ret = close_early(&file);
    if (ret == SHMIMAGE_OK)
        ret = put_in_place(&file, replace);
    if (file.fd >= 0)
        close(file.fd);
    if (file.hidden)
        unlink(file.hidden);
    free(file.hidden);
    return ret;
}

static int check_unused(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool server, client;

    if (fd < 0)
        return create_error(path, errno, "see who is using it");
    server = shmi_presence_look(fd, SHMI_SERVER) == SHMI_PRESENCE_HELD;
    client = shmi_presence_look(fd, SHMI_CLIENT) == SHMI_PRESENCE_HELD;
    close(fd);
    if (!server && !client)
        return SHMIMAGE_OK;
    return shmi_error(SHMIMAGE_ERROR_BUSY,
                      "%s: %s is using the file; end it first, or replace the "
                      "file anyway with 'shmimage create --force "
                      "--take-over', which %s", path,
                      server ? "a server" : "a client",
                      server ? "disconnects its client"
                             : "switches that client to the new file");
}

SHMI_EXPORT int shmimage_file_create(const char *path, uint64_t size,
                                     unsigned flags)
{
    struct stat st;
    int ret;

    if (!path || !*path ||
        flags & ~(unsigned)(SHMIMAGE_REPLACE | SHMIMAGE_TAKE_OVER))
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    if (size < SHMI_MIN_CREATED_SIZE)
        size = SHMI_MIN_CREATED_SIZE;
    if (lstat(path, &st) < 0) {
        if (errno != ENOENT)
            return create_error(path, errno, "examine it");
        return make_file(path, size, false);
    }
    if (!(flags & SHMIMAGE_REPLACE))
        return exists_error(path);
    if (!S_ISREG(st.st_mode))
        return shmi_error(SHMIMAGE_ERROR_NOT_REGULAR,
                          "%s: not a regular file, so it is not replaced; use "
                          "another name", path);
    ret = flags & SHMIMAGE_TAKE_OVER ? SHMIMAGE_OK : check_unused(path);
    return ret == SHMIMAGE_OK ? make_file(path, size, true) : ret;
}

SHMI_EXPORT int shmimage_file_wait(const char *path, int64_t timeout)
{
    int64_t deadline, now;
    struct stat st;
    int fd;

    if (!path)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    deadline = timeout ? shmi_deadline(timeout) : 0;
    for (;;) {
        fd = shmi_open_file(path, O_RDWR, &st);
        if (fd >= 0) {
            close(fd);
            return SHMIMAGE_OK;
        }
        if (fd != SHMIMAGE_ERROR_NOT_FOUND && fd != SHMIMAGE_ERROR_FILE_SIZE)
            return fd;
        now = shmi_wait_ops->now();
        if (!timeout || now >= deadline)
            return fd;
        shmi_wait_ops->sleep(deadline - now < FILE_INTERVAL ? deadline - now
                                                            : FILE_INTERVAL);
    }
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
