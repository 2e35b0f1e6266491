/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "extent.h"
#include "pace.h"
#include "progress.h"
#include "shmimage.h"
#include "source.h"
#include "stop.h"

/* Whether a header can be that of a stream: new, or of an image that fits. */
static int is_plausible(const ShmImageBufferInfo *b, uint64_t payload)
{
    const uint32_t rows = b->num_scanlines ? b->num_scanlines : b->height;

    if (b->state > SHMIMAGE_STATE_INIT)
        return 0;
    if (!b->width && !b->height && !b->offset && !rows)
        return 1;
    return b->width && b->height && b->offset < b->height &&
           rows <= b->height && extent_bytes(b->width, rows) <= payload;
}

static int is_missing(int status)
{
    return status == SHMIMAGE_ERROR_NOT_FOUND ||
           status == SHMIMAGE_ERROR_FILE_SIZE; /* it is being created */
}

int source_wait(const Command *command, const char *path, int64_t timeout)
{
    const int64_t start = pace_now();
    int ret = shmimage_file_wait(path, 0);

    if (is_missing(ret))
        fprintf(stderr, "waiting for %s to be created\n", path);
    while (is_missing(ret) && !stop_requested &&
           !(timeout && pace_now() - start >= timeout))
        ret = shmimage_file_wait(path, PACE_SLICE / 1000);
    if (ret == SHMIMAGE_OK || stop_requested)
        return COMMAND_OK;
    if (ret == SHMIMAGE_ERROR_NOT_FOUND)
        return command_failed(command, "%s: it was not created within %g s; "
                              "check that the other side uses this name",
                              path, (double)timeout / (double)PACE_SECOND);
    return command_failed(command, "%s", shmimage_error_message());
}

int source_check_owner(const Command *command, const char *path, int64_t owner)
{
    if (shmimage_file_check_owner(path, owner) == SHMIMAGE_OK)
        return COMMAND_OK;
    return command_failed(command, "%s%s", shmimage_error_message(),
                          strstr(shmimage_error_message(), "as the owner")
                          ? ", with --owner NUMBER" : "");
}

/* Connecting to some other file would overwrite parts of it. */
static int check(const Command *command, const char *path, int64_t owner)
{
    ShmImageFileInfo info;
    const int ret = shmimage_file_info(path, &info, sizeof(info));

    if (ret < 0)
        return command_failed(command, "%s%s", shmimage_error_message(),
                              strstr(shmimage_error_message(), "no such file")
                              ? ", or give --create WIDTHxHEIGHT, or "
                                "--wait-file to wait for it" : "");
    if (source_check_owner(command, path, owner) != COMMAND_OK)
        return COMMAND_FAILED;
    if (info.client)
        return command_failed(command, "%s: another client is using it; stop "
                              "that one, or use a second stream",
                              path);
    if (!info.server && (!is_plausible(&info.buffer[0], info.payload) ||
                         !is_plausible(&info.buffer[1], info.payload)))
        return command_failed(command, "%s: not a stream; 'shmimage create' "
                              "makes a file for one", path);
    return COMMAND_OK;
}

static int create(const Command *command, const char *path, Size size,
                  int quiet)
{
    const uint64_t bytes = shmimage_file_size(size.width, size.height);
    Progress progress;
    int ret;

    if (!bytes)
        return command_failed(command, "%ux%u is more than a stream can "
                              "carry; use a smaller size", size.width,
                              size.height);
    progress_start(&progress, path, "reserving its space", bytes, quiet);
    ret = shmimage_file_create(path, bytes, 0);
    progress_stop(&progress);
    if (ret < 0 && ret != SHMIMAGE_ERROR_EXISTS)
        return command_failed(command, "%s", shmimage_error_message());
    return COMMAND_OK;
}

int source_prepare(const Command *command, const char *path, Size size,
                   int64_t owner, int quiet)
{
    const int ret = size.width ? create(command, path, size, quiet)
                               : COMMAND_OK;

    return ret == COMMAND_OK ? check(command, path, owner) : ret;
}
