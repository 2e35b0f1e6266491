/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "film.h"
#include "options.h"
#include "recording.h"
#include "source.h"
#include "stop.h"

static const char help[] =
    "Record the stream in FILE as the film MOVIE, with the installed ffmpeg,\n"
    "until Ctrl-C or until the server ends. The film has the right colours,\n"
    "and shows each image at the time at which it arrived.\n"
    "\n"
    "MOVIE's ending says what is made: .mp4, .mov or .mkv (H.264), .webm\n"
    "(VP9), .gif, .png or .jpg (one still), or frame_%05d.png (a file an\n"
    "image). A film appears when it is complete. Until then it is MOVIE.part,\n"
    "which can be played even if the recording is killed.\n"
    "\n"
    "  --create WIDTHxHEIGHT  make FILE first if it does not exist, for\n"
    "                         images up to that size\n"
    "  --wait-file            wait for FILE to be created, as long as\n"
    "                         --timeout says\n"
    "  --owner NUMBER         the number of another user whose FILE is\n"
    "                         trusted; id -u USER prints it\n"
    "  --timeout SECONDS      end when no image has come for so long\n"
    "  --on-disconnect WHAT   when the server ends: eof, which ends the film\n"
    "                         and is what happens if not given, or wait, for\n"
    "                         the next server\n"
    "  --duration SECONDS     end when the film has that length\n"
    "  --frames N             end after N images\n"
    "  --rate R               make the time from the numbers of the images,\n"
    "                         R a second, instead of from when they came: for\n"
    "                         animations that are drawn slower or faster\n"
    "  --encoder NAME         one of ffmpeg's encoders\n"
    "  --crf N                quality, less is better; if not given, 20 for\n"
    "                         H.264 and 31 for VP9\n"
    "  --preset NAME          speed, for H.264; veryfast if not given,\n"
    "                         ultrafast is the fastest\n"
    "  --lossless             keep every pixel as it is: .mkv and .png\n"
    "  --force                replace MOVIE if it exists\n"
    "  --print                print the nearest ffmpeg command, and no more\n"
    "  --quiet                no status lines and no summary\n"
    "  -h, --help             show this\n"
    "  -V, --version          show the version\n"
    "\n"
    "The status on standard error, once a second, says how long the film is,\n"
    "how many images are in it, and how many were never received.\n"
    "Options after -- go to ffmpeg's encoder, and override these. FFMPEG in\n"
    "the environment names another ffmpeg.\n"
    "\n"
    "Examples:\n"
    "  shmimage record /dev/shm/live.shm film.mp4\n"
    "  shmimage record --rate 30 --frames 900 /dev/shm/live.shm turn.mp4\n"
    "  shmimage record /dev/shm/live.shm small.mp4 -- -vf scale=640:-2\n";

enum {
    OPTION_CREATE = 1,
    OPTION_WAIT_FILE,
    OPTION_OWNER,
    OPTION_TIMEOUT,
    OPTION_ON_DISCONNECT,
    OPTION_DURATION,
    OPTION_FRAMES,
    OPTION_RATE,
    OPTION_ENCODER,
    OPTION_CRF,
    OPTION_PRESET,
    OPTION_LOSSLESS,
    OPTION_FORCE,
    OPTION_PRINT,
    OPTION_QUIET,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "create", required_argument, NULL, OPTION_CREATE },
    { "wait-file", no_argument, NULL, OPTION_WAIT_FILE },
    { "owner", required_argument, NULL, OPTION_OWNER },
    { "timeout", required_argument, NULL, OPTION_TIMEOUT },
    { "on-disconnect", required_argument, NULL, OPTION_ON_DISCONNECT },
    { "duration", required_argument, NULL, OPTION_DURATION },
    { "frames", required_argument, NULL, OPTION_FRAMES },
    { "rate", required_argument, NULL, OPTION_RATE },
    { "encoder", required_argument, NULL, OPTION_ENCODER },
    { "crf", required_argument, NULL, OPTION_CRF },
    { "preset", required_argument, NULL, OPTION_PRESET },
    { "lossless", no_argument, NULL, OPTION_LOSSLESS },
    { "force", no_argument, NULL, OPTION_FORCE },
    { "print", no_argument, NULL, OPTION_PRINT },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { 0 },
};

typedef struct RecordOptions {
    FilmOptions film;
    Size create;     /* 0x0 for no */
    int force, print, quiet;
} RecordOptions;

static int bad_value(const char *name, const char *value, const char *like)
{
    return command_misused(&record_command, "--%s: invalid value '%s'; write "
                           "it like %s", name, value, like);
}

static int read_limits(FilmOptions *f, int option, const char *value)
{
    switch (option) {
    case OPTION_TIMEOUT:
        if (options_seconds(value, &f->timeout) < 0 || !f->timeout)
            return bad_value("timeout", value, "5 or 0.5");
        break;
    case OPTION_DURATION:
        if (options_seconds(value, &f->duration) < 0 || !f->duration)
            return bad_value("duration", value, "10 or 2.5");
        break;
    case OPTION_FRAMES:
        if (options_number(value, INT64_MAX, &f->frames) < 0 || !f->frames)
            return bad_value("frames", value, "300");
        break;
    case OPTION_ON_DISCONNECT:
        if (options_end(value, &f->wait) < 0)
            return bad_value("on-disconnect", value, "wait or eof");
        break;
    }
    return COMMAND_OK;
}

