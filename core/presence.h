/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Who is there: advisory locks on single bytes of the file.
 *
 * An open file description lock lives as long as the open file does, and the
 * kernel drops it when its process dies, however it dies. Peers that know
 * nothing of this hold no lock and are not hindered by one.
 *
 * A role belongs to one open file at a time, which locks the role's byte for
 * itself. One that takes the role over from a living holder can't have that
 * lock, so it shares another with its like: nobody shall take it for dead when
 * the first holder is gone.
 *
 * What byte n stands for is fixed, since programs built with other versions of
 * this library may be the peer.
 */
#ifndef SHMIMAGE_PRESENCE_H
#define SHMIMAGE_PRESENCE_H

typedef enum ShmiRole {
    /** Holds byte 0, shares 2 if it wakes the client, and 4 if it took over. */
    SHMI_SERVER = 0,
    /** Holds byte 1, shares 3 if it wakes the server, and 5 if it took over. */
    SHMI_CLIENT = 1,
} ShmiRole;

typedef enum ShmiPresence {
    SHMI_PRESENCE_UNKNOWN, /**< no locks on this system or file system */
    SHMI_PRESENCE_FREE,    /**< nobody else holds the lock */
    SHMI_PRESENCE_HELD,    /**< another open file holds the lock */
} ShmiPresence;

/**
 * Take a role, for as long as fd is open.
 *
 * @param wakes     also tell the peer that it will be woken
 * @param take_over share the role where somebody has it
 * @return SHMI_PRESENCE_FREE: nobody had it; _HELD: somebody has it, and it is
 *         shared now if that was wanted; _UNKNOWN
 */
ShmiPresence shmi_presence_take(int fd, ShmiRole role, int wakes,
                                int take_over);

/**
 * Give a role up before fd is closed: what is mapped by it keeps the file open,
 * and with that the locks.
 */
void shmi_presence_drop(int fd, ShmiRole role);

/** Who holds a role's lock, other than this fd. */
ShmiPresence shmi_presence_look(int fd, ShmiRole role);

/** Whether somebody other than this fd has the role and wakes its peer. */
int shmi_presence_wakes(int fd, ShmiRole role);

#endif /* SHMIMAGE_PRESENCE_H */
