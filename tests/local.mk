# SPDX-License-Identifier: LGPL-2.1-or-later

# Programs that test the core by way of its internal names as well.
core_tests = $(long_tests) $(short_tests)
# Those with many cases. Of both kinds the longest are first, so that none is
# left running alone at the end.
long_tests = \
    tests/test_restart_steps \
    tests/test_truncate \
    tests/test_copy \
    tests/test_faults_ensight \
    tests/test_faults_file \
    tests/test_faults_follow \
    tests/test_faults_stream \
    tests/test_faults_waiting \
    tests/test_full \
    tests/test_restart_matrix \
    tests/test_restart_waits \
    tests/test_testcard \
    tests/test_tool_faults
short_tests = \
    tests/test_truncate_race \
    tests/test_assembly \
    tests/test_assembly_blocks \
    tests/test_client_gone \
    tests/test_disconnect \
    tests/test_ensight_api \
    tests/test_ensight_create \
    tests/test_ensight_faults \
    tests/test_ensight_order \
    tests/test_ensight_session \
    tests/test_ensight_threads \
    tests/test_ensight_values \
    tests/test_error \
    tests/test_file \
    tests/test_file_info \
    tests/test_file_owner \
    tests/test_file_refused \
    tests/test_follow \
    tests/test_follow_refused \
    tests/test_frame_copy \
    tests/test_guard \
    tests/test_guard_handlers \
    tests/test_layout \
    tests/test_mapping \
    tests/test_moments \
    tests/test_pace \
    tests/test_presence \
    tests/test_reader \
    tests/test_reader_checks \
    tests/test_reader_open \
    tests/test_restart \
    tests/test_rhythm \
    tests/test_state \
    tests/test_stream \
    tests/test_stress \
    tests/test_tally \
    tests/test_truncate_asleep \
    tests/test_truncate_writer \
    tests/test_wait \
    tests/test_wait_system \
    tests/test_waiting \
    tests/test_waking \
    tests/test_writer \
    tests/test_writer_draw

# Tests that run the built things from outside. A test that can't run here
# exits with 77 and says why.
script_tests = \
    tests/test_bench.py \
    tests/test_example_client.py \
    tests/test_example_matplotlib.py \
    tests/test_example_opengl.py \
    tests/test_exports.sh \
    tests/test_full_tool.py \
    tests/test_headers.sh \
    tests/test_matrix.py \
    tests/test_mutants.py \
    tests/test_peer_core.py \
    tests/test_peer_reader.py \
    tests/test_peer_selftest.py \
    tests/test_readme.sh \
    tests/test_soak.sh \
    tests/test_tool.py \
    tests/test_tool_progress.py \
    tests/test_tool_view.py \
    tests/test_tool_watch.py \
    tests/test_vendor_programs.sh
# The longest are first here, too.
script_tests_with_ffmpeg = \
    tests/test_ensight.py tests/test_film.py tests/test_record.py \
    tests/test_documents.py \
    tests/test_ensight_usage.py \
    tests/test_ffmpeg.py tests/test_ffmpeg_output.py \
    tests/test_ffplay.py tests/test_film_players.py \
    tests/test_full_ffmpeg.py tests/test_full_record.py \
    tests/test_interrupt.py tests/test_mpv.py \
    tests/test_opencv.py tests/test_other_programs.py \
    tests/test_preload.py tests/test_pyav.py \
    tests/test_survive.py tests/truncations.py
if HAVE_CHECK
TESTS += $(long_tests)
endif
# A module with a sanitizer can't be preloaded into a program without one.
if WITH_FFMPEG
if !SANITIZED
TESTS += $(script_tests_with_ffmpeg)
endif
endif
if HAVE_CHECK
TESTS += $(short_tests)
endif

TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON3)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
    export SHMIMAGE='$(abs_builddir)/tools/shmimage'; \
    export SHMIMAGE_BUILDDIR='$(abs_builddir)'; \
    export SHMIMAGE_SRCDIR='$(abs_srcdir)'; \
    export CC='$(CC)' CXX='$(CXX)' NM='$(NM)' PYTHON3='$(PYTHON3)'; \
    export SANITIZE_CFLAGS='$(SANITIZE_CFLAGS)' EXAMPLES='$(EXAMPLES)'; \
    export PYTHONDONTWRITEBYTECODE=1;
