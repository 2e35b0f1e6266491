/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The published interface, in terms of shmimage.h. What it adds is that a
 * client holds one image at a time, and that there are fewer error codes.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "abi.h"
#include "error.h"
#include "shared_memory_image_client_priv.h"
#include "shmimage.h"

_Static_assert(IMAGESTREAM_UNCONNECTED == SHMIMAGE_UNCONNECTED &&
               IMAGESTREAM_LOCKED == SHMIMAGE_ERROR_LOCKED,
               "statuses have the published codes, from first to last");

struct _SharedMemoryImageStream {
    ShmImageWriter *writer;          /* a server's; NULL in a client */
    ShmImageReader *reader;          /* a client's; NULL in a server */
    pthread_mutex_t mutex;           /* guards all that follows it */
    ShmImageFrame *locked;           /* NULL when there is none */
    struct _SharedMemoryFrame frame; /* the same, as the caller sees it */
};

/* The published code for one that only shmimage.h has. */
static SharedMemoryImageError published(int status)
{
    if (status == SHMIMAGE_DISCONNECTED)
        return IMAGESTREAM_NO_FRAMEAVAILABLE;
    if (status == SHMIMAGE_ERROR_NOT_FOUND ||
        status == SHMIMAGE_ERROR_TRUNCATED)
        return IMAGESTREAM_BAD_FILE_SIZE;
    if (status < IMAGESTREAM_LOCKED)
        return IMAGESTREAM_UNABLE_TO_OPEN_FILE;
    return status;
}

static int open_end(SharedMemoryImageStream stream, const char *filename,
                    uint32_t options)
{
    unsigned flags = SHMIMAGE_TAKE_OVER | SHMIMAGE_FORCE;

    if (!(options & IMAGESTREAM_OPTIONS_INITBUFFERHEADERS))
        return shmimage_reader_open(filename, flags, &stream->reader);
    if (options & IMAGESTREAM_OPTIONS_FLIPVERTICAL)
        flags |= SHMIMAGE_FLIP;
    return shmimage_writer_open(filename, flags, &stream->writer);
}

/* Whether no server has ever been at the file. */
static bool is_new(ShmImageReader *reader)
{
    ShmImageReaderStats stats;

    shmimage_reader_stats(reader, &stats, sizeof(stats));
    return !stats.initialised;
}

SHMI_EXPORT SharedMemoryImageError
SharedMemoryImageStream_create(const char *filename, uint32_t options,
                               SharedMemoryImageStream *stream)
{
    const uint32_t known = IMAGESTREAM_OPTIONS_SERVER |
                           IMAGESTREAM_OPTIONS_FLIPVERTICAL;
    SharedMemoryImageStream s;
    int ret;

    if (stream)
        *stream = NULL;
    if (!filename || !stream || options & ~known)
        return shmi_error(IMAGESTREAM_BAD_ARGS, NULL);
    s = calloc(1, sizeof(*s));
    if (!s)
        return shmi_error_of(IMAGESTREAM_MEMORY_ALLOC_ERROR, filename);
    if (pthread_mutex_init(&s->mutex, NULL)) {
        free(s);
        return shmi_error_of(IMAGESTREAM_THREAD_CREATE_ERROR, filename);
    }
    ret = open_end(s, filename, options);
    if (ret < 0) {
        pthread_mutex_destroy(&s->mutex);
        free(s);
        return published(ret);
    }
    *stream = s;
    /* The published code is for files that have carried a stream. */
    if (ret == SHMIMAGE_RECONNECTING && is_new(s->reader))
        return IMAGESTREAM_NOERROR;
    return ret;
}

static SharedMemoryImageError lock(SharedMemoryImageStream stream,
                                   SharedMemoryFrame *frame)
{
    ShmImageFrame *image;
    int ret;

    if (stream->locked)
        return shmi_error(IMAGESTREAM_LOCKED, NULL);
    ret = shmimage_reader_acquire(stream->reader, 0, &image);
    if (ret != SHMIMAGE_OK)
        return published(ret);
    stream->locked = image;
    stream->frame  = (struct _SharedMemoryFrame){
        .iFrame  = image->number,
        .iWidth  = image->width,
        .iHeight = image->height,
        /* The published type has no const; the pixels are mapped writable. */
        .buffer  = (uint8_t *)(uintptr_t)image->pixels,
    };
    *frame = &stream->frame;
    return IMAGESTREAM_NOERROR;
}

SHMI_EXPORT SharedMemoryImageError
SharedMemoryImageStream_lock(SharedMemoryImageStream stream,
                             SharedMemoryFrame *frame)
{
    SharedMemoryImageError ret;

    if (!stream || !frame)
        return shmi_error(IMAGESTREAM_BAD_ARGS, NULL);
    if (!stream->reader)
        return shmi_error(IMAGESTREAM_IS_SERVER, NULL);
    pthread_mutex_lock(&stream->mutex);
    ret = lock(stream, frame);
    pthread_mutex_unlock(&stream->mutex);
    return ret;
}

SHMI_EXPORT SharedMemoryImageError
SharedMemoryImageStream_unlock(SharedMemoryImageStream stream)
{
    ShmImageFrame *image;

    if (!stream)
        return shmi_error(IMAGESTREAM_BAD_ARGS, NULL);
    if (!stream->reader)
        return shmi_error(IMAGESTREAM_IS_SERVER, NULL);
    pthread_mutex_lock(&stream->mutex);
    image = stream->locked;
    /* Before another thread can lock: it may get this frame's buffer. */
    shmimage_reader_release(image);
    stream->locked = NULL;
    pthread_mutex_unlock(&stream->mutex);
    if (!image)
        return shmi_error(IMAGESTREAM_NOT_LOCKED, NULL);
    return IMAGESTREAM_NOERROR;
}

SHMI_EXPORT SharedMemoryImageError
SharedMemoryImageStream_putframe(SharedMemoryImageStream stream,
                                 SharedMemoryFrame frame)
{
    if (!stream || !frame || !frame->buffer)
        return shmi_error(IMAGESTREAM_BAD_ARGS, NULL);
    if (!stream->writer)
        return shmi_error(IMAGESTREAM_IS_NOTSERVER, NULL);
    return published(shmimage_writer_put(stream->writer, frame->iFrame,
                                         frame->iWidth, frame->iHeight,
                                         frame->buffer, 0));
}

SHMI_EXPORT SharedMemoryImageError
SharedMemoryImageStream_destroy(SharedMemoryImageStream stream)
{
    if (!stream)
        return shmi_error(IMAGESTREAM_BAD_ARGS, NULL);
    /* Close first: a release connects to a server that has started again. */
    shmimage_reader_close(stream->reader);
    shmimage_reader_release(stream->locked);
    shmimage_writer_close(stream->writer);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
    return IMAGESTREAM_NOERROR;
}

SHMI_EXPORT const char *
SharedMemoryImageStream_errorstring(SharedMemoryImageError err)
{
    return shmimage_error_string(err);
}
