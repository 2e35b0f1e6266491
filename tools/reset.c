/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "command.h"
#include "options.h"
#include "shmimage.h"

static const char help[] =
    "Put both buffers of FILE into the state in which a server's start\n"
    "leaves them. This gets a stream going again whose server or client died\n"
    "while it had a buffer locked. Images that nobody has read are lost.\n"
    "\n"
    "  --force        do it even if a server is there, and to a file that is\n"
    "                 not a stream, whose content this damages\n"
    "  -h, --help     show this\n"
    "  -V, --version  show the version\n"
    "\n"
    "Example:\n"
    "  shmimage reset /dev/shm/live.shm\n";

enum {
    OPTION_FORCE = 1,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "force", no_argument, NULL, OPTION_FORCE },
    { 0 },
};

static int run(int argc, char **argv)
{
    unsigned flags = 0;
    const char *path;
    int option, ret;

    while ((option = options_next(&reset_command, argc, argv, options, 0)) > 0)
        flags |= SHMIMAGE_TAKE_OVER | SHMIMAGE_FORCE;
    if (option != OPTIONS_END)
        return options_exit(option);
    path = options_file(&reset_command, argc, argv);
    if (!path)
        return COMMAND_USAGE;
    ret = shmimage_file_reset(path, flags);
    if (ret == SHMIMAGE_ERROR_BUSY)
        return command_failed(&reset_command, "%s: a server is using the "
                              "file; stop it first, or reset all the same "
                              "with --force", path);
    if (ret < 0)
        return command_failed(&reset_command, "%s", shmimage_error_message());
    return COMMAND_OK;
}

const Command reset_command = {
    .name     = "reset",
    .synopsis = "[--force] FILE",
    .summary  = "free the buffers that a dead program left locked",
    .help     = help,
    .run      = run,
};
