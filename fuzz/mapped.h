/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Watching the library's mappings of the stage.
 *
 * Each gets a page on either side that can't be accessed, so that nothing
 * outside is read or written unnoticed; the rest of its last page is checked
 * when it is unmapped. Programs that use this are linked with --wrap for
 * mmap(), mmap64() and munmap().
 *
 * Stepping. Between mapped_step() and mapped_step_end() the pages with the
 * headers are protected, so that each instruction of the library that accesses
 * them faults. The handler lets a peer act, then lets this one instruction run
 * on its own (x86: by the processor's trap flag), has its effect checked, and
 * protects the pages again. So a peer acts between any two accesses to the
 * headers, and the same input always takes the same course. Where there is no
 * trap flag (other processors, valgrind), the peer acts once in a call.
 */
#ifndef SHMIMAGE_FUZZ_MAPPED_H
#define SHMIMAGE_FUZZ_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Treat every large shared mapping from now on as one of the stage. */
void mapped_begin(void);

/** That nothing is mapped any more. */
void mapped_end(void);

/**
 * Where in the file a pointer into a mapping points to.
 *
 * @return false when it is no such pointer, or when the size bytes there do
 *         not lie in that mapping
 */
bool mapped_find(const uint8_t *pointer, size_t size, size_t *offset);

/**
 * Begin a call in which the peer acts.
 *
 * @param before acts before an access; returns whether to watch any further
 * @param after  looks at what that access did
 */
void mapped_step(bool (*before)(void), void (*after)(void));
void mapped_step_end(void);

#endif /* SHMIMAGE_FUZZ_MAPPED_H */
