/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Makes the tool's main() a function of the test program that contains it.
 * Included ahead of each of its sources.
 */
#ifndef SHMIMAGE_TESTS_TOOL_MAIN_H
#define SHMIMAGE_TESTS_TOOL_MAIN_H

#define main tool_main

int tool_main(int argc, char **argv);

#endif /* SHMIMAGE_TESTS_TOOL_MAIN_H */
