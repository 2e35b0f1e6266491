/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Takes packets from the device by way of libavformat, and gives each back
 * before it asks for the next. The device comes from the module, so this is run
 * by "shmimage exec".
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>

#include "bench.h"

static const char usage[] =
    "demux [--images N] [--copy] FILE\n"
    "With --copy the device copies, otherwise it lends.";

static AVFormatContext *open_device(const BenchPlan *plan)
{
    AVFormatContext *s = NULL;
    AVDictionary *options = NULL;
    const AVInputFormat *device;

    avdevice_register_all();
    device = av_find_input_format("shmimage");
    if (!device)
        bench_die("libavformat has no device shmimage; run this by 'shmimage "
                  "exec'");
    av_dict_set(&options, "zero_copy", plan->copy ? "0" : "1", 0);
    if (avformat_open_input(&s, plan->path, device, &options) < 0)
        bench_die("%s: the device can't open it", plan->path);
    av_dict_free(&options);
    return s;
}

static uint32_t take_all(const BenchPlan *plan, AVFormatContext *s)
{
    AVPacket *packet = av_packet_alloc();
    uint32_t received = 0;

    if (!packet)
        bench_die("no memory");
    while (received < plan->images && av_read_frame(s, packet) >= 0) {
        if ((size_t)packet->size != plan->bytes)
            bench_die("an image of another size came");
        received++;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return received;
}

int main(int argc, char **argv)
{
    const BenchPlan plan = bench_plan(argc, argv, usage);
    AVFormatContext *s;

    if (strcmp(plan.way, "demux") || !plan.path || !plan.images)
        bench_die("%s", usage);
    s = open_device(&plan);
    printf("{\"received\": %u}\n", take_all(&plan, s));
    avformat_close_input(&s);
    return EXIT_SUCCESS;
}
