/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "preload.h"
#include "program.h"

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
    "Examples (films are made better by `shmimage record`):\n"
    "  shmimage exec ffmpeg -f shmimage -i /dev/shm/live.shm out.mp4\n"
    "  shmimage exec ffmpeg -sources shmimage\n";

enum {
    OPTION_MODULE = 1,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "module", required_argument, NULL, OPTION_MODULE },
    { 0 },
};

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
    const char *module = NULL;
    int option, ret;

    while ((option = options_next(&exec_command, argc, argv, options, 1)) > 0)
        module = optarg;
    if (option != OPTIONS_END)
        return options_exit(option);
    if (optind >= argc)
        return command_misused(&exec_command, "which COMMAND?");
    ret = preload_module(&exec_command, module);
    return ret == COMMAND_OK ? start(argv + optind) : ret;
}

const Command exec_command = {
    .name     = "exec",
    .synopsis = "[--module PATH] COMMAND [ARGUMENT]...",
    .summary  = "run ffmpeg or the like with the device shmimage",
    .help     = help,
    .run      = run,
};
