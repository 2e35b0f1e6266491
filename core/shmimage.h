/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * libshmimage: live images from one process to another through a file that
 * both have mapped.
 *
 * This is the transport of Ansys EnSight's shared memory image stream. One
 * process, the server, publishes images; one other, the client, takes them.
 * Here the server is a ShmImageWriter and the client a ShmImageReader. Either
 * may be replaced by a program that uses the vendor's own library, or the
 * vendor's interface as this library offers it too
 * (shared_memory_image_client.h).
 *
 * The file holds two buffers, each a header of 24 bytes and a payload. Pixels
 * are RGB, 8 bits a channel, 3 bytes a pixel, rows from top to bottom with no
 * gap between them. A state byte in each header says which side owns the
 * buffer; an image that finds no free buffer is dropped, so a slow reader
 * never stops the renderer.
 *
 * A server, complete but for its renderer:
 *
 * @code
 * #include <stdio.h>
 * #include <shmimage.h>
 *
 * int main(void)
 * {
 *     ShmImageWriter *writer;
 *     uint64_t size = shmimage_file_size(640, 480);
 *     int ret = shmimage_file_create("/dev/shm/live.shm", size, 0);
 *
 *     if (ret == SHMIMAGE_OK || ret == SHMIMAGE_ERROR_EXISTS)
 *         ret = shmimage_writer_open("/dev/shm/live.shm", 0, &writer);
 *     if (ret < 0) {
 *         fprintf(stderr, "%s\n", shmimage_error_message());
 *         return 1;
 *     }
 *     for (uint32_t number = 0; ret >= 0; number++) {
 *         uint8_t *pixels;
 *
 *         ret = shmimage_writer_wait(writer, 1000000);
 *         if (ret == SHMIMAGE_OK)
 *             ret = shmimage_writer_begin(writer, number, 640, 480, &pixels);
 *         if (ret == SHMIMAGE_OK) {
 *             draw(pixels, number);
 *             ret = shmimage_writer_commit(writer);
 *         }
 *     }
 *     shmimage_writer_close(writer);
 *     return 1;
 * }
 * @endcode
 *
 * And its client: shmimage_reader_open(), then shmimage_reader_acquire() and
 * shmimage_reader_release() for each image, then shmimage_reader_close().
 *
 * Crashes and restarts. A server may be started again on the same file at any
 * time: a connected reader notices and goes on, and a frame that it still
 * holds stays intact until it is released. A reader that is started again
 * takes over the buffers that its dead predecessor had locked. While a reader
 * or writer is open, it holds an advisory lock on one byte of the file (where
 * the system has open file description locks), so that a second one of the
 * same role is refused, each side learns of the other's death, however it
 * died, and tools can tell who is there. A peer that takes no part in the
 * locks, like the vendor's, works as well; it just can't be seen.
 *
 * Replaced and shortened files. A reader whose file is replaced by another one
 * of the same name follows it; a relative name is looked up anew. A file that
 * is shortened while it is mapped would end the process at its next access, by
 * SIGBUS. So opening a reader or writer installs, once in a process and for
 * good, a handler of that signal, which puts zeros where the file ends; calls
 * then report SHMIMAGE_ERROR_TRUNCATED. Such a file is not used any more, also
 * when it gets its size back; a reader waits for another file of its name.
 * Faults elsewhere go to the handler that was there before. A program that
 * installs its own handler later has to call the earlier one; a program that
 * wants none passes SHMIMAGE_NO_GUARD. The
 * handler can't help a thread that has blocked SIGBUS, nor a system call that
 * is given the pixels of such a file: that fails with EFAULT. Do not link the
 * library statically into one that is unloaded again.
 *
 * Caveats. The transport has no time stamps, no pixel format but RGB, and does
 * not leave the machine. The peer is trusted with the pixels but not with the
 * headers: whatever a header says is checked before it is used.
 *
 * Threads. All functions may be called from any thread; calls on one reader
 * or one writer are serialised inside, except that closing it must be the
 * last call. A process that forks must not use the same reader or writer on
 * both sides; and while its child lives and has not called exec, the other
 * side believes that the reader or writer is still there.
 */
