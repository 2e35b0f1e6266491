/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Preloaded: reserving the space of a file gets half way, and then takes until
 * the file that SLOW_RESERVE_UNTIL names is there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int posix_fallocate(int fd, off_t offset, off_t size)
{
    const char *until = getenv("SLOW_RESERVE_UNTIL");

    if (fallocate(fd, 0, offset, size / 2) < 0)
        return 28;
    while (access(until, F_OK) < 0)
        usleep(1000);
    return fallocate(fd, 0, offset, size) < 0 ? 28 : 0;
}

int posix_fallocate64(int fd, off_t offset, off_t size)
{
    return posix_fallocate(fd, offset, size);
}
