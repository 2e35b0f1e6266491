/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Gives an unmodified, dynamically linked FFmpeg the shmimage devices.
 *
 * FFmpeg has no plug-ins. But its devices live in a library of their own,
 * libavdevice, which hands the lists of them to libavformat through a function
 * that the dynamic linker resolves: avpriv_register_devices(). This library
 * defines a function of that name. When it is preloaded, its definition comes
 * first; it adds a device to each list and passes the result on to
 * libavformat's own function. The symbol has no version here and so satisfies a
 * reference with one, LIBAVFORMAT_59 or later.
 *
 * "ffmpeg -sources" asks libavdevice itself for its devices, one after the
 * other, by av_input_video_device_next(). That is extended in the same way.
 *
 * Programs that never have devices registered look ours up by its name, which
 * libavformat compares with the others by av_match_name().
 *
 * This library is preloaded into whatever program is started, and into what
 * that program starts. So it needs no other one but the C library. The devices
 * are in a module beside it, which is loaded when FFmpeg calls one of these
 * functions, and only for the libavformat that it was built for.
 */
#include "config.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libavdevice/avdevice.h"
#include "libavutil/avstring.h"
#include "libavutil/log.h"

#include "device.h"

#define NAME   "shmimage"
#define MODULE "shmimage-device.so"
#define SONAME(name, major) "lib" name ".so." AV_STRINGIFY(major)

typedef void RegisterDevices(const OutputDevice *const their_outputs[],
                             const InputDevice *const their_inputs[]);
typedef const AVInputFormat *InputDeviceNext(const AVInputFormat *device);
typedef int MatchName(const char *name, const char *names);
typedef unsigned Version(void);
typedef void Log(void *context, int level, const char *format, va_list values);

/* A list of pointers that NULL ends, of input or of output devices.
 *
 * libavformat keeps a pointer to the list that it was given, and other threads
 * may walk through it at any time. Hence a list is never freed or changed. The
 * usual list is a constant of libavdevice, so that this one is made once,
 * however often devices are registered. */
typedef struct List {
    const void *original;
    const void *extended;
} List;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static List inputs, outputs;
static int registered;

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

/* To the log of the FFmpeg in question. */
__attribute__((format(printf, 3, 4)))
static void report(const void *place, int level, const char *format, ...)
{
    Log *print = (Log *)symbol_seen_from(place, "av_vlog");
    va_list values;

    va_start(values, format);
    if (print)
        print(NULL, level, format, values);
    va_end(values);
}

/* The program's copy of the library with this name, but if the program loaded
 * none, none. */
static uintptr_t symbol_of_loaded(const char *soname, const char *name)
{
    void *library = dlopen(soname, RTLD_LAZY | RTLD_NOLOAD);
    uintptr_t symbol;

    if (!library)
        return 0;
    symbol = (uintptr_t)dlsym(library, name);
    dlclose(library);
    return symbol;
}

/* Our devices work with one libavformat: of the release that they were built
 * with, or a later one that is compatible, and it must be the one that the
 * module gets when it is loaded. In the lists of another one, be it another
 * release or a copy that the program came with, they would crash it. */
static int is_ours(uintptr_t version)
{
    return version && version == symbol_of_loaded(
        SONAME("avformat", LIBAVFORMAT_VERSION_MAJOR), "avformat_version") &&
        ((Version *)version)() >> 8 >= LIBAVFORMAT_VERSION_INT >> 8;
}

static void warn_of_other_libavformat(const void *place, uintptr_t version)
{
    Dl_info info = { .dli_fname = "none" };

    dladdr((const void *)version, &info);
    report(place, AV_LOG_WARNING, NAME ": this program uses %s, but the module "
           "was built for libavformat " AV_STRINGIFY(LIBAVFORMAT_VERSION)
           " and stays out; build shmimage with the development files of that "
           "FFmpeg\n", info.dli_fname);
}

/* The module stays loaded. Its functions are looked up at once, as a missing
 * one would otherwise end the program later. */
static const Devices *load_module(const void *place)
{
    Dl_info own;
    char path[PATH_MAX], reason[2 * PATH_MAX];
    const char *end;
    void *module;

    if (!dladdr(&inputs, &own))
        return NULL;
    end = strrchr(own.dli_fname, '/');
    snprintf(path, sizeof(path), "%.*s" MODULE,
             end ? (int)(end + 1 - own.dli_fname) : 0, own.dli_fname);
    module = dlopen(path, RTLD_NOW);
    if (module)
        return dlsym(module, "shmimage_devices");
    /* The log is looked up next, and that may take this message away. */
    snprintf(reason, sizeof(reason), "%s", dlerror());
    report(place, AV_LOG_ERROR, NAME ": can't load the device: %s\n", reason);
    return NULL;
}

