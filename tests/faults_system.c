/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls of faults.h. With names for large files on 32-bit systems,
 * and names that check their arguments, which glibc's headers may make of
 * them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "wrap.h"

WRAP(int, munmap, void *address, size_t size)
{
    int ret = __real_munmap(address, size);

    account_mappings(-1);
    return fault_strikes(FAULT_MUNMAP) ? -1 : ret;
}

#define WRAP_MMAP(name)                                                       \
    WRAP(void *, name, void *address, size_t size, int access, int flags,     \
         int fd, off_t offset)                                                \
    {                                                                         \
        if (fault_strikes(FAULT_MMAP))                                        \
            return MAP_FAILED;                                                \
        /* One in place of another adds none. */                              \
        if (!(flags & MAP_FIXED))                                             \
            account_mappings(1);                                              \
        return __real_##name(address, size, access, flags, fd, offset);       \
    }

bool no_unnamed_files;

/* Another thread may start a program at any time. What a compiler adds to count
 * lines is no concern of the test. */
static void require_to_close(int flags)
{
    if (flags & O_CLOEXEC || !fault_is_planned())
        return;
    fprintf(stderr, "a descriptor would be left to other programs\n");
    abort();
}

#define WRAP_OPEN(name)                                                       \
    WRAP(int, name, const char *path, int flags, ...)                         \
    {                                                                         \
        va_list args;                                                         \
        int mode = 0;                                                         \
                                                                              \
        if (flags & (O_CREAT | O_TMPFILE)) {                                  \
            va_start(args, flags);                                            \
            mode = va_arg(args, int);                                         \
            va_end(args);                                                     \
        }                                                                     \
        require_to_close(flags);                                              \
        if (no_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {           \
            errno = EOPNOTSUPP;                                               \
            return -1;                                                        \
        }                                                                     \
        if (fault_strikes(FAULT_OPEN))                                        \
            return -1;                                                        \
        return __real_##name(path, flags, mode);                              \
    }

#define WRAP_CHECKED_OPEN(name)                                               \
    WRAP(int, name, const char *path, int flags)                              \
    {                                                                         \
        require_to_close(flags);                                              \
        return fault_strikes(FAULT_OPEN) ? -1 : __real_##name(path, flags);   \
    }

#define WRAP_FSTAT(name, type)                                                \
    WRAP(int, name, int fd, struct type *st)                                  \
    {                                                                         \
        return fault_strikes(FAULT_FSTAT) ? -1 : __real_##name(fd, st);       \
    }

#define WRAP_STAT(name, type, fault)                                          \
    WRAP(int, name, const char *path, struct type *st)                        \
    {                                                                         \
        return fault_strikes(fault) ? -1 : __real_##name(path, st);           \
    }

#define WRAP_PREAD(name)                                                      \
    WRAP(ssize_t, name, int fd, void *bytes, size_t size, off_t offset)       \
    {                                                                         \
        if (fault_strikes(FAULT_READ))                                        \
            return -1;                                                        \
        if (fault_strikes(FAULT_END))                                         \
            size /= 2;                                                        \
        return __real_##name(fd, bytes, size, offset);                        \
    }

static bool reserve_strikes(void)
{
    sigset_t blocked;

    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    return fault_strikes(FAULT_RESERVE) ||
           (!sigismember(&blocked, SIGALRM) && fault_strikes(FAULT_SIGNAL));
}

#define WRAP_RESERVE(name)                                                    \
    WRAP(int, name, int fd, off_t offset, off_t size)                         \
    {                                                                         \
        return reserve_strikes() ? errno                                      \
                                 : __real_##name(fd, offset, size);           \
    }

static bool fcntl_strikes(int command)
{
    if (command == F_DUPFD)
        require_to_close(0);
#if SHMI_HAVE_OFD_LOCKS
    if (command == F_OFD_SETLK || command == F_OFD_GETLK)
        return fault_strikes(FAULT_LOCK);
#endif
    return false;
}

/* All arguments that there may be are as wide as a pointer, or narrower. */
#define WRAP_FCNTL(name)                                                      \
    WRAP(int, name, int fd, int command, ...)                                 \
    {                                                                         \
        va_list args;                                                         \
        void *argument;                                                       \
                                                                              \
        va_start(args, command);                                              \
        argument = va_arg(args, void *);                                      \
        va_end(args);                                                         \
        return fcntl_strikes(command) ? -1                                    \
                                      : __real_##name(fd, command, argument); \
    }

WRAP_MMAP(mmap)
WRAP_OPEN(open)
WRAP_FSTAT(fstat, stat)
WRAP_STAT(stat, stat, FAULT_STAT)
WRAP_STAT(lstat, stat, FAULT_LSTAT)
WRAP_PREAD(pread)
WRAP_RESERVE(posix_fallocate)
WRAP_FCNTL(fcntl)
#ifdef __GLIBC__
WRAP_MMAP(mmap64)
WRAP_OPEN(open64)
WRAP_CHECKED_OPEN(__open_2)
WRAP_CHECKED_OPEN(__open64_2)
WRAP_FSTAT(fstat64, stat64)
WRAP_STAT(stat64, stat64, FAULT_STAT)
WRAP_STAT(lstat64, stat64, FAULT_LSTAT)
WRAP_PREAD(pread64)
WRAP_RESERVE(posix_fallocate64)
WRAP_FCNTL(fcntl64)
#endif

WRAP(int, close, int fd)
{
    int ret = __real_close(fd);

    return fault_strikes(FAULT_CLOSE) ? -1 : ret;
}

WRAP(int, fchmod, int fd, mode_t mode)
{
    return fault_strikes(FAULT_CHMOD) ? -1 : __real_fchmod(fd, mode);
}

WRAP(int, rename, const char *from, const char *to)
{
    return fault_strikes(FAULT_RENAME) ? -1 : __real_rename(from, to);
}

WRAP(int, link, const char *from, const char *to)
{
    return fault_strikes(FAULT_LINK) ? -1 : __real_link(from, to);
}

WRAP(int, linkat, int from_fd, const char *from, int to_fd, const char *to,
     int flags)
{
    return fault_strikes(FAULT_LINK)
               ? -1
               : __real_linkat(from_fd, from, to_fd, to, flags);
}

WRAP(int, sigaction, int number, const struct sigaction *action,
     struct sigaction *old)
{
    return fault_strikes(FAULT_SIGACTION)
               ? -1
               : __real_sigaction(number, action, old);
}

/* Six arguments are the most that a system call has. */
WRAP(long, syscall, long number, ...)
{
    va_list args;
    long a[6];

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    return fault_strikes(FAULT_FUTEX)
               ? -1
               : __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
