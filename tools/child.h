/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A program that another command runs beside itself.
 *
 * It runs in a process group of its own, so that what is typed on the terminal
 * reaches this program only, and reads nothing from it.
 */
#ifndef SHMIMAGE_TOOLS_CHILD_H
#define SHMIMAGE_TOOLS_CHILD_H

#include <stddef.h>
#include <sys/types.h>

enum {
    CHILD_LINE    = 4096,
    CHILD_INHERIT = 3,
};

/** Text that comes through a pipe or socket, line by line. */
typedef struct Feed {
    int fd;                /**< or -1 after its end */
    size_t used, next;
    char text[CHILD_LINE];
} Feed;

typedef struct Child {
    pid_t pid;
    int status;            /**< as of waitpid(), once it has ended */
} Child;

/** The descriptors that a child inherits; -1 is none. */
typedef struct ChildFiles {
    int out, err;
    int inherit[CHILD_INHERIT]; /**< under the same numbers */
} ChildFiles;

/** A pipe whose ends no child inherits by itself. Returns 0, or -1. */
int child_pipe(int *reader, int *writer);

/** Close a descriptor, if there is one, and forget it. */
void child_close(int *fd);

/**
 * Start a program.
 *
 * @param path  where it is
 * @param words its command line
 * @return 0, or an error number
 */
int child_start(Child *child, const char *path, char *const *words,
                const ChildFiles *files);

/** Wait for its end. */
void child_wait(Child *child);

/** Whether it ended with exit status 0. */
int child_is_content(const Child *child);

/** Say how it ended, such as "exit status 1" or "Killed". */
void child_describe_end(const Child *child, char *text, size_t size);

/** Begin to read lines; takes over the descriptor, and never blocks. */
void feed_open(Feed *feed, int fd);

/** Read what is there. Returns 0 at the end, when feed->fd is closed. */
int feed_fill(Feed *feed);

/** The next line of what was read, without its end, or NULL. It is valid
 *  until the next call. A line without an end counts at the end of all. */
char *feed_next(Feed *feed);

void feed_close(Feed *feed);

#endif /* SHMIMAGE_TOOLS_CHILD_H */
