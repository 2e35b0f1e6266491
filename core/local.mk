# SPDX-License-Identifier: LGPL-2.1-or-later
lib_LTLIBRARIES += libshmimage.la
# The same objects with their internal names visible, for the tests.
noinst_LTLIBRARIES += libshmimage-core.la

include_HEADERS += core/shmimage.h \
                   core/shared_memory_image_client.h \
                   core/shared_memory_image_client_priv.h
pkgconfig_DATA += core/libshmimage.pc

libshmimage_core_la_SOURCES = core/abi.h \
                              core/assembly.c core/assembly.h \
                              core/connection.c core/connection.h \
                              core/copy.c core/copy.h \
                              core/ensight_api.c \
                              core/error.c core/error.h \
                              core/file.c \
                              core/guard.c core/guard.h \
                              core/layout.c core/layout.h \
                              core/mapping.c core/mapping.h \
                              core/owner.c \
                              core/presence.c core/presence.h \
                              core/reader.c \
                              core/rhythm.c core/rhythm.h \
                              core/state.h \
                              core/wait.c core/wait.h \
                              core/writer.c

libshmimage_la_SOURCES =
# A handler of SIGBUS stays installed and must not be unloaded: nodelete.
libshmimage_la_LIBADD = libshmimage-core.la
libshmimage_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(SHMIMAGE_LT_VERSION) \
                         -no-undefined -Wl,-z,nodelete
libshmimage_la_DEPENDENCIES = libshmimage-core.la
if HAVE_VERSION_SCRIPT
libshmimage_la_LDFLAGS += -Wl,--version-script=$(srcdir)/core/libshmimage.sym
libshmimage_la_DEPENDENCIES += core/libshmimage.sym
endif
EXTRA_DIST += core/libshmimage.sym
