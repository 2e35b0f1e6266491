/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

int input_open(const char *path)
{
    if (!strcmp(path, "-"))
        return STDIN_FILENO;
    /* Opening a FIFO would otherwise block until it has a writer. */
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void input_close(int fd)
{
    if (fd > STDIN_FILENO)
        close(fd);
}

/* Bytes that could be read, 0 at the end, -1 on error or, with EAGAIN, when
 * there is nothing yet. */
static ssize_t read_some(int fd, uint8_t *buffer, size_t size)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    int ret = poll(&ready, 1, (int)(PACE_SLICE / 1000000));

    if (ret == 0 || (ret < 0 && errno == EINTR)) {
        errno = EAGAIN;
        return -1;
    }
    return ret < 0 ? -1 : read(fd, buffer, size);
}

int input_read(int fd, uint8_t *buffer, size_t size, size_t *got,
               PaceIdle idle, void *opaque)
{
    *got = 0;
    while (*got < size) {
        ssize_t n;

        if (idle(opaque))
            return INPUT_STOPPED;
        n = read_some(fd, buffer + *got, size - *got);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return INPUT_ERROR;
        if (n == 0)
            return *got ? INPUT_SHORT : INPUT_END;
        if (n > 0)
            *got += (size_t)n;
    }
    return INPUT_IMAGE;
}
