/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "assembly.h"
#include "connection.h"
#include "copy.h"
#include "error.h"
#include "rhythm.h"
#include "shmimage.h"
#include "wait.h"

/* What a frame that was put together from blocks holds instead of a buffer. */
#define NO_BUFFER_HELD (-1)

typedef struct OpenFile OpenFile;

/* A frame in the caller's hands, and what its release needs. */
typedef struct HeldFrame {
    ShmImageFrame frame;    /* first, so that one pointer serves for both */
    ShmImageReader *reader;
    OpenFile *file;         /* NULL when it is not in a buffer */
    int buffer;             /* 0, 1 or NO_BUFFER_HELD */
    uint8_t *own_pixels;    /* freed with it; NULL when they are mapped */
} HeldFrame;

/* The reader's file, or one that it had before and that frames still need. */
struct OpenFile {
    ShmiConnection connection;
    HeldFrame in_buffer[SHMI_BUFFERS];
    bool reported_short;    /* that it was shortened */
};

/* What the reader did before it polls the buffers. */
typedef enum Arrival {
    CALLED,                 /* nothing: it was just called */
    SLEPT,                  /* slept, with a server that wakes nobody */
    WOKEN,                  /* slept, with a server that wakes it */
} Arrival;

struct ShmImageReader {
    pthread_mutex_t mutex;           /* guards all that follows it */
    int references;                  /* the open reader and each held frame */
    bool closed;                     /* only held frames are left */
    int64_t next_check;              /* when to look whether to follow */
    ShmiRhythm rhythm;               /* of buffers that are ready */
    OpenFile *file;
    ShmiAssembly assembly;
    uint32_t nb_held;                /**< buffers, of all its files */
    uint32_t replaced;
    uint64_t delivered;
    uint64_t refused;
    uint64_t incomplete;
    uint32_t refused_width;
    uint32_t refused_height;
};

static void answer_server(ShmImageReader *reader)
{
    if (shmi_connection_answer(&reader->file->connection))
        shmi_assembly_drop(&reader->assembly, &reader->incomplete);
}

static ShmImageFrame *hand_out(ShmImageReader *reader, HeldFrame *held,
                               const ShmiHeader *header, uint32_t session,
                               const uint8_t *pixels)
{
    held->reader = reader;
    held->frame  = (ShmImageFrame){
        .number  = header->frame_number,
        .width   = header->width,
        .height  = header->height,
        .session = session,
        .pixels  = pixels,
        .size    = shmi_image_size(header->width, header->height,
                                   SHMI_MAX_IMAGE_SIZE),
    };
    reader->references++;
    reader->delivered++;
    return &held->frame;
}

/* That the file was shortened is reported once. */
static int report_short(OpenFile *file)
{
    if (file->reported_short)
        return SHMIMAGE_NO_FRAME;
    file->reported_short = true;
    return shmi_mapping_short_error(&file->connection.mapping);
}

static int no_memory_for_blocks(const ShmImageReader *reader,
                                const ShmiHeader *header)
{
    return shmi_error(SHMIMAGE_ERROR_MEMORY,
                      "%s: no memory for an image of %ux%u in blocks",
                      reader->file->connection.mapping.path, header->width,
                      header->height);
}

static int take_block(ShmImageReader *reader, int buffer,
                      const ShmiHeader *header, ShmImageFrame **frame)
{
    ShmiConnection *connection = &reader->file->connection;
    HeldFrame *held;
    int ret = shmi_assembly_add(&reader->assembly, header,
                                connection->mapping.pixels[buffer],
                                &reader->incomplete);

    shmi_connection_release(connection, buffer);
    if (ret == SHMIMAGE_OK && shmi_mapping_is_short(&connection->mapping)) {
        shmi_assembly_drop(&reader->assembly, &reader->incomplete);
        return report_short(reader->file);
    }
    if (ret == SHMIMAGE_ERROR_MEMORY)
        return no_memory_for_blocks(reader, header);
    if (ret != SHMIMAGE_OK)
        return ret;
    held = calloc(1, sizeof(*held));
    if (!held) {
        shmi_assembly_drop(&reader->assembly, &reader->incomplete);
        return no_memory_for_blocks(reader, header);
    }
    held->buffer     = NO_BUFFER_HELD;
    held->own_pixels = shmi_assembly_take(&reader->assembly);
    *frame = hand_out(reader, held, header, connection->session,
                      held->own_pixels);
    return SHMIMAGE_OK;
}

