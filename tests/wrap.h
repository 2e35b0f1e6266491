/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Functions that stand in front of the system's.
 *
 * The linker calls __wrap_f() where f() was called, and f() where __real_f()
 * was: see --wrap in its manual.
 */
#ifndef SHMIMAGE_TESTS_WRAP_H
#define SHMIMAGE_TESTS_WRAP_H

#define WRAP(type, name, ...)         \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

#endif /* SHMIMAGE_TESTS_WRAP_H */