#ifndef SHMIMAGE_H
#define SHMIMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this header. @see shmimage_version() */
#define SHMIMAGE_VERSION "0.1.0"

/**
 * What the functions return. Positive values report a condition that passes,
 * negative ones an error; shmimage_error_message() then has the details. The
 * values from -11 to 4 are those of the vendor's interface.
 */
enum {
    /** The server was there and is gone; no image of it is left. */
    SHMIMAGE_DISCONNECTED         =   5,
    /** No reader has connected since the server initialised the file. */
    SHMIMAGE_UNCONNECTED          =   4,
    /** Open, and the file has carried a stream before. */
    SHMIMAGE_RECONNECTING         =   3,
    /** No image is ready to be read. */
    SHMIMAGE_NO_FRAME             =   2,
    /** The reader has not given back a buffer yet. */
    SHMIMAGE_NO_BUFFER            =   1,
    /** Done. */
    SHMIMAGE_OK                   =   0,
    /** An argument is NULL, zero or out of range: a mistake of the caller. */
    SHMIMAGE_ERROR_ARGUMENT       =  -1,
    /** Nothing was begun or locked that could be committed or released. */
    SHMIMAGE_ERROR_NOT_LOCKED     =  -2,
    /** The file is smaller than 10,000,000 bytes: make a larger one. */
    SHMIMAGE_ERROR_FILE_SIZE      =  -3,
    /** The file can't be opened for a reason that has no code of its own. */
    SHMIMAGE_ERROR_OPEN           =  -4,
    /** The file can't be mapped, for lack of address space or of support. */
    SHMIMAGE_ERROR_MAP            =  -5,
    /** Out of memory. */
    SHMIMAGE_ERROR_MEMORY         =  -6,
    /** The system refused a mutex. */
    SHMIMAGE_ERROR_THREAD         =  -7,
    /** Vendor's interface only: the call is for clients. */
    SHMIMAGE_ERROR_IS_SERVER      =  -8,
    /** Vendor's interface only: the call is for servers. */
    SHMIMAGE_ERROR_IS_NOT_SERVER  =  -9,
    /**
     * The image does not fit into half of the file: make a larger one. No
     * image may have more than 1 GiB.
     */
    SHMIMAGE_ERROR_TOO_LARGE      = -10,
    /** Release, commit or abort what is held first. */
    SHMIMAGE_ERROR_LOCKED         = -11,
    /** There is no such file: the client has to create it. */
    SHMIMAGE_ERROR_NOT_FOUND      = -12,
    /** A directory, FIFO, socket or device; streams use regular files. */
    SHMIMAGE_ERROR_NOT_REGULAR    = -13,
    /** Reading and writing are both needed, and not both permitted. */
    SHMIMAGE_ERROR_PERMISSION     = -14,
    /** Another reader (or writer) is open on the file. */
    SHMIMAGE_ERROR_BUSY           = -15,
    /** There is such a file already. */
    SHMIMAGE_ERROR_EXISTS         = -16,
    /** The file system has no room for the file. */
    SHMIMAGE_ERROR_NO_SPACE       = -17,
    /** The file was shortened while it was in use: open it, or another. */
    SHMIMAGE_ERROR_TRUNCATED      = -18,
    /** What is in the file can't be a stream: it is probably another file. */
    SHMIMAGE_ERROR_NOT_A_STREAM   = -19,
};

/**
 * Do not refuse with SHMIMAGE_ERROR_BUSY: the caller knows that the other one
 * hangs, or that the two can share. What one of two readers, or two writers,
 * holds is not safe from the other.
 */
#define SHMIMAGE_TAKE_OVER 0x1
/** Writer: turn every image of shmimage_writer_put() upside down. */
#define SHMIMAGE_FLIP      0x2
/** shmimage_file_create(): replace the file that is there. */
#define SHMIMAGE_REPLACE   0x4
/** Install no handler of SIGBUS: a file that is shortened ends the process. */
#define SHMIMAGE_NO_GUARD  0x8
/** Use the file even if what is in it can't be a stream. */
#define SHMIMAGE_FORCE     0x10

