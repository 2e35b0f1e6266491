/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "presence.h"

/* Distances from a role's byte to the one that says that it wakes, and to the
 * one for those that took it over. */
#define WAKES      2
#define TAKEN_OVER 4

#if SHMI_HAVE_OFD_LOCKS

static struct flock lock_on(int byte, short type)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
                           .l_start = byte, .l_len = 1 };
}

static ShmiPresence take(int fd, int byte)
{
    struct flock lock = lock_on(byte, F_WRLCK);

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return SHMI_PRESENCE_FREE;
    return errno == EAGAIN || errno == EACCES ? SHMI_PRESENCE_HELD
                                              : SHMI_PRESENCE_UNKNOWN;
}

static void share(int fd, int byte)
{
    struct flock lock = lock_on(byte, F_RDLCK);

    fcntl(fd, F_OFD_SETLK, &lock);
}

static void drop(int fd, int byte)
{
    struct flock lock = lock_on(byte, F_UNLCK);

    fcntl(fd, F_OFD_SETLK, &lock);
}

static ShmiPresence look(int fd, int byte)
{
    struct flock lock = lock_on(byte, F_WRLCK);

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

static void share(int fd, int byte)
{
    take(fd, byte);
}

static void drop(int fd, int byte)
{
    take(fd, byte);
}

static ShmiPresence look(int fd, int byte)
{
    return take(fd, byte);
}

#endif /* SHMI_HAVE_OFD_LOCKS */

ShmiPresence shmi_presence_take(int fd, ShmiRole role, int wakes,
                                int take_over)
{
    ShmiPresence presence = take(fd, role);

    if (presence == SHMI_PRESENCE_UNKNOWN)
        return presence;
    if (look(fd, role + TAKEN_OVER) == SHMI_PRESENCE_HELD)
        presence = SHMI_PRESENCE_HELD;
    if (presence == SHMI_PRESENCE_HELD && !take_over)
        return presence;
    if (presence == SHMI_PRESENCE_HELD)
        share(fd, role + TAKEN_OVER);
    if (wakes)
        share(fd, role + WAKES);
    return presence;
}

void shmi_presence_drop(int fd, ShmiRole role)
{
    drop(fd, role + WAKES);
    drop(fd, role + TAKEN_OVER);
    drop(fd, role);
}

ShmiPresence shmi_presence_look(int fd, ShmiRole role)
{
    ShmiPresence presence = look(fd, role);

    return presence == SHMI_PRESENCE_FREE ? look(fd, role + TAKEN_OVER)
                                          : presence;
}

int shmi_presence_wakes(int fd, ShmiRole role)
{
    return look(fd, role + WAKES) == SHMI_PRESENCE_HELD;
}
