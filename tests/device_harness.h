/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The device in libavformat's hands, with a server in the same thread.
 *
 * Before each look at the file, the device asks the interrupt callback. This
 * harness takes the opportunity to play the server: each call runs the hook,
 * which as a rule sends the next image of a script. So everything happens in a
 * known order, and no test has to wait for anything but the device.
 */
#ifndef DEVICE_HARNESS_H
#define DEVICE_HARNESS_H

#include "device.h"
#include "support.h"

typedef struct Image {
    uint32_t number;
    uint32_t width;
    uint32_t height;
    int restart;            /**< the server was started again before it */
} Image;

typedef struct Harness {
    const char *path;       /**< a name in a folder of its own, not a file */
    const InputDevice *device;
    ShmImageWriter *writer;
    const Image *script;
    size_t next;            /**< index of the image to send */
    int restarted;          /**< the server was, before the image to send */
    size_t count;           /**< of images in the script */
    void (*hook)(void);     /**< run by each call of the interrupt callback */
    int calls;              /**< of the interrupt callback */
    int stop_at;            /**< the call from which on it interrupts, or 0 */
    int format_flags;       /**< set before the device is opened */
    AVFormatContext *format;
    AVPacket *packet;
    char log[32768];        /**< what the device logged, AV_LOG_INFO and up */
} Harness;

extern Harness t;

/** Create the file and become its server. */
void serve(uint64_t file_size);
void serve_script(const Image *script, size_t count);
#define SERVE(script) serve_script(script, sizeof(script) / sizeof((script)[0]))
/** The hook of serve_script(): send the next image, if it can be sent. */
void send_next(void);
/** Send an image for which there has to be a free buffer. */
void send_now(const Image *image);

/** Open t.path, with options as in "latest=1:timeout=2". */
int try_open(const char *options);
void open_device(const char *options);
void close_device(void);
/** av_read_frame() into t.packet, which is unreferenced before. */
int try_read(void);
void read_image(void);
/** Read the first image of a script; no other one comes by itself. */
void serve_first(const Image *script, size_t count, const char *options);
#define SERVE_FIRST(script, options) \
    serve_first(script, sizeof(script) / sizeof((script)[0]), options)
/** There is no image any more, and it stays like that. */
void assert_end(void);

void assert_pixels(const AVPacket *packet, const Image *image);
/** How often the text occurs in the log. */
int logged(const char *text);

/** A test case with a fresh harness for each test of it. */
TCase *device_tcase(const char *name);

#endif /* DEVICE_HARNESS_H */