static int take_buffer(ShmImageReader *reader, int buffer, Arrival arrival,
                       ShmImageFrame **frame)
{
    ShmiConnection *connection = &reader->file->connection;
    ShmiMapping *mapping = &connection->mapping;
    HeldFrame *held = &reader->file->in_buffer[buffer];
    ShmiHeader header;

    if (!shmi_connection_lock(connection, buffer, &header))
        return SHMIMAGE_NO_FRAME;
    shmi_rhythm_note(&reader->rhythm, shmi_wait_ops->now(),
                     arrival != CALLED);
    if (shmi_header_check(&header, mapping->payload) < 0) {
        reader->refused++;
        reader->refused_width  = header.width;
        reader->refused_height = header.height;
        shmi_connection_release(connection, buffer);
        return SHMIMAGE_NO_FRAME;
    }
    if (!shmi_header_is_whole(&header))
        return take_block(reader, buffer, &header, frame);

    shmi_assembly_drop(&reader->assembly, &reader->incomplete);
    connection->held[buffer] = true;
    reader->nb_held++;
    held->file   = reader->file;
    held->buffer = buffer;
    *frame = hand_out(reader, held, &header, connection->session,
                      mapping->pixels[buffer]);
    return SHMIMAGE_OK;
}

/* Whether the file has another size than it had. To ask takes as long as all
 * else that is done between being woken and having the image. So that is left
 * out when a server of ours has published: it asks before it does, and one that
 * has mapped another size than this reader has first initialised buffer 0. */
static bool is_short(ShmImageReader *reader, Arrival arrival)
{
    const ShmiConnection *connection = &reader->file->connection;
    ShmiMapping *mapping = &reader->file->connection.mapping;

    if (arrival == WOKEN && !mapping->shared_role && !mapping->was_short &&
        !shmi_guard_was_hit(mapping->guard) &&
        shmi_connection_next(connection) >= 0 &&
        shmi_state_load(mapping->state[0]) != SHMIMAGE_STATE_INIT)
        return false;
    return shmi_mapping_is_short(mapping);
}

/* One look at the states. Takes no more buffers than there are, so that a
 * server that publishes nonsense without end can't keep the caller here. */
static int look(ShmImageReader *reader, Arrival arrival,
                ShmImageFrame **frame)
{
    ShmiConnection *connection = &reader->file->connection;
    int ret = SHMIMAGE_NO_FRAME;

    /* Part of it may be good, but where its size is another one by now, so are
     * the places of the buffers. */
    if (is_short(reader, arrival))
        return report_short(reader->file);
    answer_server(reader);
    if (connection->held[0] && connection->held[1])
        return shmi_error(SHMIMAGE_ERROR_LOCKED,
                          "both buffers are held; release a frame first");
    for (int i = 0; i < SHMI_BUFFERS && ret == SHMIMAGE_NO_FRAME; i++) {
        int buffer = shmi_connection_next(connection);

        if (buffer < 0)
            break;
        ret = take_buffer(reader, buffer, arrival, frame);
        arrival = CALLED;
    }
    if (ret == SHMIMAGE_NO_FRAME &&
        shmi_guard_was_hit(connection->mapping.guard))
        return report_short(reader->file);
    return ret;
}

static void close_file(OpenFile *file)
{
    shmi_mapping_close(&file->connection.mapping);
    free(file);
}

static bool is_held(const OpenFile *file)
{
    return file->connection.held[0] || file->connection.held[1];
}

/* Go over to another file of the same name, if there is one. Held frames keep
 * the old one. */
static bool follow(ShmImageReader *reader)
{
    OpenFile *old  = reader->file;
    OpenFile *file = calloc(1, sizeof(*file));
    uint32_t session;

    if (!file)
        return false;
    if (shmi_mapping_follow(&old->connection.mapping,
                            &file->connection.mapping) != SHMIMAGE_OK) {
        free(file);
        return false;
    }
    shmi_assembly_drop(&reader->assembly, &reader->incomplete);
    session = shmi_connection_session(&old->connection);
    reader->replaced++;
    /* Also where another client has answered the new file's server. */
    if (!shmi_connection_begin(&file->connection, session) &&
        shmi_connection_has_trace(&file->connection))
        file->connection.session++;
    reader->file = file;
    if (!is_held(old))
        close_file(old);
    return true;
}

