/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>

#include "lines.h"
#include "pace.h"

typedef struct Line {
    int json;
    int fields; /* that were printed already */
} Line;

static void print_name(Line *line, const char *name)
{
    const int first = !line->fields++;

    if (line->json)
        printf("%s\"%s\": ", first ? "{" : ", ", name);
    else
        printf("%s%s=", first ? "" : " ", name);
}

static void print_nothing(Line *line, const char *name)
{
    print_name(line, name);
    fputs(line->json ? "null" : "-", stdout);
}

static void print_word(Line *line, const char *name, const char *word)
{
    print_name(line, name);
    printf(line->json ? "\"%s\"" : "%s", word);
}

static void print_words(Line *line, const char *name, const char *const *words,
                        int count)
{
    print_name(line, name);
    if (!line->json && !count)
        putchar('-');
    for (int i = 0; i < count; i++)
        printf(line->json ? "%s\"%s\"" : "%s%s",
               i ? line->json ? ", " : "," : line->json ? "[" : "", words[i]);
    if (line->json)
        fputs(count ? "]" : "[]", stdout);
}

static void print_count(Line *line, const char *name, uint64_t count)
{
    print_name(line, name);
    printf("%llu", (unsigned long long)count);
}

static void print_number(Line *line, const char *name, int decimals,
                         double number)
{
    print_name(line, name);
    printf("%.*f", decimals, number);
}

static void print_mean(Line *line, const char *name, const Tally *t, int state)
{
    const double mean = tally_mean(t, state);

    if (mean < 0)
        print_nothing(line, name);
    else
        print_number(line, name, 3, mean);
}

static void print_newest(Line *line, const Watched *w)
{
    static const char *const names[] = { "number", "width", "height" };
    const uint32_t values[] = { w->newest, w->width, w->height };

    for (int i = 0; i < 3; i++)
        if (w->numbered)
            print_count(line, names[i], values[i]);
        else
            print_nothing(line, names[i]);
}

static void print_states(Line *line, const Look *look)
{
    const char *names[TALLY_BUFFERS];

    for (int i = 0; i < TALLY_BUFFERS; i++)
        names[i] = shmimage_state_name(look->info.buffer[i].state);
    print_words(line, "states", names,
                look->file == LOOK_OK ? TALLY_BUFFERS : 0);
}

static void print_events(Line *line, unsigned events)
{
    const char *names[TALLY_EVENTS];
    int count = 0;

    for (int i = 0; i < TALLY_EVENTS; i++)
        if (events & 1u << i)
            names[count++] = tally_event_name(1u << i);
    print_words(line, "events", names, count);
}

static double seconds(int64_t time)
{
    return (double)time / (double)PACE_SECOND;
}

void lines_print(const Watched *w, int json)
{
    const Tally *t = &w->previous;
    Line line = { .json = json };

    print_number(&line, "time", 3, seconds(w->total.time));
    print_word(&line, "file", tally_file_name(w->last.file));
    print_newest(&line, w);
    print_count(&line, "images", t->images);
    print_number(&line, "rate", 1, tally_rate(t));
    print_count(&line, "missed", t->missed);
    print_count(&line, "unsure", t->unsure);
    print_word(&line, "server", tally_peer(w, TALLY_SERVER));
    print_word(&line, "client", tally_peer(w, TALLY_CLIENT));
    print_states(&line, &w->last);
    print_mean(&line, "draw_ms", t, SHMIMAGE_STATE_SERVER_LOCKED);
    print_mean(&line, "wait_ms", t, SHMIMAGE_STATE_CLIENT);
    print_mean(&line, "read_ms", t, SHMIMAGE_STATE_CLIENT_LOCKED);
    print_number(&line, "longest_wait_ms", 3, tally_longest_wait(t));
    print_count(&line, "looks", t->looks);
    print_events(&line, t->events);
    puts(json ? "}" : "");
}

void lines_print_summary(const Watched *w, const char *path)
{
    const Tally *t = &w->total;
    const double wait = tally_mean(t, SHMIMAGE_STATE_CLIENT);

    fprintf(stderr, "%s: watched for %.1f s; %llu images, %.1f a second; "
            "%llu missed by their numbers", path, seconds(t->time),
            (unsigned long long)t->images, tally_rate(t),
            (unsigned long long)t->missed);
    if (t->unsure)
        fprintf(stderr, ", of which %llu may have passed unseen",
                (unsigned long long)t->unsure);
    if (wait >= 0)
        fprintf(stderr, "; an image waited %.2f ms on average, %.1f ms at the "
                "longest", wait, tally_longest_wait(t));
    fputc('\n', stderr);
    for (int i = 0; i < TALLY_EVENTS; i++)
        if (t->events & 1u << i)
            fprintf(stderr, "%s: meanwhile %s\n", path,
                    tally_event_text(1u << i));
}
