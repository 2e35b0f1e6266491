/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What many looks at a file tell of its stream.
 *
 * Nobody tells an onlooker anything: all figures are made from what the looks
 * found, and what happens between two looks is not seen. Two kinds of figures
 * stay true nevertheless. Images are counted by their numbers, of which each
 * buffer keeps the last. And how long an image is in a state, on average, is
 * the time that buffers were found in this state, divided by the images
 * (Little's law): it needs no look at the right moment, only enough of them,
 * at times that have nothing to do with the stream's.
 */
#ifndef SHMIMAGE_TOOLS_TALLY_H
#define SHMIMAGE_TOOLS_TALLY_H

#include <stdint.h>

#include "shmimage.h"

enum {
    TALLY_BUFFERS = 2,
    /** Those of shmimage.h, and all that are none. */
    TALLY_STATES = SHMIMAGE_STATE_INIT + 2,
};

/** Who takes part. */
typedef enum TallyRole {
    TALLY_SERVER,
    TALLY_CLIENT,
    TALLY_ROLES,
} TallyRole;

/** What the file was like. */
typedef enum LookFile {
    LOOK_OK,
    LOOK_MISSING,    /**< there is none */
    LOOK_SHORT,      /**< it is too small for a stream */
    LOOK_UNREADABLE, /**< anything else */
} LookFile;

/** What happened to the file; bits. */
enum {
    TALLY_REMOVED    = 1 << 0,
    TALLY_SHORTENED  = 1 << 1, /**< below what a stream needs */
    TALLY_UNREADABLE = 1 << 2,
    TALLY_BACK       = 1 << 3, /**< after one of these three */
    TALLY_REPLACED   = 1 << 4, /**< by another file */
    TALLY_RESIZED    = 1 << 5,
    TALLY_STARTED    = 1 << 6, /**< a server has, or shmimage reset did it */
    TALLY_EVENTS     = 7,
};

typedef struct Look {
    int64_t time;          /**< nanoseconds, see pace_now() */
    LookFile file;
    uint64_t device, inode;
    ShmImageFileInfo info; /**< if the file is LOOK_OK */
} Look;

/** The figures of a stretch of time. */
typedef struct Tally {
    int64_t time;     /**< how long, nanoseconds */
    uint64_t looks;
    uint64_t images;  /**< that were seen, be it after they were read */
    uint64_t missed;  /**< numbers that were not seen */
    uint64_t unsure;  /**< of these, what may have passed between two looks */
    int64_t spent[TALLY_BUFFERS][TALLY_STATES]; /**< nanoseconds */
    int64_t longest;  /**< wait between two looks, nanoseconds */
    int worked[TALLY_ROLES];
    unsigned events;
} Tally;

/** The last image that a buffer is known to have held. */
typedef struct TallyImage {
    int known;
    uint32_t number;
} TallyImage;

typedef struct Watched {
    Tally period;   /**< the one that goes on */
    Tally previous; /**< the one before, which is whole */
    Tally total;
    Look last;      /**< the look before this one; time is 0 for none */
    TallyImage image[TALLY_BUFFERS];
    int64_t since[TALLY_BUFFERS]; /**< when each was first found as it is */
    int numbered;   /**< newest is known, and the size with it */
    uint32_t newest;
    uint32_t width, height;
    uint64_t device, inode; /**< of the last file that was good */
    uint64_t size;
} Watched;

void tally_look(Watched *w, const Look *look);
void tally_next_period(Watched *w);

/** Images a second that were seen. */
double tally_rate(const Tally *tally);

/** Milliseconds an image in a state on average; negative if not known. */
double tally_mean(const Tally *tally, int state);

/** Milliseconds that one image waited at the least. */
double tally_longest_wait(const Tally *tally);

/** The short name of an event, and a sentence about it. */
const char *tally_event_name(unsigned event);
const char *tally_event_text(unsigned event);

/** "shmimage", "other" or "none"; see the help of shmimage info. */
const char *tally_peer(const Watched *w, TallyRole role);

/** "ok", "missing", "short" or "unreadable". */
const char *tally_file_name(LookFile file);

#endif /* SHMIMAGE_TOOLS_TALLY_H */
