/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Target: the headers that a reader meets, and the file's length. The peer
 * acts only between two calls, so it is known what each call must answer.
 *
 *     uint32   length of the file
 *     uint8    1: use the published interface
 *     rounds, of 49 bytes each:
 *         24 bytes  header 0 as the file then has it
 *         24 bytes  header 1
 *         uint8     what the reader does then: bits 0 and 1 the images that it
 *                   asks for, bits 2 and 3 those that it gives back before,
 *                   bits 4 and 5 those after; 0x40: leave header 0 as it is,
 *                   0x80: leave header 1
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "client.h"
#include "fuzz.h"
#include "mapped.h"
#include "shmimage.h"
#include "stage.h"

enum { MAX_ROUNDS = 100 };

static Model model;
static uint8_t headers[2][STAGE_HEADER];

static void write_header(int buffer, uint8_t stamp)
{
    memcpy(stage_buffer(buffer), headers[buffer], STAGE_HEADER);
    stage_stamp(buffer, stamp);
    memcpy(&model.fields[buffer], headers[buffer], sizeof(Fields));
    model.state[buffer] = headers[buffer][STAGE_STATE];
    model.stamp[buffer] = stamp;
}

static uint8_t begin_round(Input *input, uint8_t stamp)
{
    uint8_t bytes[2][STAGE_HEADER];
    uint8_t actions;

    input_bytes(input, bytes, sizeof(bytes));
    actions = input_u8(input);
    for (int b = 0; b < 2; b++) {
        if (actions & 0x40 << b)
            continue;
        memcpy(headers[b], bytes[b], STAGE_HEADER);
        write_header(b, stamp);
    }
    return actions;
}

/* The headers are as they were but for the states, and those as expected. */
static void check_headers(void)
{
    for (int b = 0; b < 2; b++) {
        headers[b][STAGE_STATE] = model.state[b];
        require(!memcmp(stage_buffer(b), headers[b], STAGE_STATE) &&
                    !memcmp(stage_buffer(b) + STAGE_STATE + 1,
                            headers[b] + STAGE_STATE + 1,
                            STAGE_HEADER - STAGE_STATE - 1),
                "header %d was written", b);
        require(stage_buffer(b)[STAGE_STATE] == model.state[b],
                "state %d is %u instead of %u", b,
                stage_buffer(b)[STAGE_STATE], model.state[b]);
    }
}

static void check_info(void)
{
    ShmImageFileInfo info;
    int ret = shmimage_file_info(stage_path, &info, sizeof(info));

    require(ret == SHMIMAGE_OK, "no information: %d", ret);
    require(info.payload == stage_payload(), "a payload of %llu",
            (unsigned long long)info.payload);
    for (int b = 0; b < 2; b++) {
        const ShmImageBufferInfo *i = &info.buffer[b];
        const Fields *f = &model.fields[b];

        require(i->number == f->number && i->width == f->width &&
                    i->height == f->height && i->offset == f->offset &&
                    i->num_scanlines == f->num_scanlines &&
                    i->state == model.state[b],
                "the information about buffer %d differs", b);
    }
}

static void require_printed(const char *text, const char *part)
{
    require(strstr(text, part), "no '%s' in: %s", part, text);
}

/* What "shmimage info --json" must say of a buffer. */
static void check_json(const Captured *captured, int buffer)
{
    const Fields *f = &model.fields[buffer];
    char text[256];

    snprintf(text, sizeof(text),
             "\"state_value\": %u, \"number\": %u, \"width\": %u, "
             "\"height\": %u, \"offset\": %u, \"num_scanlines\": %u}",
             model.state[buffer], f->number, f->width, f->height, f->offset,
             f->num_scanlines);
    require_printed(captured->out, text);
}

static void check_tool(size_t length)
{
    char *argv[] = { (char[]){ "shmimage" }, (char[]){ "info" }, stage_path,
                     (char[]){ "--json" }, NULL };
    const bool refused = length < STAGE_MIN_SIZE;
    Captured captured;

    for (int json = 0; json < 2; json++) {
        capture_tool(&captured, json ? 4 : 3, argv);
        require(captured.code == refused, "exit code %d", captured.code);
        require(!captured.err_size == !refused, "error: %s", captured.err);
        for (int b = 0; b < 2 && json && !refused; b++)
            check_json(&captured, b);
        if (!refused && !json)
            require_printed(captured.out, "buffer 1:");
        captured_free(&captured);
    }
}

static void run_round(Client *client, uint8_t actions)
{
    for (int n = actions >> 2 & 3; n > 0; n--)
        client_release(client);
    check_headers();
    for (int n = actions & 3; n > 0; n--) {
        client_acquire(client);
        check_headers();
    }
    for (int n = actions >> 4 & 3; n > 0; n--)
        client_release(client);
    check_headers();
    check_info();
    client_check_counts(client);
}

static void run_reader(Input input, bool published)
{
    uint8_t actions = begin_round(&input, 1);
    Client *client = client_open(&model, published);

    require(client, "a file of %zu bytes is refused: %s",
            2 * (stage_payload() + STAGE_HEADER), shmimage_error_message());
    check_headers();
    for (int round = 0; round < MAX_ROUNDS; round++) {
        run_round(client, actions);
        if (!input.size)
            break;
        actions = begin_round(&input, (uint8_t)(round + 2));
    }
    client_close(client);
    check_headers();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = { data, size };
    const size_t length = stage_set(input_u32(&input));
    const bool published = input_u8(&input) & 1;
    const int descriptor = lowest_descriptor();

    memset(&model, 0, sizeof(model));
    memset(headers, 0, sizeof(headers));
    mapped_begin();
    if (length >= STAGE_MIN_SIZE)
        run_reader(input, published);
    else
        require(!client_open(&model, published),
                "a file of %zu bytes is good", length);
    mapped_end();
    check_tool(length);
    if (length >= STAGE_MIN_SIZE)
        stage_require_edges();
    require(lowest_descriptor() == descriptor, "a descriptor has leaked");
    return 0;
}
