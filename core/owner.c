/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"
#include "error.h"
#include "mapping.h"
#include "shmimage.h"

static bool is_trusted(const struct stat *st, int64_t owner)
{
    return st->st_uid == 0 || st->st_uid == geteuid() ||
           (int64_t)st->st_uid == owner;
}

static int stat_directory(const char *path, struct stat *st)
{
    char *directory = shmi_beside(path, ".");
    int ret;

    if (!directory)
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    ret = stat(directory, st);
    free(directory);
    return ret < 0 ? shmi_file_error(path, errno, "examine its directory")
                   : SHMIMAGE_OK;
}

/* Of a symlink, the link itself. The caller knows it by the name given. */
static int check_name(const char *given, const char *path, int64_t owner)
{
    struct stat directory, file;
    int ret = stat_directory(path, &directory);

    if (ret < 0 || !(directory.st_mode & S_ISVTX))
        return ret;
    if (lstat(path, &file) < 0)
        return shmi_file_error(path, errno, "examine it");
    if (is_trusted(&directory, owner) && is_trusted(&file, owner))
        return SHMIMAGE_OK;
    return shmi_error(SHMIMAGE_ERROR_PERMISSION,
                      "%s: %s to user %lu, who may have created it to see the "
                      "images; use a file of your own, or give the number of "
                      "that user as the owner", given,
                      is_trusted(&file, owner) ? "its directory belongs"
                                               : "belongs",
                      (unsigned long)(is_trusted(&file, owner)
                                          ? directory.st_uid : file.st_uid));
}

SHMI_EXPORT int shmimage_file_check_owner(const char *path, int64_t owner)
{
    char *real;
    int ret;

    if (!path)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    ret = check_name(path, path, owner);
    if (ret < 0)
        return ret;
    real = realpath(path, NULL);
    if (!real)
        return shmi_file_error(path, errno, "examine it");
    ret = check_name(path, real, owner);
    free(real);
    return ret;
}
