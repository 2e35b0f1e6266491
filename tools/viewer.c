/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "ffmpeg.h"
#include "options.h"
#include "program.h"
#include "source.h"
#include "stop.h"
#include "words.h"

static const char help[] =
    "Show the stream in FILE in a window, each image as soon as it comes,\n"
    "with ffplay or mpv, whichever is installed. Closing the window, q in it,\n"
    "and Ctrl-C end it, and so does the end of the server.\n"
    "\n"
    "  --create WIDTHxHEIGHT  make FILE first if it does not exist, for\n"
    "                         images up to that size\n"
    "  --wait-file            wait for FILE to be created\n"
    "  --owner NUMBER         the number of another user whose FILE is\n"
    "                         trusted; id -u USER prints it\n"
    "  --on-disconnect WHAT   when the server ends: eof, which ends it and is\n"
    "                         what happens if not given, or wait, for the\n"
    "                         next server\n"
    "  --player PROGRAM       an ffplay or mpv to use\n"
    "  -h, --help             show this\n"
    "  -V, --version          show the version\n"
    "\n"
    "Options for the player may follow after --. FFPLAY in the environment\n"
    "names another ffplay.\n"
    "\n"
    "Example:\n"
    "  shmimage view --on-disconnect wait /dev/shm/live.shm\n";

enum {
    OPTION_CREATE = 1,
    OPTION_WAIT_FILE,
    OPTION_OWNER,
    OPTION_ON_DISCONNECT,
    OPTION_PLAYER,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "create", required_argument, NULL, OPTION_CREATE },
    { "wait-file", no_argument, NULL, OPTION_WAIT_FILE },
    { "owner", required_argument, NULL, OPTION_OWNER },
    { "on-disconnect", required_argument, NULL, OPTION_ON_DISCONNECT },
    { "player", required_argument, NULL, OPTION_PLAYER },
    { 0 },
};

typedef struct ViewOptions {
    const char *stream;
    const char *player; /* or NULL */
    Size create;        /* 0x0 for no */
    int wait_file;
    int64_t owner;      /* another user whose file is trusted, or -1 */
    int wait;
    char **extra;       /* the player's own, with NULL at their end */
} ViewOptions;

static int is_mpv(const char *player)
{
    const char *name = strrchr(player, '/');

    return !strncmp(name ? name + 1 : player, "mpv", 3);
}

/* The first one that is there, ffplay if there is none. */
static const char *choose_player(void)
{
    static const char *const players[] = { "ffplay", "mpv" };
    const char *named = getenv("FFPLAY");

    if (named && *named)
        return named;
    for (int i = 0; i < 2; i++) {
        char *path = program_find(players[i]);

        free(path);
        if (path)
            return players[i];
    }
    return players[0];
}

static void add_ffplay(const ViewOptions *o, Words *words)
{
    words_split(words, "-hide_banner -nostats -loglevel warning -autoexit "
                "-fflags nobuffer -flags low_delay -f shmimage "
                "-timestamps wallclock -latest 1");
    if (o->wait)
        words_split(words, "-on_disconnect wait");
    if (o->owner >= 0) {
        words_split(words, "-owner");
        words_add(words, "%lld", (long long)o->owner);
    }
    words_split(words, "-window_title");
    words_add(words, "%s", o->stream);
    words_append(words, o->extra);
    words_split(words, "-i");
    words_add(words, "%s", o->stream);
}

static void add_mpv(const ViewOptions *o, Words *words)
{
    words_split(words, "--really-quiet --profile=low-latency --untimed "
                "--demuxer-lavf-o-add=latest=1");
    if (o->wait)
        words_split(words, "--demuxer-lavf-o-add=on_disconnect=wait");
    if (o->owner >= 0)
        words_add(words, "--demuxer-lavf-o-add=owner=%lld",
                  (long long)o->owner);
    words_add(words, "--title=%s", o->stream);
    words_append(words, o->extra);
    words_add(words, "av://shmimage:%s", o->stream);
}

