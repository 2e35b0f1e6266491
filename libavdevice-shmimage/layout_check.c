/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file
 * Compares what compat/ and device.h say of FFmpeg's private headers with
 * those headers. To be compiled, not linked, with the top of a configured
 * FFmpeg source tree in the include path, and compat/ not in it:
 *
 *     cc -std=c11 -I TREE -fsyntax-only layout_check.c
 *
 * A difference is a compiler error.
 */
#include <stddef.h>

#include "libavformat/avformat.h"

/* A function that is declared twice has to have one type; so these two come
 * both from FFmpeg and from us. */
#include "libavformat/internal.h"
#if LIBAVFORMAT_VERSION_MAJOR >= 62
#include "libavformat/avformat_internal.h"
#endif

#if LIBAVFORMAT_VERSION_MAJOR >= 61

#include "libavformat/demux.h"

enum { THEIR_CLEANUP = FF_INFMT_FLAG_INIT_CLEANUP };
#undef FF_INFMT_FLAG_INIT_CLEANUP

#define FFInputFormat OurInputFormat
#include "compat/libavformat/demux.h"
#undef FFInputFormat

_Static_assert(THEIR_CLEANUP == FF_INFMT_FLAG_INIT_CLEANUP,
               "the flag that asks for read_close has another value");
_Static_assert(sizeof(OurInputFormat) == sizeof(FFInputFormat),
               "FFInputFormat has another size");

#define SAME_PLACE(ours, theirs)                                              \
    _Static_assert(offsetof(OurInputFormat, ours) ==                          \
                       offsetof(FFInputFormat, theirs) &&                     \
                   sizeof(((OurInputFormat *)0)->ours) ==                     \
                       sizeof(((FFInputFormat *)0)->theirs),                  \
                   "FFInputFormat." #theirs " is elsewhere")

SAME_PLACE(p, p);
SAME_PLACE(raw_codec_id, raw_codec_id);
SAME_PLACE(priv_data_size, priv_data_size);
SAME_PLACE(flags_internal, flags_internal);
SAME_PLACE(read_probe, read_probe);
SAME_PLACE(read_header, read_header);
SAME_PLACE(read_packet, read_packet);
SAME_PLACE(read_close, read_close);
SAME_PLACE(read_seek, read_seek);
SAME_PLACE(read_timestamp, read_timestamp);
SAME_PLACE(read_seek2, read_seek2);
SAME_PLACE(get_device_list, get_device_list);

#else

enum { THEIR_CLEANUP = FF_FMT_INIT_CLEANUP };
#undef FF_FMT_INIT_CLEANUP

#endif

#include "compat/libavformat/internal.h"
#include "device.h"

#if LIBAVFORMAT_VERSION_MAJOR < 61
_Static_assert(THEIR_CLEANUP == FF_FMT_INIT_CLEANUP,
               "the flag that asks for read_close has another value");
#endif
