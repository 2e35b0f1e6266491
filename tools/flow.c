/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "paint.h"

/*
 * Lengths count in units of 4096 a picture height, angles in 1024 a turn,
 * sines in 1 << 14.
 */
enum {
    UNIT     = 4096,
    TURN     = 1024,
    SINE_ONE = 1 << 14,
    COLOURS  = 1024,
    VORTICES = 10,
    POINTS   = 200, /* of the lattice in the longer direction, about */
};

typedef struct Vortex {
    int x, y;
    int radius;
    int strength; /* angle by which the middle is turned */
} Vortex;

typedef struct Point {
    int x, y;
} Point;

struct Flow {
    int step;       /* pixels between two points of the lattice */
    int columns, rows;
    int unit;       /* pixels that UNIT stands for */
    int tall;       /* the flow goes down, not right */
    int margin;     /* what a long picture lacks of UNIT the other way */
    int span;       /* how far the vortices drift before they come again */
    int pitch;      /* distance of two points, 256 a unit of length */
    Point *point;   /* the lattice, turned about by the vortices */
    int32_t *field; /* at the points: colour << 16 */
    int32_t *line;  /* field on the row being drawn */
    int line_y;     /* which row that is */
    Vortex vortex[VORTICES];
    int drift;      /* angle, slowly moves the layers */
    int16_t sine[TURN];
    uint8_t palette[COLOURS][4];
};

/* A dark ground that is easy on white text, and a bright end for the crests. */
static const struct {
    int at;
    Colour colour;
} anchors[] = {
    {    0, {  14,   9,  46 } },
    {  170, {  44,  32, 112 } },
    {  340, {  38,  82, 142 } },
    {  520, {  24, 129, 141 } },
    {  690, {  43, 172, 126 } },
    {  850, { 134, 210,  82 } },
    {  960, { 236, 224,  68 } },
    { 1023, { 255, 246, 180 } },
};

static void make_palette(Flow *flow)
{
    int i = 0;

    for (int c = 0; c < COLOURS; c++) {
        Colour a, b;
        int at, range;

        while (c > anchors[i + 1].at)
            i++;
        a = anchors[i].colour;
        b = anchors[i + 1].colour;
        at = c - anchors[i].at;
        range = anchors[i + 1].at - anchors[i].at;
        flow->palette[c][0] = (uint8_t)(a.r + (b.r - a.r) * at / range);
        flow->palette[c][1] = (uint8_t)(a.g + (b.g - a.g) * at / range);
        flow->palette[c][2] = (uint8_t)(a.b + (b.b - a.b) * at / range);
    }
}

/* Bhaskara's approximation: good to 0.2 %, and the same on every machine. */
static void make_sine(Flow *flow)
{
    const int half = TURN / 2;

    for (int i = 0; i < half; i++) {
        int64_t product = (int64_t)i * (half - i);
        int64_t value = 16 * product * SINE_ONE /
                        (5 * (int64_t)half * half - 4 * product);

        flow->sine[i] = (int16_t)(value < SINE_ONE ? value : SINE_ONE - 1);
        flow->sine[i + half] = (int16_t)-flow->sine[i];
    }
}

static int sine(const Flow *flow, int angle)
{
    return flow->sine[angle & (TURN - 1)];
}

static int cosine(const Flow *flow, int angle)
{
    return flow->sine[(angle + TURN / 4) & (TURN - 1)];
}

/* The coordinate along an axis of a vector that is turned; across is the
 * coordinate on the other axis, with its sign. */
static int turned(const Flow *flow, int along, int across, int angle)
{
    return (along * cosine(flow, angle) + across * sine(flow, angle)) >> 14;
}

/* Coordinates of the lattice's points, and back: the first at or after. */
static int point_position(const Flow *flow, int index)
{
    return index * flow->pitch >> 8;
}

static int first_point(const Flow *flow, int position, int count)
{
    return paint_clamp(position * 256 / flow->pitch + 1, 0, count);
}

Flow *flow_new(int width, int height)
{
    Flow *flow = calloc(1, sizeof(*flow));
    const int longer = width > height ? width : height;
    const int shorter = width > height ? height : width;

    if (!flow)
        return NULL;
    flow->step = longer / POINTS > 2 ? longer / POINTS : 2;
    flow->columns = width / flow->step + 2;
    flow->rows = height / flow->step + 2;
    flow->tall = height > width;
    flow->unit = shorter > longer * 9 / 16 ? shorter : longer * 9 / 16;
    flow->span = (int)((int64_t)longer * UNIT / flow->unit) + UNIT;
    flow->margin = UNIT - (int)((int64_t)shorter * UNIT / flow->unit);
    flow->pitch = (int)((int64_t)flow->step * UNIT * 256 / flow->unit);
    flow->point = calloc((size_t)flow->columns * flow->rows,
                         sizeof(*flow->point));
    flow->field = calloc((size_t)flow->columns * flow->rows,
                         sizeof(*flow->field));
    flow->line = calloc((size_t)flow->columns, sizeof(*flow->line));
    if (!flow->point || !flow->field || !flow->line) {
        flow_free(flow);
        return NULL;
    }
    make_palette(flow);
    make_sine(flow);
    return flow;
}

