/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The names of a film: MOVIE appears when it is complete. Until then it is
 * MOVIE.part, which is removed only if it is empty.
 */
#ifndef SHMIMAGE_TOOLS_MOVIEFILE_H
#define SHMIMAGE_TOOLS_MOVIEFILE_H

#include <stdint.h>

#include "command.h"

typedef struct MovieFile {
    const char *movie;
    int force;       /**< a MOVIE that is there may be replaced */
    int sequence;    /**< a file an image: written under their own names */
    int left;        /**< there is a MOVIE.part that is not ours */
    char *part;      /**< what is recorded */
    char *copy;      /**< the final form, while it is being made */
    char *palette;   /**< of a GIF */
} MovieFile;

/** Whether a name with a '%' is the pattern of a sequence: frame_%05d.png. */
int moviefile_is_sequence(const char *name);

/**
 * See that MOVIE can be made, and make MOVIE.part, which keeps others from
 * doing the same.
 *
 * @return an exit code, with what is wrong reported
 */
int moviefile_claim(MovieFile *m, const Command *command);

/** How large a file is, in bytes. */
uint64_t moviefile_size(const char *path);

/** How many bytes are free where a file is, as far as that can be told. */
uint64_t moviefile_room(const char *path);

/**
 * Give a complete file the name MOVIE.
 *
 * @param path m->part or m->copy; m->part is removed in either case
 * @return an exit code
 */
int moviefile_publish(MovieFile *m, const char *path, const Command *command);

/** Remove MOVIE.part, which is empty. */
void moviefile_discard(MovieFile *m);

/** Remove the intermediate files between MOVIE.part and MOVIE. */
void moviefile_clean(MovieFile *m);

void moviefile_free(MovieFile *m);

#endif /* SHMIMAGE_TOOLS_MOVIEFILE_H */
