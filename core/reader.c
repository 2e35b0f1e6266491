/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "assembly.h"
#include "error.h"
#include "mapping.h"
#include "shmimage.h"
#include "wait.h"

/* What a frame that was put together from blocks holds instead of a buffer, and
 * where the newest image is before there was one. */
#define NO_BUFFER (-1)

/* A frame in the caller's hands, and what its release needs. */
typedef struct HeldFrame {
    ShmImageFrame frame;    /* first, so that one pointer serves for both */
    ShmImageReader *reader;
    int buffer;             /* 0, 1 or NO_BUFFER */
    uint8_t *own_pixels;    /* freed with it; NULL when they are mapped */
} HeldFrame;

struct ShmImageReader {
    pthread_mutex_t mutex;           /* guards all that follows it */
    int references;                  /* the open reader and each held frame */
    bool closed;                     /* only held frames are left */
    ShmiMapping mapping;
    HeldFrame in_buffer[SHMI_BUFFERS];
    bool held[SHMI_BUFFERS];
    uint32_t session;                /* of the newest image */
    int newest;                      /* the buffer it came in, or NO_BUFFER */
    uint32_t answered[SHMI_BUFFERS]; /* times, since then */
    ShmiAssembly assembly;
    uint64_t delivered;
    uint64_t refused;
    uint64_t incomplete;
    uint32_t refused_width;
    uint32_t refused_height;
};

/* Answer a server that has initialised the buffers. One that the caller still
 * holds is left alone, so that the server can't draw in it yet. */
static bool connect_buffers(ShmImageReader *reader)
{
    bool connected = false;

    for (int i = 0; i < SHMI_BUFFERS; i++) {
        /* Looks first: a compare-and-swap takes the line from the server. */
        if (reader->held[i] ||
            shmi_state_load(reader->mapping.state[i]) != SHMIMAGE_STATE_INIT ||
            !shmi_state_connect(reader->mapping.state[i]))
            continue;
        reader->answered[i]++;
        shmi_assembly_drop(&reader->assembly, &reader->incomplete);
        shmi_wake(reader->mapping.state[i]);
        connected = true;
    }
    return connected;
}

/* How often a server was seen to start since the newest image was taken.
 *
 * A server initialises both buffers before it draws. So the next image is of
 * the same session if, and only if, the buffer of the newest one has not been
 * initialised since; it may still be held, and unanswered. To compare what was
 * seen of the two buffers would not do: one may have been answered before a
 * start, and the other one after it. */
static uint32_t restarts(const ShmImageReader *reader)
{
    const uint32_t *answered = reader->answered;
    uint32_t most = answered[0] > answered[1] ? answered[0] : answered[1];
    int newest = reader->newest;

    if (newest == NO_BUFFER)
        return most;
    if (!answered[newest] &&
        shmi_state_load(reader->mapping.state[newest]) != SHMIMAGE_STATE_INIT)
        return 0;
    return most ? most : 1;
}

static void give_back(ShmImageReader *reader, int buffer)
{
    if (shmi_state_release(reader->mapping.state[buffer]))
        shmi_wake(reader->mapping.state[buffer]);
}

/* Whether the image at a comes before the one at b. The blocks of one image
 * end with the block at offset 0. */
static bool comes_before(const ShmiHeader *a, const ShmiHeader *b)
{
    if (a->frame_number == b->frame_number)
        return a->offset > b->offset;
    return shmi_number_before(a->frame_number, b->frame_number);
}

static bool is_ready(const ShmImageReader *reader, int buffer,
                     ShmiHeader *header)
{
    const ShmiMapping *mapping = &reader->mapping;

    if (reader->held[buffer] ||
        shmi_state_load(mapping->state[buffer]) != SHMIMAGE_STATE_CLIENT)
        return false;
    shmi_header_read(header, mapping->header[buffer]);
    return true;
}

/* The ready buffer to read first, or -1. */
static int next_ready(const ShmImageReader *reader)
{
    ShmiHeader header[SHMI_BUFFERS];
    bool ready[SHMI_BUFFERS];

    for (int i = 0; i < SHMI_BUFFERS; i++)
        ready[i] = is_ready(reader, i, &header[i]);
    /* Between those two looks the server may have published in buffer 0, and
     * after that in buffer 1: seeing the latter makes the former visible. */
    if (ready[1] && !ready[0])
        ready[0] = is_ready(reader, 0, &header[0]);
    if (ready[0] && ready[1])
        return comes_before(&header[1], &header[0]);
    return ready[0] ? 0 : ready[1] ? 1 : -1;
}