/** Bytes behind an image that its reader may touch, in whole registers say. */
#define SHMIMAGE_PADDING   64

/** Time-out of the functions that wait: until something happens. */
#define SHMIMAGE_FOREVER   (-1)

/**
 * Who owns a buffer: the values of the state byte in its header.
 */
enum {
    SHMIMAGE_STATE_SERVER        = 0, /**< free, the writer may take it */
    SHMIMAGE_STATE_SERVER_LOCKED = 1, /**< the writer is drawing */
    SHMIMAGE_STATE_CLIENT        = 2, /**< holds an image to read */
    SHMIMAGE_STATE_CLIENT_LOCKED = 3, /**< the reader holds the image */
    SHMIMAGE_STATE_INIT          = 4, /**< initialised, no reader yet */
};

/** The receiving end. */
typedef struct ShmImageReader ShmImageReader;
/** The sending end. */
typedef struct ShmImageWriter ShmImageWriter;

/**
 * An image that the caller holds. Belongs to the library: read it, hand it to
 * shmimage_reader_release(), and do not touch it after that.
 */
typedef struct ShmImageFrame {
    uint32_t number;        /**< as the server counts; may jump and wrap */
    uint32_t width;         /**< pixels, at least 1 */
    uint32_t height;        /**< pixels, at least 1 */
    /**
     * Goes up when the server was started anew since the image before; numbers
     * of different sessions do not compare.
     */
    uint32_t session;
    /**
     * Top row first; aligned to nothing. Behind the last one, SHMIMAGE_PADDING
     * bytes may be read; they mean nothing.
     */
    const uint8_t *pixels;
    size_t size;            /**< bytes at pixels: 3 * width * height */
} ShmImageFrame;

/** What a reader has met so far. All counts start at 0 when it is opened. */
typedef struct ShmImageReaderStats {
    uint64_t delivered;     /**< images handed out by acquire */
    /** Buffers whose header did not fit the payload or the image. */
    uint64_t refused;
    /** Images in blocks of which a block never came. */
    uint64_t incomplete;
    uint64_t sessions;      /**< times that a server initialised the file */
    int initialised;        /**< 0 while there is no trace of a server yet */
    uint32_t refused_width; /**< of the image refused last, pixels */
    uint32_t refused_height; /**< the same */
    /** Buffers that are in the caller's hands; two make the server drop. */
    uint32_t held;
    uint32_t replaced;      /**< times that another file took the name */
} ShmImageReaderStats;

/**
 * What a writer has done so far. All counts start at 0 when it is opened, and
 * never go down.
 */
typedef struct ShmImageWriterStats {
    uint64_t published;     /**< images given to the reader */
    /** Images that found no free buffer, or whose file was shortened. */
    uint64_t dropped;
    uint64_t unconnected;   /**< images that came while no reader was there */
    /** 1 when a reader has connected, and is not known to be gone. */
    int connected;
    /** Of the published ones, those that a reader left and nobody has read. */
    uint64_t unread;
} ShmImageWriterStats;

/** One of the two buffers, as shmimage_file_info() found it. */
typedef struct ShmImageBufferInfo {
    uint32_t number;        /**< of the image */
    uint32_t width;         /**< of the whole image, pixels */
    uint32_t height;        /**< of the whole image, pixels */
    uint32_t offset;        /**< first scanline of the block, from the top */
    uint32_t num_scanlines; /**< scanlines of the block */
    uint8_t state;          /**< SHMIMAGE_STATE_*, or garbage */
} ShmImageBufferInfo;

/** What is known of a file. */
typedef struct ShmImageFileInfo {
    uint64_t size;          /**< bytes of the whole file */
    uint64_t payload;       /**< bytes of pixels that one buffer can hold */
    ShmImageBufferInfo buffer[2]; /**< in the order of the file */
    /** 1 when a server of this library is there, 0 when none was seen. */
    int server;
    /** 1 when a client of this library is there, 0 when none was seen. */
    int client;
} ShmImageFileInfo;