static bool is_time_to_check(ShmImageReader *reader)
{
    int64_t now = shmi_wait_ops->now();

    if (now < reader->next_check)
        return false;
    reader->next_check = now + SHMI_CHECK_INTERVAL;
    return true;
}

/* Look for images once more when the server is gone: it may have published its
 * last one after the look before. The next server may have started since, too.
 * A look answers that one, and its end is to be reported as well. So the end of
 * this one is marked as reported first. */
static int report_disconnected(ShmImageReader *reader, ShmImageFrame **frame)
{
    ShmiConnection *connection = &reader->file->connection;
    int ret;

    connection->server = SHMI_SERVER_REPORTED;
    ret = look(reader, CALLED, frame);
    if (ret == SHMIMAGE_NO_FRAME)
        return SHMIMAGE_DISCONNECTED;
    if (connection->server == SHMI_SERVER_REPORTED)
        connection->server = SHMI_SERVER_SEEN;
    return ret;
}

/* Look for an image. If there is none, find out why. */
static int look_harder(ShmImageReader *reader, Arrival arrival,
                       ShmImageFrame **frame)
{
    ShmiConnection *connection = &reader->file->connection;
    int ret = look(reader, arrival, frame);
    /* A client that took over may find an image whenever it looks. */
    bool check = (ret == SHMIMAGE_NO_FRAME ||
                  connection->mapping.shared_role) &&
                 is_time_to_check(reader);

    if (check && !connection->mapping.was_short)
        shmi_connection_inherit(connection);
    if (ret != SHMIMAGE_NO_FRAME)
        return ret;
    if (check && follow(reader))
        return look(reader, CALLED, frame);
    if (connection->mapping.was_short ||
        !shmi_connection_server_is_gone(connection))
        return SHMIMAGE_NO_FRAME;
    return report_disconnected(reader, frame);
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
    close_file(reader->file);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}

static ShmImageReader *new_reader(void)
{
    ShmImageReader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return NULL;
    reader->references = 1;
    reader->file = calloc(1, sizeof(*reader->file));
    if (!reader->file) {
        free(reader);
        return NULL;
    }
    return reader;
}

SHMI_EXPORT int shmimage_reader_open(const char *path, unsigned flags,
                                     ShmImageReader **reader)
{
    const unsigned known = SHMIMAGE_TAKE_OVER | SHMIMAGE_NO_GUARD |
                           SHMIMAGE_FORCE;
    ShmImageReader *r;
    int ret;

    if (reader)
        *reader = NULL;
    if (!path || !reader || flags & ~known)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    r = new_reader();
    if (!r)
        return shmi_error_of(SHMIMAGE_ERROR_MEMORY, path);
    if (pthread_mutex_init(&r->mutex, NULL)) {
        ret = shmi_error_of(SHMIMAGE_ERROR_THREAD, path);
        goto fail;
    }
    ret = shmi_mapping_open(path, SHMI_CLIENT, flags,
                            &r->file->connection.mapping);
    if (ret < 0) {
        pthread_mutex_destroy(&r->mutex);
        goto fail;
    }
    *reader = r;
    return shmi_connection_begin(&r->file->connection, 0)
               ? SHMIMAGE_OK
               : SHMIMAGE_RECONNECTING;

fail:
    free(r->file);
    free(r);
    return ret;
}