static ShmImageFrame *hand_out(ShmImageReader *reader, HeldFrame *held,
                               const ShmiHeader *header, int buffer,
                               const uint8_t *pixels)
{
    held->reader = reader;
    held->buffer = buffer;
    held->frame  = (ShmImageFrame){
        .number  = header->frame_number,
        .width   = header->width,
        .height  = header->height,
        .session = reader->session,
        .pixels  = pixels,
        .size    = shmi_image_size(header->width, header->height,
                                   SHMI_MAX_IMAGE_SIZE),
    };
    reader->references++;
    reader->delivered++;
    return &held->frame;
}

static int take_block(ShmImageReader *reader, int buffer,
                      const ShmiHeader *header, ShmImageFrame **frame)
{
    HeldFrame *held;
    int ret = shmi_assembly_add(&reader->assembly, header,
                                reader->mapping.pixels[buffer],
                                &reader->incomplete);

    give_back(reader, buffer);
    if (ret != SHMIMAGE_OK)
        return ret;
    held = calloc(1, sizeof(*held));
    if (!held) {
        shmi_assembly_drop(&reader->assembly, &reader->incomplete);
        return shmi_error(SHMIMAGE_ERROR_MEMORY, NULL);
    }
    held->own_pixels = shmi_assembly_take(&reader->assembly);
    *frame = hand_out(reader, held, header, NO_BUFFER, held->own_pixels);
    return SHMIMAGE_OK;
}

static int take_buffer(ShmImageReader *reader, int buffer,
                       ShmImageFrame **frame)
{
    ShmiMapping *mapping = &reader->mapping;
    ShmiHeader header;
    uint32_t started;

    if (!shmi_state_lock(mapping->state[buffer]))
        return SHMIMAGE_NO_FRAME;
    started = restarts(reader);
    shmi_header_read(&header, mapping->header[buffer]);
    if (!shmi_state_still_locked(mapping->state[buffer]))
        return SHMIMAGE_NO_FRAME;
    reader->session += started;
    reader->newest   = buffer;
    reader->answered[0] = reader->answered[1] = 0;
    if (shmi_header_check(&header, mapping->payload) < 0) {
        reader->refused++;
        reader->refused_width  = header.width;
        reader->refused_height = header.height;
        give_back(reader, buffer);
        return SHMIMAGE_NO_FRAME;
    }
    if (!shmi_header_is_whole(&header))
        return take_block(reader, buffer, &header, frame);

    shmi_assembly_drop(&reader->assembly, &reader->incomplete);
    reader->held[buffer] = true;
    *frame = hand_out(reader, &reader->in_buffer[buffer], &header, buffer,
                      mapping->pixels[buffer]);
    return SHMIMAGE_OK;
}

/* One look at the states. Takes no more buffers than there are, so that a
 * server that publishes nonsense without end can't keep the caller here. */
static int look(ShmImageReader *reader, ShmImageFrame **frame)
{
    int ret = SHMIMAGE_NO_FRAME;

    connect_buffers(reader);
    if (reader->held[0] && reader->held[1])
        return shmi_error(SHMIMAGE_ERROR_LOCKED,
                          "both buffers are held; release a frame first");
    for (int i = 0; i < SHMI_BUFFERS && ret == SHMIMAGE_NO_FRAME; i++) {
        int buffer = next_ready(reader);

        if (buffer < 0)
            break;
        ret = take_buffer(reader, buffer, frame);
    }
    return ret;
}

static void unreference(ShmImageReader *reader)
{
    bool last;

    pthread_mutex_lock(&reader->mutex);
    last = --reader->references == 0;
    pthread_mutex_unlock(&reader->mutex);
    if (!last)
        return;
    shmi_assembly_drop(&reader->assembly, &reader->incomplete);
    shmi_mapping_close(&reader->mapping);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}

/* Answer the server, and take back what a client before this one had locked.
 * Not if that one lives: then the buffers are still its own. */