/**
 * The version of the library that is loaded, as "major.minor.micro".
 *
 * @return a string that is always valid
 * @since 0.1
 */
const char *shmimage_version(void);

/**
 * Put a return value into words, without details.
 *
 * @param status any value; unknown ones have a text too
 * @return a UTF-8 string that is always valid, never NULL
 * @since 0.1
 */
const char *shmimage_error_string(int status);

/**
 * Say what went wrong in the last call on this thread that returned an error:
 * which file, what is wrong and what to do about it.
 *
 * @return a UTF-8 string without a final newline, never NULL, "" when no call
 *         has failed yet; valid until the next call of this library on the
 *         same thread
 * @since 0.1
 */
const char *shmimage_error_message(void);

/**
 * The name of a buffer's state, as in SHMIMAGE_STATE_*: "server",
 * "server-locked", "client", "client-locked" or "init".
 *
 * @param state any value
 * @return a string that is always valid; "unknown" for other values
 * @since 0.1
 */
const char *shmimage_state_name(int state);

/**
 * How large a file has to be for images of a given size.
 *
 * @param width  of the largest image, pixels
 * @param height of the largest image, pixels
 * @return bytes, at least 20,000,000, with both headers on a page boundary; 0
 *         when width or height is 0, or an image would have more than 1 GiB,
 *         which is the most that this library handles
 * @since 0.1
 */
uint64_t shmimage_file_size(uint32_t width, uint32_t height);

/**
 * Create a file for a stream: zeroed, mode 0600, all its pages reserved, so
 * that a full file system is met here and not in the middle of a stream. The
 * file appears complete or not at all, and nothing is left of it if the process
 * is killed. (Where the file system can't make a file without a name, and for a
 * moment with SHMIMAGE_REPLACE, it has a name that begins with ".shmimage-".)
 *
 * With SHMIMAGE_REPLACE the new file takes the name of the old one in one
 * step. Processes with the old file open keep using it, except for readers of
 * this library: they switch to the new file, and receive no more images from a
 * server that keeps using the old one. So a file that a server or reader of
 * this library is using is not replaced, except with SHMIMAGE_TAKE_OVER.
 *
 * @param path  where
 * @param size  bytes, see shmimage_file_size(); less than 20,000,000 counts as
 *              20,000,000
 * @param flags any of SHMIMAGE_REPLACE and SHMIMAGE_TAKE_OVER
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_ARGUMENT, _EXISTS (use it, or ask for
 *         its replacement), _BUSY (end who is using it), _NOT_FOUND (a folder
 *         of the path), _NOT_REGULAR (what should be replaced is no regular
 *         file), _PERMISSION, _NO_SPACE, _MEMORY, _OPEN
 * @since 0.1
 */
int shmimage_file_create(const char *path, uint64_t size, unsigned flags);

/**
 * Look at a file without taking part in the stream. Changes nothing and needs
 * only permission to read.
 *
 * @param path        which file
 * @param[out] info   filled in on success
 * @param info_size   sizeof(*info), so that the struct can grow
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_ARGUMENT, _NOT_FOUND, _NOT_REGULAR,
 *         _PERMISSION, _FILE_SIZE, _OPEN
 * @since 0.1
 */
int shmimage_file_info(const char *path, ShmImageFileInfo *info,
                       size_t info_size);

