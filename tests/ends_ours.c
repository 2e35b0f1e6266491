/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <unistd.h>

#include "ends.h"

/* An end's own, in its process. */
static ShmImageWriter *writer;
static ShmImageReader *reader;
static uint8_t *drawing;

/* What a client holds, in the order in which it took it. */
static struct {
    ShmImageFrame *frame;
    uint32_t number;
} held[SHMI_BUFFERS];
static int nb_held;

void our_server(const char *path, const Order *order, Answer *answer)
{
    uint32_t number = order->number;
    uint32_t width = width_of(number), height = height_of(number);
    uint8_t *pixels;

    switch (order->task) {
    case DO_OPEN:
        answer->result = shmimage_writer_open(path, 0, &writer);
        break;
    case DO_CLOSE:
        shmimage_writer_close(writer);
        break;
    case DO_PUT:
        pixels = new_image(number);
        answer->result = shmimage_writer_put(writer, number, width, height,
                                             pixels, 0);
        free(pixels);
        break;
    case DO_BEGIN:
        answer->result = shmimage_writer_begin(writer, number, width, height,
                                               &drawing);
        if (answer->result == SHMIMAGE_OK)
            fill_pixels(drawing, size_of(number) / 2, number);
        break;
    case DO_COMMIT:
        fill_pixels(drawing, size_of(number), number);
        answer->result = shmimage_writer_commit(writer);
        break;
    case DO_WAIT_FOR_ROOM:
        answer->result = shmimage_writer_wait(writer, SHMIMAGE_FOREVER);
        break;
    default:
        _exit(1);
    }
}

static void take(Answer *answer, int64_t timeout)
{
    ShmImageFrame *frame;

    answer->result = shmimage_reader_acquire(reader, timeout, &frame);
    if (!frame)
        return;
    held[nb_held].frame  = frame;
    held[nb_held].number = frame->number;
    nb_held++;
    answer->number  = frame->number;
    answer->width   = frame->width;
    answer->height  = frame->height;
    answer->session = frame->session;
    answer->intact  = frame->size == size_of(frame->number) &&
                      pixels_match(frame->pixels, frame->size, frame->number);
}

static void release(uint32_t which)
{
    ShmImageFrame *frame = held[which].frame;

    nb_held--;
    if (which == 0)
        held[0] = held[1];
    shmimage_reader_release(frame);
}

static bool all_intact(void)
{
    for (int i = 0; i < nb_held; i++) {
        const ShmImageFrame *frame = held[i].frame;

        if (shmimage_frame_check(frame) != SHMIMAGE_OK ||
            frame->number != held[i].number ||
            !pixels_match(frame->pixels, frame->size, frame->number))
            return false;
    }
    return true;
}

void our_client(const char *path, const Order *order, Answer *answer)
{
    switch (order->task) {
    case DO_OPEN:
        answer->result = shmimage_reader_open(path, 0, &reader);
        break;
    case DO_CLOSE:
        shmimage_reader_close(reader);
        while (nb_held)
            release(0);
        break;
    case DO_TAKE:
        take(answer, 0);
        break;
    case DO_WAIT_FOR_IMAGE:
        take(answer, SHMIMAGE_FOREVER);
        break;
    case DO_RELEASE:
        release(order->number);
        break;
    case DO_CHECK:
        answer->intact = all_intact();
        break;
    default:
        _exit(1);
    }
}
