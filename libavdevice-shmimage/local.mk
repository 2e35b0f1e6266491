# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_FFMPEG
pkglib_LTLIBRARIES += shmimage-device.la shmimage-preload.la

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
# libraries into every program that the module is loaded into.
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

shmimage_device_la_SOURCES = libavdevice-shmimage/device.h \
                             libavdevice-shmimage/module.c \
                             $(input_device) \
                             libavdevice-shmimage/shmimage_enc.c
shmimage_device_la_CPPFLAGS = $(DEVICE_CPPFLAGS)
shmimage_device_la_CFLAGS = $(DEVICE_CFLAGS)
shmimage_device_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
                             -export-symbols-regex '^shmimage_devices$$'
# The core goes in whole: the dynamic linker might not find libshmimage.so where
# it was installed.
shmimage_device_la_LIBADD = libshmimage-core.la $(DEVICE_LIBS)

# This one is loaded into every program, and so brings no library along.
shmimage_preload_la_SOURCES = libavdevice-shmimage/device.h \
                              libavdevice-shmimage/preload.c
shmimage_preload_la_CPPFLAGS = $(DEVICE_CPPFLAGS)
shmimage_preload_la_CFLAGS = $(DEVICE_CFLAGS)
shmimage_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared
endif

EXTRA_DIST += libavdevice-shmimage/compat/libavformat/demux.h \
              libavdevice-shmimage/compat/libavformat/internal.h \
              libavdevice-shmimage/compat/libavformat/mux.h \
              libavdevice-shmimage/compat/libavutil/internal.h \
              libavdevice-shmimage/layout_check.c