/**
 * Wait for a file that can carry a stream, so that the reader or writer may be
 * started before whoever creates the file. Looks a hundred times a second.
 *
 * @param path    which file
 * @param timeout microseconds to wait at the most; 0 looks once and does not
 *                wait; SHMIMAGE_FOREVER waits without a limit
 * @return SHMIMAGE_OK: the file can be opened now; SHMIMAGE_ERROR_NOT_FOUND,
 *         _FILE_SIZE: not in time; SHMIMAGE_ERROR_NOT_REGULAR, _PERMISSION,
 *         _OPEN, at once; SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_file_wait(const char *path, int64_t timeout);

/**
 * Check that a file can be trusted where everybody may create files: in a
 * directory with the sticky bit, such as /dev/shm, a stranger may have created
 * the file to see the images. Only the owner of the file, the owner of the
 * directory, or root can put another one in its place there.
 *
 * @param path  which file
 * @param owner the number of a user who is trusted beside the caller and root;
 *              -1 for nobody
 * @return SHMIMAGE_OK: neither the directory nor, where path is a symlink, that
 *         of the file is sticky; or the directory that is, and what is in it,
 *         belong to the caller, to root or to this owner;
 *         SHMIMAGE_ERROR_PERMISSION: to somebody else, or it can't be examined:
 *         use another file; SHMIMAGE_ERROR_NOT_FOUND, _OPEN, _MEMORY,
 *         _ARGUMENT
 * @since 0.1
 */
int shmimage_file_check_owner(const char *path, int64_t owner);

/**
 * Put both buffers into the state in which a server's start leaves them. Gets
 * a stream going again that a vendor's client or server left locked when it
 * died. A reader or writer of this library that is there notices nothing worse
 * than a restart of the server.
 *
 * @param path  which file
 * @param flags any of SHMIMAGE_TAKE_OVER, to do it although a server is there,
 *              and SHMIMAGE_FORCE
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_BUSY (a server of this library is
 *         there); otherwise as shmimage_writer_open()
 * @since 0.1
 */
int shmimage_file_reset(const char *path, unsigned flags);

/**
 * Connect to a file as the client. Does not wait for a server: a file that no
 * server has initialised yet is as good.
 *
 * @param path        an existing regular file
 * @param flags       any of SHMIMAGE_TAKE_OVER, to connect although another
 *                    reader of this library is connected (the two then compete
 *                    for the images; when the other one ends, this one takes
 *                    back what it has left locked), SHMIMAGE_NO_GUARD and
 *                    SHMIMAGE_FORCE
 * @param[out] reader the reader, to be closed with shmimage_reader_close();
 *                    NULL on error
 * @return SHMIMAGE_OK: connected, the server had just initialised the file;
 *         SHMIMAGE_RECONNECTING: connected as well, but the file has carried a
 *         stream before, or no server has initialised it yet;
 *         SHMIMAGE_ERROR_NOT_FOUND, _NOT_REGULAR, _PERMISSION, _FILE_SIZE,
 *         _OPEN: see shmimage_error_message(), then try again or give up;
 *         SHMIMAGE_ERROR_NOT_A_STREAM: one of the file's states is above 4, it
 *         was not changed, give another name;
 *         SHMIMAGE_ERROR_BUSY; SHMIMAGE_ERROR_MAP, _MEMORY, _THREAD;
 *         SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_reader_open(const char *path, unsigned flags,
                         ShmImageReader **reader);

/**
 * Take the next image. Of two that are ready, it is the one with the smaller
 * number, compared modulo 2^32. An image that was sent in several blocks is
 * put together first.
 *
 * A writer of this library wakes the caller at once. A server that wakes
 * nobody, like the vendor's, is looked at about once a millisecond from when
 * its next image can be expected, and every 4 ms when it has been idle.
 *
 * The caller may hold two images at a time, one from each buffer; while it
 * does, the server has to drop what it draws.
 *
 * A file that is replaced is followed: images of the new one come with another
 * session. One that is shortened is not used any more, also when it gets its
 * size again; the reader waits until another file takes its name.
 *
 * @param reader     the reader
 * @param timeout    microseconds to wait at the most; 0 looks once and does
 *                   not wait; SHMIMAGE_FOREVER waits until there is an image
 * @param[out] frame the image, to be given back with
 *                   shmimage_reader_release(); NULL when there is none
 * @return SHMIMAGE_OK; SHMIMAGE_NO_FRAME: none in time, call again;
 *         SHMIMAGE_DISCONNECTED, once for each server that is gone, ahead of
 *         time: finish, or call again to wait for the next one;
 *         SHMIMAGE_ERROR_LOCKED: the caller holds both buffers;
 *         SHMIMAGE_ERROR_TRUNCATED, once for each file: finish, or call again
 *         to wait for a new one;
 *         SHMIMAGE_ERROR_MEMORY: no memory to put blocks together, the image
 *         is lost; SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_reader_acquire(ShmImageReader *reader, int64_t timeout,
                            ShmImageFrame **frame);

/**
 * Ask whether an image was whole for as long as it was used, after using it.
 * One case can't be detected: the file was shortened behind its headers and got
 * its size back, and nobody touched the missing part in between.
 *
 * @param frame from shmimage_reader_acquire(), not yet released
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_TRUNCATED: the file was shortened
 *         meanwhile, some of the pixels may have been zeros;
 *         SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_frame_check(const ShmImageFrame *frame);

/**
 * Copy an image out, and ask whether it was whole. Large ones go past the
 * caches, which is up to twice as fast as memcpy().
 *
 * @param frame  from shmimage_reader_acquire(), not yet released
 * @param dst    gets the top row, and the others behind it
 * @param stride bytes from one row to the next in dst; 0 means 3 * width;
 *               negative when the next row lies before the previous one. What
 *               lies between the rows is left alone
 * @return as shmimage_frame_check(); SHMIMAGE_ERROR_ARGUMENT, with nothing
 *         copied, also when the stride is shorter than a row
 * @since 0.1
 */
