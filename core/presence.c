/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "presence.h"

/* Distance from a role's byte to the one that says that it wakes. */
#define WAKES 2

#if SHMI_HAVE_OFD_LOCKS

static struct flock lock_on(int byte)
{
    return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET,
                           .l_start = byte, .l_len = 1 };
}

static ShmiPresence take(int fd, int byte)
{
    struct flock lock = lock_on(byte);

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return SHMI_PRESENCE_FREE;
    return errno == EAGAIN || errno == EACCES ? SHMI_PRESENCE_HELD
                                              : SHMI_PRESENCE_UNKNOWN;
}

static ShmiPresence look(int fd, int byte)
{
    struct flock lock = lock_on(byte);

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return SHMI_PRESENCE_UNKNOWN;
    return lock.l_type == F_UNLCK ? SHMI_PRESENCE_FREE : SHMI_PRESENCE_HELD;
}

#else

static ShmiPresence take(int fd, int byte)
{
    (void)fd;
    (void)byte;
    return SHMI_PRESENCE_UNKNOWN;
}

static ShmiPresence look(int fd, int byte)
{
    return take(fd, byte);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

ShmiPresence shmi_presence_take(int fd, ShmiRole role, int wakes)
{
    ShmiPresence presence = take(fd, role);

    if (presence == SHMI_PRESENCE_FREE && wakes)
        take(fd, role + WAKES);
    return presence;
}

ShmiPresence shmi_presence_look(int fd, ShmiRole role)
{
    return look(fd, role);
}

int shmi_presence_wakes(int fd, ShmiRole role)
{
    return look(fd, role + WAKES) == SHMI_PRESENCE_HELD;
}
