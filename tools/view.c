/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "extent.h"
#include "pace.h"
#include "view.h"

enum {
    LABEL      = 10, /* columns that the names of the lines take */
    BAR        = 30,
    STATE      = LABEL + BAR + 2,
    MAX_RATES  = 60,
    RATE_TEXT  = LABEL + 19,
    HEAD_TIME  = 9,
    AIRY       = 24, /* rows that are enough for all and empty ones */
};

/* How the time of a buffer is shown, in the order of an image's life. */
static const struct {
    int state;
    char letter;
    ScreenStyle style;
    const char *what;
} uses[] = {
    { SHMIMAGE_STATE_SERVER_LOCKED, 'd', SCREEN_YELLOW, "drawing" },
    { SHMIMAGE_STATE_CLIENT,        'w', SCREEN_RED,    "waiting" },
    { SHMIMAGE_STATE_CLIENT_LOCKED, 'r', SCREEN_GREEN,  "reading" },
};

enum {
    USES = sizeof(uses) / sizeof(uses[0]),
};

void view_note(View *v, const Watched *w)
{
    v->rate[v->rates++ % VIEW_RATES] = tally_rate(&w->previous);
    for (int i = 0; i < TALLY_EVENTS; i++) {
        if (!(w->previous.events & 1u << i))
            continue;
        v->news[v->count % VIEW_NEWS].time = w->total.time;
        v->news[v->count % VIEW_NEWS].event = 1u << i;
        v->count++;
    }
}