int shmimage_frame_copy(const ShmImageFrame *frame, uint8_t *dst,
                        ptrdiff_t stride);

/**
 * Give an image back, so that the server may use its buffer again. May be
 * called after shmimage_reader_close(), and from any thread. To do it twice is
 * a mistake; while the reader is open, and has not taken another image from the
 * same buffer, the second time does nothing, unless the image came in blocks.
 *
 * @param frame from shmimage_reader_acquire(); NULL is allowed
 * @since 0.1
 */
void shmimage_reader_release(ShmImageFrame *frame);

/**
 * Ask for the counts. Does not wait.
 *
 * @param reader     the reader
 * @param[out] stats filled in
 * @param stats_size sizeof(*stats), so that the struct can grow
 * @return SHMIMAGE_OK or SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_reader_stats(ShmImageReader *reader, ShmImageReaderStats *stats,
                          size_t stats_size);

/**
 * Disconnect. Images that are still held stay valid, and the file stays mapped
 * and locked, until the last of them is released.
 *
 * @param reader no longer valid afterwards; NULL is allowed
 * @since 0.1
 */
void shmimage_reader_close(ShmImageReader *reader);

/**
 * Become the server of a file: initialise both buffers. Does not wait for a
 * reader; one that is connected from before connects again by itself.
 *
 * @param path        an existing regular file, see shmimage_file_create()
 * @param flags       any of SHMIMAGE_FLIP, SHMIMAGE_NO_GUARD, SHMIMAGE_FORCE,
 *                    and SHMIMAGE_TAKE_OVER to become the server although
 *                    another one of this library is there
 * @param[out] writer the writer, to be closed with shmimage_writer_close();
 *                    NULL on error
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_NOT_FOUND, _NOT_REGULAR, _PERMISSION,
 *         _FILE_SIZE, _OPEN: see shmimage_error_message();
 *         SHMIMAGE_ERROR_NOT_A_STREAM: one of the file's states is above 4, it
 *         was not changed, give another name;
 *         SHMIMAGE_ERROR_BUSY; SHMIMAGE_ERROR_MAP, _MEMORY, _THREAD;
 *         SHMIMAGE_ERROR_TRUNCATED: not even the headers could be written,
 *         make a new file; SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_open(const char *path, unsigned flags,
                         ShmImageWriter **writer);

/**
 * Publish an image by copying it. Never waits.
 *
 * @param writer the writer
 * @param number of the image; should go up from one image to the next
 * @param width  pixels, at least 1
 * @param height pixels, at least 1
 * @param pixels the top row (the bottom one with SHMIMAGE_FLIP); can be used
 *               again as soon as the call returns
 * @param stride bytes from one row to the next; 0 means 3 * width; negative
 *               when the next row lies before the previous one
 * @return SHMIMAGE_OK; SHMIMAGE_NO_BUFFER: dropped, the reader is slower than
 *         the caller; SHMIMAGE_UNCONNECTED: dropped, no reader is there
 *         yet, or it is known to be gone;
 *         SHMIMAGE_ERROR_TOO_LARGE: use a larger file;
 *         SHMIMAGE_ERROR_LOCKED: between begin and commit;
 *         SHMIMAGE_ERROR_TRUNCATED: close the writer and open a new one;
 *         SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_put(ShmImageWriter *writer, uint32_t number,
                        uint32_t width, uint32_t height,
                        const uint8_t *pixels, ptrdiff_t stride);

/**
 * Start an image that the caller draws itself, straight into the shared
 * buffer, and then publishes with shmimage_writer_commit() or drops with
 * shmimage_writer_abort(). Never waits. SHMIMAGE_FLIP has no effect here.
 *
 * @param writer      the writer
 * @param number      of the image
 * @param width       pixels, at least 1
 * @param height      pixels, at least 1
 * @param[out] pixels where to draw: 3 * width * height bytes with old content,
 *                    aligned to nothing, valid until commit, abort or close;
 *                    NULL unless SHMIMAGE_OK is returned
 * @return as shmimage_writer_put()
 * @since 0.1
 */
