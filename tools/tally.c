/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "pace.h"
#include "tally.h"

#define MILLISECOND (PACE_SECOND / 1000)

/* By how much a number may lie behind the newest one without being taken for
 * another server's. */
#define LATE 4

static unsigned file_events(const Watched *w, const Look *look)
{
    static const unsigned lost[] = {
        [LOOK_MISSING]    = TALLY_REMOVED,
        [LOOK_SHORT]      = TALLY_SHORTENED,
        [LOOK_UNREADABLE] = TALLY_UNREADABLE,
    };
    unsigned events = 0;

    if (look->file != LOOK_OK)
        return look->file == w->last.file ? 0 : lost[look->file];
    if (w->last.file != LOOK_OK)
        events |= TALLY_BACK;
    if (look->inode != w->inode || look->device != w->device)
        events |= TALLY_REPLACED;
    else if (look->info.size != w->size)
        events |= TALLY_RESIZED;
    return events;
}

/* While the server draws, the header may be half written. A buffer that is
 * free again holds the last image's header, or that of one that the server
 * began and dropped, which looks the same. */
static int has_image(const ShmImageBufferInfo *b)
{
    return b->width && b->height &&
           (b->state == SHMIMAGE_STATE_SERVER ||
            b->state == SHMIMAGE_STATE_CLIENT ||
            b->state == SHMIMAGE_STATE_CLIENT_LOCKED);
}

static int is_empty(const ShmImageBufferInfo *b)
{
    return b->state == SHMIMAGE_STATE_INIT || !b->width || !b->height;
}

static int is_behind(uint32_t a, uint32_t b)
{
    return b - a - 1 < INT32_MAX;
}

/* Numbers a second, as long as it can be told. */
static double numbers_a_second(const Watched *w)
{
    const Tally *t = w->previous.time ? &w->previous : &w->period;

    if (t->time <= 0)
        return 0;
    return (double)(t->images + t->missed) * (double)PACE_SECOND /
           (double)t->time;
}

static void take_number(Watched *w, const ShmImageBufferInfo *b)
{
    w->numbered = 1;
    w->newest   = b->number;
    w->width    = b->width;
    w->height   = b->height;
}

/* Of the numbers that were not seen, those that may have come and gone since
 * the look before. */
static uint64_t unsure_of(const Watched *w, const Tally *step, uint32_t gap)
{
    const double rate = numbers_a_second(w);
    const double drawn = rate * (double)step->time / (double)PACE_SECOND;

    return rate > 0 && drawn < gap ? (uint64_t)drawn : gap;
}

static void correct(Tally *tally)
{
    tally->missed -= tally->missed > 0;
    tally->unsure -= tally->unsure > 0;
}

static void count_image(Watched *w, Tally *step, const ShmImageBufferInfo *b)
{
    const uint32_t ahead = b->number - w->newest;

    /* Another block of the same image. */
    if (w->numbered && !ahead)
        return;
    step->images++;
    if (w->numbered && -ahead <= LATE) {
        /* The look before came upon its buffer too early, and upon the other
         * one after the next image. */
        correct(&w->period);
        correct(&w->total);
        return;
    }
    if (w->numbered && ahead > INT32_MAX) {
        step->events |= TALLY_STARTED;
    } else if (w->numbered) {
        step->missed += ahead - 1;
        step->unsure += unsure_of(w, step, ahead - 1);
    }
    take_number(w, b);
}

static void count_images(Watched *w, Tally *step, const Look *look)
{
    const ShmImageBufferInfo *b = look->info.buffer;
    const int first = has_image(&b[0]) && has_image(&b[1]) &&
                      is_behind(b[1].number, b[0].number);

    for (int turn = 0; turn < TALLY_BUFFERS; turn++) {
        const int i = turn ^ first;
        TallyImage *image = &w->image[i];

        if (!has_image(&b[i]) ||
            (image->known && image->number == b[i].number))
            continue;
        *image = (TallyImage){ 1, b[i].number };
        count_image(w, step, &b[i]);
        step->worked[TALLY_SERVER] = 1;
        step->worked[TALLY_CLIENT] |= b[i].state != SHMIMAGE_STATE_CLIENT;
    }
}

/* A server's start empties both headers. */
static void notice_start(Watched *w, Tally *step, const Look *look)
{
    int emptied = 0;

    for (int i = 0; i < TALLY_BUFFERS; i++) {
        if (look->info.buffer[i].state == SHMIMAGE_STATE_SERVER_LOCKED ||
            !is_empty(&look->info.buffer[i]))
            continue;
        emptied |= w->image[i].known ||
                   (look->info.buffer[i].state == SHMIMAGE_STATE_INIT &&
                    w->last.info.buffer[i].state != SHMIMAGE_STATE_INIT);
        w->image[i].known = 0;
    }
    if (!emptied)
        return;
    step->events |= TALLY_STARTED;
    w->numbered = 0;
}

