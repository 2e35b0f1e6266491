# SPDX-License-Identifier: LGPL-2.1-or-later

# For each target TARGET: tests/test_fuzz_TARGET replays fuzz/corpus/TARGET in
# make check, and with --enable-fuzzing fuzz/fuzz_TARGET is the fuzzer.
fuzz_targets = headers peer race command program
fuzz_tests = \
    tests/test_fuzz_headers \
    tests/test_fuzz_peer \
    tests/test_fuzz_race \
    tests/test_fuzz_command \
    tests/test_fuzz_program
check_PROGRAMS += $(fuzz_tests)
TESTS += $(fuzz_tests)
EXTRA_DIST += fuzz/README.md fuzz/command.dict fuzz/corpus \
    fuzz/documented.awk fuzz/make_corpus.py fuzz/run

# What shmimage.h promises, as a table.
BUILT_SOURCES += fuzz/documented.h
CLEANFILES += fuzz/documented.h
fuzz/documented.h: $(srcdir)/fuzz/documented.awk $(srcdir)/core/shmimage.h
	$(AM_V_GEN)$(MKDIR_P) fuzz && $(AWK) -f $(srcdir)/fuzz/documented.awk \
	    $(srcdir)/core/shmimage.h > $@.tmp && mv $@.tmp $@

# The tool, with another name for its main().
check_LTLIBRARIES += libfuzztool.la
libfuzztool_la_SOURCES = $(tools_shmimage_SOURCES)
libfuzztool_la_CPPFLAGS = $(tools_shmimage_CPPFLAGS) -Dmain=shmimage_main
libfuzztool_la_CFLAGS = $(AM_CFLAGS) -Wno-missing-prototypes

fuzz_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/fuzz -I$(srcdir)/tools
fuzz_common = fuzz/fuzz.c fuzz/fuzz.h
fuzz_stage = fuzz/mapped.c fuzz/mapped.h fuzz/stage.c fuzz/stage.h
fuzz_ends = fuzz/ends.c fuzz/ends.h fuzz/script.c fuzz/script.h
fuzz_capture = fuzz/capture.c fuzz/capture.h
fuzz_replay = fuzz/replay.c

headers_sources = fuzz/headers.c fuzz/client.c fuzz/client.h fuzz/model.c \
    fuzz/model.h $(fuzz_capture) $(fuzz_stage) $(fuzz_common)
peer_sources = fuzz/peer.c $(fuzz_ends) $(fuzz_stage) $(fuzz_common)
race_sources = fuzz/race.c $(fuzz_ends) $(fuzz_stage) $(fuzz_common)
command_sources = fuzz/command.c fuzz/world.c fuzz/world.h \
    $(fuzz_capture) $(fuzz_common)
program_sources = fuzz/program.c $(fuzz_common)

wrap_maps = -Wl,--wrap=mmap,--wrap=mmap64,--wrap=munmap
wrap_world = \
    -Wl,--wrap=clock_gettime,--wrap=clock_nanosleep,--wrap=sigaction \
    -Wl,--wrap=posix_fallocate,--wrap=posix_fallocate64 \
    -Wl,--wrap=execvp,--wrap=posix_spawn,--wrap=setenv,--wrap=read
fuzz_libs = libfuzztool.la libshmimage-core.la

tests_test_fuzz_headers_SOURCES = $(headers_sources) $(fuzz_replay)
tests_test_fuzz_headers_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_TARGET='"headers"'
tests_test_fuzz_headers_LDFLAGS = $(AM_LDFLAGS) $(wrap_maps)
tests_test_fuzz_headers_LDADD = $(fuzz_libs)
tests_test_fuzz_peer_SOURCES = $(peer_sources) $(fuzz_replay)
tests_test_fuzz_peer_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_TARGET='"peer"'
tests_test_fuzz_peer_LDFLAGS = $(AM_LDFLAGS) $(wrap_maps)
tests_test_fuzz_peer_LDADD = libshmimage-core.la
tests_test_fuzz_race_SOURCES = $(race_sources) $(fuzz_replay)
tests_test_fuzz_race_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_TARGET='"race"'
tests_test_fuzz_race_LDFLAGS = $(AM_LDFLAGS) $(wrap_maps)
tests_test_fuzz_race_LDADD = libshmimage-core.la
tests_test_fuzz_command_SOURCES = $(command_sources) $(fuzz_replay)
tests_test_fuzz_command_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_TARGET='"command"'
tests_test_fuzz_command_LDFLAGS = $(AM_LDFLAGS) $(wrap_world)
tests_test_fuzz_command_LDADD = $(fuzz_libs)
tests_test_fuzz_program_SOURCES = $(program_sources) $(fuzz_replay)
tests_test_fuzz_program_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_TARGET='"program"'
tests_test_fuzz_program_LDADD = $(fuzz_libs)

if FUZZING
noinst_PROGRAMS += fuzz/fuzz_headers fuzz/fuzz_peer fuzz/fuzz_race \
    fuzz/fuzz_command fuzz/fuzz_program
fuzz_fuzz_headers_SOURCES = $(headers_sources)
fuzz_fuzz_headers_CPPFLAGS = $(fuzz_cppflags)
fuzz_fuzz_headers_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) $(wrap_maps)
fuzz_fuzz_headers_LDADD = $(fuzz_libs)
fuzz_fuzz_peer_SOURCES = $(peer_sources)
fuzz_fuzz_peer_CPPFLAGS = $(fuzz_cppflags)
fuzz_fuzz_peer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) $(wrap_maps)
fuzz_fuzz_peer_LDADD = libshmimage-core.la
fuzz_fuzz_race_SOURCES = $(race_sources)
fuzz_fuzz_race_CPPFLAGS = $(fuzz_cppflags)
fuzz_fuzz_race_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) $(wrap_maps)
fuzz_fuzz_race_LDADD = libshmimage-core.la
fuzz_fuzz_command_SOURCES = $(command_sources)
fuzz_fuzz_command_CPPFLAGS = $(fuzz_cppflags)
fuzz_fuzz_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) $(wrap_world)
fuzz_fuzz_command_LDADD = $(fuzz_libs)
fuzz_fuzz_program_SOURCES = $(program_sources)
fuzz_fuzz_program_CPPFLAGS = $(fuzz_cppflags)
fuzz_fuzz_program_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
fuzz_fuzz_program_LDADD = $(fuzz_libs)
endif

# All targets, or those named, one after the other: make fuzz SECONDS=600
# TARGETS=peer
TARGETS = $(fuzz_targets)
fuzz:
if FUZZING
	@$(MAKE) $(AM_MAKEFLAGS) $(noinst_PROGRAMS)
endif
	@$(SHELL) $(srcdir)/fuzz/run --seconds $(SECONDS) $(TARGETS)
.PHONY: fuzz
