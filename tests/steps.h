/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A process that stops in the middle of a call of the library.
 *
 * A program that is linked with WITH_STEPS calls the functions in steps.c in
 * place of some of the core's that it calls between its accesses to the file.
 * In front of and behind each of them, and where a header is copied in the
 * middle of it, too, lies a step. So there is one between any two changes that
 * a call makes to the file. They are counted, and at one of them the process
 * stops.
 *
 * In contrast to moments.h the call stays where it is, while other processes
 * come and go.
 */
#ifndef SHMIMAGE_TESTS_STEPS_H
#define SHMIMAGE_TESTS_STEPS_H

/**
 * Count anew.
 *
 * @param stop_at which step from now on calls stop(): 1 is the next one, 0 none
 */
void steps_begin(int stop_at, void (*stop)(void));

/** A step. Code that stands for another library's says itself where. */
void step(void);

#endif /* SHMIMAGE_TESTS_STEPS_H */
