/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"

#define MODULE "shmimage-preload.so"

/* The module of the build tree that this program runs from, if it does. */
static const char *find_built(char *path, size_t size)
{
    static const char *const places[] = {
        "/../.libs/" MODULE, "/../../.libs/" MODULE,
    };
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    char *name;

    if (length <= 0)
        return NULL;
    path[length] = '\0';
    name = strrchr(path, '/');
    for (size_t i = 0; name && i < sizeof(places) / sizeof(*places); i++) {
        const size_t room = size - (size_t)(name - path);

        if ((size_t)snprintf(name, room, "%s", places[i]) < room &&
            access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static int missing_module(const Command *command, const char *path,
                          const char *origin)
{
    const char *advice = "reinstall shmimage, or name the module with "
                         "SHMIMAGE_PRELOAD";

    if (!strcmp(path, SHMIMAGE_PRELOAD_PATH))
        advice = "was shmimage built --without-ffmpeg, or moved? Build it "
                 "with FFmpeg, or name the module with SHMIMAGE_PRELOAD";
    return command_failed(command, "%s: can't use this module%s: %s; %s", path,
                          origin, strerror(errno), advice);
}

/* The module's full path: the program may change its directory. */
static int find_module(const Command *command, const char *option,
                       char full[PATH_MAX])
{
    const char *path = option;
    const char *origin = "";
    char built[PATH_MAX];

    if (!path) {
        path = getenv("SHMIMAGE_PRELOAD");
        origin = path && *path ? " of SHMIMAGE_PRELOAD" : "";
    }
    if (!path || !*path)
        path = find_built(built, sizeof(built));
    if (!path)
        path = SHMIMAGE_PRELOAD_PATH;
    if (!realpath(path, full) || access(full, R_OK) < 0)
        return missing_module(command, path, origin);
    if (full[strcspn(full, " :")])
        return command_failed(command, "%s: a module can't be preloaded "
                              "from a path with a space or colon in it; move "
                              "or copy its directory, and name it with "
                              "SHMIMAGE_PRELOAD", full);
    return COMMAND_OK;
}

/* In front of what is to be preloaded anyway. */
static int preload(const char *module)
{
    const char *others = getenv("LD_PRELOAD");
    size_t size;
    char *list;
    int ret;

    if (!others || !*others)
        return setenv("LD_PRELOAD", module, 1);
    size = strlen(module) + strlen(others) + 2;
    list = malloc(size);
    if (!list)
        return -1;
    snprintf(list, size, "%s:%s", module, others);
    ret = setenv("LD_PRELOAD", list, 1);
    free(list);
    return ret;
}

int preload_module(const Command *command, const char *module)
{
    char full[PATH_MAX];
    int ret = find_module(command, module, full);

    if (ret == COMMAND_OK && preload(full) < 0)
        return command_failed(command, "out of memory");
    return ret;
}
