# SPDX-License-Identifier: LGPL-2.1-or-later
bin_PROGRAMS += tools/shmimage

# The test card stands alone, for the tests as well.
testcard_sources = tools/cells.c tools/cells.h \
                   tools/flow.c tools/flow.h \
                   tools/glyphs.c tools/glyphs.h \
                   tools/paint.c tools/paint.h \
                   tools/roundel.c tools/roundel.h \
                   tools/testcard.c tools/testcard.h

tools_shmimage_SOURCES = tools/shmimage.c tools/command.h \
                         tools/child.c tools/child.h \
                         tools/create.c \
                         tools/exec.c \
                         tools/extent.c tools/extent.h \
                         tools/ffmpeg.c tools/ffmpeg.h \
                         tools/film.c tools/film.h \
                         tools/film_command.c tools/film_kind.h \
                         tools/info.c \
                         tools/input.c tools/input.h \
                         tools/json.c tools/json.h \
                         tools/lines.c tools/lines.h \
                         tools/moviefile.c tools/moviefile.h \
                         tools/options.c tools/options.h \
                         tools/pace.c tools/pace.h \
                         tools/preload.c tools/preload.h \
                         tools/program.c tools/program.h \
                         tools/progress.c tools/progress.h \
                         tools/record.c \
                         tools/recording.c tools/recording.h \
                         tools/report.c tools/report.h \
                         tools/reset.c \
                         tools/screen.c tools/screen.h \
                         tools/send.c \
                         tools/source.c tools/source.h \
                         tools/status.c tools/status.h \
                         tools/stop.c tools/stop.h \
                         tools/stream.c tools/stream.h \
                         tools/tally.c tools/tally.h \
                         tools/view.c tools/view.h \
                         tools/viewer.c \
                         tools/watch.c tools/watch.h \
                         tools/words.c tools/words.h \
                         $(testcard_sources)
tools_shmimage_CPPFLAGS = $(AM_CPPFLAGS) \
    -DSHMIMAGE_PRELOAD_PATH='"$(pkglibdir)/shmimage-preload.so"'
tools_shmimage_LDADD = libshmimage.la
if THREAD_SANITIZED
tools_shmimage_SOURCES += tests/tsan_start.c
endif