static int read_value(RecordOptions *o, int option, const char *value)
{
    FilmOptions *f = &o->film;

    switch (option) {
    case OPTION_CREATE:
        if (options_size(value, &o->create) < 0)
            return bad_value("create", value, "1920x1080");
        break;
    case OPTION_OWNER:
        if (options_user(value, &f->owner) < 0)
            return bad_value("owner", value, "1000, as id -u USER prints it");
        break;
    case OPTION_RATE:
        if (options_rate(value, &f->rate_value) < 0 || !f->rate_value.num)
            return bad_value("rate", value, "30, 59.94 or 30000/1001");
        f->rate = value;
        break;
    case OPTION_ENCODER:
        f->encoder = value;
        break;
    case OPTION_CRF:
        f->crf = value;
        break;
    case OPTION_PRESET:
        f->preset = value;
        break;
    }
    f->wait_file |= option == OPTION_WAIT_FILE;
    f->lossless |= option == OPTION_LOSSLESS;
    o->force |= option == OPTION_FORCE;
    o->print |= option == OPTION_PRINT;
    o->quiet |= option == OPTION_QUIET;
    return read_limits(f, option, value);
}

static int read_operands(FilmOptions *f, int argc, char **argv)
{
    const int count = argc - optind;

    if (count < 1 || !*argv[optind])
        return command_misused(&record_command, "the name of the FILE is "
                               "missing");
    if (count < 2 || !*argv[optind + 1])
        return command_misused(&record_command, "the name of the MOVIE is "
                               "missing, such as film.mp4");
    if (count > 2)
        return command_misused(&record_command, "unexpected argument '%s'; "
                               "options of ffmpeg follow after --",
                               argv[optind + 2]);
    f->stream = argv[optind];
    f->movie  = argv[optind + 1];
    if (film_is_name(f->stream) && !film_is_name(f->movie))
        return command_misused(&record_command, "FILE and MOVIE are swapped: "
                               "use shmimage record %s %s", f->movie,
                               f->stream);
    return COMMAND_OK;
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    stop_catch();
    /* Escape sequences would keep us from parsing the log. */
    unsetenv("AV_LOG_FORCE_COLOR");
    unsetenv("AV_LOG_FORCE_256COLOR");
    /* Go on recording when the reader of the status lines has gone. */
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
}

static int record(const RecordOptions *o)
{
    const char *program = getenv("FFMPEG");
    MovieFile files = { .movie = o->film.movie, .force = o->force };
    Ffmpeg ffmpeg;
    Film film;
    int ret = ffmpeg_find(&ffmpeg, &record_command,
                          program && *program ? program : "ffmpeg");

    if (ret == COMMAND_OK)
        ret = film_choose(&film, &o->film, &ffmpeg, &record_command);
    if (ret == COMMAND_OK && o->film.wait_file)
        ret = source_wait(&record_command, o->film.stream, o->film.timeout);
    if (ret == COMMAND_OK && stop_requested)
        ret = command_failed(&record_command, "stopped before the "
                             "first image; there is no film");
    if (ret == COMMAND_OK)
        ret = source_prepare(&record_command, o->film.stream, o->create,
                             o->film.owner, o->quiet);
    if (ret == COMMAND_OK) {
        files.sequence = film.sequence;
        ret = moviefile_claim(&files, &record_command);
        if (ret == COMMAND_OK)
            ret = recording_run(&film, &ffmpeg, &files, o->quiet);
        else if (files.left && moviefile_size(files.part))
            recording_advise(&film, &files);
        moviefile_free(&files);
    }
    free(ffmpeg.path);
    return ret;
}

static int print(const RecordOptions *o)
{
    Film film;
    int ret = film_choose(&film, &o->film, NULL, &record_command);

    if (ret == COMMAND_OK)
        film_print(&film);
    return ret;
}

static int run(int argc, char **argv)
{
    const Command *self = &record_command;
    RecordOptions o = { .film.owner = -1 };
    int option, ret;

    o.film.extra = options_cut(&argc, argv);
    while ((option = options_next(self, argc, argv, options, 0)) > 0) {
        ret = read_value(&o, option, optarg);
        if (ret != COMMAND_OK)
            return ret;
    }
    if (option != OPTIONS_END)
        return options_exit(option);
    if (o.film.wait_file && o.create.width)
        return command_misused(self, SOURCE_NO_WAIT);
    ret = read_operands(&o.film, argc, argv);
    if (ret != COMMAND_OK)
        return ret;
    if (o.print)
        return print(&o);
    catch_signals();
    return record(&o);
}

const Command record_command = {
    .name     = "record",
    .synopsis = "[OPTION]... FILE MOVIE [-- FFMPEG-OPTION...]",
    .summary  = "record a stream into a film",
    .help     = help,
    .others   = "ffmpeg",
    .run      = run,
};
