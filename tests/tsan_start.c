/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked into the tool when it is built with ThreadSanitizer. The runtime of
 * gcc 12 keeps signals that arrive outside of blocking calls in a structure
 * that it allocates in the first blocking call. A signal that arrives during
 * the allocation is stored in a second copy of it and never delivered. So make
 * that call before any handler is installed.
 */
#include "config.h"

#include <poll.h>
#include <stddef.h>

__attribute__((constructor))
static void allocate_signal_context(void)
{
    poll(NULL, 0, 0);
}
