/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Gives an unmodified, dynamically linked FFmpeg the shmimage device.
 *
 * FFmpeg has no plug-ins. But its devices live in a library of their own,
 * libavdevice, which hands the list of them to libavformat through a function
 * that the dynamic linker resolves: avpriv_register_devices(). This module
 * defines a function of that name. When it is preloaded, its definition comes
 * first; it adds the device to the list and passes the result on to
 * libavformat's own function, the next of that name. The symbol has no
 * version here and so satisfies a reference with one, LIBAVFORMAT_59 or later.
 *
 * The module is loaded into whatever program is started, and into what that
 * program starts, so it has to be harmless in programs that don't know FFmpeg.
 * That is why it brings libavformat and libavutil along: without them the
 * dynamic linker could not resolve what the device calls.
 */
#include "config.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "libavutil/log.h"
#include "libavutil/mem.h"

#include "device.h"

typedef void RegisterDevices(const OutputDevice *const outputs[],
                             const InputDevice *const inputs[]);
typedef unsigned AvformatVersion(void);

/* libavformat keeps a pointer to the list that it was given, and other threads
 * may walk through it at any time. Hence a list is never freed or changed. The
 * usual list is a constant of libavdevice, so that this one is made once,
 * however often devices are registered. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const InputDevice *const *original;
static const InputDevice **extended;

/* The way through an integer is for ISO C, which knows no conversion from what
 * dlsym() returns to a function. */
static uintptr_t next_symbol(const char *name)
{
    return (uintptr_t)dlsym(RTLD_NEXT, name);
}

/* A program may come with an FFmpeg of its own, of another major version than
 * the one that this module was compiled for and brings along. To put our
 * structure into the list of that one would crash it. */
static int is_other_release(void)
{
    AvformatVersion *version =
        (AvformatVersion *)next_symbol("avformat_version");
    unsigned major = version ? AV_VERSION_MAJOR(version()) : 0;

    if (major == LIBAVFORMAT_VERSION_MAJOR)
        return 0;
    av_log(NULL, AV_LOG_WARNING, "shmimage: this program uses libavformat %u, "
           "but the module was built for %d and stays out; build shmimage "
           "with the development files of that FFmpeg\n",
           major, LIBAVFORMAT_VERSION_MAJOR);
    return 1;
}

static int is_listed(const InputDevice *const inputs[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const AVInputFormat *format = (const AVInputFormat *)inputs[i];

        if (!strcmp(format->name, "shmimage"))
            return 1;
    }
    return 0;
}

static const InputDevice *const *extend(const InputDevice *const inputs[])
{
    const InputDevice **list;
    size_t count = 0;

    while (inputs[count])
        count++;
    /* An FFmpeg that was built with the device keeps its own. */
    if (is_listed(inputs, count))
        return inputs;
    list = av_calloc(count + 2, sizeof(*list));
    if (!list) {
        av_log(NULL, AV_LOG_ERROR, "shmimage: no memory to add the device\n");
        return inputs;
    }
    memcpy(list, inputs, count * sizeof(*list));
    list[count] = &ff_shmimage_demuxer;
    original = inputs;
    extended = list;
    return list;
}

__attribute__((visibility("default")))
void avpriv_register_devices(const OutputDevice *const outputs[],
                             const InputDevice *const inputs[])
{
    RegisterDevices *next =
        (RegisterDevices *)next_symbol("avpriv_register_devices");

    if (!next) {
        av_log(NULL, AV_LOG_ERROR, "shmimage: libavformat has no function "
               "avpriv_register_devices, the program gets no devices\n");
        return;
    }
    pthread_mutex_lock(&lock);
    if (extended && inputs == original)
        inputs = extended;
    else if (inputs && !is_other_release())
        inputs = extend(inputs);
    next(outputs, inputs);
    pthread_mutex_unlock(&lock);
}
