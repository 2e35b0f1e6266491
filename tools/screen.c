/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "screen.h"
#include "stop.h"

enum {
    DEFAULT_ROWS    = 24,
    DEFAULT_COLUMNS = 80,
    /* Room for a few control sequences behind any text. */
    RESERVE         = 64,
};

static const char *const styles[] = {
    [SCREEN_PLAIN]  = "",
    [SCREEN_BOLD]   = "\033[1m",
    [SCREEN_DIM]    = "\033[2m",
    [SCREEN_RED]    = "\033[1;31m",
    [SCREEN_GREEN]  = "\033[32m",
    [SCREEN_YELLOW] = "\033[33m",
    [SCREEN_CYAN]   = "\033[36m",
};

static int is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

int screen_is_possible(int fd)
{
    return isatty(fd) && is_set("TERM") &&
           strcmp(getenv("TERM"), "dumb");
}

static void put(Screen *s, const char *bytes, size_t size)
{
    if (s->used + size > sizeof(s->text))
        return;
    memcpy(s->text + s->used, bytes, size);
    s->used += size;
}

static void put_string(Screen *s, const char *text)
{
    put(s, text, strlen(text));
}

static int flush(Screen *s)
{
    const char *text = s->text;

    while (s->used) {
        ssize_t done = write(STDOUT_FILENO, text, s->used);

        if (done < 0 && errno == EINTR && !stop_requested)
            continue;
        if (done < 0)
            return -1;
        text += done;
        s->used -= (size_t)done;
    }
    return 0;
}

void screen_enter(Screen *s)
{
    setlocale(LC_CTYPE, "");
    s->blocks  = !strcmp(nl_langinfo(CODESET), "UTF-8");
    s->colours = !is_set("NO_COLOR");
    s->used    = 0;
    put_string(s, "\033[?1049h\033[?25l\033[2J");
    flush(s);
}

void screen_leave(Screen *s)
{
    s->used = 0;
    put_string(s, "\033[0m\033[?25h\033[?1049l");
    flush(s);
}

void screen_begin(Screen *s)
{
    struct winsize size;

    s->rows    = DEFAULT_ROWS;
    s->columns = DEFAULT_COLUMNS;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
        size.ws_col) {
        s->rows    = size.ws_row;
        s->columns = size.ws_col;
    }
    s->row = s->column = 0;
    s->used = 0;
    put_string(s, "\033[H");
}

/* Returns how many bytes were taken. */
static size_t put_character(Screen *s, const char *text, mbstate_t *shift)
{
    const size_t size = strlen(text);
    wchar_t character;
    size_t length = mbrtowc(&character, text, size, shift);
    int width = 1;

    if (length == (size_t)-1 || length == (size_t)-2) {
        memset(shift, 0, sizeof(*shift));
        length = 1;
        width = -1;
    } else {
        width = wcwidth(character);
    }
    if (s->column + (width < 0 ? 1 : width) > s->columns)
        s->column = s->columns;
    else if (width < 0)
        put_string(s, "?");
    else
        put(s, text, length);
    if (s->column < s->columns)
        s->column += width < 0 ? 1 : width;
    return length;
}

void screen_print(Screen *s, ScreenStyle style, const char *format, ...)
{
    mbstate_t shift = { 0 };
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (s->row >= s->rows || s->column >= s->columns ||
        s->used + sizeof(text) + RESERVE > sizeof(s->text))
        return;
    if (s->colours)
        put_string(s, styles[style]);
    for (const char *p = text; *p && s->column < s->columns;)
        p += put_character(s, p, &shift);
    if (s->colours && style != SCREEN_PLAIN)
        put_string(s, "\033[0m");
}

void screen_tab(Screen *s, int column)
{
    if (s->column < column)
        screen_print(s, SCREEN_PLAIN, "%*s", column - s->column, "");
}

void screen_line(Screen *s)
{
    char move[32];

    /* Behind a full line, the cursor still stands on its last character. */
    if (s->row < s->rows && s->column < s->columns)
        put_string(s, "\033[K");
    s->row++;
    s->column = 0;
    if (s->row >= s->rows)
        return;
    snprintf(move, sizeof(move), "\033[%d;1H", s->row + 1);
    put_string(s, move);
}

int screen_end(Screen *s)
{
    if (s->row < s->rows)
        put_string(s, "\033[J");
    return flush(s);
}
