/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What the test programs share: files to test with, a peer that pokes bytes,
 * waiting for a condition, and the way a suite is run.
 */
#ifndef SHMIMAGE_TESTS_SUPPORT_H
#define SHMIMAGE_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "layout.h"
#include "shmimage.h"

/** The smallest file that shmimage_file_create() makes. */
#define TEST_FILE_SIZE 20000000

/**
 * A name in a fresh folder of this test's own, with nothing there yet.
 * Everything in the folder is removed by test_files_remove().
 */
const char *test_name(void);

/** A new stream file of size bytes, all zero, at test_name(). */
const char *test_file(uint64_t size);

/** Remove all that test_name() and test_file() made. A fixture's teardown. */
void test_files_remove(void);

/** The folder of a file, until the next call. */
const char *folder_of(const char *path);

/** How many files a folder has, hidden ones as well; -1 if there is none. */
int count_entries(const char *folder);

/** Make a file of some text. */
void write_file(const char *path, const char *text);

/** Write a header and then its state, as a vendor's peer would. */
void poke(const char *path, int buffer, const ShmiHeader *header,
          uint8_t state);

/** Write only the fields of a header. */
void poke_header(const char *path, int buffer, const ShmiHeader *header);

/** Write only the state byte of a buffer. */
void poke_state(const char *path, int buffer, uint8_t state);

/** Write bytes into a buffer's payload. */
void poke_pixels(const char *path, int buffer, const uint8_t *pixels,
                 size_t size);

/** Read bytes of a buffer's payload. */
void peek_pixels(const char *path, int buffer, uint8_t *pixels, size_t size);

/** The state byte of a buffer. */
uint8_t peek_state(const char *path, int buffer);

/** The fields of a buffer's header. */
ShmiHeader peek_header(const char *path, int buffer);

/** Fill an image with bytes that depend on its number and on the place. */
void fill_pixels(uint8_t *pixels, size_t size, uint32_t number);

/** Whether pixels are what fill_pixels() writes for that number. */
bool pixels_match(const uint8_t *pixels, size_t size, uint32_t number);

/** Let other threads and processes go on while waiting for them. */
void pause_briefly(void);

/** Seconds on a clock that only goes forward. */
double seconds_now(void);

/** Have the clock that the core goes by jump forward by so many nanoseconds. */
void hurry(int64_t time);

/* In seconds: when something that a test waits for never comes, and how long
 * a whole test may take. */
#define PATIENCE     60
#define TEST_TIMEOUT 600

/** Wait until a condition holds; fail the test if it never does. */
#define wait_until(condition)                                         \
    do {                                                              \
        double deadline_ = seconds_now() + PATIENCE;                  \
        while (!(condition)) {                                        \
            ck_assert_msg(seconds_now() < deadline_, "never came: %s", \
                          #condition);                                \
            pause_briefly();                                          \
        }                                                             \
    } while (0)

/** Run a suite; what main() returns. 77 means that it was skipped. */
int run_suite(Suite *suite);

#endif /* SHMIMAGE_TESTS_SUPPORT_H */
