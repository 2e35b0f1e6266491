/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A writer and a reader whose file is shortened, and gets its size back. The
 * images have several pages.
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

/** A new server on the file of full size, for the reader that was there. */
void check_is_whole_again(uint32_t old_session);

#endif /* SHMIMAGE_TESTS_LENGTHS_H */
