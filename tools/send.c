/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "shmimage.h"
#include "stream.h"
#include "testcard.h"

static const char help[] =
    "Be the server of FILE: send a moving test card, or raw images, until\n"
    "interrupted. Images that the client leaves no room for are dropped, and\n"
    "their numbers are missing then.\n"
    "\n"
    "  --size WIDTHxHEIGHT  of the images; 1280x720 if not given. Several\n"
    "                       sizes with commas between them take turns\n"
    "  --size-every N       images of one size before the next has its turn;\n"
    "                       60 if not given\n"
    "  --input PATH         send raw images, rgb24 and top row first, from a\n"
    "                       file or pipe, or from standard input if PATH is\n"
    "                       -; needs --size; ends where the input ends\n"
    "  --rate R             images a second, such as 25, 59.94 or\n"
    "                       30000/1001; 60 if not given; 0 means as fast as\n"
    "                       the client takes test cards, or as the input\n"
    "                       comes\n"
    "  --frames N           end after N images, also counting dropped ones\n"
    "  --start N            number of the first image; 0 if not given\n"
    "  --wait               drop nothing: wait for a client, and for room\n"
    "  --flip               send everything upside down\n"
    "  --create             make FILE first if it does not exist\n"
    "  --owner NUMBER       the number of another user whose FILE is trusted;\n"
    "                       id -u USER prints it\n"
    "  --take-over          do it although another server is there\n"
    "  --quiet              no status lines and no summary\n"
    "  -h, --help           show this\n"
    "  -V, --version        show the version\n"
    "\n"
    "The status on standard error, once a second and at the end, says how\n"
    "many images were sent, were dropped as there was no room or no time for\n"
    "them, and came while there was no client. After SIGINT and SIGTERM there\n"
    "is a summary too, and the exit code is 0.\n"
    "\n"
    "Examples:\n"
    "  shmimage send --create --size 1920x1080 /dev/shm/live.shm\n"
    "  ffmpeg -i film.mp4 -f rawvideo -pix_fmt rgb24 -s 640x360 -r 25 - |\n"
    "      shmimage send --create --input - --size 640x360 --rate 25 \\\n"
    "      --wait /dev/shm/live.shm\n";

enum {
    OPTION_SIZE = 1,
    OPTION_SIZE_EVERY,
    OPTION_INPUT,
    OPTION_RATE,
    OPTION_FRAMES,
    OPTION_START,
    OPTION_WAIT,
    OPTION_FLIP,
    OPTION_CREATE,
    OPTION_OWNER,
    OPTION_TAKE_OVER,
    OPTION_QUIET,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "size", required_argument, NULL, OPTION_SIZE },
    { "size-every", required_argument, NULL, OPTION_SIZE_EVERY },
    { "input", required_argument, NULL, OPTION_INPUT },
    { "rate", required_argument, NULL, OPTION_RATE },
    { "frames", required_argument, NULL, OPTION_FRAMES },
    { "start", required_argument, NULL, OPTION_START },
    { "wait", no_argument, NULL, OPTION_WAIT },
    { "flip", no_argument, NULL, OPTION_FLIP },
    { "create", no_argument, NULL, OPTION_CREATE },
    { "owner", required_argument, NULL, OPTION_OWNER },
    { "take-over", no_argument, NULL, OPTION_TAKE_OVER },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { 0 },
};

static int bad_value(const char *name, const char *value, const char *like)
{
    return command_misused(&send_command, "--%s: invalid value '%s'; write "
                           "it like %s", name, value, like);
}

