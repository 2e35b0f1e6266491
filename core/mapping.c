/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "mapping.h"
#include "wait.h"

int shmi_file_error(const char *path, int error, const char *what)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return shmi_error(SHMIMAGE_ERROR_NOT_FOUND,
                          "%s: can't %s, there is no such file; make one "
                          "with 'shmimage create --size WIDTHxHEIGHT FILE'",
                          path, what);
    case EISDIR:
    case ENXIO:
    case ENODEV:
        return shmi_error(SHMIMAGE_ERROR_NOT_REGULAR,
                          "%s: can't %s, only a regular file can carry a "
                          "stream", path, what);
    case EACCES:
    case EPERM:
    case EROFS:
        return shmi_error(SHMIMAGE_ERROR_PERMISSION,
                          "%s: can't %s (%s); run as the user who made the "
                          "file, or change its mode", path, what,
                          strerror(error));
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return shmi_error(SHMIMAGE_ERROR_NO_SPACE,
                          "%s: can't %s (%s); free some space or use "
                          "another file system", path, what, strerror(error));
    default:
        return shmi_error(SHMIMAGE_ERROR_OPEN, "%s: can't %s (%s)", path,
                          what, strerror(error));
    }
}

static int check_file(const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return shmi_file_error(path, ENODEV, "use it");
    if (st->st_size < SHMI_MIN_FILE_SIZE)
        return shmi_error(SHMIMAGE_ERROR_FILE_SIZE,
                          "%s: the file has %lld bytes and must have at least "
                          "%d; make a larger one with 'shmimage create --force "
                          "--size WIDTHxHEIGHT FILE'",
                          path, (long long)st->st_size, SHMI_MIN_FILE_SIZE);
    return SHMIMAGE_OK;
}

int shmi_open_file(const char *path, int access, struct stat *st)
{
    int ret;
    int fd = open(path, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return shmi_file_error(path, errno, access == O_RDWR
                                   ? "open it for reading and writing"
                                   : "open it");
    if (fstat(fd, st) < 0)
        ret = shmi_file_error(path, errno, "examine it");
    else
        ret = check_file(path, st);
    if (ret < 0) {
        close(fd);
        return ret;
    }
    return fd;
}

static int map_file(const char *path, ShmiMapping *mapping,
                    const struct stat *st)
{
    if ((uintmax_t)st->st_size > SIZE_MAX)
        return shmi_error(SHMIMAGE_ERROR_MAP,
                          "%s: the file is larger than the address space",
                          path);
    mapping->size = st->st_size;
    mapping->base = mmap(NULL, mapping->size, PROT_READ | PROT_WRITE,
                         MAP_SHARED, mapping->fd, 0);
    if (mapping->base == MAP_FAILED)
        return shmi_error(SHMIMAGE_ERROR_MAP,
                          "%s: can't map its %zu bytes (%s); use a smaller "
                          "file or another file system",
                          path, mapping->size, strerror(errno));
    return SHMIMAGE_OK;
}

static void find_buffers(ShmiMapping *mapping)
{
    mapping->payload = shmi_payload_size(mapping->size);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        uint8_t *buffer = mapping->base + shmi_buffer_offset(mapping->size, i);

        mapping->header[i] = buffer;
        mapping->state[i]  = (ShmiState *)(buffer + SHMI_STATE_OFFSET);
        mapping->pixels[i] = buffer + SHMI_HEADER_SIZE;
    }
}

static int take_role(const char *path, ShmiMapping *mapping, unsigned flags)
{
    int take_over = flags & SHMIMAGE_TAKE_OVER;

    mapping->shared_role =
        shmi_presence_take(mapping->fd, mapping->role, shmi_wait_can_wake(),
                           take_over) == SHMI_PRESENCE_HELD;
    if (mapping->shared_role && !take_over)
        return shmi_error(SHMIMAGE_ERROR_BUSY,
                          "%s: another process is the %s of this stream; stop "
                          "it first, or use another file", path,
                          mapping->role == SHMI_SERVER ? "server" : "client");
    return SHMIMAGE_OK;
}

int shmi_mapping_open(const char *path, ShmiRole role, unsigned flags,
                      ShmiMapping *mapping)
{
    struct stat st;
    int ret;
    int fd = shmi_open_file(path, O_RDWR, &st);

    if (fd < 0)
        return fd;
    *mapping = (ShmiMapping){ .fd = fd, .role = role, .path = strdup(path) };
    ret = mapping->path ? take_role(path, mapping, flags)
                        : shmi_error(SHMIMAGE_ERROR_MEMORY, NULL);
    if (ret == SHMIMAGE_OK)
        ret = map_file(path, mapping, &st);
    if (ret < 0) {
        free(mapping->path);
        close(fd);
        return ret;
    }
    find_buffers(mapping);
    return SHMIMAGE_OK;
}

void shmi_mapping_close(ShmiMapping *mapping)
{
    munmap(mapping->base, mapping->size);
    free(mapping->path);
    close(mapping->fd);
}

bool shmi_mapping_peer_wakes(const ShmiMapping *mapping)
{
    return shmi_presence_wakes(mapping->fd, mapping->role == SHMI_SERVER
                                                ? SHMI_CLIENT
                                                : SHMI_SERVER);
}
