/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "ends.h"
#include "fuzz.h"
#include "mapped.h"
#include "shmimage.h"
#include "stage.h"

enum {
    MAX_FRAMES = 8,
    MAX_PIXELS = 3 * 64 * 64,
};

#define MAX_IMAGE (UINT32_C(1) << 30)

typedef struct Held {
    ShmImageFrame *frame;
    ShmImageFrame copy;     /* as it was when it came */
    ShmImageReader *reader; /* only to be compared */
} Held;

static struct {
    void (*enter)(Role role);
    void (*leave)(void);
    int wait;
    ShmImageReader *reader;
    uint64_t delivered;
    uint32_t session;
    Held held[MAX_FRAMES];
    int nb_held;
    ShmImageWriter *writer;
    uint64_t images;        /* that were to be published */
    uint32_t number;
} ends;

/* Make a call of the library; the value is its status. */
#define CALL(role, function, ...) \
    (ends.enter(role), end_call(#function, function(__VA_ARGS__)))

/* And one that returns nothing. */
#define CALL_VOID(role, function, ...) \
    (ends.enter(role), function(__VA_ARGS__), ends.leave())

static int end_call(const char *function, int status)
{
    ends.leave();
    require_documented(function, status);
    require(status != SHMIMAGE_ERROR_ARGUMENT,
            "%s() does not like its arguments: %s", function,
            shmimage_error_message());
    require(status >= 0 || *shmimage_error_message(),
            "%s() returned %d without a message", function, status);
    return status;
}

void ends_begin(void (*enter)(Role role), void (*leave)(void), int wait)
{
    memset(&ends, 0, sizeof(ends));
    ends.enter = enter;
    ends.leave = leave;
    ends.wait  = wait;
}

static int64_t timeout(int argument)
{
    static const int64_t microseconds[] = { 0, 0, 50, 300 };

    return ends.wait ? microseconds[argument % 4] : 0;
}

static void open_reader(int argument)
{
    const unsigned flags = SHMIMAGE_FORCE |
                           (argument & 1 ? SHMIMAGE_TAKE_OVER : 0);
    int ret;

    if (ends.reader)
        return;
    ret = CALL(ROLE_READER, shmimage_reader_open, stage_path, flags,
               &ends.reader);
    require(!ends.reader == (ret < 0), "status %d with reader %p", ret,
            (void *)ends.reader);
    ends.delivered = 0;
    ends.session   = 0;
}

static void close_reader(void)
{
    CALL_VOID(ROLE_READER, shmimage_reader_close, ends.reader);
    ends.reader = NULL;
}

/* An image in place must be all in one payload, and nobody else's. */
static void check_place(const ShmImageFrame *frame, size_t offset)
{
    const int buffer = offset >= stage_offset(1);

    require(offset == stage_offset(buffer) + STAGE_HEADER,
            "pixels begin at byte %zu of the file", offset);
    require(frame->size <= stage_payload(),
            "%zu bytes in a payload of %zu", frame->size, stage_payload());
    for (int i = 0; i < ends.nb_held; i++)
        require(ends.held[i].reader != ends.reader ||
                    ends.held[i].copy.pixels != frame->pixels,
                "buffer %d was delivered twice at the same time", buffer);
}

static void check_frame(const ShmImageFrame *frame)
{
    uint64_t size = (uint64_t)frame->width * frame->height * 3;
    volatile uint8_t sink;
    size_t offset;

    require(frame->width && frame->height && frame->width <= MAX_IMAGE &&
                frame->height <= MAX_IMAGE,
            "an image of %ux%u", frame->width, frame->height);
    require(frame->size == size && size <= MAX_IMAGE,
            "an image of %ux%u with %zu bytes", frame->width, frame->height,
            frame->size);
    require(frame->session >= ends.session, "session %u after %u",
            frame->session, ends.session);
    ends.session = frame->session;
    if (mapped_find(frame->pixels, frame->size, &offset))
        check_place(frame, offset);
    for (size_t i = 0; i < frame->size; i += frame->size / 64 + 1)
        sink = frame->pixels[i];
    sink = frame->pixels[frame->size - 1];
    (void)sink;
}

static void acquire(int argument)
{
    ShmImageFrame *frame;
    int ret;

    if (!ends.reader || ends.nb_held == MAX_FRAMES)
        return;
    ret = CALL(ROLE_READER, shmimage_reader_acquire, ends.reader,
               timeout(argument), &frame);
    require(!frame == (ret != SHMIMAGE_OK), "status %d with frame %p", ret,
            (void *)frame);
    if (!frame)
        return;
    check_frame(frame);
    ends.held[ends.nb_held++] = (Held){ frame, *frame, ends.reader };
    ends.delivered++;
}

static void release(int which)
{
    Held held;

    if (!ends.nb_held)
        return;
    held = ends.held[which];
    require(!memcmp(held.frame, &held.copy, sizeof(held.copy)),
            "a frame changed while it was held");
    CALL_VOID(ROLE_READER, shmimage_reader_release, held.frame);
    ends.nb_held--;
    for (int i = which; i < ends.nb_held; i++)
        ends.held[i] = ends.held[i + 1];
}

static void check_reader_stats(void)
{
    ShmImageReaderStats stats;

    if (!ends.reader)
        return;
    CALL(ROLE_READER, shmimage_reader_stats, ends.reader, &stats,
         sizeof(stats));
    require(stats.delivered == ends.delivered,
            "%llu images came and %llu are counted",
            (unsigned long long)ends.delivered,
            (unsigned long long)stats.delivered);
    require(stats.sessions >= ends.session, "%llu sessions after session %u",
            (unsigned long long)stats.sessions, ends.session);
}

static void open_writer(int argument)
{
    const unsigned flags = SHMIMAGE_FORCE |
                           (argument & 1 ? SHMIMAGE_TAKE_OVER : 0) |
                           (argument & 2 ? SHMIMAGE_FLIP : 0);
    int ret;

    if (ends.writer)
        return;
    ret = CALL(ROLE_WRITER, shmimage_writer_open, stage_path, flags,
               &ends.writer);
    require(!ends.writer == (ret < 0), "status %d with writer %p", ret,
            (void *)ends.writer);
    ends.images = 0;
}

static void close_writer(void)
{
    CALL_VOID(ROLE_WRITER, shmimage_writer_close, ends.writer);
    ends.writer = NULL;
}

/* The sizes to draw: small ones, the largest that fits, and some that don't. */
static void choose_size(int argument, uint32_t *width, uint32_t *height)
{
    const uint32_t pixels = (uint32_t)(stage_payload() / 3);
    const uint32_t sizes[][2] = {
        { 1, 1 }, { 8, 4 }, { 64, 64 }, { 13, 5 },
        { pixels, 1 }, { 1, pixels }, { pixels + 1, 1 },
        { UINT32_MAX, UINT32_MAX }, { 1 << 15, 1 << 15 },
    };
    const int which = argument % (int)(sizeof(sizes) / sizeof(sizes[0]));

    *width  = sizes[which][0];
    *height = sizes[which][1];
}

static bool fits(uint32_t width, uint32_t height)
{
    return (uint64_t)width * height <= stage_payload() / 3;
}

static void count_image(int ret)
{
    ends.images += ret >= 0;
    ends.number++;
}

static void put(int argument)
{
    static const uint8_t pixels[MAX_PIXELS] = { 1, 2, 3 };
    uint32_t width, height;
    int ret;

    choose_size(argument, &width, &height);
    if (!ends.writer ||
        (fits(width, height) && (uint64_t)width * height * 3 > MAX_PIXELS))
        return;
    ret = CALL(ROLE_WRITER, shmimage_writer_put, ends.writer, ends.number,
               width, height, pixels, 0);
    require(fits(width, height) || ret != SHMIMAGE_OK,
            "an image of %ux%u was taken", width, height);
    count_image(ret);
}

static void begin(int argument)
{
    uint32_t width, height;
    uint8_t *pixels;
    size_t offset;
    int ret;

    choose_size(argument, &width, &height);
    if (!ends.writer)
        return;
    ret = CALL(ROLE_WRITER, shmimage_writer_begin, ends.writer, ends.number,
               width, height, &pixels);
    require(!pixels == (ret != SHMIMAGE_OK), "status %d with pixels %p", ret,
            (void *)pixels);
    if (!pixels) {
        count_image(ret);
        return;
    }
    require(fits(width, height) &&
                mapped_find(pixels, (size_t)width * height * 3, &offset) &&
                (offset == STAGE_HEADER ||
                 offset == stage_offset(1) + STAGE_HEADER),
            "an image of %ux%u is to be drawn elsewhere", width, height);
    pixels[0] = 7;
}

static void end_drawing(int call)
{
    if (!ends.writer)
        return;
    if (call == CALL_ABORT)
        CALL(ROLE_WRITER, shmimage_writer_abort, ends.writer);
    else
        count_image(CALL(ROLE_WRITER, shmimage_writer_commit, ends.writer));
}

static void wait_for_room(int argument)
{
    if (ends.writer)
        CALL(ROLE_WRITER, shmimage_writer_wait, ends.writer,
             timeout(argument));
}

/* Whatever the peer pretends, each image was published or lost, and is
 * counted as the one or the other. */
static void check_writer_stats(void)
{
    ShmImageWriterStats s;

    if (!ends.writer)
        return;
    CALL(ROLE_WRITER, shmimage_writer_stats, ends.writer, &s, sizeof(s));
    require(s.published <= ends.images && s.dropped <= ends.images &&
                s.unconnected <= ends.images && s.unread <= s.published &&
                s.published + s.dropped + s.unconnected == ends.images,
            "%llu images were %llu published, %llu dropped and %llu "
            "unconnected", (unsigned long long)ends.images,
            (unsigned long long)s.published, (unsigned long long)s.dropped,
            (unsigned long long)s.unconnected);
}

static void info(void)
{
    ShmImageFileInfo now;

    CALL(ROLE_NONE, shmimage_file_info, stage_path, &now, sizeof(now));
    require(now.payload == stage_payload(), "a payload of %llu bytes",
            (unsigned long long)now.payload);
}

void ends_call(uint8_t call)
{
    const int argument = call >> 4;

    switch ((Call)(call & 15)) {
    case CALL_OPEN_READER:    open_reader(argument);       break;
    case CALL_ACQUIRE:        acquire(argument);           break;
    case CALL_RELEASE_OLDEST: release(0);                  break;
    case CALL_RELEASE_NEWEST: release(ends.nb_held - 1);   break;
    case CALL_CLOSE_READER:   close_reader();              break;
    case CALL_READER_STATS:   check_reader_stats();        break;
    case CALL_OPEN_WRITER:    open_writer(argument);       break;
    case CALL_PUT:            put(argument);               break;
    case CALL_BEGIN:          begin(argument);             break;
    case CALL_COMMIT:
    case CALL_ABORT:          end_drawing(call & 15);      break;
    case CALL_WAIT:           wait_for_room(argument);     break;
    case CALL_WRITER_STATS:   check_writer_stats();        break;
    case CALL_CLOSE_WRITER:   close_writer();              break;
    case CALL_INFO:           info();                      break;
    case CALL_RESET:
        CALL(ROLE_WRITER, shmimage_file_reset, stage_path,
             SHMIMAGE_FORCE | (argument & 1 ? SHMIMAGE_TAKE_OVER : 0));
        break;
    }
}

void ends_finish(void)
{
    check_reader_stats();
    check_writer_stats();
    close_reader();
    close_writer();
    while (ends.nb_held)
        release(ends.nb_held - 1);
}
