/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "shmimage.h"

static const Command *const commands[] = {
    &record_command, &view_command, &create_command, &info_command,
    &send_command, &reset_command, &exec_command,
};

static const char introduction[] =
    "Usage: shmimage COMMAND [OPTION]... [ARGUMENT]...\n"
    "\n"
    "Live images from one process to another through a shared file.\n"
    "\n"
    "Commands:\n";

static const char conclusion[] =
    "\n"
    "Options:\n"
    "  -h, --help     show this, or a command's own help after its name\n"
    "  -V, --version  show the version\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\n"
    "\n"
    "Example: make a file, send a test card through it, record it.\n"
    "  shmimage create --size 1920x1080 /dev/shm/live.shm\n"
    "  shmimage send --size 1920x1080 /dev/shm/live.shm &\n"
    "  shmimage record --duration 5 /dev/shm/live.shm film.mp4\n";

__attribute__((format(printf, 2, 0)))
static void complain(const Command *command, const char *format, va_list args)
{
    fprintf(stderr, "shmimage%s%s: ", command ? " " : "",
            command ? command->name : "");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int command_failed(const Command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(command, format, args);
    va_end(args);
    return COMMAND_FAILED;
}

int command_misused(const Command *command, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(command, format, args);
    va_end(args);
    fprintf(stderr, "Try 'shmimage %s%s--help'.\n",
            command ? command->name : "", command ? " " : "");
    return COMMAND_USAGE;
}

static int print_help(void)
{
    fputs(introduction, stdout);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        printf("  %-7s  %s\n", commands[i]->name, commands[i]->summary);
    fputs(conclusion, stdout);
    return COMMAND_OK;
}

int command_version(void)
{
    printf("shmimage %s\n", SHMIMAGE_VERSION);
    if (strcmp(shmimage_version(), SHMIMAGE_VERSION))
        printf("libshmimage %s\n", shmimage_version());
    return COMMAND_OK;
}

static int run(int argc, char **argv)
{
    if (argc < 2)
        return command_misused(NULL, "which command?");
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return print_help();
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return command_version();
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (!strcmp(argv[1], commands[i]->name))
            return commands[i]->run(argc - 1, argv + 1);
    return command_misused(NULL, "unknown %s '%s'",
                           *argv[1] == '-' ? "option" : "command", argv[1]);
}

int main(int argc, char **argv)
{
    int ret = run(argc, argv);

    /* What was printed may fail to arrive only now, on a full disk say. */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ret;
    fprintf(stderr, "shmimage: can't write to standard output: %s\n",
            errno ? strerror(errno) : "output error");
    return ret == COMMAND_OK ? COMMAND_FAILED : ret;
}
