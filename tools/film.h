/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What makes a film right: for each ending and encoder, the options of ffmpeg.
 * Nothing else knows them but film.c, which chooses, and film_command.c.
 */
#ifndef SHMIMAGE_TOOLS_FILM_H
#define SHMIMAGE_TOOLS_FILM_H

#include <stdint.h>

#include "ffmpeg.h"
#include "options.h"
#include "words.h"

typedef struct FilmOptions {
    const char *stream;      /**< the file that the images come through */
    const char *movie;
    const char *encoder;     /**< or NULL */
    const char *crf;         /**< or NULL */
    const char *preset;      /**< or NULL */
    const char *rate;        /**< or NULL for the time as it was seen */
    Rate rate_value;
    int lossless;
    uint64_t frames;         /**< most images, or 0 */
    int64_t duration;        /**< nanoseconds, or 0 */
    int64_t timeout;         /**< nanoseconds, or 0 */
    int wait;                /**< for the next server when one is gone */
    int wait_file;           /**< for the stream's file to be created */
    int64_t owner;           /**< another user whose file is trusted, or -1 */
    char **extra;            /**< ffmpeg's own, with NULL at their end */
} FilmOptions;

typedef struct FilmKind FilmKind;

/**
 * How the pixels, which are full range RGB, are converted, and what the file
 * says of them. ffmpeg by itself converts with BT.601 and writes no tags, while
 * each player guesses the colours of a film without tags by its own rules.
 */
typedef enum Colours {
    COLOURS_VIDEO, /**< limited range BT.709 */
    COLOURS_JFIF,  /**< full range BT.601, the only colours of JPEG files */
    COLOURS_RGB,
} Colours;

typedef struct FilmEncoder {
    const char *name;
    const char *pixels;      /**< its pixel format */
    Colours colours;
    const char *quality;     /**< option that --crf sets, or NULL */
    const char *crf;         /**< its value, if it is not given */
    const char *speed;       /**< option that --preset sets, or NULL */
    const char *preset;      /**< its value, if it is not given */
    const char *more;        /**< other options */
    const char *remark;      /**< on a film that had to be made with it */
} FilmEncoder;

typedef struct Film {
    const FilmOptions *options;
    const char *program;     /**< the ffmpeg that makes it */
    const FilmKind *kind;
    const FilmEncoder *encoder;
    FilmEncoder unknown;     /**< one that the table does not have */
    int sequence;            /**< a file for each image */
    int old_ffmpeg;          /**< before 7.0 */
} Film;

/** Numbers of descriptors that ffmpeg inherits. */
typedef struct FilmPipes {
    int control, progress, filter;
} FilmPipes;

/**
 * Choose what is made, from the ending of the movie.
 *
 * @param ffmpeg that is going to make it, or NULL if that has no say
 * @return an exit code, with what is wrong reported
 */
int film_choose(Film *film, const FilmOptions *options, Ffmpeg *ffmpeg,
                const Command *command);

/** Whether a name has the ending of a film. */
int film_is_name(const char *name);

/** One image, whose file is no film. */
int film_is_still(const Film *film);

/**
 * Whether the filter has to be written into its pipe, once the size of the
 * first image is known.
 */
int film_wants_size(const Film *film);

/** That filter. */
void film_print_filter(const Film *film, uint32_t width, uint32_t height,
                       char *text, size_t size);

/** The command line of ffmpeg that records into a file. */
void film_record(const Film *film, const FilmPipes *pipes, const char *part,
                 Words *words);

/**
 * The command line that makes the final form of what was recorded.
 *
 * @param step     from 0
 * @param progress a descriptor, or -1
 */
void film_finish(const Film *film, int step, int progress, const char *part,
                 const char *palette, const char *final, Words *words);

/** How many steps that takes. */
int film_steps(const Film *film);

/** Whether it is needed even if the recording ended orderly. */
int film_needs_finish(const Film *film);

/** How many images are enough for it, or 0 for no limit. */
uint64_t film_most_images(const Film *film);

/** A faster preset, or NULL. */
const char *film_faster(const Film *film);

/** Print the nearest line that a user can type, and what it lacks. */
void film_print(const Film *film);

#endif /* SHMIMAGE_TOOLS_FILM_H */
