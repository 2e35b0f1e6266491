/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "ffmpeg.h"
#include "preload.h"
#include "program.h"
#include "stop.h"
#include "words.h"

/* Whether a line of the help is the head of what was asked for, such as
 * "Encoder ffv1 [FFmpeg video codec #1]:" or "Filter palettegen". */
static int is_head(const char *line, const char *kind, const char *name)
{
    const size_t before = strlen(kind), length = strlen(name);

    return toupper((unsigned char)*kind) == *line &&
           !strncmp(line + 1, kind + 1, before - 1) && line[before] == ' ' &&
           !strncmp(line + before + 1, name, length) &&
           strchr(" ", line[before + 1 + length]);
}

/* What to do with a line of the output. */
typedef void (*LineHandler)(void *opaque, const char *line);

/* Until its end, or until there are more signals than these: a program that is
 * no FFmpeg may run for ever. */
static void read_output(int fd, int signals, LineHandler handle, void *opaque)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    const char *line;
    Feed feed;

    feed_open(&feed, fd);
    while (feed.fd >= 0 && stop_requested == signals) {
        poll(&ready, 1, 100);
        feed_fill(&feed);
        while ((line = feed_next(&feed)))
            handle(opaque, line);
    }
    feed_close(&feed);
}

/* Run it, and handle each line of its output; frees the words. */
static void ask(const Ffmpeg *ffmpeg, Words *words, int signals, LineHandler handle,
                void *opaque)
{
    ChildFiles files = { .inherit = { -1, -1, -1 } };
    Child child;
    int reader;

    if (!words->failed && child_pipe(&reader, &files.out) == 0) {
        int ret;

        files.err = files.out;
        ret = child_start(&child, ffmpeg->path, words->word, &files);
        child_close(&files.out);
        read_output(reader, signals, handle, opaque);
        if (!ret) {
            kill(-child.pid, SIGKILL); /* no more of it is needed */
            child_wait(&child);
        }
    }
    words_free(words);
}

typedef struct Part {
    const char *kind, *name;
    int found, libavformat;
} Part;

static void handle_help(void *opaque, const char *line)
{
    Part *part = opaque;

    part->found |= is_head(line, part->kind, part->name);
    sscanf(line, " libavformat %d.", &part->libavformat);
}

int ffmpeg_has(Ffmpeg *ffmpeg, const char *kind, const char *name)
{
    Part part = { .kind = kind, .name = name };
    Words words = { 0 };

    if (stop_requested)
        return 1;
    words_split(&words, "ffmpeg -loglevel info -h");
    words_add(&words, "%s=%s", kind, name);
    ask(ffmpeg, &words, 0, handle_help, &part);
    if (part.libavformat)
        ffmpeg->libavformat = part.libavformat;
    return part.found || stop_requested;
}

static void handle_duration(void *opaque, const char *line)
{
    int64_t *duration = opaque;
    long long hours;
    int minutes;
    double seconds;

    if (sscanf(line, " Duration: %lld:%d:%lf", &hours, &minutes,
               &seconds) == 3)
        *duration = (hours * 60 + minutes) * 60000000 +
                    (int64_t)(seconds * 1000000);
}

int64_t ffmpeg_duration(const Ffmpeg *ffmpeg, const char *path)
{
    int64_t duration = 0;
    Words words = { 0 };

    words_split(&words, "ffmpeg -hide_banner -loglevel info -nostdin -i");
    words_add(&words, "file:%s", path);
    ask(ffmpeg, &words, stop_requested, handle_duration, &duration);
    return duration;
}

int ffmpeg_find(Ffmpeg *ffmpeg, const Command *command, const char *program)
{
    const char *reason;

    *ffmpeg = (Ffmpeg){ .path = program_find(program) };
    if (!ffmpeg->path)
        return command_failed(command, "%s: %s", program, errno == ENOENT
                              ? "there is no such program; install FFmpeg"
                              : strerror(errno));
    if (ffmpeg_has(ffmpeg, "demuxer", "shmimage"))
        return COMMAND_OK;
    reason = program_ignores_preload(ffmpeg->path);
    if (reason)
        return command_failed(command, "%s: it was not built with the device "
                              "shmimage, and can't be given it: %s",
                              ffmpeg->path, reason);
    return preload_module(command, NULL);
}