static void notice_work(Tally *step, uint8_t before, uint8_t now)
{
    if (before == now)
        return;
    if (now == SHMIMAGE_STATE_SERVER_LOCKED || now == SHMIMAGE_STATE_CLIENT)
        step->worked[TALLY_SERVER] = 1;
    if (now == SHMIMAGE_STATE_CLIENT_LOCKED ||
        (now == SHMIMAGE_STATE_SERVER &&
         before != SHMIMAGE_STATE_SERVER_LOCKED))
        step->worked[TALLY_CLIENT] = 1;
}

static void compare(Watched *w, Tally *step, const Look *look)
{
    for (int i = 0; i < TALLY_BUFFERS; i++) {
        const ShmImageBufferInfo *before = &w->last.info.buffer[i];
        const ShmImageBufferInfo *now = &look->info.buffer[i];
        const int state = now->state <= SHMIMAGE_STATE_INIT
                              ? now->state : TALLY_STATES - 1;

        notice_work(step, before->state, now->state);
        if (before->state != now->state || before->number != now->number)
            w->since[i] = look->time;
        step->spent[i][state] += step->time;
        if (now->state == SHMIMAGE_STATE_CLIENT &&
            look->time - w->since[i] > step->longest)
            step->longest = look->time - w->since[i];
    }
    notice_start(w, step, look);
    count_images(w, step, look);
}

/* What the file holds already is not counted. */
static void begin(Watched *w, const Look *look)
{
    w->device   = look->device;
    w->inode    = look->inode;
    w->size     = look->info.size;
    w->numbered = 0;
    for (int i = 0; i < TALLY_BUFFERS; i++) {
        const ShmImageBufferInfo *b = &look->info.buffer[i];

        w->since[i] = look->time;
        w->image[i] = (TallyImage){ has_image(b), b->number };
        if (has_image(b) && (!w->numbered || is_behind(w->newest, b->number)))
            take_number(w, b);
    }
}

static void add(Tally *sum, const Tally *step)
{
    sum->time   += step->time;
    sum->looks  += step->looks;
    sum->images += step->images;
    sum->missed += step->missed;
    sum->unsure += step->unsure;
    sum->events |= step->events;
    for (int i = 0; i < TALLY_BUFFERS; i++)
        for (int state = 0; state < TALLY_STATES; state++)
            sum->spent[i][state] += step->spent[i][state];
    for (int role = 0; role < TALLY_ROLES; role++)
        sum->worked[role] |= step->worked[role];
    if (step->longest > sum->longest)
        sum->longest = step->longest;
}

void tally_look(Watched *w, const Look *look)
{
    const int first = !w->last.time;
    Tally step = { .looks = 1 };

    if (!first) {
        step.time   = look->time - w->last.time;
        step.events = file_events(w, look);
    }
    if (look->file == LOOK_OK && (first || step.events))
        begin(w, look);
    else if (look->file == LOOK_OK)
        compare(w, &step, look);
    add(&w->period, &step);
    add(&w->total, &step);
    w->last = *look;
}

void tally_next_period(Watched *w)
{
    w->previous = w->period;
    memset(&w->period, 0, sizeof(w->period));
}

double tally_rate(const Tally *tally)
{
    if (tally->time <= 0)
        return 0;
    return (double)tally->images * (double)PACE_SECOND / (double)tally->time;
}

double tally_mean(const Tally *tally, int state)
{
    int64_t spent = 0;

    if (!tally->images)
        return -1;
    for (int i = 0; i < TALLY_BUFFERS; i++)
        spent += tally->spent[i][state];
    return (double)spent / (double)tally->images / (double)MILLISECOND;
}

double tally_longest_wait(const Tally *tally)
{
    const double seen = (double)tally->longest / (double)MILLISECOND;
    const double mean = tally_mean(tally, SHMIMAGE_STATE_CLIENT);

    return seen > mean ? seen : mean;
}

const char *tally_event_name(unsigned event)
{
    switch (event) {
    case TALLY_REMOVED:    return "removed";
    case TALLY_SHORTENED:  return "shortened";
    case TALLY_UNREADABLE: return "unreadable";
    case TALLY_BACK:       return "back";
    case TALLY_REPLACED:   return "replaced";
    case TALLY_RESIZED:    return "resized";
    default:               return "started";
    }
}

const char *tally_event_text(unsigned event)
{
    switch (event) {
    case TALLY_REMOVED:    return "the file was removed";
    case TALLY_SHORTENED:  return "the file was shortened";
    case TALLY_UNREADABLE: return "the file can't be read";
    case TALLY_BACK:       return "the file can be used again";
    case TALLY_REPLACED:   return "another file has taken its name";
    case TALLY_RESIZED:    return "the file has another size";
    default:               return "a server has started";
    }
}

const char *tally_peer(const Watched *w, TallyRole role)
{
    const ShmImageFileInfo *info = &w->last.info;

    if (role == TALLY_SERVER ? info->server : info->client)
        return "shmimage";
    return w->previous.worked[role] ? "other" : "none";
}

const char *tally_file_name(LookFile file)
{
    static const char *const names[] = {
        [LOOK_OK]         = "ok",
        [LOOK_MISSING]    = "missing",
        [LOOK_SHORT]      = "short",
        [LOOK_UNREADABLE] = "unreadable",
    };

    return names[file];
}
