# SPDX-License-Identifier: LGPL-2.1-or-later

# Only make bench and make check build these; nothing is installed. They have
# the core inside, so that what is measured is the program itself and not a
# script that libtool puts in front of it.
bench_programs = bench/bench_bare bench/bench_receive bench/bench_send
check_PROGRAMS += $(bench_programs)
bench_common = bench/bench.c bench/bench.h bench/channel.c bench/channel.h
BENCH_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bench

bench_bench_send_SOURCES = bench/bench_send.c bench/silent.c $(bench_common)
bench_bench_send_CPPFLAGS = $(BENCH_CPPFLAGS)
bench_bench_send_LDADD = libshmimage-core.la
bench_bench_receive_SOURCES = bench/bench_receive.c $(bench_common)
bench_bench_receive_CPPFLAGS = $(BENCH_CPPFLAGS)
bench_bench_receive_LDADD = libshmimage-core.la
bench_bench_bare_SOURCES = bench/bench_bare.c bench/bench.c bench/bench.h
bench_bench_bare_CPPFLAGS = $(BENCH_CPPFLAGS)
bench_bench_bare_LDADD =
if WITH_FFMPEG
bench_programs += bench/bench_demux
bench_bench_demux_SOURCES = bench/bench_demux.c bench/bench.c bench/bench.h
bench_bench_demux_CPPFLAGS = $(BENCH_CPPFLAGS) $(FFMPEG_CFLAGS)
bench_bench_demux_LDADD = $(FFMPEG_LIBS)
endif

bench_driver = bench/bench.py bench/comparisons.py bench/cost.py \
    bench/loss.py bench/machine.py bench/plot.py bench/report.py \
    bench/results.py bench/runs.py bench/latency.py bench/throughput.py
EXTRA_DIST += $(bench_driver)

# What to measure, all of it if empty, and how often.
BENCH =
ROUNDS = 5
run_bench = SHMIMAGE='$(abs_builddir)/tools/shmimage' \
    SHMIMAGE_BUILDDIR='$(abs_builddir)' PYTHONDONTWRITEBYTECODE=1 \
    $(PYTHON3) $(srcdir)/bench/bench.py
bench_needs = $(bench_programs) $(bin_PROGRAMS) $(pkglib_LTLIBRARIES)

bench: $(bench_needs)
	$(run_bench) --rounds $(ROUNDS) $(BENCH)
bench-quick: $(bench_needs)
	$(run_bench) --quick $(BENCH)
# Also puts the results into the document.
bench-doc: $(bench_needs)
	$(run_bench) --rounds $(ROUNDS) $(BENCH) --doc $(srcdir)/docs
.PHONY: bench bench-quick bench-doc
CLEANFILES += bench/results.json bench/results.md bench/results.svg
