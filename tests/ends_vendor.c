/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server and a client as the published description has them: whoever owns a
 * buffer stores its next state, and what the other one did meanwhile is lost.
 */
#include "config.h"

#include <unistd.h>

#include "ends.h"
#include "steps.h"

/* An end's own, in its process. */
static int drawing;    /* the buffer that the server has, or has had */
static struct {
    int buffer;
    uint32_t number;
} held[SHMI_BUFFERS];  /* by the client, in the order in which it took them */
static int nb_held;

static void start(const char *path)
{
    const ShmiHeader empty = { 0 };

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        step();
        poke_state(path, i, SHMIMAGE_STATE_INIT);
        step();
        poke_header(path, i, &empty);
    }
    drawing = 1;
}

static int begin(const char *path, uint32_t number)
{
    const ShmiHeader image = { number, width_of(number), height_of(number), 0,
                               height_of(number) };

    for (int i = 1; i <= SHMI_BUFFERS; i++) {
        int buffer = (drawing + i) % SHMI_BUFFERS;

        if (peek_state(path, buffer) != SHMIMAGE_STATE_SERVER)
            continue;
        step();
        poke_state(path, buffer, SHMIMAGE_STATE_SERVER_LOCKED);
        step();
        poke_header(path, buffer, &image);
        step();
        drawing = buffer;
        return SHMIMAGE_OK;
    }
    return SHMIMAGE_NO_BUFFER;
}

static void commit(const char *path, uint32_t number)
{
    uint8_t *pixels = new_image(number);

    poke_pixels(path, drawing, pixels, size_of(number));
    free(pixels);
    step();
    poke_state(path, drawing, SHMIMAGE_STATE_CLIENT);
    step();
}

void vendor_server(const char *path, const Order *order, Answer *answer)
{
    step();
    switch (order->task) {
    case DO_OPEN:
        start(path);
        break;
    case DO_PUT:
        answer->result = begin(path, order->number);
        if (answer->result == SHMIMAGE_OK)
            commit(path, order->number);
        break;
    case DO_BEGIN:
        answer->result = begin(path, order->number);
        break;
    case DO_COMMIT:
        commit(path, order->number);
        break;
    case DO_CLOSE:
        break;
    default:
        _exit(1);
    }
}

static bool holds(int buffer)
{
    for (int i = 0; i < nb_held; i++)
        if (held[i].buffer == buffer)
            return true;
    return false;
}

static bool matches(const char *path, int buffer, uint32_t number)
{
    uint8_t *pixels = new_image(number);
    bool match;

    peek_pixels(path, buffer, pixels, size_of(number));
    match = pixels_match(pixels, size_of(number), number);
    free(pixels);
    return match;
}

static void answer_server(const char *path)
{
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        if (holds(i) || peek_state(path, i) != SHMIMAGE_STATE_INIT)
            continue;
        step();
        poke_state(path, i, SHMIMAGE_STATE_SERVER);
        step();
    }
}

/* Of two images the one with the smaller number, or -1. */
static int next_ready(const char *path)
{
    int next = -1;

    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (peek_state(path, i) == SHMIMAGE_STATE_CLIENT &&
            (next < 0 || peek_header(path, i).frame_number <
                             peek_header(path, next).frame_number))
            next = i;
    return next;
}

static void take(const char *path, Answer *answer)
{
    ShmiHeader image;
    int buffer;

    answer_server(path);
    buffer = next_ready(path);
    answer->result = nb_held == SHMI_BUFFERS ? SHMIMAGE_ERROR_LOCKED
                                             : SHMIMAGE_NO_FRAME;
    if (buffer < 0)
        return;
    step();
    poke_state(path, buffer, SHMIMAGE_STATE_CLIENT_LOCKED);
    step();
    image = peek_header(path, buffer);
    held[nb_held].buffer = buffer;
    held[nb_held].number = image.frame_number;
    nb_held++;
    answer->result = SHMIMAGE_OK;
    answer->number = image.frame_number;
    answer->width  = image.width;
    answer->height = image.height;
    answer->intact = image.offset == 0 &&
                     image.num_scanlines == image.height &&
                     matches(path, buffer, image.frame_number);
}

static void release(const char *path, uint32_t which)
{
    int buffer = held[which].buffer;

    nb_held--;
    if (which == 0)
        held[0] = held[1];
    step();
    poke_state(path, buffer, SHMIMAGE_STATE_SERVER);
    step();
}

void vendor_client(const char *path, const Order *order, Answer *answer)
{
    step();
    switch (order->task) {
    case DO_OPEN:
        answer_server(path);
        break;
    case DO_CLOSE:
        while (nb_held)
            release(path, 0);
        break;
    case DO_TAKE:
        take(path, answer);
        break;
    case DO_RELEASE:
        release(path, order->number);
        break;
    case DO_CHECK:
        answer->intact = true;
        for (int i = 0; i < nb_held; i++)
            answer->intact &= matches(path, held[i].buffer,
                                             held[i].number);
        break;
    default:
        _exit(1);
    }
}
