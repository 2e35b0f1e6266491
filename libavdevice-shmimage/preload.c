/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Gives an unmodified, dynamically linked FFmpeg the shmimage devices.
 *
 * FFmpeg has no plug-ins. But its devices live in a library of their own,
 * libavdevice, which hands the lists of them to libavformat through a function
 * that the dynamic linker resolves: avpriv_register_devices(). This module
 * defines a function of that name. When it is preloaded, its definition comes
 * first; it adds a device to each list and passes the result on to
 * libavformat's own function, the next of that name. The symbol has no
 * version here and so satisfies a reference with one, LIBAVFORMAT_59 or later.
 *
 * "ffmpeg -sources" asks libavdevice itself for its devices, one after the
 * other, by av_input_video_device_next(). That is extended in the same way.
 *
 * Programs that never have devices registered get ours from a constructor.
 *
 * The module is loaded into whatever program is started, and into what that
 * program starts, so it has to be harmless in programs that don't know FFmpeg.
 * That is why it brings libavformat and libavutil along: without them the
 * dynamic linker could not resolve what the devices call.
 */
#include "config.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libavdevice/avdevice.h"
#include "libavutil/log.h"
#include "libavutil/mem.h"

#include "device.h"

typedef void RegisterDevices(const OutputDevice *const their_outputs[],
                             const InputDevice *const their_inputs[]);
typedef const AVInputFormat *InputDeviceNext(const AVInputFormat *device);

/* A list of pointers that NULL ends, of input or of output devices.
 *
 * libavformat keeps a pointer to the list that it was given, and other threads
 * may walk through it at any time. Hence a list is never freed or changed. The
 * usual list is a constant of libavdevice, so that this one is made once,
 * however often devices are registered. */
typedef struct List {
    const void *device;     /* to be added */
    const void *original;
    const void *extended;
} List;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static List inputs  = { .device = &ff_shmimage_demuxer };
static List outputs = { .device = &ff_shmimage_muxer };

/* What a name means to the library in which something lies. To ask for the next
 * symbol after ours would not do: a program that loads libraries while it runs,
 * as Python does, may get an FFmpeg with them that is out of our sight.
 *
 * The way through an integer is for ISO C, which knows no conversion from what
 * dlsym() returns to a function. */
static uintptr_t symbol_seen_from(const void *place, const char *name)
{
    Dl_info info;
    void *library = NULL;
    uintptr_t symbol;

    if (dladdr(place, &info))
        library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) /* it lies in the program itself */
        return (uintptr_t)dlsym(RTLD_NEXT, name);
    symbol = (uintptr_t)dlsym(library, name);
    dlclose(library);
    return symbol;
}

/* Our devices work with the libavformat that this module is linked with. To put
 * them into the lists of another one, be it another release or a copy that the
 * program came with, would crash it. */
static uintptr_t libavformat_seen_from(const void *place)
{
    return symbol_seen_from(place, "avformat_version");
}

static int is_other_libavformat(const void *place)
{
    return libavformat_seen_from(place) != libavformat_seen_from(&inputs);
}

static const char *file_of(uintptr_t symbol)
{
    Dl_info info;

    return dladdr((const void *)symbol, &info) ? info.dli_fname : "none";
}

static void warn_of_other_libavformat(const void *place)
{
    av_log(NULL, AV_LOG_WARNING, "shmimage: this program uses %s, but the "
           "module was built for %s and stays out; build shmimage with the "
           "development files of that FFmpeg\n",
           file_of(libavformat_seen_from(place)),
           file_of(libavformat_seen_from(&inputs)));
}

static const void *device_at(const void *list, size_t i)
{
    const void *device;

    memcpy(&device, (const char *)list + i * sizeof(device), sizeof(device));
    return device;
}

/* The name is the first member of a device, whatever its type. */
static const char *name_of(const void *device)
{
    _Static_assert(!offsetof(AVInputFormat, name) &&
                   !offsetof(AVOutputFormat, name), "name is first");

    return *(const char *const *)device;
}

