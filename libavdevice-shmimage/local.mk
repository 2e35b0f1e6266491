# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_FFMPEG
pkglib_LTLIBRARIES += shmimage-preload.la

# compat/ comes before FFmpeg's own headers, of which it completes what is
# installed; it has no header of the same name.
DEVICE_CPPFLAGS = -I$(srcdir)/libavdevice-shmimage \
                  -I$(srcdir)/libavdevice-shmimage/compat \
                  $(AM_CPPFLAGS) $(FFMPEG_CFLAGS)
# FFmpeg's tables of options leave out the last members, and have INT64_MAX for
# a double; its callbacks need not use all they get, and its buffers that are
# read-only are not const.
DEVICE_CFLAGS = $(AM_CFLAGS) -Wno-missing-field-initializers \
                -Wno-implicit-const-int-float-conversion \
                -Wno-unused-parameter -Wno-cast-qual
# The device needs nothing of libavdevice, and that would drag dozens of
# libraries into every program that the module is preloaded into.
DEVICE_LIBS = $(FFMPEG_LIBS:-lavdevice=)

common_device = libavdevice-shmimage/shmimage_common.c \
                libavdevice-shmimage/shmimage_common.h
input_device = $(common_device) \
               libavdevice-shmimage/shmimage_control.c \
               libavdevice-shmimage/shmimage_dec.c \
               libavdevice-shmimage/shmimage_dec.h \
               libavdevice-shmimage/shmimage_list.c \
               libavdevice-shmimage/shmimage_rate.c
output_device = $(common_device) \
                libavdevice-shmimage/shmimage_enc.c

shmimage_preload_la_SOURCES = libavdevice-shmimage/device.h \
                              libavdevice-shmimage/preload.c \
                              $(input_device) \
                              libavdevice-shmimage/shmimage_enc.c
shmimage_preload_la_CPPFLAGS = $(DEVICE_CPPFLAGS)
shmimage_preload_la_CFLAGS = $(DEVICE_CFLAGS)
shmimage_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
                              -export-symbols-regex '^av(priv_register_devices|_input_video_device_next)$$'
# The core goes in whole: a preloaded module for which the dynamic linker can't
# find a library would end every program that it is preloaded into.
shmimage_preload_la_LIBADD = libshmimage-core.la $(DEVICE_LIBS)
endif

EXTRA_DIST += libavdevice-shmimage/compat/libavformat/demux.h \
              libavdevice-shmimage/compat/libavformat/internal.h \
              libavdevice-shmimage/compat/libavformat/mux.h \
              libavdevice-shmimage/compat/libavutil/internal.h \
              libavdevice-shmimage/layout_check.c