void flow_free(Flow *flow)
{
    if (!flow)
        return;
    free(flow->point);
    free(flow->field);
    free(flow->line);
    free(flow);
}

static void place_vortices(Flow *flow, uint32_t number)
{
    const uint32_t speed = (uint32_t)(((uint64_t)1 << 32) / 1100);

    for (int i = 0; i < VORTICES; i++) {
        Vortex v;
        uint32_t phase = number * speed +
                         (uint32_t)(((uint64_t)i << 32) / VORTICES);
        int way = (int)((uint64_t)phase * (uint64_t)flow->span >> 32);

        v.x = way - UNIT / 2;
        v.y = i % 2 ? UNIT * 29 / 100 : UNIT * 71 / 100;
        v.y += sine(flow, (int)(phase >> 21)) * (UNIT / 24) / SINE_ONE;
        v.y -= flow->margin / 2;
        v.radius = UNIT * (i % 2 ? 33 : 30) / 100;
        v.strength = (i % 2 ? -1 : 1) *
                     (TURN / 4 + (int)((uint64_t)phase * TURN >> 32));
        flow->vortex[i] = v;
        if (flow->tall) {
            flow->vortex[i].x = v.y;
            flow->vortex[i].y = v.x;
        }
    }
    flow->drift = (int)(number * (speed / 2 * 3) >> 22);
}

/* Turn the points around a vortex about its middle, the more the nearer. */
static void warp(Flow *flow, const Vortex *v)
{
    const int left = first_point(flow, v->x - v->radius, flow->columns);
    const int right = first_point(flow, v->x + v->radius, flow->columns);
    const int top = first_point(flow, v->y - v->radius, flow->rows);
    const int bottom = first_point(flow, v->y + v->radius, flow->rows);
    const int limit = v->radius * v->radius >> 12;
    const int scale = (UNIT << 12) / limit;

    for (int row = top; row < bottom; row++) {
        Point *point = flow->point + (size_t)row * flow->columns + left;
        int dy = point_position(flow, row) - v->y;

        for (int column = left; column < right; column++, point++) {
            int dx = point_position(flow, column) - v->x;
            int square = (dx * dx + dy * dy) >> 12;
            int near, angle;

            if (square >= limit)
                continue;
            near = UNIT - (square * scale >> 12);
            angle = v->strength * (near * near >> 12) >> 12;
            point->x += turned(flow, dx, -dy, angle) - dx;
            point->y += turned(flow, dy, dx, angle) - dy;
        }
    }
}

static int32_t field_at(const Flow *flow, Point point)
{
    const int x = flow->tall ? point.y : point.x;
    const int y = (flow->tall ? point.x : point.y) + flow->margin / 2;
    int value = sine(flow, y * 3 / 8 + flow->drift) * 330;

    value += sine(flow, y + x / 8 - 2 * flow->drift) * 110;
    value += sine(flow, x / 6 - y / 7 + flow->drift) * 70;
    value = value / (SINE_ONE / 64) + 430 * 64;
    return paint_clamp(value, 64, (COLOURS - 1) * 64) * 1024;
}

void flow_advance(Flow *flow, uint32_t number)
{
    const size_t count = (size_t)flow->rows * flow->columns;
    Point *point = flow->point;

    place_vortices(flow, number);
    flow->line_y = -1;
    for (int row = 0; row < flow->rows; row++)
        for (int column = 0; column < flow->columns; column++, point++)
            *point = (Point){ point_position(flow, column),
                               point_position(flow, row) };
    for (int i = 0; i < VORTICES; i++)
        warp(flow, &flow->vortex[i]);
    for (size_t i = 0; i < count; i++)
        flow->field[i] = field_at(flow, flow->point[i]);
}

static void interpolate_line(Flow *flow, int y)
{
    const int32_t *above = flow->field +
                           (size_t)(y / flow->step) * flow->columns;
    const int32_t *below = above + flow->columns;
    const int part = y % flow->step * 256 / flow->step;

    for (int i = 0; i < flow->columns; i++)
        flow->line[i] = above[i] + ((below[i] - above[i]) >> 8) * part;
    flow->line_y = y;
}

void flow_draw_row(Flow *flow, int y, int x0, int x1, uint8_t *row)
{
    const int step = flow->step;
    const int64_t part = 65536 / step;
    uint8_t *p = row + (ptrdiff_t)x0 * 3;
    int x = x0;

    if (y != flow->line_y)
        interpolate_line(flow, y);
    for (int cell = x0 / step; x < x1; cell++) {
        const int32_t start = flow->line[cell];
        const int32_t slope = (int32_t)((flow->line[cell + 1] - start) *
                                        part >> 16);
        const int end = (cell + 1) * step < x1 ? (cell + 1) * step : x1 - 1;
        int32_t value = start + slope * (x - cell * step);

        /* Four bytes at once are quicker than three; the next pixel puts
         * right the byte too much, and the last one is not drawn so. */
        for (; x < end; x++, p += 3, value += slope)
            memcpy(p, flow->palette[value >> 16], 4);
        if (x == x1 - 1) {
            memcpy(p, flow->palette[value >> 16], 3);
            return;
        }
    }
}