/* Our devices, if they fit the libavformat that is seen from this place. */
static const Devices *devices_for(const void *place)
{
    const uintptr_t version = symbol_seen_from(place, "avformat_version");

    if (is_ours(version))
        return load_module(place);
    if (version)
        warn_of_other_libavformat(place, version);
    return NULL;
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
static const void *extend(List *list, const void *original, const void *ours)
{
    const void *device, **extended;
    size_t count;

    if (!original || original == list->original)
        return original ? list->extended : NULL;
    for (count = 0; (device = device_at(original, count)); count++)
        if (!strcmp(name_of(device), NAME))
            return original;
    extended = calloc(count + 2, sizeof(*extended));
    if (!extended) {
        report(original, AV_LOG_ERROR, NAME ": no memory to add the device\n");
        return original;
    }
    memcpy(extended, original, count * sizeof(*extended));
    extended[count] = ours;
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
    const Devices *ours = devices_for(their_inputs);

    if (!next) {
        report(their_inputs, AV_LOG_ERROR, NAME ": libavformat has no function "
               "avpriv_register_devices, the program gets no devices\n");
        return;
    }
    pthread_mutex_lock(&lock);
    if (ours) {
        their_outputs = extend(&outputs, their_outputs, ours->outputs[0]);
        their_inputs  = extend(&inputs, their_inputs, ours->inputs[0]);
        registered = 1;
    }
    next(their_outputs, their_inputs);
    pthread_mutex_unlock(&lock);
}

/* What a program registers later takes the place of these lists; what it has
 * registered already stays. */
static void register_ours(const void *place)
{
    RegisterDevices *own = (RegisterDevices *)
        symbol_seen_from(place, "avpriv_register_devices");
    const Devices *ours = devices_for(place);

    pthread_mutex_lock(&lock);
    if (own && ours && !registered) {
        own(ours->outputs, ours->inputs);
        registered = 1;
    }
    pthread_mutex_unlock(&lock);
}

/* The function only compares strings, so that of any libavutil will do. That
 * library stays loaded, since this is called for each name that is compared. */
static MatchName *find_match_name(const void *caller)
{
    static _Atomic uintptr_t found;
    uintptr_t symbol = atomic_load(&found);
    Dl_info info;

    if (symbol)
        return (MatchName *)symbol;
    symbol = symbol_seen_from(caller, "av_match_name");
    if (!symbol)
        symbol = (uintptr_t)dlsym(RTLD_NEXT, "av_match_name");
    if (symbol && dladdr((const void *)symbol, &info) &&
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD))
        atomic_store(&found, symbol);
    return (MatchName *)symbol;
}

/* OpenCV, for one, looks a device up by its name and never asks libavdevice to
 * register any. libavformat then goes through its own formats before it comes
 * to the devices, and calls this for each: early enough to register ours. */
__attribute__((visibility("default")))
int av_match_name(const char *name, const char *names)
{
    static _Atomic uintptr_t asked; /* from where, the last time */
    const void *caller = __builtin_return_address(0);
    MatchName *theirs = find_match_name(caller);

    if (name && !strcasecmp(name, NAME) &&
        atomic_load(&asked) != (uintptr_t)caller) {
        register_ours(caller);
        atomic_store(&asked, (uintptr_t)caller);
    }
    return theirs ? theirs(name, names) : 0;
}

/* libavdevice's own function of that name. A program may have loaded that
 * library out of sight of RTLD_NEXT. */
static InputDeviceNext *their_next_input(void)
{
    static const char name[] = "av_input_video_device_next";
    uintptr_t symbol = (uintptr_t)dlsym(RTLD_NEXT, name);

    if (!symbol)
        symbol = symbol_of_loaded(
            SONAME("avdevice", LIBAVDEVICE_VERSION_MAJOR), name);
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

/* After a device that is not in its list, libavdevice has no other. */
__attribute__((visibility("default")))
const AVInputFormat *av_input_video_device_next(const AVInputFormat *device)
{
    InputDeviceNext *theirs = their_next_input();
    const AVInputFormat *next = theirs ? theirs(device) : NULL;
    const AVInputFormat *ours;
    const Devices *devices;

    if (!theirs || next)
        return next;
    devices = devices_for((const void *)(uintptr_t)theirs);
    if (!devices || is_theirs(theirs, NAME))
        return NULL;
    ours = (const AVInputFormat *)devices->inputs[0];
    return device == ours ? NULL : ours;
}
