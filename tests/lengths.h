/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A writer and a reader whose file is shortened. The images have several pages.
 */
#ifndef SHMIMAGE_TESTS_LENGTHS_H
#define SHMIMAGE_TESTS_LENGTHS_H

#include "pair.h"

#define HALF (TEST_FILE_SIZE / 2)

/** Around all that lies in the file. */
extern const off_t lengths[];
extern const int nb_lengths;

/** A test case whose tests begin with both, and images of that size. */
TCase *lengths_tcase(const char *name);

void set_length(off_t length);

/** A new server on a new file, for the reader that was there. */
void check_follows_another_file(uint32_t old_session);

#endif /* SHMIMAGE_TESTS_LENGTHS_H */
