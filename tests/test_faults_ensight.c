/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * The life of a stream, through the published interface, on a system in which
 * any call may fail.
 */
#include "config.h"

#include "fault_driver.h"
#include "shared_memory_image_client_priv.h"

static bool create(uint32_t options, SharedMemoryImageStream *stream)
{
    *stream = (SharedMemoryImageStream)stream;
    if (gave(STREAM_CREATE,
             SharedMemoryImageStream_create(fault_path, options, stream),
             IMAGESTREAM_NOERROR))
        return true;
    ck_assert_ptr_null(*stream);
    return false;
}

static void destroy(SharedMemoryImageStream stream)
{
    ck_assert(gave(STREAM_DESTROY, SharedMemoryImageStream_destroy(stream),
                   IMAGESTREAM_NOERROR));
}

static void put(SharedMemoryImageStream server, uint32_t number)
{
    uint8_t pixels[SIZE];
    struct _SharedMemoryFrame image = { number, WIDTH, HEIGHT, pixels };

    fill_pixels(pixels, SIZE, number);
    ck_assert(gave(STREAM_PUTFRAME,
                   SharedMemoryImageStream_putframe(server, &image),
                   IMAGESTREAM_NOERROR));
}

static void lock_nothing(SharedMemoryImageStream client)
{
    SharedMemoryFrame frame = NULL;

    ck_assert(gave(STREAM_LOCK, SharedMemoryImageStream_lock(client, &frame),
                   IMAGESTREAM_NO_FRAMEAVAILABLE));
}

/* Returns whether it was there. */
static bool lock_image(SharedMemoryImageStream client, uint32_t number)
{
    SharedMemoryFrame frame = NULL;

    if (!gave(STREAM_LOCK, SharedMemoryImageStream_lock(client, &frame),
              IMAGESTREAM_NOERROR)) {
        ck_assert_ptr_null(frame);
        ck_assert(!gave(STREAM_UNLOCK,
                        SharedMemoryImageStream_unlock(client),
                        IMAGESTREAM_NOT_LOCKED));
        return false;
    }
    ck_assert_uint_eq(frame->iFrame, number);
    ck_assert(pixels_match(frame->buffer, SIZE, number));
    return true;
}

static void unlock(SharedMemoryImageStream client)
{
    ck_assert(gave(STREAM_UNLOCK, SharedMemoryImageStream_unlock(client),
                   IMAGESTREAM_NOERROR));
}

static bool start_both(SharedMemoryImageStream *server,
                       SharedMemoryImageStream *client)
{
    if (!create(IMAGESTREAM_OPTIONS_SERVER, server))
        return false;
    if (create(IMAGESTREAM_OPTIONS_NONE, client))
        return true;
    destroy(*server);
    return false;
}

static bool run_stream(void)
{
    SharedMemoryImageStream server, client;

    if (!start_both(&server, &client))
        return false;
    for (uint32_t number = 1; number < 4; number++) {
        put(server, number);
        ck_assert(lock_image(client, number));
        unlock(client);
    }
    lock_nothing(client);
    put(server, 4);
    ck_assert(lock_image(client, 4));
    destroy(server);
    destroy(client);
    return true;
}

/* Returns whether the image came. */
static bool lock_blocks(SharedMemoryImageStream client, uint32_t number)
{
    poke_blocks(number);
    if (lock_image(client, number)) {
        unlock(client);
        return true;
    }
    /* It is lost, and what is left of it goes. */
    lock_nothing(client);
    return false;
}

static bool run_blocks(void)
{
    SharedMemoryImageStream server, client;
    bool completed;

    if (!start_both(&server, &client))
        return false;
    completed = lock_blocks(client, 1);
    completed &= lock_blocks(client, 2);
    destroy(client);
    destroy(server);
    return completed;
}

static const Scenario scenarios[] = {
    { .name    = "published stream",
      .prepare = make_fault_file,
      .run     = run_stream,
      .needs   = FAULTS_OF_AN_END,
      .absorbs = true },
    { .name    = "published blocks",
      .prepare = make_fault_file,
      .run     = run_blocks,
      .needs   = FAULTS_OF_AN_END },
};

int main(void)
{
    Suite *suite = suite_create("published interface, failing calls");

    suite_add_tcase(suite, fault_tcase(scenarios, sizeof(scenarios) /
                                                      sizeof(scenarios[0])));
    return run_suite(suite);
}
