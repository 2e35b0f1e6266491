/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The other side acts in the middle of a call, at every moment that matters.
 *
 * A call goes back and forth between pages of the mapping: one has the state
 * of buffer 0, another the state of buffer 1. One of the two is protected, so
 * that the call's next access to it faults. The handler of that signal then
 * protects the other page instead, and the call goes on until it comes to that
 * one. The nth time, the handler plays the other process, through a mapping of
 * its own, and opens both pages. Running a test for n = 1, 2, 3 and so on puts
 * the action between any two accesses of the call that are to different pages.
 * (Valgrind needs --vex-iropt-register-updates=allregs-at-mem-access for it.)
 *
 * The header of buffer 1 itself lies on two pages here: the state is on the
 * second one.
 */
#ifndef SHMIMAGE_TESTS_MOMENTS_H
#define SHMIMAGE_TESTS_MOMENTS_H

#include "state.h"
#include "support.h"

enum {
    WIDTH  = 40,
    HEIGHT = 60,
    SIZE   = WIDTH * HEIGHT * SHMI_BYTES_PER_PIXEL,
};

/** The file of this test. */
extern const char *path;

/** A fixture: the file, the other process, and the handler. */
void moments_begin(void);
void moments_end(void);

/** The page that an address is on. */
uint8_t *page_of(const uint8_t *address);

/** Let the other process act at moment n of the call that follows. */
void arm(int n, const uint8_t *first, const uint8_t *second,
         void (*action)(void));

/**
 * End the call. Returns whether it got as far as to that moment; if not, the
 * other process acts now.
 */
bool disarm(void);

/* The other process, which is a server. */

uint8_t *its_buffer(int buffer);
ShmiState *its_state(int buffer);
/** Put an image into a buffer, whatever its state. */
void its_publish(int buffer, uint32_t number);
void its_start(void);

#endif /* SHMIMAGE_TESTS_MOMENTS_H */