EXTRA_DIST += $(script_tests) $(script_tests_with_ffmpeg) \
    tests/documents.py tests/example_harness.py \
    tests/ffmpeg_harness.py tests/test_model.sh \
    tests/ensight_case.py tests/ensight_standin.py \
    tests/library_harness.py tests/peer.py tests/peer_stream.py \
    tests/preview_harness.py tests/record_harness.py \
    tests/small_file_system.py \
    tests/take_signals.py tests/use_opencv.py tests/use_pyav.py \
    tests/waiting.py
EXTRA_DIST += tests/features.ini tests/features.py tests/mutants
EXTRA_DIST += tests/strange_encoder.c tests/slow_reserve.c \
    tests/vendor_client.c tests/vendor_server.cpp
TESTS += $(script_tests)

check_PROGRAMS += tests/soak
tests_soak_SOURCES = tests/soak.c \
    tests/soak_actor.c tests/soak_actor.h \
    tests/soak_balance.c \
    tests/soak_client.c \
    tests/soak_image.c tests/soak_image.h \
    tests/soak_ledger.c tests/soak_ledger.h \
    tests/soak_random.h \
    tests/soak_roles.h \
    tests/soak_server.c \
    tests/soak_supervisor.c tests/soak_supervisor.h
tests_soak_LDADD = libshmimage-core.la

# Longer than make check has time for: make soak SECONDS=600 KILLS=1000
KILLS = 60
soak: tests/soak
	tests/soak --seconds $(SECONDS) --kills $(KILLS)
.PHONY: soak

# The same for files that are shortened while ffmpeg records them.
COUNT = 100
truncations: all
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) \
	$(PYTHON3) $(srcdir)/tests/truncations.py --count $(COUNT)
.PHONY: truncations

# Whether a test notices each of some small edits that break a promise.
# make mutants MUTANTS='--only release-*'
mutants:
	$(AM_V_at)$(PYTHON3) $(srcdir)/tests/mutants/run $(MUTANTS)
.PHONY: mutants

if HAVE_CHECK
check_PROGRAMS += $(core_tests)

# Programs in which the system can be made to fail.
faults = tests/faults.c tests/faults_system.c tests/faults.h tests/wrap.h
WITH_FAULTS = $(AM_LDFLAGS) \
    -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=free \
    -Wl,--wrap=pthread_mutex_init,--wrap=pthread_mutex_destroy \
    -Wl,--wrap=mmap,--wrap=mmap64,--wrap=munmap \
    -Wl,--wrap=open,--wrap=open64,--wrap=__open_2,--wrap=__open64_2 \
    -Wl,--wrap=link,--wrap=linkat,--wrap=close,--wrap=rename \
    -Wl,--wrap=fstat,--wrap=fstat64,--wrap=stat,--wrap=stat64 \
    -Wl,--wrap=lstat,--wrap=lstat64,--wrap=pread,--wrap=pread64 \
    -Wl,--wrap=fchmod,--wrap=posix_fallocate,--wrap=posix_fallocate64 \
    -Wl,--wrap=fcntl,--wrap=fcntl64,--wrap=sigaction,--wrap=syscall
tests_test_assembly_blocks_SOURCES = tests/test_assembly_blocks.c $(faults)
tests_test_assembly_blocks_LDFLAGS = $(WITH_FAULTS)
tests_test_ensight_faults_SOURCES = tests/test_ensight_faults.c \
    $(faults) $(ensight_harness)
tests_test_ensight_faults_LDFLAGS = $(WITH_FAULTS)
fault_driver = tests/fault_driver.c tests/fault_driver.h \
    tests/fault_tables.c tests/fault_tables.h $(faults)
tests_test_faults_file_SOURCES = tests/test_faults_file.c $(fault_driver)
tests_test_faults_file_LDFLAGS = $(WITH_FAULTS)
tests_test_faults_stream_SOURCES = tests/test_faults_stream.c $(fault_driver)
tests_test_faults_stream_LDFLAGS = $(WITH_FAULTS)
tests_test_faults_follow_SOURCES = tests/test_faults_follow.c $(fault_driver)
tests_test_faults_follow_LDFLAGS = $(WITH_FAULTS)
tests_test_faults_ensight_SOURCES = tests/test_faults_ensight.c $(fault_driver)
tests_test_faults_ensight_LDFLAGS = $(WITH_FAULTS)
tests_test_faults_waiting_SOURCES = tests/test_faults_waiting.c $(fault_driver)
tests_test_faults_waiting_LDFLAGS = $(WITH_FAULTS)
# The tool's main() is a function of the test.
tests_test_tool_faults_SOURCES = tests/test_tool_faults.c \
    tests/tool_main.h $(tools_shmimage_SOURCES) $(faults)
