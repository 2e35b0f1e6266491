/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "copy.h"
#include "error.h"
#include "mapping.h"
#include "shmimage.h"
#include "wait.h"

#define NOT_DRAWING (-1)

struct ShmImageWriter {
    pthread_mutex_t mutex;  /* guards all that follows it */
    ShmiMapping mapping;
    bool flip;
    int drawing;            /* the buffer begun, or NOT_DRAWING */
    int next;               /* the buffer to try first */
    bool filled[SHMI_BUFFERS]; /* holds an image counted as published */
    bool client_seen;       /* the client has held its lock */
    uint64_t published;
    uint64_t dropped;
    uint64_t unconnected;
    uint64_t unread;
};

/* Returns which buffers, a bit for each, had an image ready, which nobody will
 * read now. */
static unsigned initialise(ShmiMapping *mapping)
{
    const ShmiHeader empty = { 0 };
    unsigned unread = 0;

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        if (shmi_state_initialise(mapping->state[i]) == SHMIMAGE_STATE_CLIENT)
            unread |= 1u << i;
        shmi_header_write(mapping->header[i], &empty);
        shmi_wake(mapping->state[i]);
    }
    return unread;
}

/* Initialise a file that was just opened. A sparse one may not get the pages
 * for that. */
static int start(ShmiMapping *mapping)
{
    initialise(mapping);
    return shmi_guard_was_hit(mapping->guard)
               ? shmi_mapping_short_error(mapping)
               : SHMIMAGE_OK;
}

/* Whether a client has answered since this writer's start. */
static bool is_connected(const ShmiMapping *mapping)
{
    return shmi_state_load(mapping->state[0]) != SHMIMAGE_STATE_INIT ||
           shmi_state_load(mapping->state[1]) != SHMIMAGE_STATE_INIT;
}

/* Whether the client was there, holding its lock, and is so no more. */
static bool client_is_gone(ShmImageWriter *writer)
{
    switch (shmi_presence_look(writer->mapping.fd, SHMI_CLIENT)) {
    case SHMI_PRESENCE_HELD:
        writer->client_seen = true;
        return false;
    case SHMI_PRESENCE_FREE:
        return writer->client_seen;
    default:
        return false;
    }
}

/* A client that is gone gives nothing back any more, and the next one shall not
 * begin with what this one left, so the server starts anew. A client that has
 * come at this very moment sees a server that restarts. Images that nobody has
 * read are counted; but anybody can say in a state that there are some.
 * Asked for each image, and not only when no buffer is free: a client without a
 * lock may come next, and what that one holds is not to be taken. */
static void look_for_client(ShmImageWriter *writer)
{
    unsigned unread;

    if (!client_is_gone(writer))
        return;
    writer->client_seen = false;
    unread = initialise(&writer->mapping);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        writer->unread += writer->filled[i] && unread & 1u << i;
        writer->filled[i] = false;
    }
}

static int why_none_is_free(const ShmiMapping *mapping)
{
    return is_connected(mapping) ? SHMIMAGE_NO_BUFFER : SHMIMAGE_UNCONNECTED;
}

static int check_image(const ShmImageWriter *writer, uint32_t width,
                       uint32_t height)
{
    size_t limit = writer->mapping.payload;

    if (limit > SHMI_MAX_IMAGE_SIZE)
        limit = SHMI_MAX_IMAGE_SIZE;
    if (!width || !height)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT,
                          "an image of %ux%u has no pixels", width, height);
    if (shmi_image_size(width, height, limit))
        return SHMIMAGE_OK;
    if (!shmi_image_size(width, height, SHMI_MAX_IMAGE_SIZE))
        return shmi_error(SHMIMAGE_ERROR_TOO_LARGE,
                          "%s: an image of %ux%u is larger than the %u bytes "
                          "that a stream can carry", writer->mapping.path,
                          width, height, SHMI_MAX_IMAGE_SIZE);
    return shmi_error(SHMIMAGE_ERROR_TOO_LARGE,
                      "%s: an image of %ux%u needs a file of %llu bytes and "
                      "this one has %zu; make one with 'shmimage create "
                      "--force --take-over --size %ux%u FILE'",
                      writer->mapping.path, width, height,
                      (unsigned long long)shmimage_file_size(width, height),
                      writer->mapping.size, width, height);
}