/* The list with our device, or as it is if that can't be or need not be: an
 * FFmpeg that was built with the device keeps its own. */
static const void *extend(List *list, const void *original)
{
    const void *device, **extended;
    size_t count;

    if (!original || original == list->original)
        return original ? list->extended : NULL;
    for (count = 0; (device = device_at(original, count)); count++)
        if (!strcmp(name_of(device), name_of(list->device)))
            return original;
    extended = av_calloc(count + 2, sizeof(*extended));
    if (!extended) {
        av_log(NULL, AV_LOG_ERROR, "shmimage: no memory to add the device\n");
        return original;
    }
    memcpy(extended, original, count * sizeof(*extended));
    extended[count] = list->device;
    list->original  = original;
    list->extended  = extended;
    return extended;
}

__attribute__((visibility("default")))
void avpriv_register_devices(const OutputDevice *const their_outputs[],
                             const InputDevice *const their_inputs[])
{
    RegisterDevices *next = (RegisterDevices *)
        symbol_seen_from(their_inputs, "avpriv_register_devices");

    if (!next) {
        av_log(NULL, AV_LOG_ERROR, "shmimage: libavformat has no function "
               "avpriv_register_devices, the program gets no devices\n");
        return;
    }
    pthread_mutex_lock(&lock);
    if (is_other_libavformat(their_inputs)) {
        warn_of_other_libavformat(their_inputs);
    } else {
        their_outputs = extend(&outputs, their_outputs);
        their_inputs  = extend(&inputs, their_inputs);
    }
    next(their_outputs, their_inputs);
    pthread_mutex_unlock(&lock);
}

/* OpenCV, for one, looks a device up by its name and never asks libavdevice to
 * register any. What a program does register later takes the place of these
 * lists; what it has registered already, in a constructor of its own, stays. */
__attribute__((constructor))
static void register_ours(void)
{
    static const OutputDevice *const output[] = { &ff_shmimage_muxer, NULL };
    static const InputDevice *const input[]   = { &ff_shmimage_demuxer, NULL };
    const uintptr_t libavformat = libavformat_seen_from(&inputs);
    RegisterDevices *own = (RegisterDevices *)
        symbol_seen_from((const void *)libavformat, "avpriv_register_devices");

    pthread_mutex_lock(&lock);
    if (own && !inputs.original)
        own(output, input);
    pthread_mutex_unlock(&lock);
}

/* libavdevice's own function of that name. The module does not bring that
 * library along, and a program may have loaded it out of sight of RTLD_NEXT. */
static InputDeviceNext *their_next_input(void)
{
    static const char soname[] =
        "libavdevice.so." AV_STRINGIFY(LIBAVDEVICE_VERSION_MAJOR);
    uintptr_t symbol =
        (uintptr_t)dlsym(RTLD_NEXT, "av_input_video_device_next");
    void *library;

    if (symbol || !(library = dlopen(soname, RTLD_LAZY | RTLD_NOLOAD)))
        return (InputDeviceNext *)symbol;
    symbol = (uintptr_t)dlsym(library, "av_input_video_device_next");
    dlclose(library);
    return (InputDeviceNext *)symbol;
}

static int is_theirs(InputDeviceNext *theirs, const char *name)
{
    const AVInputFormat *device = NULL;

    while ((device = theirs(device)))
        if (!strcmp(device->name, name))
            return 1;
    return 0;
}

__attribute__((visibility("default")))
const AVInputFormat *av_input_video_device_next(const AVInputFormat *device)
{
    const AVInputFormat *ours = (const AVInputFormat *)&ff_shmimage_demuxer;
    const AVInputFormat *next;
    InputDeviceNext *theirs = their_next_input();

    if (!theirs || device == ours)
        return NULL;
    next = theirs(device);
    if (next || is_other_libavformat((const void *)(uintptr_t)theirs) ||
        is_theirs(theirs, ours->name))
        return next;
    return ours;
}