tests_test_tool_faults_CPPFLAGS = $(tools_shmimage_CPPFLAGS) $(CHECK_CFLAGS) \
    -I$(srcdir)/tools -include $(srcdir)/tests/tool_main.h
tests_test_tool_faults_LDFLAGS = $(WITH_FAULTS)

# Programs with a writer and a reader on one file.
pair = tests/pair.c tests/pair.h
tests_test_client_gone_SOURCES = tests/test_client_gone.c $(pair)
tests_test_disconnect_SOURCES = tests/test_disconnect.c $(pair)
tests_test_disconnect_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=shmi_presence_look
tests_test_follow_SOURCES = tests/test_follow.c $(pair)
tests_test_follow_refused_SOURCES = tests/test_follow_refused.c $(pair)
tests_test_frame_copy_SOURCES = tests/test_frame_copy.c $(pair)
tests_test_reader_SOURCES = tests/test_reader.c $(pair)
tests_test_restart_SOURCES = tests/test_restart.c $(pair)
lengths = tests/lengths.c tests/lengths.h $(pair)
tests_test_truncate_SOURCES = tests/test_truncate.c $(lengths)
tests_test_truncate_asleep_SOURCES = tests/test_truncate_asleep.c $(lengths)
tests_test_truncate_asleep_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=shmi_presence_look
tests_test_truncate_race_SOURCES = tests/test_truncate_race.c $(lengths)
tests_test_truncate_writer_SOURCES = tests/test_truncate_writer.c $(lengths)

# Programs that test the guard on pieces of memory.
pieces = tests/pieces.c tests/pieces.h
tests_test_guard_SOURCES = tests/test_guard.c $(pieces)
tests_test_guard_handlers_SOURCES = tests/test_guard_handlers.c $(pieces) \
    $(faults)
tests_test_guard_handlers_LDFLAGS = $(WITH_FAULTS)

# Programs with both ends in processes of their own, which can be stopped in
# the middle of what they do.
restarts = tests/restarts.c tests/restarts.h tests/situations.c \
    tests/goes_on.c tests/ends.c tests/ends.h tests/ends_ours.c \
    tests/ends_vendor.c tests/steps.c tests/steps.h
WITH_STEPS = $(AM_LDFLAGS) \
    -Wl,--wrap=shmi_guard_add,--wrap=shmi_wake \
    -Wl,--wrap=shmi_header_read,--wrap=shmi_header_write \
    -Wl,--wrap=shmi_mapping_close,--wrap=shmi_mapping_is_short \
    -Wl,--wrap=shmi_presence_look,--wrap=shmi_presence_take
tests_test_restart_matrix_SOURCES = tests/test_restart_matrix.c $(restarts)
tests_test_restart_matrix_LDFLAGS = $(WITH_STEPS)
tests_test_restart_steps_SOURCES = tests/test_restart_steps.c $(restarts)
tests_test_restart_steps_LDFLAGS = $(WITH_STEPS)
tests_test_restart_waits_SOURCES = tests/test_restart_waits.c $(restarts)
tests_test_restart_waits_LDFLAGS = $(WITH_STEPS)

# Programs with both ends of a stream, by the published interface.
ensight_harness = tests/ensight_harness.c tests/ensight_harness.h
tests_test_ensight_api_SOURCES = tests/test_ensight_api.c $(ensight_harness)
tests_test_ensight_create_SOURCES = tests/test_ensight_create.c \
    $(ensight_harness)
tests_test_ensight_order_SOURCES = tests/test_ensight_order.c \
    $(ensight_harness)
tests_test_ensight_session_SOURCES = tests/test_ensight_session.c \
    $(ensight_harness)
tests_test_ensight_threads_SOURCES = tests/test_ensight_threads.c \
    $(ensight_harness)

tests_test_testcard_SOURCES = tests/test_testcard.c $(testcard_sources)
tests_test_testcard_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tools \
    $(CHECK_CFLAGS)

tests_test_pace_SOURCES = tests/test_pace.c tools/pace.c tools/pace.h
tests_test_pace_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tools $(CHECK_CFLAGS)

tests_test_tally_SOURCES = tests/test_tally.c tools/tally.c tools/tally.h
tests_test_tally_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tools $(CHECK_CFLAGS)

# Programs that run the device through libavformat, without an ffmpeg.
if WITH_FFMPEG
device_tests = tests/test_device tests/test_device_control \
    tests/test_device_faults tests/test_device_idle \
    tests/test_device_lending tests/test_device_output \
    tests/test_device_survives tests/test_device_time \
    tests/test_device_waiting
device_harness = tests/device_harness.c tests/device_harness.h \
    $(input_device)
