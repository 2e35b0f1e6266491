/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "extent.h"
#include "json.h"
#include "options.h"
#include "pace.h"
#include "shmimage.h"
#include "watch.h"

#define LEAST_INTERVAL (PACE_SECOND / 10)

static const char help[] =
    "Show what is known of a stream's FILE, without taking part in it.\n"
    "\n"
    "  --json              as one JSON object, see below\n"
    "  --watch             go on looking until interrupted: a live view on a\n"
    "                      terminal, otherwise a line every second, or with\n"
    "                      --json an object on a line; see below\n"
    "  --interval SECONDS  between two lines, from 0.1 on; 1 if not given\n"
    "  --count N           end after N of them\n"
    "  -h, --help          show this\n"
    "  -V, --version       show the version\n"
    "\n"
    "The state of a buffer says who owns it and why:\n"
    "  server         free, or the file is new\n"
    "  server-locked  the server is drawing\n"
    "  client         holds an image to read\n"
    "  client-locked  the client is reading\n"
    "  init           the server has started and no client has come yet\n"
    "\n"
    "A server or client shows as connected if it uses this library. The\n"
    "vendor's take no locks on the file, so they can't be seen.\n"
    "\n"
    "Members of the JSON object, all always there unless noted:\n"
    "  path           string; bytes that are no UTF-8 become U+FFFD\n"
    "  size           bytes of the file\n"
    "  payload        bytes of pixels that a buffer holds, 3 a pixel\n"
    "  example        a well-known size that fits, \"WIDTHxHEIGHT\", or null\n"
    "  server         true if one was seen, otherwise false\n"
    "  client         the same\n"
    "  buffers        two objects, in the order of the file:\n"
    "    state          name, as above, or \"unknown\"\n"
    "    state_value    the same as a number\n"
    "    number         of the image\n"
    "    width, height  of the image\n"
    "    offset         first row of the block that the buffer holds\n"
    "    num_scanlines  rows of that block\n"
    "\n"
    "What --watch shows, with the names that lines have for it; - or null is\n"
    "for what is not known:\n"
    "  time           seconds since the start\n"
    "  file           ok, missing, short (for a stream) or unreadable\n"
    "  number, width, height\n"
    "                 of the newest image\n"
    "  images, rate   how many were seen since the last line, and a second\n"
    "  missed         numbers that were left out: images that the server had\n"
    "                 to drop\n"
    "  unsure         of these, what may just have passed between two looks\n"
    "  server, client\n"
    "                 shmimage if one of this library is connected; other if\n"
    "                 what happens is somebody else's work; otherwise none\n"
    "  states         of both buffers\n"
    "  draw_ms, wait_ms, read_ms\n"
    "                 milliseconds that an image was being drawn, waited for\n"
    "                 the client, and was being read, on average\n"
    "  longest_wait_ms\n"
    "                 of one image, at the least\n"
    "  looks          how often the file was looked at\n"
    "  events         any of removed, shortened, unreadable, back, replaced,\n"
    "                 resized, and started, for a server\n"
    "\n"
    "The stream is only looked at, 100 to 1000 times a second, and not held\n"
    "up. So the times are estimates, from how often a buffer was found in a\n"
    "state: good ones over hundreds of looks, unless all processors are busy.\n"
    "How long the client takes to show or record an image can't be seen. A\n"
    "summary on standard error ends it, after SIGINT and SIGTERM too; then\n"
    "the exit code is 0.\n"
    "\n"
    "Examples:\n"
    "  shmimage info --json /dev/shm/live.shm | jq .buffers[].state\n"
    "  shmimage info --watch /dev/shm/live.shm\n";

enum {
    OPTION_JSON = 1,
    OPTION_WATCH,
    OPTION_INTERVAL,
    OPTION_COUNT,
};

static const struct option options[] = {
    OPTIONS_COMMON,
    { "json", no_argument, NULL, OPTION_JSON },
    { "watch", no_argument, NULL, OPTION_WATCH },
    { "interval", required_argument, NULL, OPTION_INTERVAL },
    { "count", required_argument, NULL, OPTION_COUNT },
    { 0 },
};

