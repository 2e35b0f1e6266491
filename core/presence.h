/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Who is there: advisory locks on single bytes of the file.
 *
 * An open file description lock lives as long as the open file does, and the
 * kernel drops it when its process dies, however it dies. Peers that know
 * nothing of this hold no lock and are not hindered by one.
 *
 * What byte n stands for is fixed, since programs built with other versions of
 * this library may be the peer.
 */
#ifndef SHMIMAGE_PRESENCE_H
#define SHMIMAGE_PRESENCE_H

typedef enum ShmiRole {
    SHMI_SERVER = 0, /**< holds byte 0, and 2 if it wakes the client */
    SHMI_CLIENT = 1, /**< holds byte 1, and 3 if it wakes the server */
} ShmiRole;

typedef enum ShmiPresence {
    SHMI_PRESENCE_UNKNOWN, /**< no locks on this system or file system */
    SHMI_PRESENCE_FREE,    /**< nobody else holds the lock */
    SHMI_PRESENCE_HELD,    /**< another open file holds the lock */
} ShmiPresence;

/**
 * Take a role's lock, if it is free, for as long as fd is open.
 *
 * @param wakes also tell the peer that it will be woken
 * @return SHMI_PRESENCE_FREE: it was free, and is taken now; _HELD; _UNKNOWN
 */
ShmiPresence shmi_presence_take(int fd, ShmiRole role, int wakes);

/** Who holds a role's lock, other than this fd. */
ShmiPresence shmi_presence_look(int fd, ShmiRole role);

/** Whether somebody other than this fd has the role and wakes its peer. */
int shmi_presence_wakes(int fd, ShmiRole role);

#endif /* SHMIMAGE_PRESENCE_H */
