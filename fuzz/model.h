/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What a reader must answer when nobody acts at the same time. Written from
 * the description of the protocol, and in another way than the reader: it keeps
 * the blocks of an image as a list, and no pixels.
 */
#ifndef SHMIMAGE_FUZZ_MODEL_H
#define SHMIMAGE_FUZZ_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

enum {
    MODEL_BLOCKS = 256,
    /** Only for larger images it is all right that there is no memory. The
     * fuzzers are run with a limit of this size: see max_allocation_size_mb in
     * the script "run". */
    MODEL_MEMORY = 256 << 20,
};

/** Some rows of an image, and where they came from. */
typedef struct Block {
    uint32_t offset, rows;
    int buffer;
    uint8_t stamp;          /**< of the buffer when the block was taken */
} Block;

typedef struct Model {
    Fields fields[2];
    uint8_t state[2], stamp[2];
    bool held[2];
    Block block[MODEL_BLOCKS]; /* of an image that is not complete */
    int nb_blocks;
    Fields blocks_of;
    uint64_t delivered, refused, incomplete;
    uint32_t refused_width, refused_height;
} Model;

typedef enum Answer {
    ANSWER_NONE,            /**< no image is ready */
    ANSWER_LOCKED,          /**< both buffers are held */
    ANSWER_BUFFER,          /**< the image lies in a buffer */
    ANSWER_BLOCKS,          /**< the image was put together */
    ANSWER_NO_MEMORY,       /**< the image is lost */
} Answer;

/** An image that is expected. */
typedef struct Expected {
    Answer answer;
    Fields fields;
    Block block[MODEL_BLOCKS];
    int nb_blocks;
} Expected;

/** The file has the headers fields, state and stamp; the reader is opened. */
void model_open(Model *model);

/** The reader looks for an image, and perhaps says that it lacks memory. */
void model_acquire(Model *model, bool no_memory, Expected *expected);

/** The reader gives a buffer back; -1 for an image put together. */
void model_release(Model *model, int buffer);

/** The same after the reader was closed: it answers no server any more. */
void model_leave(Model *model, int buffer);

/** What byte n of an expected image is. */
uint8_t model_pixel(const Expected *expected, uint64_t n);

#endif /* SHMIMAGE_FUZZ_MODEL_H */
