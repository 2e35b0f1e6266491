/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The client's half of the interface that Ansys publishes for EnSight's shared
 * memory image stream, version 1.0, as libshmimage implements it.
 *
 * Programs written for the vendor's header compile and run unchanged: names,
 * values and behaviour are the published ones. The words are ours. New
 * programs may prefer shmimage.h, which can also wait for an image.
 *
 * @code
 * SharedMemoryImageStream stream;
 * SharedMemoryFrame frame;
 *
 * if (SharedMemoryImageStream_create("live.shm", IMAGESTREAM_OPTIONS_NONE,
 *                                    &stream) < 0)
 *     return 1;
 * while (SharedMemoryImageStream_lock(stream, &frame) >= 0) {
 *     ... look at frame->buffer if that was IMAGESTREAM_NOERROR, then
 *     SharedMemoryImageStream_unlock(stream);
 * }
 * SharedMemoryImageStream_destroy(stream);
 * @endcode
 *
 * Any thread may call any function; those on one stream take turns, except
 * that SharedMemoryImageStream_destroy() must be the last. No function waits
 * for the other side. NULL where a stream, a frame or a name is needed is
 * IMAGESTREAM_BAD_ARGS.
 */
#ifndef SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_H
#define SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Of the published interface. */
#define IMAGESTREAM_API_VERSION "1.0"

/*
 * Conditions: not errors, the call may be repeated.
 */
/** Server: no client has connected yet. */
#define IMAGESTREAM_UNCONNECTED         4
/** Created, and the file has carried a stream before. */
#define IMAGESTREAM_RECONNECTING        3
/** Client: no new image. */
#define IMAGESTREAM_NO_FRAMEAVAILABLE   2
/** Server: the client has not read the earlier images; this one is dropped. */
#define IMAGESTREAM_NO_BUFFERAVAILABLE  1

/** Done. */
#define IMAGESTREAM_NOERROR             0

/*
 * Errors.
 */
/** An argument is NULL or out of range. */
#define IMAGESTREAM_BAD_ARGS           -1
/** Nothing is locked that could be unlocked. */
#define IMAGESTREAM_NOT_LOCKED         -2
/** There is no such file, or it has less than 10,000,000 bytes. */
#define IMAGESTREAM_BAD_FILE_SIZE      -3
/** The file is no regular file, or may not be read and written. */
#define IMAGESTREAM_UNABLE_TO_OPEN_FILE -4
/** The file can't be mapped. */
#define IMAGESTREAM_UNABLE_TO_MAP_FILE -5
/** Out of memory. */
#define IMAGESTREAM_MEMORY_ALLOC_ERROR -6
/** The system refused a mutex. No threads are made here. */
#define IMAGESTREAM_THREAD_CREATE_ERROR -7
/** Only a client may make this call. */
#define IMAGESTREAM_IS_SERVER          -8
/** Only a server may make this call. */
#define IMAGESTREAM_IS_NOTSERVER       -9
/** The image does not fit into half of the file. */
#define IMAGESTREAM_FRAME_TOO_LARGE   -10
/** Unlock the image first. */
#define IMAGESTREAM_LOCKED            -11

/** SharedMemoryImageStream_create(): be a client. */
#define IMAGESTREAM_OPTIONS_NONE         0x00000000
/** Server only: turn every image upside down while it is copied. */
#define IMAGESTREAM_OPTIONS_FLIPVERTICAL 0x00000100

/** One of the codes above: positive a condition, negative an error. */
typedef int SharedMemoryImageError;

/** One end of a stream; what it points to is private. */
typedef struct _SharedMemoryImageStream *SharedMemoryImageStream;

/** An image. It does not own its pixels. */
typedef struct _SharedMemoryFrame {
    uint32_t iFrame;  /**< number; goes up, may jump when images were dropped */
    uint32_t iWidth;  /**< pixels */
    uint32_t iHeight; /**< pixels */
    uint8_t *buffer;  /**< 3 * iWidth * iHeight bytes of RGB, top row first */
} *SharedMemoryFrame;

/**
 * Open one end of a stream.
 *
 * A client that is created while another one is connected succeeds with
 * IMAGESTREAM_RECONNECTING; the two then compete for the images.
 *
 * @param filename    an existing regular file of at least 10,000,000 bytes,
 *                    better 20,000,000: the published pages name both as the
 *                    least
 * @param options     IMAGESTREAM_OPTIONS_NONE for a client; for a server see
 *                    shared_memory_image_client_priv.h
 * @param[out] stream the stream if the result is not negative, otherwise NULL;
 *                    to be destroyed with SharedMemoryImageStream_destroy()
 * @return IMAGESTREAM_NOERROR;
 *         IMAGESTREAM_RECONNECTING: the stream is valid; the file has carried
 *         a stream before;
 *         IMAGESTREAM_BAD_ARGS, _BAD_FILE_SIZE, _UNABLE_TO_OPEN_FILE,
 *         _UNABLE_TO_MAP_FILE, _MEMORY_ALLOC_ERROR, _THREAD_CREATE_ERROR:
 *         shmimage_error_message() has the details
 */
SharedMemoryImageError
SharedMemoryImageStream_create(const char *filename, uint32_t options,
                               SharedMemoryImageStream *stream);

/**
 * Client: look for an image, and keep its buffer until it is unlocked. Does
 * not wait.
 *
 * @param stream     a client's
 * @param[out] frame the image, which belongs to the stream and is valid until
 *                   SharedMemoryImageStream_unlock(); only set on success
 * @return IMAGESTREAM_NOERROR: locked, to be unlocked;
 *         IMAGESTREAM_NO_FRAMEAVAILABLE: nothing new, nothing locked;
 *         IMAGESTREAM_LOCKED: unlock the previous image first;
 *         IMAGESTREAM_MEMORY_ALLOC_ERROR: an image that came in blocks is
 *         lost; IMAGESTREAM_BAD_FILE_SIZE: the file was shortened meanwhile;
 *         IMAGESTREAM_IS_SERVER; IMAGESTREAM_BAD_ARGS
 */
SharedMemoryImageError
SharedMemoryImageStream_lock(SharedMemoryImageStream stream,
                             SharedMemoryFrame *frame);

/**
 * Client: give the locked image's buffer back to the server.
 *
 * @param stream a client's
 * @return IMAGESTREAM_NOERROR; IMAGESTREAM_NOT_LOCKED; IMAGESTREAM_IS_SERVER;
 *         IMAGESTREAM_BAD_ARGS
 */
SharedMemoryImageError
SharedMemoryImageStream_unlock(SharedMemoryImageStream stream);

/**
 * Close either end of a stream. Unlocks first what is locked. The file stays.
 *
 * @param stream no longer valid afterwards
 * @return IMAGESTREAM_NOERROR; IMAGESTREAM_BAD_ARGS
 */
SharedMemoryImageError
SharedMemoryImageStream_destroy(SharedMemoryImageStream stream);

/**
 * Put a code into words.
 *
 * @param err any value
 * @return a UTF-8 string that is always valid, never NULL
 */
const char *SharedMemoryImageStream_errorstring(SharedMemoryImageError err);

#ifdef __cplusplus
}
#endif

#endif /* SHMIMAGE_SHARED_MEMORY_IMAGE_CLIENT_H */