static int drop_in_short_file(ShmImageWriter *writer)
{
    writer->dropped++;
    return shmi_mapping_short_error(&writer->mapping);
}

static int begin(ShmImageWriter *writer, const ShmiHeader *header,
                 uint8_t **pixels)
{
    ShmiMapping *mapping = &writer->mapping;
    int ret = check_image(writer, header->width, header->height);

    if (ret < 0)
        return ret;
    if (writer->drawing != NOT_DRAWING)
        return shmi_error(SHMIMAGE_ERROR_LOCKED,
                          "an image was begun; commit or abort it first");
    if (shmi_mapping_is_short(mapping))
        return drop_in_short_file(writer);
    look_for_client(writer);
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        int buffer = (writer->next + i) % SHMI_BUFFERS;

        if (!shmi_state_begin(mapping->state[buffer]))
            continue;
        shmi_header_write(mapping->header[buffer], header);
        writer->filled[buffer] = false;
        writer->drawing = buffer;
        *pixels = mapping->pixels[buffer];
        return SHMIMAGE_OK;
    }
    ret = why_none_is_free(mapping);
    if (ret == SHMIMAGE_NO_BUFFER)
        writer->dropped++;
    else
        writer->unconnected++;
    return ret;
}

static int commit(ShmImageWriter *writer)
{
    const int buffer = writer->drawing;
    ShmiState *state;

    if (buffer == NOT_DRAWING)
        return shmi_error(SHMIMAGE_ERROR_NOT_LOCKED,
                          "no image was begun that could be committed");
    state = writer->mapping.state[buffer];
    writer->next = (buffer + 1) % SHMI_BUFFERS;
    writer->drawing = NOT_DRAWING;
    if (shmi_mapping_is_short(&writer->mapping))
        return drop_in_short_file(writer);
    if (!shmi_state_publish(state)) {
        writer->unconnected++;
        return SHMIMAGE_UNCONNECTED;
    }
    writer->filled[buffer] = true;
    shmi_wake(state);
    writer->published++;
    return SHMIMAGE_OK;
}

static void abort_drawing(ShmImageWriter *writer)
{
    shmi_state_abort(writer->mapping.state[writer->drawing]);
    writer->drawing = NOT_DRAWING;
}

static ShmiHeader whole_image(uint32_t number, uint32_t width, uint32_t height)
{
    return (ShmiHeader){ .frame_number = number, .width = width,
                         .height = height, .num_scanlines = height };
}

SHMI_EXPORT int shmimage_writer_open(const char *path, unsigned flags,
                                     ShmImageWriter **writer)
{
    const unsigned known = SHMIMAGE_TAKE_OVER | SHMIMAGE_FLIP |
                           SHMIMAGE_NO_GUARD | SHMIMAGE_FORCE;
    ShmImageWriter *w;
    int ret;

    if (writer)
        *writer = NULL;
    if (!path || !writer || flags & ~known)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    w = calloc(1, sizeof(*w));
    if (!w)
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    w->flip    = flags & SHMIMAGE_FLIP;
    w->drawing = NOT_DRAWING;
    if (pthread_mutex_init(&w->mutex, NULL)) {
        free(w);
        return shmi_error_of(SHMIMAGE_ERROR_THREAD, path);
    }
    ret = shmi_mapping_open(path, SHMI_SERVER, flags, &w->mapping);
    if (ret == SHMIMAGE_OK) {
        ret = start(&w->mapping);
        if (ret < 0)
            shmi_mapping_close(&w->mapping);
    }
    if (ret < 0) {
        pthread_mutex_destroy(&w->mutex);
        free(w);
        return ret;
    }
    *writer = w;
    return SHMIMAGE_OK;
}

SHMI_EXPORT int shmimage_writer_put(ShmImageWriter *writer, uint32_t number,
                                    uint32_t width, uint32_t height,
                                    const uint8_t *pixels, ptrdiff_t stride)
{
    const ShmiHeader header = whole_image(number, width, height);
    size_t row = (size_t)width * SHMI_BYTES_PER_PIXEL;
    uint8_t *dst;
    int ret;

    if (!writer || !pixels)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    if (!stride)
        stride = (ptrdiff_t)row;
    pthread_mutex_lock(&writer->mutex);
    ret = begin(writer, &header, &dst);
    if (ret == SHMIMAGE_OK) {
        if (writer->flip) {
            pixels += stride * (ptrdiff_t)(height - 1);
            stride  = -stride;
        }
        shmi_copy_rows(dst, (ptrdiff_t)row, pixels, stride, row, height);
        ret = commit(writer);
    }
    pthread_mutex_unlock(&writer->mutex);
    return ret;
}