static void print_time(Screen *s, ScreenStyle style, int64_t time)
{
    const long long seconds = time / PACE_SECOND;

    screen_print(s, style, "%lld:%02lld:%02lld", seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
}

static void print_label(Screen *s, const char *label)
{
    screen_print(s, SCREEN_DIM, "%s", label);
    screen_tab(s, LABEL);
}

/* An empty line, but where each line counts. */
static void end_part(Screen *s)
{
    if (s->rows >= AIRY)
        screen_line(s);
}

static void draw_head(View *v, const Watched *w)
{
    Screen *s = &v->screen;
    char extent[EXTENT_SIZE];

    screen_print(s, SCREEN_BOLD, "%s", v->path);
    screen_tab(s, s->columns - HEAD_TIME);
    screen_print(s, SCREEN_PLAIN, " ");
    print_time(s, SCREEN_DIM, w->total.time);
    screen_line(s);
    if (w->last.file == LOOK_OK) {
        extent_describe(extent, w->last.info.payload);
        screen_print(s, SCREEN_DIM, "%llu bytes, images up to %s",
                     (unsigned long long)w->size, extent);
    } else {
        screen_print(s, SCREEN_RED, "%s", v->problem);
    }
    screen_line(s);
    end_part(s);
}

/* The rates of the last periods, from left to right, the highest of them as
 * high as a line. */
static void draw_rates(View *v)
{
    static const char *const blocks[] = {
        " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
    };
    static const char *const plain[] = {
        " ", ".", ".", ":", "-", "=", "+", "*", "#",
    };
    const char *const *levels = v->screen.blocks ? blocks : plain;
    unsigned count = v->rates < MAX_RATES ? v->rates : MAX_RATES;
    double highest = 0;

    if ((int)count > v->screen.columns - RATE_TEXT)
        count = v->screen.columns > RATE_TEXT
                    ? (unsigned)(v->screen.columns - RATE_TEXT) : 0;
    for (unsigned i = v->rates - count; i < v->rates; i++)
        if (v->rate[i % VIEW_RATES] > highest)
            highest = v->rate[i % VIEW_RATES];
    screen_tab(&v->screen, RATE_TEXT);
    for (unsigned i = v->rates - count; i < v->rates; i++) {
        const double rate = v->rate[i % VIEW_RATES];

        /* Anything but nothing shows. */
        screen_print(&v->screen, SCREEN_CYAN, "%s",
                     levels[rate > 0 ? 1 + (int)(rate / highest * 7) : 0]);
    }
}

static void draw_missed(Screen *s, const Tally *now, const Tally *total)
{
    print_label(s, "missed");
    screen_print(s, now->missed ? SCREEN_RED : SCREEN_PLAIN, "%llu",
                 (unsigned long long)now->missed);
    screen_print(s, SCREEN_PLAIN, " now, %llu in all",
                 (unsigned long long)total->missed);
    if (total->unsure)
        screen_print(s, SCREEN_PLAIN, " (%llu may have passed unseen)",
                     (unsigned long long)total->unsure);
    screen_line(s);
}

static void draw_images(View *v, const Watched *w)
{
    Screen *s = &v->screen;

    print_label(s, "images");
    screen_print(s, SCREEN_BOLD, "%.1f", tally_rate(&w->previous));
    screen_print(s, SCREEN_PLAIN, " a second");
    draw_rates(v);
    screen_line(s);
    draw_missed(s, &w->previous, &w->total);
    print_label(s, "newest");
    if (w->numbered)
        screen_print(s, SCREEN_PLAIN, "number %u, %ux%u", w->newest, w->width,
                     w->height);
    else
        screen_print(s, SCREEN_PLAIN, "none yet");
    screen_line(s);
    end_part(s);
}

static void draw_peer(Screen *s, const Watched *w, TallyRole role,
                      const char *label)
{
    const char *peer = tally_peer(w, role);
    const int works = w->previous.worked[role];

    print_label(s, label);
    if (!strcmp(peer, "shmimage"))
        screen_print(s, works ? SCREEN_GREEN : SCREEN_PLAIN,
                     "uses this library, %s", works ? "at work" : "idle");
    else if (works)
        screen_print(s, SCREEN_GREEN, "takes no locks, as EnSight does, at "
                     "work");
    else
        screen_print(s, SCREEN_DIM, "not seen");
    screen_line(s);
}

static void draw_bar(Screen *s, const int64_t *spent, int64_t time)
{
    int64_t sum = 0;
    int column = 0;

    for (int use = 0; use < USES; use++) {
        sum += spent[uses[use].state];
        for (; time && column < (sum * BAR + time / 2) / time; column++)
            if (s->blocks && s->colours)
                screen_print(s, uses[use].style, "█");
            else
                screen_print(s, uses[use].style, "%c", uses[use].letter);
    }
    for (; column < BAR; column++)
        screen_print(s, SCREEN_DIM, s->blocks ? "·" : ".");
}

static void draw_age(Screen *s, int64_t age)
{
    if (age >= PACE_SECOND)
        screen_print(s, SCREEN_YELLOW, " for %.0f s",
                     (double)age / (double)PACE_SECOND);
}

static void draw_buffers(Screen *s, const Watched *w)
{
    static const char *const labels[] = { "buffer 0", "buffer 1" };

    for (int i = 0; i < TALLY_BUFFERS; i++) {
        const ShmImageBufferInfo *b = &w->last.info.buffer[i];

        print_label(s, labels[i]);
        draw_bar(s, w->previous.spent[i], w->previous.time);
        screen_tab(s, STATE);
        if (w->last.file == LOOK_OK)
            screen_print(s, SCREEN_PLAIN, "%s", shmimage_state_name(b->state));
        if (w->last.file == LOOK_OK && b->state)
            draw_age(s, w->last.time - w->since[i]);
        screen_line(s);
    }
    screen_tab(s, LABEL);
    for (int use = 0; use < USES; use++) {
        if (s->blocks && s->colours)
            screen_print(s, uses[use].style, "█ ");
        else
            screen_print(s, uses[use].style, "%c ", uses[use].letter);
        screen_print(s, SCREEN_DIM, "%s  ", uses[use].what);
    }
    screen_print(s, SCREEN_DIM, "%s free", s->blocks ? "·" : ".");
    screen_line(s);
    end_part(s);
}

static void draw_times(Screen *s, const Watched *w)
{
    print_label(s, "an image");
    if (!w->previous.images)
        screen_print(s, SCREEN_PLAIN, "none came");
    for (int use = 0; use < USES && w->previous.images; use++) {
        screen_print(s, SCREEN_PLAIN, use ? ", %s " : "%s ", uses[use].what);
        screen_print(s, SCREEN_BOLD, "%.2f",
                     tally_mean(&w->previous, uses[use].state));
        screen_print(s, SCREEN_PLAIN, " ms");
    }
    screen_line(s);
    print_label(s, "longest");
    screen_print(s, SCREEN_PLAIN, "wait %.1f ms now, %.1f ms in all",
                 tally_longest_wait(&w->previous),
                 tally_longest_wait(&w->total));
    screen_line(s);
    end_part(s);
}

static void draw_news(View *v)
{
    Screen *s = &v->screen;
    unsigned i = v->count > VIEW_NEWS ? v->count - VIEW_NEWS : 0;

    for (; i < v->count; i++) {
        print_time(s, SCREEN_DIM, v->news[i % VIEW_NEWS].time);
        screen_tab(s, LABEL);
        screen_print(s, SCREEN_YELLOW, "%s",
                     tally_event_text(v->news[i % VIEW_NEWS].event));
        screen_line(s);
    }
    if (v->count)
        end_part(s);
}

int view_draw(View *v, const Watched *w)
{
    Screen *s = &v->screen;

    screen_begin(s);
    draw_head(v, w);
    draw_images(v, w);
    draw_peer(s, w, TALLY_SERVER, "server");
    draw_peer(s, w, TALLY_CLIENT, "client");
    end_part(s);
    draw_buffers(s, w);
    draw_times(s, w);
    draw_news(v);
    screen_print(s, SCREEN_DIM, "Seen from outside, in %llu looks. Ctrl-C "
                 "ends.", (unsigned long long)w->previous.looks);
    return screen_end(s);
}
