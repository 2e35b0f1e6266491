/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The server's half of the interface that Ansys publishes for EnSight's shared
 * memory image stream, version 1.0, as libshmimage implements it: options for
 * servers, the layout of the file, and SharedMemoryImageStream_putframe().
 *
 * See shared_memory_image_client.h for what holds for both halves.
 */
#ifndef SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_PRIV_H
#define SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_PRIV_H

/* The vendor's header includes these, and programs may count on it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "shared_memory_image_client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Initialise the buffers, and with that be the server. */
#define IMAGESTREAM_OPTIONS_INITBUFFERHEADERS 0x00000001
/** No mutex and no background thread. Accepted; there is no such thread. */
#define IMAGESTREAM_OPTIONS_NOTHREADS         0x00000002
/** What a server passes. */
#define IMAGESTREAM_OPTIONS_SERVER \
    (IMAGESTREAM_OPTIONS_INITBUFFERHEADERS | IMAGESTREAM_OPTIONS_NOTHREADS)

/*
 * Who owns a buffer. Only its owner may change the state, and it goes
 *
 *   4 (server starts) -> 0 (client connects)
 *   0 -> 1 (server draws) -> 2 (image is ready) -> 3 (client reads) -> 0
 */
/** The server's, free. */
#define IMAGESTREAM_BUFFER_STATE_SERVER        0
/** The server's, being written. */
#define IMAGESTREAM_BUFFER_STATE_SERVER_LOCKED 1
/** The client's, holds an image. */
#define IMAGESTREAM_BUFFER_STATE_CLIENT        2
/** The client's, being read. */
#define IMAGESTREAM_BUFFER_STATE_CLIENT_LOCKED 3
/** The client's, initialised by the server; no client has connected yet. */
#define IMAGESTREAM_BUFFER_STATE_INIT          4

/**
 * What each half of the file begins with, in native byte order. The second
 * half begins at floor(length / 2) and may lie at any byte, so copy the fields
 * rather than use them in place.
 */
typedef struct {
    uint32_t frame_number;  /**< goes up, may jump and wrap */
    uint32_t width;         /**< of the whole image, pixels */
    uint32_t height;        /**< of the whole image, pixels */
    uint32_t offset;        /**< first scanline, from the top; 0 comes last */
    uint32_t num_scanlines; /**< scanlines in this payload */
    uint8_t  buffer_state;  /**< IMAGESTREAM_BUFFER_STATE_* */
    uint8_t  pad[3];        /**< unused */
} BufferHeader;

/*
 * The states of a client's frame, as published. Nothing here reports them.
 */
/** No image. */
#define IMAGESTREAM_FRAME_STATE_UNDEFINED    0
/** An image to lock. */
#define IMAGESTREAM_FRAME_STATE_IMAGE_READY  1
/** A locked image. */
#define IMAGESTREAM_FRAME_STATE_IMAGE_LOCKED 2

/**
 * Server: publish an image by copying it. Does not wait.
 *
 * @param stream created with IMAGESTREAM_OPTIONS_SERVER, and with
 *               IMAGESTREAM_OPTIONS_FLIPVERTICAL if frame->buffer begins with
 *               the bottom row
 * @param frame  the image; it and its pixels can be used again at once
 * @return IMAGESTREAM_NOERROR: queued;
 *         IMAGESTREAM_NO_BUFFERAVAILABLE: dropped, the client is slower;
 *         IMAGESTREAM_UNCONNECTED: dropped, no client has connected yet;
 *         IMAGESTREAM_FRAME_TOO_LARGE: a larger file is needed;
 *         IMAGESTREAM_BAD_FILE_SIZE: the file was shortened meanwhile;
 *         IMAGESTREAM_IS_NOTSERVER; IMAGESTREAM_BAD_ARGS, also for an image
 *         without pixels
 */
SharedMemoryImageError
SharedMemoryImageStream_putframe(SharedMemoryImageStream stream,
                                 SharedMemoryFrame frame);

#ifdef __cplusplus
}
#endif

#endif /* SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_PRIV_H */
