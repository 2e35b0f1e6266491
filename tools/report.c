/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pace.h"
#include "report.h"
#include "screen.h"

void report_start(Report *r, const char *movie, uint64_t most, int quiet)
{
    *r = (Report){
        .movie    = movie,
        .most     = most,
        .quiet    = quiet,
        .terminal = screen_is_possible(STDERR_FILENO),
        .last     = pace_now(),
    };
}

void report_count(Counts *c, const char *line)
{
    Counts d = *c;
    uint64_t frames;
    int64_t time;

    if (sscanf(line, "delivered=%" SCNu64 " repeated=%" SCNu64 " missing=%"
               SCNu64 " skipped=%" SCNu64 " refused=%" SCNu64 " incomplete=%"
               SCNu64 " width=%" SCNu32 " height=%" SCNu32 " rate=%lf",
               &d.delivered, &d.repeated, &d.missing, &d.skipped, &d.refused,
               &d.incomplete, &d.width, &d.height, &d.rate) >= 8)
        *c = d;
    if ((sscanf(line, "frame=%" SCNu64, &frames) == 1 ||
         sscanf(line, "frame:%" SCNu64, &frames) == 1) && frames > c->frames)
        c->frames = frames;
    sscanf(line, "total_size=%" SCNu64, &c->size);
    if (sscanf(line, "out_time_us=%" SCNd64, &time) == 1 && time > c->time)
        c->time = time;
}

void report_size(uint64_t bytes)
{
    static const char units[] = "kMGT";
    double size = (double)bytes / 1000;
    int unit = 0;

    while (size >= 999.5 && units[unit + 1]) {
        size /= 1000;
        unit++;
    }
    fprintf(stderr, "%.*f %cB", size < 10 ? 1 : 0, size, units[unit]);
}

static void print_time(int64_t time)
{
    const long long tenths = time / 100000;

    fprintf(stderr, "%lld:%02lld.%lld", tenths / 600, tenths / 10 % 60,
            tenths % 10);
}

static void clear_line(Report *r)
{
    if (r->shown)
        fputs(SCREEN_NO_LINE, stderr);
    r->shown = 0;
}

/* The last image counts once, although it may be repeated at the end, if the
 * film is not full. */
static uint64_t images(const Report *r, const Counts *c)
{
    const uint64_t count = c->frames - c->left_out;

    if (r->most && c->frames >= r->most)
        return count;
    return count > c->repeated ? count - c->repeated : count;
}

static void print_images(const Report *r, const Counts *c)
{
    const uint64_t count = images(r, c);

    fprintf(stderr, "%llu image%s", (unsigned long long)count,
            count == 1 ? "" : "s");
}

/* Whether it is time for a line. */
static int is_due(Report *r)
{
    const int64_t now = pace_now();

    if (now - r->last < PACE_SECOND)
        return 0;
    r->last = now;
    return 1;
}

static void begin_line(Report *r)
{
    fprintf(stderr, "%s%s: ", r->terminal ? SCREEN_LINE : "", r->movie);
}

static void end_line(Report *r)
{
    fputs(r->terminal ? SCREEN_LINE_END : "\n", stderr);
    r->shown = r->terminal;
}

int report_status(Report *r, const Counts *c)
{
    if (!is_due(r))
        return 0;
    if (r->quiet || !c->width)
        return 1;
    begin_line(r);
    print_time(c->time);
    fputs(", ", stderr);
    print_images(r, c);
    fprintf(stderr, " of %ux%u, %llu never received", c->width, c->height,
            (unsigned long long)c->missing);
    if (c->size) {
        fputs(", ", stderr);
        report_size(c->size);
    }
    fprintf(stderr, "; the server makes %.1f a second", c->rate);
    end_line(r);
    return 1;
}

void report_completing(Report *r, int step, int steps, uint64_t frames,
                       uint64_t all)
{
    if (!is_due(r) || r->quiet || !all)
        return;
    begin_line(r);
    fputs("completing it, ", stderr);
    if (steps > 1)
        fprintf(stderr, "step %d of %d, ", step + 1, steps);
    fprintf(stderr, "%.0f %%", 100. * (double)frames / (double)all);
    end_line(r);
}

void report_say(Report *r, const char *format, ...)
{
    va_list args;

    clear_line(r);
    fprintf(stderr, "%s: ", r->movie);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* The device's lines begin with its name, or with 9.0 with the input's number.
 * ffmpeg's own line about the input says that it can't be opened. */
static int is_of_input(const char *line)
{
    return !strncmp(line, "[shmimage @", 11) || !strncmp(line, "[in#0", 5);
}

/* The text after the contexts and the level, which are in brackets. Returns
 * NULL if the line is not worth showing. */
static const char *read_log(const char *line, int *device, int *error)
{
    static const char *const errors[] = { "[error]", "[fatal]", "[panic]" };
    int level = 0;

    *device = is_of_input(line) && !strstr(line, "Error opening input");
    *error  = 0;
    while (*line == '[' && !level) {
        const char *end = strchr(line, ']');

        if (!end)
            break;
        for (int i = 0; i < 3; i++)
            *error |= !strncmp(line, errors[i], strlen(errors[i]));
        level = *error || !strncmp(line, "[info]", 6) ||
                !strncmp(line, "[warning]", 9);
        line = end + 1 + (end[1] == ' ');
    }
    return *line && (!level || *error || *device) ? line : NULL;
}

void report_log(Report *r, const char *line, int ending, int nothing)
{
    int device, error;
    const char *text = read_log(line, &device, &error);

    /* 7.0 and later log this for each thread that fails, and run on until the
     * input delivers or ends. */
    if (text && error && strstr(text, "finished with error code")) {
        r->failed = 1;
        return;
    }
    /* The summary replaces this line. */
    if (!text || strstr(text, " images delivered, ") ||
        (ending && (nothing || (device && !error))) ||
        (nothing && r->explained))
        return;
    r->explained |= nothing && device && error;
    clear_line(r);
    fprintf(stderr, "%s%s\n", device ? "" : "ffmpeg: ", text);
}

void report_still(Report *r, const Counts *c)
{
    clear_line(r);
    fprintf(stderr, "%s: %ux%u, ", r->movie, c->width, c->height);
    report_size(c->size);
    fputc('\n', stderr);
}

/* What is not in the film, and why, as far as it is known here. */
static void print_losses(const Counts *c, uint64_t lost)
{
    const struct {
        uint64_t count;
        const char *what;
    } losses[] = {
        { c->missing, "never received" },
        { c->skipped, "skipped" },
        { c->refused + c->incomplete, "refused" },
        { lost, "lost by ffmpeg" },
    };
    const char *before = "; ";

    for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
        if (!losses[i].count)
            continue;
        fprintf(stderr, "%s%llu %s", before,
                (unsigned long long)losses[i].count, losses[i].what);
        before = ", ";
    }
    if (*before == ';')
        fputs("; none missing", stderr);
}

void report_film(Report *r, const Counts *c)
{
    const uint64_t count = images(r, c);
    /* More may have been delivered than were wanted. */
    const uint64_t wanted = r->most && r->most < c->delivered ? r->most
                                                              : c->delivered;
    const uint64_t lost = wanted > count ? wanted - count : 0;

    clear_line(r);
    fprintf(stderr, "%s: ", r->movie);
    print_images(r, c);
    fputs(", ", stderr);
    print_time(c->time);
    if (c->size) {
        fputs(", ", stderr);
        report_size(c->size);
    }
    print_losses(c, lost);
    fputc('\n', stderr);
}
