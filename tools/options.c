/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum {
    MAX_RATE      = 1000000,
    MAX_INTERVAL  = 24 * 60 * 60,
    MAX_DECIMALS  = 6,
};

/* What getopt_long() is going to take: it steps over words that are no options,
 * unless the first one ends them. */
static const char *next_option(int argc, char **argv, int first)
{
    int i = optind;

    while (!first && i < argc && (argv[i][0] != '-' || !argv[i][1]))
        i++;
    return i < argc && argv[i][0] == '-' ? argv[i] : "";
}

/* It may be an option of ffmpeg, or a file. */
static int report_short(const Command *command, const char *name)
{
    if (strchr(name, '.'))
        return command_misused(command, "unknown option '%s'; if it is a file, "
                               "write ./%s", name, name);
    if (command->others)
        return command_misused(command, "unknown option '%s'; options of %s "
                               "follow after --", name, command->others);
    return command_misused(command, "unknown option '%s'", name);
}

static int report(const Command *command, const char *name)
{
    const char *value = strchr(name, '=');

    if (strncmp(name, "--", 2))
        return report_short(command, name);
    if (value && optopt)
        return command_misused(command, "option '%.*s' takes no value",
                               (int)(value - name), name);
    return command_misused(command, "unknown or ambiguous option '%s'", name);
}

static void print_help(const Command *command)
{
    printf("Usage: shmimage %s %s\n\n%s", command->name, command->synopsis,
           command->help);
}

int options_next(const Command *command, int argc, char **argv,
                 const struct option *table, int first)
{
    const char *name = next_option(argc, argv, first);
    int option;

    /* -hide_banner does not mean -h. */
    if (strncmp(name, "--", 2) && strlen(name) > 2) {
        report_short(command, name);
        return OPTIONS_ERROR;
    }
    opterr = 0;
    option = getopt_long(argc, argv, first ? "+:hV" : ":hV", table, NULL);
    switch (option) {
    case 'h':
        print_help(command);
        return OPTIONS_DONE;
    case 'V':
        command_version();
        return OPTIONS_DONE;
    case ':':
        command_misused(command, "option '%s' needs a value", name);
        return OPTIONS_ERROR;
    case '?':
        report(command, name);
        return OPTIONS_ERROR;
    default:
        return option;
    }
}

char **options_cut(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++)
        if (!strcmp(argv[i], "--")) {
            argv[i] = NULL;
            *argc = i;
            return argv + i + 1;
        }
    return NULL;
}

int options_exit(int option)
{
    return option == OPTIONS_DONE ? COMMAND_OK : COMMAND_USAGE;
}

const char *options_file(const Command *command, int argc, char **argv)
{
    if (optind >= argc || !*argv[optind]) {
        command_misused(command, "the name of the FILE is missing");
        return NULL;
    }
    if (optind + 1 < argc) {
        command_misused(command, "one FILE is enough; what is '%s'?",
                        argv[optind + 1]);
        return NULL;
    }
    return argv[optind];
}

/* Digits only: strtoull() would take signs and spaces as well. */
static int read_number(const char *text, uint64_t max, uint64_t *number,
                       const char **end)
{
    char *stop;

    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    *number = strtoull(text, &stop, 10);
    *end = stop;
    return errno || *number > max ? -1 : 0;
}

int options_number(const char *text, uint64_t max, uint64_t *number)
{
    const char *end;

    return read_number(text, max, number, &end) < 0 || *end ? -1 : 0;
}

int options_bytes(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    const char *end, *unit;
    int shift = 0;

    if (read_number(text, INT64_MAX, bytes, &end) < 0 || !*bytes)
        return -1;
    if (*end) {
        unit = strchr(units, *end);
        if (!unit || end[1])
            return -1;
        shift = 10 * (int)(unit - units + 1);
    }
    if (*bytes > (uint64_t)INT64_MAX >> shift)
        return -1;
    *bytes <<= shift;
    return 0;
}

static int read_size(const char *text, Size *size, const char **end)
{
    uint64_t width, height;

    if (read_number(text, UINT32_MAX, &width, end) < 0 || **end != 'x' ||
        read_number(*end + 1, UINT32_MAX, &height, end) < 0 || !width ||
        !height)
        return -1;
    *size = (Size){ (uint32_t)width, (uint32_t)height };
    return 0;
}

int options_size(const char *text, Size *size)
{
    const char *end;

    return read_size(text, size, &end) < 0 || *end ? -1 : 0;
}

int options_sizes(const char *text, Size *sizes, int *count)
{
    const int room = *count;

    for (*count = 0; *count < room; text++) {
        if (read_size(text, &sizes[(*count)++], &text) < 0)
            return -1;
        if (!*text)
            return 0;
        if (*text != ',')
            return -1;
    }
    return -1;
}

static int read_decimals(const char *text, uint64_t *num, uint64_t *den)
{
    const char *start = text;

    for (; *text >= '0' && *text <= '9'; text++) {
        if (text - start >= MAX_DECIMALS)
            return -1;
        *num = *num * 10 + (uint64_t)(*text - '0');
        *den *= 10;
    }
    return *text || text == start ? -1 : 0;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

int options_rate(const char *text, Rate *rate)
{
    uint64_t num, divisor;
    uint64_t den = 1;
    const char *end;

    if (read_number(text, UINT32_MAX, &num, &end) < 0)
        return -1;
    if (*end == '.' && read_decimals(end + 1, &num, &den) < 0)
        return -1;
    if (*end == '/' && (options_number(end + 1, UINT32_MAX, &den) < 0 || !den))
        return -1;
    if (*end && *end != '.' && *end != '/')
        return -1;
    divisor = common_divisor(num, den);
    num /= divisor;
    den /= divisor;
    if (num > UINT32_MAX || num / den > MAX_RATE ||
        (num && den / num > MAX_INTERVAL))
        return -1;
    *rate = (Rate){ (uint32_t)num, (uint32_t)den };
    return 0;
}

int options_seconds(const char *text, int64_t *nanoseconds)
{
    uint64_t num;
    uint64_t den = 1;
    const char *end;

    if (read_number(text, MAX_INTERVAL, &num, &end) < 0)
        return -1;
    if (*end && (*end != '.' || read_decimals(end + 1, &num, &den) < 0))
        return -1;
    *nanoseconds = (int64_t)(num * (UINT64_C(1000000000) / den));
    return 0;
}

int options_user(const char *text, int64_t *number)
{
    uint64_t value;

    if (options_number(text, UINT32_MAX, &value) < 0)
        return -1;
    *number = (int64_t)value;
    return 0;
}

int options_end(const char *text, int *wait)
{
    *wait = !strcmp(text, "wait");
    return *wait || !strcmp(text, "eof") ? 0 : -1;
}
