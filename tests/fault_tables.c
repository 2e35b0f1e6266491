/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>

#include "fault_tables.h"

/* A set of statuses. */
#define S(name)  STATUS_BIT(SHMIMAGE_##name)
#define E(name)  S(ERROR_##name)
#define OPENING  (E(ARGUMENT) | E(NOT_FOUND) | E(NOT_REGULAR) | \
                  E(PERMISSION) | E(FILE_SIZE) | E(OPEN))
#define MAPPING  (OPENING | E(NOT_A_STREAM) | E(BUSY) | E(MAP) | E(MEMORY) | \
                  E(THREAD))
#define DRAWING  (E(ARGUMENT) | E(LOCKED) | E(TRUNCATED))

/* What the headers say that each function returns. */
const DocumentedCall documented_calls[] = {
    [FILE_CREATE]     = { "shmimage_file_create",
                          S(OK) | E(ARGUMENT) | E(EXISTS) | E(BUSY) |
                          E(NOT_FOUND) |
                          E(NOT_REGULAR) | E(PERMISSION) | E(NO_SPACE) |
                          E(MEMORY) | E(OPEN) },
    [FILE_INFO]       = { "shmimage_file_info", S(OK) | OPENING },
    [FILE_RESET]      = { "shmimage_file_reset",
                          S(OK) | MAPPING | E(TRUNCATED) },
    [READER_OPEN]     = { "shmimage_reader_open",
                          S(OK) | S(RECONNECTING) | MAPPING },
    [READER_ACQUIRE]  = { "shmimage_reader_acquire",
                          S(OK) | S(NO_FRAME) | S(DISCONNECTED) | E(LOCKED) |
                          E(TRUNCATED) | E(MEMORY) | E(ARGUMENT) },
    [READER_STATS]    = { "shmimage_reader_stats", S(OK) | E(ARGUMENT) },
    [FRAME_CHECK]     = { "shmimage_frame_check",
                          S(OK) | E(TRUNCATED) | E(ARGUMENT) },
    [FRAME_COPY]      = { "shmimage_frame_copy",
                          S(OK) | E(TRUNCATED) | E(ARGUMENT) },
    [WRITER_OPEN]     = { "shmimage_writer_open",
                          S(OK) | MAPPING | E(TRUNCATED) },
    [WRITER_PUT]      = { "shmimage_writer_put",
                          S(OK) | S(NO_BUFFER) | S(UNCONNECTED) | DRAWING |
                          E(TOO_LARGE) },
    [WRITER_BEGIN]    = { "shmimage_writer_begin",
                          S(OK) | S(NO_BUFFER) | S(UNCONNECTED) | DRAWING |
                          E(TOO_LARGE) },
    [WRITER_COMMIT]   = { "shmimage_writer_commit",
                          S(OK) | S(UNCONNECTED) | E(NOT_LOCKED) |
                          E(TRUNCATED) | E(ARGUMENT) },
    [WRITER_ABORT]    = { "shmimage_writer_abort",
                          S(OK) | E(NOT_LOCKED) | E(ARGUMENT) },
    [WRITER_WAIT]     = { "shmimage_writer_wait",
                          S(OK) | S(NO_BUFFER) | S(UNCONNECTED) | DRAWING },
    [WRITER_STATS]    = { "shmimage_writer_stats", S(OK) | E(ARGUMENT) },
    [STREAM_CREATE]   = { "SharedMemoryImageStream_create",
                          S(OK) | S(RECONNECTING) | E(ARGUMENT) |
                          E(FILE_SIZE) | E(OPEN) | E(MAP) | E(MEMORY) |
                          E(THREAD) },
    /* Memory is what blocks need, which the vendor's library knows not. */
    [STREAM_LOCK]     = { "SharedMemoryImageStream_lock",
                          S(OK) | S(NO_FRAME) | E(ARGUMENT) | E(IS_SERVER) |
                          E(LOCKED) | E(MEMORY) },
    [STREAM_UNLOCK]   = { "SharedMemoryImageStream_unlock",
                          S(OK) | E(ARGUMENT) | E(IS_SERVER) |
                          E(NOT_LOCKED) },
    [STREAM_PUTFRAME] = { "SharedMemoryImageStream_putframe",
                          S(OK) | S(NO_BUFFER) | S(UNCONNECTED) |
                          E(ARGUMENT) | E(IS_NOT_SERVER) | E(TOO_LARGE) },
    [STREAM_DESTROY]  = { "SharedMemoryImageStream_destroy",
                          S(OK) | E(ARGUMENT) },
};

