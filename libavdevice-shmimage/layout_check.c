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
#include "libavformat/mux.h"

enum { THEIR_CLEANUP = FF_INFMT_FLAG_INIT_CLEANUP };
#undef FF_INFMT_FLAG_INIT_CLEANUP

#define FFInputFormat OurInputFormat
#include "compat/libavformat/demux.h"
#undef FFInputFormat

#define FFOutputFormat OurOutputFormat
#include "compat/libavformat/mux.h"
#undef FFOutputFormat

_Static_assert(THEIR_CLEANUP == FF_INFMT_FLAG_INIT_CLEANUP,
               "the flag that asks for read_close has another value");
_Static_assert(sizeof(OurInputFormat) == sizeof(FFInputFormat),
               "FFInputFormat has another size");
_Static_assert(sizeof(OurOutputFormat) == sizeof(FFOutputFormat),
               "FFOutputFormat has another size");

#define SAME_PLACE_IN(type, member)                                           \
    _Static_assert(offsetof(Our##type, member) ==                             \
                       offsetof(FF##type, member) &&                          \
                   sizeof(((Our##type *)0)->member) ==                        \
                       sizeof(((FF##type *)0)->member),                       \
                   "FF" #type "." #member " is elsewhere")

#define SAME_PLACE(member) SAME_PLACE_IN(InputFormat, member)
SAME_PLACE(p);
SAME_PLACE(raw_codec_id);
SAME_PLACE(priv_data_size);
SAME_PLACE(flags_internal);
SAME_PLACE(read_probe);
SAME_PLACE(read_header);
SAME_PLACE(read_packet);
SAME_PLACE(read_close);
SAME_PLACE(read_seek);
SAME_PLACE(read_timestamp);
SAME_PLACE(read_seek2);
SAME_PLACE(get_device_list);
#undef SAME_PLACE

#define SAME_PLACE(member) SAME_PLACE_IN(OutputFormat, member)
SAME_PLACE(p);
SAME_PLACE(priv_data_size);
SAME_PLACE(flags_internal);
SAME_PLACE(write_header);
SAME_PLACE(write_packet);
SAME_PLACE(write_trailer);
SAME_PLACE(interleave_packet);
SAME_PLACE(query_codec);
SAME_PLACE(get_output_timestamp);
SAME_PLACE(control_message);
SAME_PLACE(write_uncoded_frame);
SAME_PLACE(get_device_list);
SAME_PLACE(init);
SAME_PLACE(deinit);
SAME_PLACE(check_bitstream);

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
