/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A stream whose two ends are killed, stopped and started again, and an account
 * of it: what is put, what arrives, and what is held.
 *
 * Whatever arrives is looked at: its number, that it has not come before, its
 * size, all of its pixels, and that it has another session than the images of
 * other servers.
 */
#ifndef SHMIMAGE_TESTS_RESTARTS_H
#define SHMIMAGE_TESTS_RESTARTS_H

#include "ends.h"

/** What both ends and both buffers can be in while neither end is in a call. */
typedef struct Situation {
    char states[SHMI_BUFFERS + 1]; /**< as digits */
    int held;                      /**< buffers that the client holds */
    /**
     * The way there, a step a letter. S, C: the server, the client is started.
     * K, k: it is killed. b, c: the server begins, commits an image; p: both.
     * t: the client takes an image; l: it looks, and there is none; o: it
     * releases the older one of those that it holds.
     */
    const char *way;
} Situation;

extern const Situation situations[];
extern const int nb_situations;

/** The stream. Zeroed but for path and makers, nothing is there. */
typedef struct Stream {
    const char *path;
    Maker maker[2];      /**< by role, as all that follows by role */
    End end[2];
    bool open[2];
    Order last[2];       /**< the last order, which may not be answered yet */
    uint32_t servers;    /**< that were started so far */
    uint32_t images;     /**< that were tried to be put by the last one */
    bool starts_anew;    /**< the same server may begin another session */
    bool drawing;        /**< the server does */
    uint32_t drawn;      /**< the image that it draws */
    int held;            /**< by the client */
    uint32_t held_number[SHMI_BUFFERS];
    bool met;            /**< this client has got images, the last of which: */
    uint32_t met_number;
    uint32_t met_session;
    bool arrived[4096];  /**< by number */
    int64_t slept;       /**< by whoever waits, since this was set to 0 */
} Stream;
extern Stream t;

/** A test case whose tests begin with a file. */
TCase *restarts_tcase(const char *name);

/**
 * Add a test of the cases from 0 to nb - 1, which are in_case(_i). Where each
 * takes long, it is for some of them only.
 */
void add_test_of_cases(TCase *tcase, const TTest *test, int nb);
int in_case(int index);

/** End both, and begin with an empty file and ends of these makers. */
void begin_anew(Maker server, Maker client);

/** Bring everything into a situation. */
void go_to(const Situation *situation);

/** Start a process that has not opened the file yet. */
void launch(ShmiRole role);

/** Start a process and open the file. */
void start(ShmiRole role);

/** SIGKILL it, if it is there. */
void kill_end(ShmiRole role);

/** An order with the number that it needs. DO_RELEASE: the older frame. */
Order order_for(Task task);

/** Begin a task. Returns what has become of it; what is done is accounted. */
Answer begin_task(ShmiRole role, const Order *order);

/** Go on with a task that stopped, or that sleeps. */
Answer go_on(ShmiRole role, const Answer *unfinished);

/** Do a task, which neither stops nor sleeps, and return its result. */
int carry_out(ShmiRole role, Task task);

/** The client releases the older frame that it holds, 0, or the newer one. */
void release(int which);

/** The client takes and releases what is there, and keeps what it held. */
void take_all(void);

/** What a client does with frames that it holds from before. */
typedef enum Releases {
    RELEASES_LATE,          /**< the older one first, and images in between */
    RELEASES_OLDER_FIRST,   /**< both before it looks again */
    RELEASES_NEWER_FIRST,
    WAYS_TO_RELEASE
} Releases;

/**
 * The stream goes on: beside the frames that are held, which stay as they are,
 * and after their release through both buffers. No time passes for that.
 */
void assert_goes_on(Releases releases);

/** One of the things that this is all about. */
typedef enum Event {
    IS_KILLED,
    IS_KILLED_AND_MISSED,   /**< the other one goes on before it is back */
    IS_STOPPED,             /**< likewise */
    IS_STOPPED_WHILE_THE_OTHER_RESTARTS,
    BOTH_ARE_KILLED,        /**< the other one is back first */
    EVENTS
} Event;

/**
 * Let that happen to an end.
 *
 * @param unfinished NULL, or what became of the task that it is in
 */
void let_happen(Event event, ShmiRole role, const Answer *unfinished);

#endif /* SHMIMAGE_TESTS_RESTARTS_H */
