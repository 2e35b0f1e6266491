/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A file with both ends of a stream on it, through the published interface.
 */
#ifndef ENSIGHT_HARNESS_H
#define ENSIGHT_HARNESS_H

#include "shared_memory_image_client_priv.h"
#include "support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

typedef struct Ends {
    const char *path;               /**< a zeroed file of TEST_FILE_SIZE */
    SharedMemoryImageStream server; /**< destroyed with the test, if set */
    SharedMemoryImageStream client; /**< likewise */
} Ends;

extern Ends t;

/** A test case whose tests begin with a file and no end open. */
TCase *ensight_tcase(const char *name);

/** Create t.server, which always is IMAGESTREAM_NOERROR. */
void start_server(uint32_t more_options);
/** Create t.client, with the result that is expected. */
void start_client(SharedMemoryImageError expected);
/** Both, on a file that the server has just initialised. */
void start_both(void);

/** Destroy an end, so that the teardown does not. */
void stop(SharedMemoryImageStream *end);

/** Put an image with the pixels of fill_pixels(). */
SharedMemoryImageError put(uint32_t number, uint32_t width, uint32_t height);

/** The frame is that image with these pixels. */
void assert_image(SharedMemoryFrame frame, uint32_t number, uint32_t width,
                  uint32_t height);

/** Lock the next image, which has that number, and check its pixels. */
SharedMemoryFrame lock_image(uint32_t number);
/** The same, and unlock it. */
void take_image(uint32_t number);

void assert_states(int first, int second);
/** Write an image into a buffer behind the library's back. */
void poke_image(int buffer, uint32_t number, uint8_t state);

#endif /* ENSIGHT_HARNESS_H */
