/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Surviving a file that is shortened while it is mapped.
 *
 * The system answers a touch of a page that the file no longer has with
 * SIGBUS, which ends the process, and nothing can keep another process from
 * shortening the file. So a handler, once there is something to guard, puts
 * empty memory where the pages were, and notes it; whoever uses the mapping
 * asks after each use whether that has happened. Faults elsewhere go on to the
 * handler that was there before.
 *
 * The handler is installed once and stays, as a program may have put another
 * one in front that refers to it. It takes no lock and allocates nothing: it
 * walks a table.
 */
#ifndef SHMIMAGE_GUARD_H
#define SHMIMAGE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** A guarded piece of memory. */
typedef struct ShmiGuard ShmiGuard;

/**
 * Guard the pages of a mapping.
 *
 * @param base where a page begins
 * @return NULL, with errno: EMFILE when 256 are guarded already, or why the
 *         handler can't be installed
 */
ShmiGuard *shmi_guard_add(void *base, size_t size);

/** Stop guarding, before the mapping goes. NULL is allowed. */
void shmi_guard_remove(ShmiGuard *guard);

/** Whether pages were missing when they were touched. NULL is allowed. */
bool shmi_guard_was_hit(const ShmiGuard *guard);

#endif /* SHMIMAGE_GUARD_H */