int shmimage_writer_begin(ShmImageWriter *writer, uint32_t number,
                          uint32_t width, uint32_t height, uint8_t **pixels);

/**
 * Publish the image that was begun, and wake the reader.
 *
 * @param writer the writer
 * @return SHMIMAGE_OK; SHMIMAGE_UNCONNECTED: another server has initialised
 *         the file since, the image is lost; SHMIMAGE_ERROR_NOT_LOCKED:
 *         nothing was begun; SHMIMAGE_ERROR_TRUNCATED: the image is lost, open
 *         a new writer; SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_commit(ShmImageWriter *writer);

/**
 * Drop the image that was begun.
 *
 * @param writer the writer
 * @return SHMIMAGE_OK; SHMIMAGE_ERROR_NOT_LOCKED: nothing was begun;
 *         SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_abort(ShmImageWriter *writer);

/**
 * Wait until the next image would find a free buffer: until a reader has
 * connected, and has given a buffer back. For servers that would rather wait
 * than drop.
 *
 * @param writer  the writer
 * @param timeout microseconds to wait at the most; 0 looks once and does not
 *                wait; SHMIMAGE_FOREVER waits without a limit
 * @return SHMIMAGE_OK: shmimage_writer_begin() or _put() would succeed now;
 *         SHMIMAGE_NO_BUFFER, SHMIMAGE_UNCONNECTED: not in time, and why;
 *         SHMIMAGE_ERROR_LOCKED: between begin and commit;
 *         SHMIMAGE_ERROR_TRUNCATED: open a new writer;
 *         SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_wait(ShmImageWriter *writer, int64_t timeout);

/**
 * Ask for the counts. Does not wait.
 *
 * @param writer     the writer
 * @param[out] stats filled in
 * @param stats_size sizeof(*stats), so that the struct can grow
 * @return SHMIMAGE_OK or SHMIMAGE_ERROR_ARGUMENT
 * @since 0.1
 */
int shmimage_writer_stats(ShmImageWriter *writer, ShmImageWriterStats *stats,
                          size_t stats_size);

/**
 * Stop being the server. An image that was begun is dropped; images that were
 * published can still be read.
 *
 * @param writer no longer valid afterwards; NULL is allowed
 * @since 0.1
 */
void shmimage_writer_close(ShmImageWriter *writer);

#ifdef __cplusplus
}
#endif

#endif /* SHMIMAGE_H */
