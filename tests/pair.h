/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A writer and a reader on one file, in one process or in two.
 */
#ifndef SHMIMAGE_TESTS_PAIR_H
#define SHMIMAGE_TESTS_PAIR_H

#include <sys/types.h>

#include "support.h"

/** The file of this test; a new one of TEST_FILE_SIZE bytes. */
extern const char *path;
/** What is open on it. What is not NULL is closed with the test. */
extern ShmImageWriter *writer;
extern ShmImageReader *reader;
/** A writer from before the present one. */
extern ShmImageWriter *old_writer;
/** Another process, killed with the test; 0 when there is none. */
extern pid_t child;

/** The size of all images. A test that needs others sets it for itself. */
extern uint32_t width;
extern uint32_t height;
#define SIZE ((size_t)SHMI_BYTES_PER_PIXEL * width * height)

/** A test case whose tests begin with the file. */
TCase *file_tcase(const char *name);
/** One whose tests begin with a writer and a reader, which has answered. */
TCase *pair_tcase(const char *name);

/** Add tests, each of them to be run so many times. */
void add_tests(TCase *tcase, const TTest *const tests[], size_t nb,
               int times);
#define ADD_TESTS(tcase, tests, times) \
    add_tests(tcase, tests, sizeof(tests) / sizeof((tests)[0]), times)

void open_writer(void);
void close_writer(void);
/** Open the reader, with the result that is expected. */
void open_reader(int expected);
void close_reader(void);

/** Put an image with the pixels of fill_pixels(). */
int put_with(ShmImageWriter *w, uint32_t number);
int put(uint32_t number);

/** Acquire without waiting, and release what comes. */
int look(void);
/** Take the image that is there, which is intact. */
ShmImageFrame *take(void);
/** The same, and it has that number. */
ShmImageFrame *take_image(uint32_t number);
ShmImageFrame *put_and_take(uint32_t number);
/** Put, take and release an image. */
uint32_t session_of_next(uint32_t number);

/** For a thread: wait for an image, past all that may come before it. */
void *wait_for_image(void *arg);

/** Both buffers go round, and their images are of one session. */
void check_goes_on(uint32_t session);

/** Sessions, as the reader counts them. */
uint64_t sessions(void);
/** Whether the writer says that there is a client. */
bool connected(void);

/** Have the reader look. Returns whether it has answered a server's start. */
bool follows(void);
/** Put another file in the file's place; its writer stays or goes. */
void replace(uint64_t size, bool writer_stays);

/** How many of the buffers are in a state. */
int count_state(uint8_t state);
/** Put both buffers into a state. */
void poke_states(uint8_t state);
/** Publish an image as a vendor's server would. */
void poke_image(int buffer, uint32_t number);
/** Start as a vendor's server would. */
void vendor_server_starts(void);

/** What a child does in the end: wait to be killed. */
_Noreturn void pause_for_ever(void);
/** Kill the child, if there is one. */
void end_child(void);
/** A client in another process that takes so many images and keeps them. */
void start_client(int images);
/** A server in another process that sends images from 0 on. */
void start_server(uint32_t images);

#endif /* SHMIMAGE_TESTS_PAIR_H */