SHMI_EXPORT int shmimage_writer_begin(ShmImageWriter *writer, uint32_t number,
                                      uint32_t width, uint32_t height,
                                      uint8_t **pixels)
{
    const ShmiHeader header = whole_image(number, width, height);
    int ret;

    if (pixels)
        *pixels = NULL;
    if (!writer || !pixels)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&writer->mutex);
    ret = begin(writer, &header, pixels);
    pthread_mutex_unlock(&writer->mutex);
    return ret;
}

SHMI_EXPORT int shmimage_writer_commit(ShmImageWriter *writer)
{
    int ret;

    if (!writer)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&writer->mutex);
    ret = commit(writer);
    pthread_mutex_unlock(&writer->mutex);
    return ret;
}

SHMI_EXPORT int shmimage_writer_abort(ShmImageWriter *writer)
{
    int ret = SHMIMAGE_OK;

    if (!writer)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&writer->mutex);
    if (writer->drawing == NOT_DRAWING)
        ret = shmi_error(SHMIMAGE_ERROR_NOT_LOCKED,
                         "no image was begun that could be aborted");
    else
        abort_drawing(writer);
    pthread_mutex_unlock(&writer->mutex);
    return ret;
}

SHMI_EXPORT int shmimage_file_reset(const char *path, unsigned flags)
{
    ShmiMapping mapping;
    int ret;

    if (!path || flags & ~(unsigned)(SHMIMAGE_TAKE_OVER | SHMIMAGE_FORCE))
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    /* Without the server's lock: this is no server that comes and goes. */
    ret = shmi_mapping_open(path, SHMI_SERVER, flags | SHMI_NO_ROLE, &mapping);
    if (ret < 0)
        return ret;
    ret = start(&mapping);
    shmi_mapping_close(&mapping);
    return ret;
}

static int look_for_room(ShmImageWriter *writer)
{
    ShmiMapping *mapping = &writer->mapping;

    if (writer->drawing != NOT_DRAWING)
        return shmi_error(SHMIMAGE_ERROR_LOCKED,
                          "an image was begun; commit or abort it first");
    if (shmi_mapping_is_short(mapping))
        return shmi_mapping_short_error(mapping);
    look_for_client(writer);
    for (int i = 0; i < SHMI_BUFFERS; i++)
        if (shmi_state_load(mapping->state[i]) == SHMIMAGE_STATE_SERVER)
            return SHMIMAGE_OK;
    return why_none_is_free(mapping);
}

SHMI_EXPORT int shmimage_writer_wait(ShmImageWriter *writer, int64_t timeout)
{
    ShmiWatch watch;
    int64_t deadline;
    int ret;

    if (!writer)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    deadline = timeout ? shmi_deadline(timeout) : 0;
    do {
        shmi_watch_begin(&watch, writer->mapping.state);
        pthread_mutex_lock(&writer->mutex);
        ret = look_for_room(writer);
        pthread_mutex_unlock(&writer->mutex);
    } while (ret > SHMIMAGE_OK && timeout &&
             shmi_watch_sleep(&watch, deadline,
                              shmi_mapping_peer_wakes(&writer->mapping),
                              SHMI_POLL_INTERVAL));
    return ret;
}

SHMI_EXPORT int shmimage_writer_stats(ShmImageWriter *writer,
                                      ShmImageWriterStats *stats,
                                      size_t stats_size)
{
    ShmImageWriterStats now = { 0 };

    if (!writer || !stats || !stats_size)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&writer->mutex);
    now.published   = writer->published;
    now.dropped     = writer->dropped;
    now.unconnected = writer->unconnected;
    now.unread      = writer->unread;
    now.connected   = is_connected(&writer->mapping) &&
                      !client_is_gone(writer);
    pthread_mutex_unlock(&writer->mutex);
    shmi_copy_struct(stats, stats_size, &now, sizeof(now));
    return SHMIMAGE_OK;
}

SHMI_EXPORT void shmimage_writer_close(ShmImageWriter *writer)
{
    if (!writer)
        return;
    if (writer->drawing != NOT_DRAWING)
        abort_drawing(writer);
    shmi_mapping_close(&writer->mapping);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}
