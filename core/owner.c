/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi.h"
#include "error.h"
#include "mapping.h"
#include "shmimage.h"

/* Whether the directory that a name is in has the sticky bit. */
static int is_sticky(const char *path, bool *sticky)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1)
                            : strdup(".");
    struct stat st;
    int ret;

    if (!directory)
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    ret = stat(directory, &st);
    free(directory);
    if (ret < 0)
        return shmi_file_error(path, errno, "examine its directory");
    *sticky = st.st_mode & S_ISVTX;
    return SHMIMAGE_OK;
}

static bool is_trusted(const struct stat *st, int64_t owner)
{
    return st->st_uid == 0 || st->st_uid == geteuid() ||
           (int64_t)st->st_uid == owner;
}

SHMI_EXPORT int shmimage_file_check_owner(const char *path, int64_t owner)
{
    struct stat st;
    bool sticky = false;
    int ret;

    if (!path)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    ret = is_sticky(path, &sticky);
    if (ret < 0 || !sticky)
        return ret;
    /* Who owns a symlink decides where it leads. */
    if (lstat(path, &st) < 0 ||
        (is_trusted(&st, owner) && stat(path, &st) < 0))
        return shmi_file_error(path, errno, "examine it");
    if (is_trusted(&st, owner))
        return SHMIMAGE_OK;
    return shmi_error(SHMIMAGE_ERROR_PERMISSION,
                      "%s: belongs to user %lu, who may have created it to see "
                      "the images, as everybody may create files in its "
                      "directory; use a file of your own, or give the number "
                      "of that user as the owner", path,
                      (unsigned long)st.st_uid);
}