static int connect_first(ShmImageReader *reader)
{
    bool fresh = connect_buffers(reader);

    for (int i = 0; i < SHMI_BUFFERS && !reader->mapping.shared_role; i++)
        give_back(reader, i);
    return fresh ? SHMIMAGE_OK : SHMIMAGE_RECONNECTING;
}

SHMI_EXPORT int shmimage_reader_open(const char *path, unsigned flags,
                                     ShmImageReader **reader)
{
    ShmImageReader *r;
    int ret;

    if (reader)
        *reader = NULL;
    if (!path || !reader || flags & ~(unsigned)SHMIMAGE_TAKE_OVER)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    r = calloc(1, sizeof(*r));
    if (!r)
        return shmi_error(SHMIMAGE_ERROR_MEMORY, NULL);
    r->references = 1;
    r->newest = NO_BUFFER;
    if (pthread_mutex_init(&r->mutex, NULL)) {
        free(r);
        return shmi_error(SHMIMAGE_ERROR_THREAD, NULL);
    }
    ret = shmi_mapping_open(path, SHMI_CLIENT, flags, &r->mapping);
    if (ret < 0) {
        pthread_mutex_destroy(&r->mutex);
        free(r);
        return ret;
    }
    *reader = r;
    return connect_first(r);
}

SHMI_EXPORT int shmimage_reader_acquire(ShmImageReader *reader,
                                        int64_t timeout,
                                        ShmImageFrame **frame)
{
    ShmiWatch watch;
    int64_t deadline;
    int ret;

    if (frame)
        *frame = NULL;
    if (!reader || !frame)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    deadline = timeout ? shmi_deadline(timeout) : 0;
    do {
        shmi_watch_begin(&watch, reader->mapping.state);
        pthread_mutex_lock(&reader->mutex);
        ret = look(reader, frame);
        pthread_mutex_unlock(&reader->mutex);
    } while (ret == SHMIMAGE_NO_FRAME && timeout &&
             shmi_watch_sleep(&watch, deadline,
                              shmi_mapping_peer_wakes(&reader->mapping)));
    return ret;
}

SHMI_EXPORT void shmimage_reader_release(ShmImageFrame *frame)
{
    HeldFrame *held = (HeldFrame *)frame;
    ShmImageReader *reader;

    if (!frame)
        return;
    reader = held->reader;
    if (held->buffer == NO_BUFFER) {
        free(held->own_pixels);
        free(held);
    } else {
        pthread_mutex_lock(&reader->mutex);
        give_back(reader, held->buffer);
        reader->held[held->buffer] = false;
        /* A server that has started meanwhile still waits for this buffer. */
        if (!reader->closed)
            connect_buffers(reader);
        pthread_mutex_unlock(&reader->mutex);
    }
    unreference(reader);
}

/* Whether any server has left a trace in the file, or is there. */
static bool is_initialised(const ShmiMapping *mapping)
{
    for (int i = 0; i < SHMI_BUFFERS; i++) {
        ShmiHeader header;

        shmi_header_read(&header, mapping->header[i]);
        if (header.width || shmi_state_load(mapping->state[i]))
            return true;
    }
    return shmi_presence_look(mapping->fd, SHMI_SERVER) == SHMI_PRESENCE_HELD;
}

SHMI_EXPORT int shmimage_reader_stats(ShmImageReader *reader,
                                      ShmImageReaderStats *stats,
                                      size_t stats_size)
{
    ShmImageReaderStats now = { 0 };

    if (!reader || !stats || !stats_size)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&reader->mutex);
    now.delivered   = reader->delivered;
    now.refused     = reader->refused;
    now.incomplete  = reader->incomplete;
    now.refused_width  = reader->refused_width;
    now.refused_height = reader->refused_height;
    now.sessions    = reader->session + restarts(reader);
    now.initialised = now.sessions || is_initialised(&reader->mapping);
    pthread_mutex_unlock(&reader->mutex);
    shmi_copy_struct(stats, stats_size, &now, sizeof(now));
    return SHMIMAGE_OK;
}

SHMI_EXPORT void shmimage_reader_close(ShmImageReader *reader)
{
    if (!reader)
        return;
    pthread_mutex_lock(&reader->mutex);
    reader->closed = true;
    pthread_mutex_unlock(&reader->mutex);
    unreference(reader);
}
