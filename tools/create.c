/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>

#include "command.h"
#include "extent.h"
#include "options.h"
#include "progress.h"
#include "shmimage.h"

static const char help[] =
    "Create a file for a stream of images. It is all zeros, only its owner\n"
    "may use it (mode 0600), and all its space is reserved at once. Put it in\n"
    "/dev/shm if the system has that: there it stays in memory.\n"
    "\n"
    "  --size WIDTHxHEIGHT  of the largest image that is going to be sent\n"
    "  --bytes N            or the file's size itself; K, M and G stand for\n"
    "                       1024, 1024^2 and 1024^3; at least 20000000\n"
    "  --force              replace FILE if it is there; who has it open\n"
    "                       keeps the old one, and has to open the new one\n"
    "  --take-over          with --force, do it even if a server or client is\n"
    "                       using FILE: a client switches to the new file\n"
    "  -h, --help           show this\n"
    "  -V, --version        show the version\n"
    "\n"
    "Example:\n"
    "  shmimage create --size 3840x2160 /dev/shm/live.shm\n";

enum {
    OPTION_SIZE = 1,
    OPTION_BYTES,
    OPTION_FORCE,
    OPTION_TAKE_OVER,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "size", required_argument, NULL, OPTION_SIZE },
    { "bytes", required_argument, NULL, OPTION_BYTES },
    { "force", no_argument, NULL, OPTION_FORCE },
    { "take-over", no_argument, NULL, OPTION_TAKE_OVER },
    { 0 },
};

static int create(const char *path, uint64_t bytes, unsigned flags)
{
    ShmImageFileInfo info;
    char extent[EXTENT_SIZE];
    Progress progress;
    int ret;

    progress_start(&progress, path, "reserving its space", bytes, 0);
    ret = shmimage_file_create(path, bytes, flags);
    progress_stop(&progress);
    if (ret < 0)
        return command_failed(&create_command, "%s", shmimage_error_message());
    /* It is there, whether or not it can be looked at. */
    if (shmimage_file_info(path, &info, sizeof(info)) < 0) {
        printf("%s: created\n", path);
        return COMMAND_OK;
    }
    extent_describe(extent, info.payload);
    printf("%s: created, %llu bytes; images up to %s\n", path,
           (unsigned long long)info.size, extent);
    return COMMAND_OK;
}

static int run(int argc, char **argv)
{
    const Command *self = &create_command;
    unsigned flags = 0;
    uint64_t bytes = 0;
    Size size = { 0 };
    const char *path;
    int option;

    while ((option = options_next(self, argc, argv, options, 0)) > 0) {
        if (option == OPTION_FORCE)
            flags |= SHMIMAGE_REPLACE;
        else if (option == OPTION_TAKE_OVER)
            flags |= SHMIMAGE_TAKE_OVER;
        else if (option == OPTION_SIZE && options_size(optarg, &size) < 0)
            return command_misused(self, "'%s' is no size; write it like "
                                   "1920x1080", optarg);
        else if (option == OPTION_BYTES && options_bytes(optarg, &bytes) < 0)
            return command_misused(self, "'%s' is no number of bytes; write "
                                   "it like 50000000 or 48M", optarg);
    }
    if (option != OPTIONS_END)
        return options_exit(option);
    path = options_file(self, argc, argv);
    if (!path)
        return COMMAND_USAGE;
    if (size.width && bytes)
        return command_misused(self, "give only one of --size and --bytes");
    if (flags == SHMIMAGE_TAKE_OVER)
        return command_misused(self, "--take-over goes with --force");
    if (!size.width && !bytes)
        return command_misused(self, "say how large with --size or --bytes");
    if (size.width)
        bytes = shmimage_file_size(size.width, size.height);
    if (!bytes)
        return command_failed(self, "%ux%u is more than a stream can carry; "
                              "use a smaller size", size.width, size.height);
    return create(path, bytes, flags);
}

const Command create_command = {
    .name     = "create",
    .synopsis = "(--size WIDTHxHEIGHT | --bytes N) [OPTION]... FILE",
    .summary  = "make a file for a stream",
    .help     = help,
    .run      = run,
};
