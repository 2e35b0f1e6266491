/*
 * Control channel of the shared memory image input device
 * Copyright (c) 2026 The shmimage authors
 *
 * This file is part of FFmpeg.
 *
 * FFmpeg is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 *
 * FFmpeg is distributed in the hope that it will be useful,
 * but WITHOUT ANY WARRANTY; without even the implied warranty of
 * MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU
 * Lesser General Public License for more details.
 *
 * You should have received a copy of the GNU Lesser General Public
 * License along with FFmpeg; if not, write to the Free Software
 * Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "libavutil/error.h"
#include "libavutil/log.h"
#include "shmimage_dec.h"

int ff_shmimage_control_check(AVFormatContext *s, int fd)
{
    int type = 0;
    socklen_t size   = sizeof(type);
    const char *want = "a stream socket";

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
        want = errno == EBADF ? "open" : "a socket";
    if (type == SOCK_STREAM)
        return 0;
    av_log(s, AV_LOG_ERROR, "control: descriptor %d is not %s\n", fd, want);
    return AVERROR(EINVAL);
}

int ff_shmimage_control_stops(int fd)
{
    struct pollfd channel = { .fd = fd, .events = POLLIN };

    return poll(&channel, 1, 0) > 0;
}

void ff_shmimage_control_tell(int fd, const char *line)
{
    send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
}
