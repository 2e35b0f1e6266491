/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "program.h"

#define MODULE "shmimage-preload.so"

static const char help[] =
    "Run COMMAND so that the FFmpeg libraries it uses know the device\n"
    "shmimage: ffmpeg, ffplay, mpv, or any other program that uses them.\n"
    "COMMAND itself is not changed; a module is preloaded into it.\n"
    "\n"
    "  --module PATH  the module; if not given, it is the one that the\n"
    "                 environment variable SHMIMAGE_PRELOAD names, or the one\n"
    "                 that was built or installed together with this program\n"
    "  -h, --help     show this\n"
    "  -V, --version  show the version\n"
    "\n"
    "COMMAND has to be linked dynamically with FFmpeg's libraries, and must\n"
    "not be set-uid. The exit code is COMMAND's, or 1 if it can't be run.\n"
    "\n"
    "Examples:\n"
    "  shmimage exec ffmpeg -f shmimage -i /dev/shm/live.shm -t 5 \\\n"
    "      -c:v libx264 -preset veryfast -pix_fmt yuv420p live.mp4\n"
    "  shmimage exec ffplay -f shmimage -i /dev/shm/live.shm\n";

enum {
    OPTION_MODULE = 1,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "module", required_argument, NULL, OPTION_MODULE },
    { 0 },
};

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

static int missing_module(const char *path, const char *origin)
{
    const char *advice = "reinstall shmimage, or name the module with "
                         "--module";

    if (!strcmp(path, SHMIMAGE_PRELOAD_PATH))
        advice = "was shmimage built --without-ffmpeg, or moved? Build it "
                 "with FFmpeg, or name the module with --module";
    return command_failed(&exec_command, "%s: can't use this module%s: %s; %s",
                          path, origin, strerror(errno), advice);
}

/* The module's full path: COMMAND may change its folder. */
static int find_module(const char *option, char full[PATH_MAX])
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
        return missing_module(path, origin);
    if (full[strcspn(full, " :")])
        return command_failed(&exec_command, "%s: a module can't be preloaded "
                              "from a path with a space or colon in it; move "
                              "or copy it, and name it with --module", full);
    return COMMAND_OK;
}

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

static int start(char **command)
{
    char *path = program_find(command[0]);
    const char *reason;

    if (!path)
        return command_failed(&exec_command, "%s: %s", command[0],
                              errno == ENOENT ? "there is no such command"
                                              : strerror(errno));
    reason = program_ignores_preload(path);
    if (reason)
        fprintf(stderr, "shmimage exec: warning: %s will not know the device "
                "shmimage: %s\n", path, reason);
    free(path);
    execvp(command[0], command);
    return command_failed(&exec_command, "%s: can't run it: %s", command[0],
                          strerror(errno));
}

static int run(int argc, char **argv)
{
    const char *option_module = NULL;
    char module[PATH_MAX];
    int option, ret;

    while ((option = options_next(&exec_command, argc, argv, options, 1)) > 0)
        option_module = optarg;
    if (option != OPTIONS_END)
        return options_exit(option);
    if (optind >= argc)
        return command_misused(&exec_command, "which COMMAND?");
    ret = find_module(option_module, module);
    if (ret != COMMAND_OK)
        return ret;
    if (preload(module) < 0)
        return command_failed(&exec_command, "out of memory");
    return start(argv + optind);
}

const Command exec_command = {
    .name     = "exec",
    .synopsis = "[--module PATH] COMMAND [ARGUMENT]...",
    .summary  = "run ffmpeg or the like with the device shmimage",
    .help     = help,
    .run      = run,
};
