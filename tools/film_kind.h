/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What film.c chooses from, and film_command.c makes options of.
 */
#ifndef SHMIMAGE_TOOLS_FILM_KIND_H
#define SHMIMAGE_TOOLS_FILM_KIND_H

/* What is made of what was recorded. */
typedef enum Finish {
    FINISH_NONE,  /* it is final, if it ended orderly */
    FINISH_INDEX, /* a copy with the index in front */
    FINISH_GIF,   /* a palette, then an encoding with it */
} Finish;

enum {
    MAX_ENCODERS = 3,
};

struct FilmKind {
    const char *ending;
    const char *muxer;    /* of the recording */
    const char *options;  /* of that */
    Finish finish;
    const char *encoders[MAX_ENCODERS]; /* the best one first */
    int still;
};

#endif /* SHMIMAGE_TOOLS_FILM_KIND_H */