SHMI_EXPORT int shmimage_reader_acquire(ShmImageReader *reader,
                                        int64_t timeout,
                                        ShmImageFrame **frame)
{
    ShmiWatch watch;
    int64_t deadline, pause;
    Arrival arrival = CALLED;
    int ret;

    if (frame)
        *frame = NULL;
    if (!reader || !frame)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    deadline = timeout ? shmi_deadline(timeout) : 0;
    do {
        OpenFile *file;

        pthread_mutex_lock(&reader->mutex);
        file = reader->file;
        shmi_watch_begin(&watch, file->connection.mapping.state);
        ret = look_harder(reader, arrival, frame);
        if (ret != SHMIMAGE_NO_FRAME || !timeout || file != reader->file)
            arrival = CALLED; /* the watch may be on the file that was left */
        else
            arrival = shmi_mapping_peer_wakes(&file->connection.mapping)
                          ? WOKEN
                          : SLEPT;
        pause = shmi_rhythm_pause(&reader->rhythm, shmi_wait_ops->now());
        pthread_mutex_unlock(&reader->mutex);
    } while (ret == SHMIMAGE_NO_FRAME && timeout &&
             (arrival == CALLED ||
              shmi_watch_sleep(&watch, deadline, arrival == WOKEN, pause)));
    return ret;
}

SHMI_EXPORT int shmimage_frame_check(const ShmImageFrame *frame)
{
    const HeldFrame *held = (const HeldFrame *)frame;
    ShmiMapping *mapping;
    bool whole;

    if (!frame)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    if (!held->file)
        return SHMIMAGE_OK;
    mapping = &held->file->connection.mapping;
    pthread_mutex_lock(&held->reader->mutex);
    /* The state gives away a file that has its size again. */
    whole = !shmi_mapping_is_short(mapping) &&
            shmi_state_is_untouched(mapping->state[held->buffer]);
    pthread_mutex_unlock(&held->reader->mutex);
    return whole ? SHMIMAGE_OK : shmi_mapping_short_error(mapping);
}

SHMI_EXPORT int shmimage_frame_copy(const ShmImageFrame *frame, uint8_t *dst,
                                    ptrdiff_t stride)
{
    ptrdiff_t row;

    if (!frame || !dst)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    row = (ptrdiff_t)(frame->size / frame->height);
    if (!stride)
        stride = row;
    if (stride < row && stride > -row)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT,
                          "%td bytes from row to row are too few for an image "
                          "of %ux%u, which needs %td", stride, frame->width,
                          frame->height, row);
    shmi_copy_rows(dst, stride, frame->pixels, row, (size_t)row,
                   frame->height);
    return shmimage_frame_check(frame);
}

/* Give back what a frame holds of a file. */
static void release_buffer(ShmImageReader *reader, const HeldFrame *held)
{
    OpenFile *file = held->file;

    /* Others may use the shortened file again, and own the buffer by now. */
    if (!file->connection.mapping.was_short)
        shmi_connection_release(&file->connection, held->buffer);
    file->connection.held[held->buffer] = false;
    reader->nb_held--;
    if (file != reader->file) {
        if (!is_held(file))
            close_file(file);
    } else if (!reader->closed) {
        /* A server that has started meanwhile still waits for this buffer. */
        answer_server(reader);
    }
}

SHMI_EXPORT void shmimage_reader_release(ShmImageFrame *frame)
{
    HeldFrame *held = (HeldFrame *)frame;
    ShmImageReader *reader;

    if (!frame)
        return;
    reader = held->reader;
    if (held->file) {
        bool is_first;

        pthread_mutex_lock(&reader->mutex);
        is_first = held->file->connection.held[held->buffer];
        if (is_first)
            release_buffer(reader, held);
        pthread_mutex_unlock(&reader->mutex);
        if (!is_first)
            return;
    } else {
        free(held->own_pixels);
        free(held);
    }
    unreference(reader);
}

SHMI_EXPORT int shmimage_reader_stats(ShmImageReader *reader,
                                      ShmImageReaderStats *stats,
                                      size_t stats_size)
{
    ShmImageReaderStats now = { 0 };
    const ShmiConnection *connection;

    if (!reader || !stats || !stats_size)
        return shmi_error(SHMIMAGE_ERROR_ARGUMENT, NULL);
    pthread_mutex_lock(&reader->mutex);
    connection = &reader->file->connection;
    now.delivered   = reader->delivered;
    now.refused     = reader->refused;
    now.incomplete  = reader->incomplete;
    now.refused_width  = reader->refused_width;
    now.refused_height = reader->refused_height;
    now.held        = reader->nb_held;
    now.replaced    = reader->replaced;
    now.sessions    = shmi_connection_session(connection);
    now.initialised = now.sessions || shmi_connection_initialised(connection);
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
