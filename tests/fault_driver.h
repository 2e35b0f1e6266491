/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Runs a scenario again and again, each time with one more call to the system
 * that succeeds before one fails, until nothing fails any more.
 *
 * A scenario is a function that goes through the public interface and tells
 * the result of each call to gave(). That knows what shmimage.h documents, and
 * what the failure at hand has to become.
 */
#ifndef SHMIMAGE_TESTS_FAULT_DRIVER_H
#define SHMIMAGE_TESTS_FAULT_DRIVER_H

#include "faults.h"
#include "support.h"

/** The functions that return a status. */
typedef enum Call {
    FILE_CREATE,
    FILE_INFO,
    FILE_RESET,
    READER_OPEN,
    READER_ACQUIRE,
    READER_STATS,
    FRAME_CHECK,
    FRAME_COPY,
    WRITER_OPEN,
    WRITER_PUT,
    WRITER_BEGIN,
    WRITER_COMMIT,
    WRITER_ABORT,
    WRITER_WAIT,
    WRITER_STATS,
    STREAM_CREATE,
    STREAM_LOCK,
    STREAM_UNLOCK,
    STREAM_PUTFRAME,
    STREAM_DESTROY,
} Call;

#define FAULT_BIT(fault) (1u << (fault))

/** What opening a file needs, mapping it, and being an end of a stream. */
#define FAULTS_OF_OPENING (FAULT_BIT(FAULT_OPEN) | FAULT_BIT(FAULT_FSTAT) |   \
                           FAULT_BIT(FAULT_CLOSE))
#define FAULTS_OF_MAPPING (FAULTS_OF_OPENING | FAULT_BIT(FAULT_MALLOC) |      \
                           FAULT_BIT(FAULT_MMAP) | FAULT_BIT(FAULT_MUNMAP) |  \
                           FAULT_BIT(FAULT_LOCK) | FAULT_BIT(FAULT_FUTEX))
#define FAULTS_OF_AN_END  (FAULTS_OF_MAPPING | FAULT_BIT(FAULT_CALLOC) |      \
                           FAULT_BIT(FAULT_MUTEX))

/** The images of the scenarios. */
enum {
    WIDTH  = 5,
    HEIGHT = 4,
    SIZE   = WIDTH * HEIGHT * SHMI_BYTES_PER_PIXEL,
};

typedef struct Scenario {
    const char *name;
    /** Make what run() needs. The fault is planned after it. */
    void (*prepare)(void);
    /** Returns false, with all closed, when a call has failed. */
    bool (*run)(void);
    unsigned needs;  /**< the faults that have to come, of FAULT_BIT() */
    unsigned spares; /**< the faults that can't be tried */
    unsigned passes; /**< the faults that must pass for it to go on */
    /** What fails while an image is awaited is tried again, and not told. */
    bool absorbs;
} Scenario;

/** The file of the scenarios. There is none yet when prepare() is called. */
extern const char *fault_path;

/**
 * Make a call, in which the system may fail, and check what it returned.
 *
 * @param normal what it has to be where nothing fails, or where nothing may be
 *               seen of it
 * @return whether it succeeded
 */
#define gave(call, expression, normal)                          \
    (fault_resume(), check_status(call, (expression), normal))
bool check_status(Call call, int status, int normal);

/** Make a call that returns nothing. */
#define make(expression) (fault_resume(), (expression), call_is_back())
void call_is_back(void);

/** Make the file, if it is not there. Its space is not reserved. */
void make_fault_file(void);

/** Let an image of two blocks be ready, one in each buffer. */
void poke_blocks(uint32_t number);

/**
 * A test case whose tests have fault_path. They run each scenario with each
 * call failing in turn, and with all of them failing where nothing is to be
 * noticed of that.
 */
TCase *fault_tcase(const Scenario *scenarios, int count);

#endif /* SHMIMAGE_TESTS_FAULT_DRIVER_H */
