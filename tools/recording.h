/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The life of a recording: ffmpeg, which is told when to end and watched until
 * then, and what becomes of its file.
 */
#ifndef SHMIMAGE_TOOLS_RECORDING_H
#define SHMIMAGE_TOOLS_RECORDING_H

#include "film.h"
#include "moviefile.h"

/**
 * Record until the end, a signal or an error.
 *
 * @param files that were claimed
 * @param quiet not 0 for no status lines and no summary
 * @return an exit code: COMMAND_OK if the film is there and complete
 */
int recording_run(const Film *film, const Ffmpeg *ffmpeg, MovieFile *files,
                  int quiet);

/** Say that MOVIE.part is a recording, and how to make a film of it. */
void recording_advise(const Film *film, const MovieFile *files);

#endif /* SHMIMAGE_TOOLS_RECORDING_H */
