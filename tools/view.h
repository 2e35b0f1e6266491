/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * What is being watched, as a picture on a terminal.
 */
#ifndef SHMIMAGE_TOOLS_VIEW_H
#define SHMIMAGE_TOOLS_VIEW_H

#include "screen.h"
#include "tally.h"

enum {
    VIEW_RATES = 256, /**< periods that the diagram can go back */
    VIEW_NEWS  = 4,
};

typedef struct View {
    const char *path;
    double rate[VIEW_RATES]; /**< images a second, a ring */
    unsigned rates;         /**< how many there have been */
    struct {
        int64_t time;       /**< since the start */
        unsigned event;
    } news[VIEW_NEWS];      /**< what happened last, a ring */
    unsigned count;         /**< how much has happened */
    const char *problem;    /**< why the file can't be looked at */
    Screen screen;
} View;

/** Note what the last period has brought. */
void view_note(View *v, const Watched *w);

/** Draw the last period. Returns 0, or -1 if the terminal is gone. */
int view_draw(View *v, const Watched *w);

#endif /* SHMIMAGE_TOOLS_VIEW_H */