static int start(const ViewOptions *o, const char *path)
{
    Words words = { 0 };

    words_add(&words, "%s", path);
    if (is_mpv(path))
        add_mpv(o, &words);
    else
        add_ffplay(o, &words);
    if (words.failed)
        errno = ENOMEM;
    else
        execvp(words.word[0], words.word);
    command_failed(&view_command, "%s: can't run it: %s", path,
                   strerror(errno));
    words_free(&words);
    return COMMAND_FAILED;
}

/* Players look for a display when there is an image, which may be never.
 * Options for them may choose an output that needs none. */
static int may_have_window(const ViewOptions *o)
{
    static const char *const names[] = {
        "DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER",
    };

    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return 1;
    }
    return o->extra && *o->extra;
}

/* Signals are caught from here on until the player runs. */
static int wait_for_file(const ViewOptions *o)
{
    stop_catch();
    return source_wait(&view_command, o->stream, 0);
}

static int is_stopped(const ViewOptions *o)
{
    return o->wait_file && stop_requested;
}

static int view(const ViewOptions *o)
{
    const char *player = o->player ? o->player : choose_player();
    Ffmpeg found = { 0 };
    int ret;

    if (!may_have_window(o))
        return command_failed(&view_command, "there is no display for a "
                              "window: neither DISPLAY nor WAYLAND_DISPLAY is "
                              "set; use a desktop or ssh -X, or on a console "
                              "shmimage view --player mpv FILE -- --vo=drm");
    ret = o->wait_file ? wait_for_file(o) : COMMAND_OK;
    if (ret == COMMAND_OK && !is_stopped(o))
        ret = source_prepare(&view_command, o->stream, o->create, o->owner, 0);
    if (ret == COMMAND_OK)
        ret = ffmpeg_find(&found, &view_command, player);
    if (ret == COMMAND_OK && is_stopped(o))
        ret = command_failed(&view_command, "stopped before the first image");
    if (ret == COMMAND_OK) {
        fprintf(stderr, "%s: shown by %s as soon as there is an image\n",
                o->stream, found.path);
        ret = start(o, found.path);
    }
    free(found.path);
    return ret;
}

static int read_value(ViewOptions *o, int option, const char *value)
{
    const Command *self = &view_command;

    if (option == OPTION_PLAYER)
        o->player = value;
    else if (option == OPTION_CREATE && options_size(value, &o->create) < 0)
        return command_misused(self, "'%s' is no size; write it like "
                               "1920x1080", value);
    else if (option == OPTION_OWNER && options_user(value, &o->owner) < 0)
        return command_misused(self, "'%s' is no number of a user; id -u USER "
                               "prints it", value);
    else if (option == OPTION_ON_DISCONNECT && options_end(value, &o->wait) < 0)
        return command_misused(self, "'%s': write wait or eof", value);
    o->wait_file |= option == OPTION_WAIT_FILE;
    return COMMAND_OK;
}

static int run(int argc, char **argv)
{
    const Command *self = &view_command;
    ViewOptions o = { .owner = -1 };
    int option, ret;

    o.extra = options_cut(&argc, argv);
    while ((option = options_next(self, argc, argv, options, 0)) > 0) {
        ret = read_value(&o, option, optarg);
        if (ret != COMMAND_OK)
            return ret;
    }
    if (option != OPTIONS_END)
        return options_exit(option);
    if (o.wait_file && o.create.width)
        return command_misused(self, SOURCE_NO_WAIT);
    o.stream = options_file(self, argc, argv);
    return o.stream ? view(&o) : COMMAND_USAGE;
}

const Command view_command = {
    .name     = "view",
    .synopsis = "[OPTION]... FILE [-- PLAYER-OPTION...]",
    .summary  = "show a stream in a window",
    .help     = help,
    .others   = "the player",
    .run      = run,
};
