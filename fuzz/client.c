/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdlib.h>

#include "client.h"
#include "fuzz.h"
#include "mapped.h"
#include "shared_memory_image_client.h"
#include "shmimage.h"

enum {
    MAX_HELD = 8,
    /* Bytes of an image that are all compared; of a larger one, some are. */
    ALL_COMPARED = 8192,
};

typedef struct Image {
    uint32_t number, width, height;
    const uint8_t *pixels;
    ShmImageFrame *frame;   /* NULL by the published interface */
    int buffer;             /* -1 when it was put together */
} Image;

struct Client {
    Model *model;
    ShmImageReader *reader;         /* one of these two */
    SharedMemoryImageStream stream;
    Image held[MAX_HELD];
    int nb_held;
};

/* Whether a state says that the server has just initialised a buffer. */
static bool is_fresh(const Model *model)
{
    return model->state[0] == SHMIMAGE_STATE_INIT ||
           model->state[1] == SHMIMAGE_STATE_INIT;
}

/* Whether nothing tells of a server; asked when the client has connected. */
static bool is_new(const Model *model)
{
    return !model->state[0] && !model->fields[0].width &&
           !model->state[1] && !model->fields[1].width;
}

static int open_published(Client *client)
{
    return SharedMemoryImageStream_create(stage_path,
                                          IMAGESTREAM_OPTIONS_NONE,
                                          &client->stream);
}

static int open_ours(Client *client)
{
    int ret = shmimage_reader_open(stage_path, SHMIMAGE_FORCE,
                                   &client->reader);

    require_documented("shmimage_reader_open", ret);
    return ret;
}

Client *client_open(Model *model, bool published)
{
    Client *client = calloc(1, sizeof(*client));
    const bool fresh = is_fresh(model);
    int ret;

    require(client, "out of memory");
    client->model = model;
    ret = published ? open_published(client) : open_ours(client);
    require(!client->reader + !client->stream == 1 + (ret < 0),
            "status %d, and a reader or none", ret);
    if (ret < 0) {
        require(ret == SHMIMAGE_ERROR_FILE_SIZE, "status %d: %s", ret,
                shmimage_error_message());
        free(client);
        return NULL;
    }
    model_open(model);
    require(ret == (fresh || (published && is_new(model))
                        ? SHMIMAGE_OK : SHMIMAGE_RECONNECTING),
            "opened with %d", ret);
    return client;
}

static int acquire_published(Client *client, Image *image)
{
    SharedMemoryFrame frame;
    int ret = SharedMemoryImageStream_lock(client->stream, &frame);

    if (ret == IMAGESTREAM_NOERROR)
        *image = (Image){ frame->iFrame, frame->iWidth, frame->iHeight,
                          frame->buffer, NULL, -1 };
    return ret;
}

static int acquire_ours(Client *client, Image *image)
{
    ShmImageFrame *frame;
    int ret = shmimage_reader_acquire(client->reader, 0, &frame);

    require_documented("shmimage_reader_acquire", ret);
    require(!frame == (ret != SHMIMAGE_OK), "status %d with frame %p", ret,
            (void *)frame);
    if (frame) {
        *image = (Image){ frame->number, frame->width, frame->height,
                          frame->pixels, frame, -1 };
        require(frame->size == (uint64_t)frame->width * frame->height * 3,
                "%ux%u with %zu bytes", frame->width, frame->height,
                frame->size);
    }
    return ret;
}

static void check_pixels(const Image *image, const Expected *expected)
{
    const uint64_t size = (uint64_t)image->width * image->height * 3;
    const uint64_t step = size <= ALL_COMPARED ? 1 : size / ALL_COMPARED;

    for (uint64_t i = 0; i < size; i += step)
        require(image->pixels[i] == model_pixel(expected, i),
                "byte %llu of an image of %ux%u is wrong",
                (unsigned long long)i, image->width, image->height);
    require(image->pixels[size - 1] == model_pixel(expected, size - 1),
            "the last byte of an image of %ux%u is wrong", image->width,
            image->height);
}

static void check_image(Image *image, const Expected *expected)
{
    size_t offset = 0;
    bool in_place = mapped_find(image->pixels,
                                (size_t)image->width * image->height * 3,
                                &offset);

    require(image->number == expected->fields.number &&
                image->width == expected->fields.width &&
                image->height == expected->fields.height,
            "image %u, %ux%u, instead of %u, %ux%u", image->number,
            image->width, image->height, expected->fields.number,
            expected->fields.width, expected->fields.height);
    require(in_place == (expected->answer == ANSWER_BUFFER),
            "an image is %sin the file", in_place ? "" : "not ");
    if (in_place) {
        image->buffer = expected->block[0].buffer;
        require(offset == stage_offset(image->buffer) + STAGE_HEADER,
                "an image begins at byte %zu", offset);
    }
    check_pixels(image, expected);
}

void client_acquire(Client *client)
{
    static Expected expected;
    Image image;
    int ret;

    /* The published interface lends one image at a time. */
    if (client->nb_held == (client->stream ? 1 : MAX_HELD))
        return;
    ret = client->stream ? acquire_published(client, &image)
                         : acquire_ours(client, &image);
    model_acquire(client->model, ret == SHMIMAGE_ERROR_MEMORY, &expected);
    switch (expected.answer) {
    case ANSWER_NONE:
        require(ret == SHMIMAGE_NO_FRAME, "no image: %d", ret);
        return;
    case ANSWER_LOCKED:
        require(ret == SHMIMAGE_ERROR_LOCKED, "both are held: %d", ret);
        return;
    case ANSWER_NO_MEMORY:
        return;
    default:
        require(ret == SHMIMAGE_OK, "an image: %d", ret);
        check_image(&image, &expected);
        client->held[client->nb_held++] = image;
        return;
    }
}

void client_release(Client *client)
{
    const Image image = client->held[0];

    if (!client->nb_held)
        return;
    if (client->stream)
        require(SharedMemoryImageStream_unlock(client->stream) == 0,
                "unlock failed");
    else
        shmimage_reader_release(image.frame);
    /* The published interface does not tell. */
    model_release(client->model, image.buffer);
    client->nb_held--;
    for (int i = 0; i < client->nb_held; i++)
        client->held[i] = client->held[i + 1];
}

void client_check_counts(Client *client)
{
    const Model *m = client->model;
    ShmImageReaderStats s;

    if (client->stream)
        return;
    require(shmimage_reader_stats(client->reader, &s, sizeof(s)) == 0,
            "no counts");
    require(s.delivered == m->delivered && s.refused == m->refused &&
                s.incomplete == m->incomplete &&
                s.refused_width == m->refused_width &&
                s.refused_height == m->refused_height,
            "delivered, refused, incomplete: %u, %u, %u instead of %u, %u, %u",
            (unsigned)s.delivered, (unsigned)s.refused,
            (unsigned)s.incomplete, (unsigned)m->delivered,
            (unsigned)m->refused, (unsigned)m->incomplete);
}

void client_close(Client *client)
{
    if (client->stream)
        require(SharedMemoryImageStream_destroy(client->stream) == 0,
                "destroy failed");
    shmimage_reader_close(client->reader);
    for (int i = 0; i < client->nb_held; i++) {
        shmimage_reader_release(client->held[i].frame);
        model_leave(client->model, client->held[i].buffer);
    }
    free(client);
}
