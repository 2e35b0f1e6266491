/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What film.c chooses from, and film_command.c makes options of.
 */
#ifndef SHMIMAGE_TOOLS_FILM_KIND_H
#define SHMIMAGE_TOOLS_FILM_KIND_H

/* How the pixels, which are full range RGB, are converted, and what the file
 * says of them. ffmpeg by itself converts with BT.601 and writes no tags, while
 * each player guesses the colours of a film without tags by its own rules. */
typedef enum Colours {
    COLOURS_VIDEO, /* limited range BT.709 */
    COLOURS_JFIF,  /* full range BT.601, the only colours of JPEG files */
    COLOURS_RGB,
} Colours;

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
    Colours colours;
    Finish finish;
    const char *encoders[MAX_ENCODERS]; /* the best one first */
    int still;
};

#endif /* SHMIMAGE_TOOLS_FILM_KIND_H */
