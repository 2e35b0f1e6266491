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

/* It is the file that is missing, or its directory. */
static int missing_error(const char *path, const char *what)
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) : 0;
    char *directory = strndup(path, length + 1);
    const int is_there = !length || !directory || !access(directory, F_OK);

    free(directory);
    if (is_there)
        return shmi_error(SHMIMAGE_ERROR_NOT_FOUND,
                          "%s: can't %s, there is no such file; make one "
                          "with 'shmimage create --size WIDTHxHEIGHT FILE'",
                          path, what);
    return shmi_error(SHMIMAGE_ERROR_NOT_FOUND,
                      "%s: can't %s, the directory %.*s does not exist; make "
                      "it, or use another one", path, what, (int)length, path);
}

int shmi_file_error(const char *path, int error, const char *what)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return missing_error(path, what);
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
    default:
        return shmi_error(SHMIMAGE_ERROR_OPEN, "%s: can't %s (%s)", path,
                          what, strerror(error));
    }
}

char *shmi_beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    char *result = malloc(length + strlen(name) + 1);

    if (result) {
        memcpy(result, path, length);
        strcpy(result + length, name);
    }
    return result;
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

/* The bytes that a mapping takes, with the page behind it. */
static size_t reserved_size(const ShmiMapping *mapping)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (mapping->size + page - 1) / page * page + page;
}

/* Map a file with a page behind it that can be read, so that there are
 * SHMIMAGE_PADDING bytes behind the last pixel. */
static void *map_padded(const ShmiMapping *mapping)
{
    size_t reserved = reserved_size(mapping);
    void *base = mmap(NULL, reserved, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED)
        return NULL;
    if (mmap(base, mapping->size, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, mapping->fd, 0) == MAP_FAILED) {
        int error = errno;

        munmap(base, reserved);
        errno = error;
        return NULL;
    }
    return base;
}

static int guard_error(const char *path, int error)
{
    if (error == EMFILE)
        return shmi_error(SHMIMAGE_ERROR_MAP,
                          "%s: can't guard against the file being shortened, "
                          "too many streams are open in this process; close "
                          "one first", path);
    return shmi_error(SHMIMAGE_ERROR_MAP,
                      "%s: can't guard against the file being shortened, the "
                      "system refuses a handler of SIGBUS (%s); ask for none",
                      path, strerror(error));
}

static int map_file(ShmiMapping *mapping)
{
    mapping->base = map_padded(mapping);
    if (!mapping->base)
        return shmi_error(SHMIMAGE_ERROR_MAP,
                          "%s: can't map its %zu bytes (%s); use a smaller "
                          "file or another file system",
                          mapping->path, mapping->size, strerror(errno));
    if (mapping->flags & SHMIMAGE_NO_GUARD)
        return SHMIMAGE_OK;
    mapping->guard = shmi_guard_add(mapping->base, mapping->size);
    if (!mapping->guard) {
        int error = errno;

        munmap(mapping->base, reserved_size(mapping));
        return guard_error(mapping->path, error);
    }
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

/* How the file begins, for people. */
static void describe_begin(const ShmiMapping *mapping, char text[9])
{
    for (int i = 0; i < 8; i++) {
        uint8_t byte = mapping->base[i];

        text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
    }
    text[8] = '\0';
}

/* Nothing in a stream says what it is. But each state is one of five, and to
 * change one would damage a file that is something else. */
static int check_states(const ShmiMapping *mapping)
{
    char begin[9];

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        unsigned state = shmi_state_load(mapping->state[i]);

        if (state <= SHMIMAGE_STATE_INIT)
            continue;
        describe_begin(mapping, begin);
        return shmi_error(SHMIMAGE_ERROR_NOT_A_STREAM,
                          "%s: not a stream: it begins with '%s', and a state "
                          "in it is %u, which should be 0 to 4; was another "
                          "file meant? 'shmimage reset --force' would turn "
                          "this one into a stream", mapping->path, begin,
                          state);
    }
    return SHMIMAGE_OK;
}

static int take_role(ShmiMapping *mapping)
{
    int take_over = mapping->flags & SHMIMAGE_TAKE_OVER;

    ShmiPresence presence =
        mapping->flags & SHMI_NO_ROLE
            ? shmi_presence_look(mapping->fd, mapping->role)
            : shmi_presence_take(mapping->fd, mapping->role,
                                 shmi_wait_can_wake(), take_over);

    mapping->shared_role = presence == SHMI_PRESENCE_HELD;
    if (mapping->shared_role && !take_over)
        return shmi_error(SHMIMAGE_ERROR_BUSY,
                          "%s: another process is the %s of this stream; stop "
                          "it first, or use another file", mapping->path,
                          mapping->role == SHMI_SERVER ? "server" : "client");
    return SHMIMAGE_OK;
}

