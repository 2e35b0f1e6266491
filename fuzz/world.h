/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The system as the command line tool sees it in a fuzz target: time that
 * passes only when somebody looks at it or sleeps, so that nothing takes long
 * and the same input always takes the same course; signals that come at a
 * given moment; reads that give little at a time; no other program is started,
 * and no large file is made. Programs that use this are linked with --wrap for
 * each function that world.c wraps.
 */
#ifndef SHMIMAGE_FUZZ_WORLD_H
#define SHMIMAGE_FUZZ_WORLD_H

#include <stddef.h>

/** How often the clock can be looked at after the signal. */
#define WORLD_PATIENCE 1000

/**
 * Begin a run of the tool.
 *
 * @param looks how often the clock can be looked at before SIGTERM comes
 * @param chunk the most bytes that one read gives; 0 for no limit
 * @param tick  called at each look
 */
void world_begin(int looks, size_t chunk, void (*tick)(void));
void world_end(void);

#endif /* SHMIMAGE_FUZZ_WORLD_H */