static void print_buffer(int index, const ShmImageBufferInfo *b)
{
    printf("buffer %d:  %s", index, shmimage_state_name(b->state));
    if (b->state > SHMIMAGE_STATE_INIT)
        printf(" (%u)", b->state);
    if (!b->width || !b->height) {
        puts(", no image");
        return;
    }
    printf(", image %u, %ux%u", b->number, b->width, b->height);
    if (b->offset || (b->num_scanlines && b->num_scanlines != b->height))
        printf(", block of %u rows from row %u", b->num_scanlines, b->offset);
    putchar('\n');
}

static void print_text(const char *path, const ShmImageFileInfo *info)
{
    static const char *const presence[] = {
        "not seen (one that takes no locks would not be)", "connected",
    };
    char extent[EXTENT_SIZE];

    extent_describe(extent, info->payload);
    printf("file:      %s\n", path);
    printf("size:      %llu bytes\n", (unsigned long long)info->size);
    printf("images:    up to %s\n", extent);
    printf("server:    %s\n", presence[info->server]);
    printf("client:    %s\n", presence[info->client]);
    for (int i = 0; i < 2; i++)
        print_buffer(i, &info->buffer[i]);
}

static void print_json_buffer(const ShmImageBufferInfo *b)
{
    printf("    {\"state\": \"%s\", \"state_value\": %u, \"number\": %u, "
           "\"width\": %u, \"height\": %u, \"offset\": %u, "
           "\"num_scanlines\": %u}", shmimage_state_name(b->state), b->state,
           b->number, b->width, b->height, b->offset, b->num_scanlines);
}

static void print_json(const char *path, const ShmImageFileInfo *info)
{
    static const char *const truth[] = { "false", "true" };
    uint32_t width, height;

    extent_example(info->payload, &width, &height);
    fputs("{\n  \"path\": ", stdout);
    json_print_string(path);
    printf(",\n  \"size\": %llu,\n  \"payload\": %llu,\n  \"example\": ",
           (unsigned long long)info->size, (unsigned long long)info->payload);
    if (width)
        printf("\"%ux%u\"", width, height);
    else
        fputs("null", stdout);
    printf(",\n  \"server\": %s,\n  \"client\": %s,\n  \"buffers\": [\n",
           truth[info->server], truth[info->client]);
    print_json_buffer(&info->buffer[0]);
    puts(",");
    print_json_buffer(&info->buffer[1]);
    puts("\n  ]\n}");
}

static int print_once(const char *path, int json)
{
    ShmImageFileInfo info;

    if (shmimage_file_info(path, &info, sizeof(info)) < 0)
        return command_failed(&info_command, "%s", shmimage_error_message());
    if (json)
        print_json(path, &info);
    else
        print_text(path, &info);
    return COMMAND_OK;
}

static int read_value(WatchOptions *o, int option, const char *value)
{
    if (option == OPTION_INTERVAL &&
        (options_seconds(value, &o->interval) < 0 ||
         o->interval < LEAST_INTERVAL))
        return command_misused(&info_command, "--interval: invalid value '%s'; "
                               "write it like 1 or 0.5, at least 0.1", value);
    if (option == OPTION_COUNT &&
        (options_number(value, UINT64_MAX, &o->count) < 0 || !o->count))
        return command_misused(&info_command, "--count: invalid value '%s'; "
                               "write it like 10", value);
    return COMMAND_OK;
}

static int run(int argc, char **argv)
{
    WatchOptions o = { 0 };
    int watch = 0;
    int option, ret;

    while ((option = options_next(&info_command, argc, argv, options, 0)) > 0) {
        o.json |= option == OPTION_JSON;
        watch |= option == OPTION_WATCH;
        ret = read_value(&o, option, optarg);
        if (ret != COMMAND_OK)
            return ret;
    }
    if (option != OPTIONS_END)
        return options_exit(option);
    o.path = options_file(&info_command, argc, argv);
    if (!o.path)
        return COMMAND_USAGE;
    if (!watch && (o.interval || o.count))
        return command_misused(&info_command, "--interval and --count go with "
                               "--watch");
    if (!o.interval)
        o.interval = PACE_SECOND;
    return watch ? watch_run(&o) : print_once(o.path, o.json);
}

const Command info_command = {
    .name     = "info",
    .synopsis = "[--json] [--watch] [--interval SECONDS] [--count N] FILE",
    .summary  = "show a file's size, buffers, and who is connected",
    .help     = help,
    .run      = run,
};
