/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A server and a client in processes of their own, each of which does what it
 * is told and says what came of it. In between it does nothing, so that a test
 * can bring the two exactly where it wants them, then kill or stop them.
 *
 * Time stands still for them but while they sleep, and how long they sleep is
 * for the test to say. Nobody wakes them.
 */
#ifndef SHMIMAGE_TESTS_ENDS_H
#define SHMIMAGE_TESTS_ENDS_H

#include <sys/types.h>

#include "presence.h"
#include "support.h"

/** Numbers of the images of one server; the next one has the next hundred. */
#define IMAGES_PER_SERVER 100

/** The images of each server have a size of their own. */
uint32_t width_of(uint32_t number);
uint32_t height_of(uint32_t number);
size_t size_of(uint32_t number);

/** Such an image, to be freed. */
uint8_t *new_image(uint32_t number);

/** Whose library an end has. */
typedef enum Maker {
    OURS,
    /** No locks, no waking; takes what is its own by a store. Does not take
     * back what a client before it had locked. */
    VENDOR,
} Maker;

typedef enum Task {
    DO_OPEN,
    DO_CLOSE,         /**< and release what is held */
    DO_PUT,           /**< server: the image with that number */
    DO_BEGIN,         /**< server: draw half of that image */
    DO_COMMIT,        /**< server: draw the rest of it, and commit it */
    DO_WAIT_FOR_ROOM, /**< server, for ever */
    DO_TAKE,          /**< client: acquire, without waiting */
    DO_WAIT_FOR_IMAGE,/**< client: acquire, waiting for ever */
    DO_RELEASE,       /**< client: of the frames that it holds, this one */
    DO_CHECK,         /**< client: whether what it holds is intact */
    DO_SLEEP_ON,      /**< not a task: the sleep is over */
} Task;

typedef struct Order {
    Task task;
    uint32_t number;  /**< of the image, or which of the frames held */
    int stop_at;      /**< at which step to stop, see steps.h; 0 for none */
} Order;

typedef struct Answer {
    enum { DONE, STOPPED, SLEEPS } kind;
    int result;       /**< of the library's function */
    int64_t time;     /**< of the sleep, in nanoseconds */
    uint32_t number;  /**< the image that was taken, and what it looks like */
    uint32_t width;
    uint32_t height;
    uint32_t session;
    bool intact;      /**< the pixels are those of that image, or all images */
} Answer;

/** What a process does with an order; leaves DONE. */
typedef void Work(const char *path, const Order *order, Answer *answer);
Work our_server, our_client, vendor_server, vendor_client;

/** One process. Zeroed, there is none. */
typedef struct End {
    pid_t pid;
    int orders;
    int answers;
} End;

/** Start a process, which has nothing open yet. */
void end_start(End *end, const char *path, ShmiRole role, Maker maker);

/** Give an order, and do not wait for its answer. */
void end_order(End *end, const Order *order);

/** What has become of the last order. */
Answer end_answer(End *end);

/** SIGKILL, and wait until it is dead. One that there is not is left so. */
void end_kill(End *end);

/** SIGSTOP, and wait until it has stopped. */
void end_stop(End *end);

/** SIGCONT. */
void end_continue(End *end);

#endif /* SHMIMAGE_TESTS_ENDS_H */