static int read_number(StreamOptions *o, int option, const char *value)
{
    uint64_t number;

    switch (option) {
    case OPTION_SIZE_EVERY:
        if (options_number(value, UINT64_MAX, &o->size_every) < 0 ||
            !o->size_every)
            return bad_value("size-every", value, "60");
        break;
    case OPTION_FRAMES:
        if (options_number(value, UINT64_MAX, &o->frames) < 0 || !o->frames)
            return bad_value("frames", value, "300");
        break;
    case OPTION_START:
        if (options_number(value, UINT32_MAX, &number) < 0)
            return bad_value("start", value, "0 or any number up to "
                             "4294967295");
        o->start = (uint32_t)number;
        break;
    case OPTION_OWNER:
        if (options_user(value, &o->owner) < 0)
            return bad_value("owner", value, "1000, as id -u USER prints it");
        break;
    }
    return COMMAND_OK;
}

static int read_value(StreamOptions *o, int option, const char *value)
{
    switch (option) {
    case OPTION_SIZE:
        o->sizes = STREAM_SIZES;
        if (options_sizes(value, o->size, &o->sizes) < 0)
            return bad_value("size", value, "1920x1080, or 640x480,320x240 "
                             "(up to 16 sizes)");
        break;
    case OPTION_INPUT:
        o->input = value;
        break;
    case OPTION_RATE:
        if (options_rate(value, &o->rate) < 0)
            return bad_value("rate", value, "60, 59.94, 30000/1001 or 0");
        snprintf(o->label, sizeof(o->label), "%.16s fps", value);
        break;
    }
    return read_number(o, option, value);
}

static void set_switch(StreamOptions *o, int option)
{
    o->wait |= option == OPTION_WAIT;
    o->flip |= option == OPTION_FLIP;
    o->create |= option == OPTION_CREATE;
    o->take_over |= option == OPTION_TAKE_OVER;
    o->quiet |= option == OPTION_QUIET;
}

static int check_sizes(const StreamOptions *o)
{
    for (int i = 0; i < o->sizes; i++) {
        const Size size = o->size[i];

        if (!shmimage_file_size(size.width, size.height))
            return command_failed(&send_command, "%ux%u is more than a stream "
                                  "can carry; use a smaller size",
                                  size.width, size.height);
        if (!o->input && (size.width > TESTCARD_MAX ||
                          size.height > TESTCARD_MAX))
            return command_failed(&send_command, "the test card goes up to "
                                  "%ux%u; use a smaller size", TESTCARD_MAX,
                                  TESTCARD_MAX);
    }
    return COMMAND_OK;
}

/* What depends on several options. */
static int complete(StreamOptions *o)
{
    if (o->input && !o->sizes)
        return command_misused(&send_command, "--input needs --size: raw "
                               "images do not tell theirs");
    if (o->input && o->sizes > 1)
        return command_misused(&send_command, "--input takes one size only");
    if (o->input && !strcmp(o->input, "-") && isatty(STDIN_FILENO))
        return command_misused(&send_command, "standard input is a terminal; "
                               "send raw images into it");
    if (!o->sizes) {
        o->size[0] = (Size){ 1280, 720 };
        o->sizes = 1;
    }
    if (!o->rate.num)
        snprintf(o->label, sizeof(o->label), "free run");
    if (!o->rate.num && !o->input)
        o->wait = 1;
    return check_sizes(o);
}

static int run(int argc, char **argv)
{
    StreamOptions o = {
        .size_every = 60,
        .owner      = -1,
        .rate       = { 60, 1 },
        .label      = "60 fps",
    };
    int option, ret;

    while ((option = options_next(&send_command, argc, argv, options, 0)) > 0) {
        set_switch(&o, option);
        ret = read_value(&o, option, optarg);
        if (ret != COMMAND_OK)
            return ret;
    }
    if (option != OPTIONS_END)
        return options_exit(option);
    o.path = options_file(&send_command, argc, argv);
    if (!o.path)
        return COMMAND_USAGE;
    ret = complete(&o);
    return ret == COMMAND_OK ? stream_run(&o) : ret;
}

const Command send_command = {
    .name     = "send",
    .synopsis = "[OPTION]... FILE",
    .summary  = "send a moving test card, or raw images from elsewhere",
    .help     = help,
    .run      = run,
};
