/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Being asked to end by a signal.
 */
#ifndef SHMIMAGE_TOOLS_STOP_H
#define SHMIMAGE_TOOLS_STOP_H

#include <signal.h>

/** How many SIGINT, SIGTERM and SIGHUP there have been. */
extern volatile sig_atomic_t stop_requested;

/** Catch these signals; SIGHUP only where it is not ignored. */
void stop_catch(void);

#endif /* SHMIMAGE_TOOLS_STOP_H */
