/*
 * List of the shared memory image streams of a system
 * Copyright (c) 2026 The shmimage authors
 *
 * This file is part of FFmpeg.
 *
 * FFmpeg is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 *
 * FFmpeg is distributed in the hope that it will be useful,
 * but WITHOUT ANY WARRANTY; without even the implied warranty of
 * MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU
 * Lesser General Public License for more details.
 *
 * You should have received a copy of the GNU Lesser General Public
 * License along with FFmpeg; if not, write to the Free Software
 * Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA
 */

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <shmimage.h>

#include "libavutil/avstring.h"
#include "libavutil/error.h"
#include "libavutil/mem.h"
#include "libavdevice/avdevice.h"
#include "shmimage_dec.h"

static int has_image(const ShmImageBufferInfo *buffer, uint64_t payload)
{
    return buffer->width && buffer->height && buffer->num_scanlines &&
           3 * (uint64_t)buffer->width * buffer->num_scanlines <= payload;
}

/**
 * Whether a file of that name and content carries a stream. One that is new
 * has nothing in it but zeros; then its name decides.
 */
static int is_stream(const char *name, const ShmImageFileInfo *info)
{
    const ShmImageBufferInfo *first = info->buffer, *second = first + 1;

    if (info->server || info->client)
        return 1;
    if (first->state > SHMIMAGE_STATE_INIT ||
        second->state > SHMIMAGE_STATE_INIT)
        return 0;
    return av_match_ext(name, "shm") || first->state == SHMIMAGE_STATE_INIT ||
           has_image(first, info->payload);
}

static char *describe_stream(const ShmImageFileInfo *info)
{
    const ShmImageBufferInfo *first = info->buffer;
    char size[32] = "no image yet";

    if (has_image(first, info->payload))
        snprintf(size, sizeof(size), "%"PRIu32"x%"PRIu32, first->width,
                 first->height);
    return av_asprintf("%s, %s, %s", size,
                       info->server ? "has a server" : "no server seen",
                       info->client ? "in use by a client"
                                    : "no client seen");
}

static int add_device(AVDeviceInfoList *list, const char *path,
                      const ShmImageFileInfo *info)
{
    AVDeviceInfo *device = av_mallocz(sizeof(*device));

    if (!device)
        return AVERROR(ENOMEM);
    device->device_name        = av_strdup(path);
    device->device_description = describe_stream(info);
    device->media_types        = av_malloc(sizeof(*device->media_types));
    if (!device->device_name || !device->device_description ||
        !device->media_types ||
        av_dynarray_add_nofree(&list->devices, &list->nb_devices, device) < 0) {
        av_freep(&device->device_name);
        av_freep(&device->device_description);
        av_freep(&device->media_types);
        av_free(device);
        return AVERROR(ENOMEM);
    }
    device->media_types[0] = AVMEDIA_TYPE_VIDEO;
    device->nb_media_types = 1;
    return 0;
}

/**
 * Add a file if it carries a stream. Only regular files are opened: to open a
 * FIFO would wake up the process that writes to it.
 */
static int add_device_if_stream(AVDeviceInfoList *list, const char *path)
{
    ShmImageFileInfo info;
    struct stat st;

    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
        shmimage_file_info(path, &info, sizeof(info)) != SHMIMAGE_OK ||
        !is_stream(path, &info))
        return 0;
    return add_device(list, path, &info);
}

static int add_devices_of_directory(AVDeviceInfoList *list,
                                    const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int ret = 0;

    if (!dir)
        return 0;
    while (ret >= 0 && (entry = readdir(dir))) {
        char *path = av_asprintf("%s/%s", directory, entry->d_name);

        ret = path ? add_device_if_stream(list, path) : AVERROR(ENOMEM);
        av_free(path);
    }
    closedir(dir);
    return ret;
}

int ff_shmimage_get_device_list(AVFormatContext *s, AVDeviceInfoList *list)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int ret = add_devices_of_directory(list, "/dev/shm");

    if (ret >= 0 && runtime && *runtime)
        ret = add_devices_of_directory(list, runtime);
    list->default_device = -1;
    return ret;
}
