/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * A picture on a terminal: lines that never wrap, drawn in one go so that
 * nothing flickers, on the terminal's second screen so that the first one is
 * left as it was.
 */
#ifndef SHMIMAGE_TOOLS_SCREEN_H
#define SHMIMAGE_TOOLS_SCREEN_H

#include <stddef.h>

enum {
    SCREEN_TEXT = 32768,
};

typedef enum ScreenStyle {
    SCREEN_PLAIN,
    SCREEN_BOLD,
    SCREEN_DIM,
    SCREEN_RED,
    SCREEN_GREEN,
    SCREEN_YELLOW,
    SCREEN_CYAN,
} ScreenStyle;

typedef struct Screen {
    int rows, columns; /**< of the terminal, as of screen_begin() */
    int row, column;   /**< where the next character goes, from 0 */
    int colours;
    int blocks;        /**< has the characters for diagrams, and UTF-8 */
    size_t used;
    char text[SCREEN_TEXT]; /**< what is going to be written */
} Screen;

/** Whether it is a terminal, and one that can do more than print. */
int screen_is_possible(int fd);

/** What to print in front of and behind a line that is to be overwritten: it
 * takes the line before away, and is cut off rather than wrapped. */
#define SCREEN_LINE     "\r\033[K\033[?7l"
#define SCREEN_LINE_END "\033[?7h"
#define SCREEN_NO_LINE  "\r\033[K"

/** Take the terminal; see what it can show. */
void screen_enter(Screen *s);

/** Give it back as it was. */
void screen_leave(Screen *s);

/** Start a picture, as large as the terminal is now. */
void screen_begin(Screen *s);

/** Add to the line. What does not fit, and what can't be shown, is left out
 * or replaced. */
void screen_print(Screen *s, ScreenStyle style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Go on at a column, unless the line is there already. */
void screen_tab(Screen *s, int column);

/** End the line. */
void screen_line(Screen *s);

/** Show the picture. Returns 0, or -1 if the terminal is gone. */
int screen_end(Screen *s);

#endif /* SHMIMAGE_TOOLS_SCREEN_H */