static void give_back(ShmiMapping *mapping)
{
    close(mapping->fd);
    shmi_guard_remove(mapping->guard);
    munmap(mapping->base, reserved_size(mapping));
    free(mapping->path);
}

/* Fill in a mapping of a file that is open; closes it if that fails. */
static int map_open_file(const char *path, ShmiRole role, unsigned flags,
                         int fd, const struct stat *st, ShmiMapping *mapping)
{
    int ret;

    *mapping = (ShmiMapping){
        .fd     = fd,
        .role   = role,
        .flags  = flags,
        .path   = strdup(path),
        .device = st->st_dev,
        .inode  = st->st_ino,
        .size   = (size_t)st->st_size,
        .process = getpid(),
    };
    if (!mapping->path)
        ret = shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    else if ((uintmax_t)st->st_size > SIZE_MAX / 2)
        ret = shmi_error(SHMIMAGE_ERROR_MAP,
                         "%s: the file is larger than the address space",
                         path);
    else
        ret = take_role(mapping);
    if (ret == SHMIMAGE_OK)
        ret = map_file(mapping);
    if (ret < 0) {
        free(mapping->path);
        close(fd);
        return ret;
    }
    find_buffers(mapping);
    ret = flags & SHMIMAGE_FORCE ? SHMIMAGE_OK : check_states(mapping);
    if (ret < 0)
        give_back(mapping);
    return ret;
}

int shmi_mapping_open(const char *path, ShmiRole role, unsigned flags,
                      ShmiMapping *mapping)
{
    struct stat st;
    int fd = shmi_open_file(path, O_RDWR, &st);

    if (fd < 0)
        return fd;
    return map_open_file(path, role, flags, fd, &st, mapping);
}

int shmi_mapping_follow(ShmiMapping *old, ShmiMapping *mapping)
{
    struct stat st;

    if (stat(old->path, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size < SHMI_MIN_FILE_SIZE ||
        (st.st_dev == old->device && st.st_ino == old->inode) ||
        shmi_mapping_open(old->path, old->role, old->flags, mapping) < 0)
        return SHMIMAGE_NO_FRAME;
    return SHMIMAGE_OK;
}

bool shmi_mapping_inherit(ShmiMapping *mapping)
{
    if (!mapping->shared_role ||
        shmi_presence_take(mapping->fd, mapping->role, shmi_wait_can_wake(),
                           0) != SHMI_PRESENCE_FREE)
        return false;
    mapping->shared_role = false;
    return true;
}

void shmi_mapping_close(ShmiMapping *mapping)
{
    /* First the locks go, then the peer is woken to see that. A child of the
     * process that has them may close what it has inherited. */
    if (mapping->process == getpid())
        shmi_presence_drop(mapping->fd, mapping->role);
    for (int i = 0; i < SHMI_BUFFERS; i++)
        shmi_wake(mapping->state[i]);
    give_back(mapping);
}

bool shmi_mapping_is_short(ShmiMapping *mapping)
{
    struct stat st;

    if (!mapping->was_short)
        mapping->was_short = shmi_guard_was_hit(mapping->guard) ||
                             (fstat(mapping->fd, &st) == 0 &&
                              st.st_size != (off_t)mapping->size);
    return mapping->was_short;
}

int shmi_mapping_short_error(const ShmiMapping *mapping)
{
    struct stat st;

    if (fstat(mapping->fd, &st) == 0 && st.st_size == (off_t)mapping->size)
        return shmi_error(SHMIMAGE_ERROR_TRUNCATED,
                          "%s: parts of the file were missing while it was in "
                          "use: it was shortened and got its size back, or it "
                          "was made without reserving its space and the file "
                          "system is full; make a new one with 'shmimage "
                          "create --force --take-over'", mapping->path);
    return shmi_error(SHMIMAGE_ERROR_TRUNCATED,
                      "%s: the file was shortened, or got another size, while "
                      "it was in use; make a new one with 'shmimage create "
                      "--force --take-over', not by writing over it",
                      mapping->path);
}

bool shmi_mapping_peer_wakes(const ShmiMapping *mapping)
{
    return shmi_presence_wakes(mapping->fd, mapping->role == SHMI_SERVER
                                                ? SHMI_CLIENT
                                                : SHMI_SERVER);
}