tests_test_device_SOURCES = tests/test_device.c $(device_harness)
tests_test_device_CPPFLAGS = $(DEVICE_CPPFLAGS) $(CHECK_CFLAGS)
tests_test_device_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_LDADD = $(LDADD) $(FFMPEG_LIBS)
tests_test_device_control_SOURCES = tests/test_device_control.c \
    $(device_harness)
tests_test_device_control_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_control_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_control_LDADD = $(tests_test_device_LDADD)
tests_test_device_idle_SOURCES = tests/test_device_idle.c $(device_harness)
tests_test_device_idle_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_idle_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_idle_LDADD = $(tests_test_device_LDADD)
tests_test_device_lending_SOURCES = tests/test_device_lending.c \
    $(device_harness)
tests_test_device_lending_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_lending_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_lending_LDADD = $(tests_test_device_LDADD)
tests_test_device_output_SOURCES = tests/test_device_output.c \
    $(output_device)
tests_test_device_output_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_output_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_output_LDADD = $(tests_test_device_LDADD)
tests_test_device_output_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=shmimage_writer_put
tests_test_device_faults_SOURCES = tests/test_device_faults.c \
    $(device_harness) $(faults)
tests_test_device_faults_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_faults_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_faults_LDADD = $(tests_test_device_LDADD)
tests_test_device_faults_LDFLAGS = $(WITH_FAULTS)
tests_test_device_survives_SOURCES = tests/test_device_survives.c \
    $(device_harness)
tests_test_device_survives_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_survives_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_survives_LDADD = $(tests_test_device_LDADD)
tests_test_device_survives_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=shmimage_frame_copy
tests_test_device_time_SOURCES = tests/test_device_time.c $(device_harness)
tests_test_device_time_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_time_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_time_LDADD = $(tests_test_device_LDADD)
tests_test_device_time_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=av_gettime,--wrap=av_gettime_relative
tests_test_device_waiting_SOURCES = tests/test_device_waiting.c \
    $(device_harness)
tests_test_device_waiting_CPPFLAGS = $(tests_test_device_CPPFLAGS)
tests_test_device_waiting_CFLAGS = $(DEVICE_CFLAGS)
tests_test_device_waiting_LDADD = $(tests_test_device_LDADD)
else
device_tests =
endif
check_PROGRAMS += $(device_tests)
TESTS += $(device_tests)

tests_test_moments_SOURCES = tests/test_moments.c \
    tests/moments.c tests/moments.h

check_LTLIBRARIES += libsupport.la
libsupport_la_SOURCES = tests/support.c tests/support.h
libsupport_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
LDADD = libsupport.la libshmimage-core.la $(CHECK_LIBS)
else
# Each is counted as skipped, by its name. automake has rules for the names
# themselves in any case.
if WITH_FFMPEG
device_tests = tests/test_device tests/test_device_control \
    tests/test_device_faults tests/test_device_idle \
    tests/test_device_lending tests/test_device_output \
    tests/test_device_survives tests/test_device_time \
    tests/test_device_waiting
else
device_tests =
endif
left_out = $(core_tests:=.skip) $(device_tests:=.skip)
TESTS += $(left_out)
$(left_out): Makefile
	$(AM_V_GEN)$(MKDIR_P) tests && printf '%s\n' '#!/bin/sh' \
	    'echo "The unit tests need the library check." \' \
	    '"On Debian: apt install check, then configure again."' \
	    'exit 77' > $@ && chmod +x $@
CLEANFILES += $(left_out)
endif

# The unit tests once more, each under valgrind. Results are where make check
# has them.
VALGRIND = valgrind --quiet --error-exitcode=1 --leak-check=full \
           --show-leak-kinds=definite,indirect $(VALGRIND_EXACT) \
           $(VALGRIND_MEMORY)
# So that a test may handle a fault and go on where it happened.
VALGRIND_EXACT = --vex-iropt-register-updates=allregs-at-mem-access
# So that a test's own posix_memalign() and realloc() are called.
VALGRIND_MEMORY = --soname-synonyms=somalloc=nouserintercepts
VALGRIND_TESTS = $(core_tests) $(device_tests) $(fuzz_tests)
check-valgrind:
	CK_FORK=no $(MAKE) $(AM_MAKEFLAGS) check \
	    TESTS='$(VALGRIND_TESTS)' check_PROGRAMS='$(VALGRIND_TESTS)' \
	    LOG_COMPILER='$(LIBTOOL) --mode=execute $(VALGRIND)'
.PHONY: check-valgrind