#define BOTH(status) SHMIMAGE_##status, SHMIMAGE_##status
#define IN_CREATE(status, creating) SHMIMAGE_##status, SHMIMAGE_##creating
#define NO_EFFECT    BOTH(OK)

const Failure failures[] = {
    { FAULT_MALLOC, ENOMEM, BOTH(ERROR_MEMORY) },
    { FAULT_CALLOC, ENOMEM, BOTH(ERROR_MEMORY) },
    { FAULT_MUTEX, EAGAIN, BOTH(ERROR_THREAD) },
    { FAULT_MUTEX, ENOMEM, BOTH(ERROR_THREAD) },
    { FAULT_OPEN, ENOENT, BOTH(ERROR_NOT_FOUND) },
    { FAULT_OPEN, ENOTDIR, BOTH(ERROR_NOT_FOUND) },
    { FAULT_OPEN, EISDIR, BOTH(ERROR_NOT_REGULAR) },
    { FAULT_OPEN, ENXIO, BOTH(ERROR_NOT_REGULAR) },
    { FAULT_OPEN, ENODEV, BOTH(ERROR_NOT_REGULAR) },
    { FAULT_OPEN, EACCES, BOTH(ERROR_PERMISSION) },
    { FAULT_OPEN, EPERM, BOTH(ERROR_PERMISSION) },
    { FAULT_OPEN, EROFS, BOTH(ERROR_PERMISSION) },
    { FAULT_OPEN, EMFILE, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, ENFILE, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, ENOMEM, IN_CREATE(ERROR_OPEN, ERROR_MEMORY) },
    { FAULT_OPEN, ELOOP, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, EINTR, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, ETXTBSY, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, EOVERFLOW, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, ENAMETOOLONG, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, EIO, BOTH(ERROR_OPEN) },
    { FAULT_OPEN, ENOSPC, IN_CREATE(ERROR_OPEN, ERROR_NO_SPACE) },
    { FAULT_OPEN, EDQUOT, IN_CREATE(ERROR_OPEN, ERROR_NO_SPACE) },
    { FAULT_LINK, EACCES, BOTH(ERROR_PERMISSION) },
    { FAULT_LINK, EROFS, BOTH(ERROR_PERMISSION) },
    { FAULT_LINK, ENOSPC, BOTH(ERROR_NO_SPACE) },
    { FAULT_LINK, EDQUOT, BOTH(ERROR_NO_SPACE) },
    { FAULT_LINK, ENOENT, BOTH(ERROR_NOT_FOUND) },
    { FAULT_LINK, ENOMEM, BOTH(ERROR_MEMORY) },
    { FAULT_LINK, EIO, BOTH(ERROR_OPEN) },
    { FAULT_LSTAT, EACCES, BOTH(ERROR_PERMISSION) },
    { FAULT_LSTAT, ENOTDIR, BOTH(ERROR_NOT_FOUND) },
    { FAULT_LSTAT, ENOMEM, BOTH(ERROR_MEMORY) },
    { FAULT_LSTAT, EIO, BOTH(ERROR_OPEN) },
    { FAULT_CHMOD, EPERM, BOTH(ERROR_PERMISSION) },
    { FAULT_CHMOD, EROFS, BOTH(ERROR_PERMISSION) },
    { FAULT_CHMOD, EIO, BOTH(ERROR_OPEN) },
    { FAULT_RESERVE, ENOSPC, BOTH(ERROR_NO_SPACE) },
    { FAULT_RESERVE, EDQUOT, BOTH(ERROR_NO_SPACE) },
    { FAULT_RESERVE, EFBIG, BOTH(ERROR_NO_SPACE) },
    { FAULT_RESERVE, EIO, BOTH(ERROR_OPEN) },
    { FAULT_RESERVE, EINVAL, BOTH(ERROR_OPEN) },
    { FAULT_RESERVE, EOPNOTSUPP, BOTH(ERROR_OPEN) },
    { FAULT_RESERVE, EINTR, NO_EFFECT },
    { FAULT_RENAME, EACCES, BOTH(ERROR_PERMISSION) },
    { FAULT_RENAME, EPERM, BOTH(ERROR_PERMISSION) },
    { FAULT_RENAME, ENOSPC, BOTH(ERROR_NO_SPACE) },
    { FAULT_RENAME, EISDIR, BOTH(ERROR_NOT_REGULAR) },
    { FAULT_RENAME, EBUSY, BOTH(ERROR_OPEN) },
    { FAULT_RENAME, EIO, BOTH(ERROR_OPEN) },
    { FAULT_FSTAT, ENOMEM, BOTH(ERROR_OPEN) },
    { FAULT_FSTAT, EOVERFLOW, BOTH(ERROR_OPEN) },
    { FAULT_FSTAT, ESTALE, BOTH(ERROR_OPEN) },
    { FAULT_FSTAT, EIO, BOTH(ERROR_OPEN) },
    { FAULT_READ, EIO, BOTH(ERROR_OPEN) },
    { FAULT_READ, EINTR, BOTH(ERROR_OPEN) },
    { FAULT_READ, ESTALE, BOTH(ERROR_OPEN) },
    { FAULT_END, 0, BOTH(ERROR_FILE_SIZE) },
    { FAULT_MMAP, ENOMEM, BOTH(ERROR_MAP) },
    { FAULT_MMAP, ENODEV, BOTH(ERROR_MAP) },
    { FAULT_MMAP, EAGAIN, BOTH(ERROR_MAP) },
    { FAULT_MMAP, EACCES, BOTH(ERROR_MAP) },
    { FAULT_MMAP, EPERM, BOTH(ERROR_MAP) },
    { FAULT_MMAP, ENFILE, BOTH(ERROR_MAP) },
    { FAULT_SIGACTION, EINVAL, BOTH(ERROR_MAP) },
    { FAULT_CLOSE, EIO, NO_EFFECT },
    { FAULT_CLOSE, EINTR, NO_EFFECT },
    { FAULT_MUNMAP, ENOMEM, NO_EFFECT },
    { FAULT_STAT, ENOENT, NO_EFFECT },
    { FAULT_STAT, EACCES, NO_EFFECT },
    { FAULT_STAT, ENOMEM, NO_EFFECT },
    { FAULT_LOCK, ENOLCK, NO_EFFECT },
    { FAULT_LOCK, EINVAL, NO_EFFECT },
    { FAULT_LOCK, EINTR, NO_EFFECT },
    { FAULT_LOCK, EIO, NO_EFFECT },
    { FAULT_LOCK, EOPNOTSUPP, NO_EFFECT },
    { FAULT_FUTEX, ENOSYS, NO_EFFECT },
    { FAULT_FUTEX, EPERM, NO_EFFECT },
    { FAULT_FUTEX, EFAULT, NO_EFFECT },
    { FAULT_FUTEX, EINVAL, NO_EFFECT },
    { FAULT_FUTEX, ENOMEM, NO_EFFECT },
    { FAULT_FUTEX, EINTR, NO_EFFECT },
    { FAULT_FUTEX, ETIMEDOUT, NO_EFFECT },
};

const int nb_failures = sizeof(failures) / sizeof(failures[0]);
