# SPDX-License-Identifier: LGPL-2.1-or-later

# Programs that test the core by way of its internal names as well.
core_tests = \
    tests/test_layout

# Tests that run the built things from outside. A test that can't run here
# exits with 77 and says why.
script_tests =

TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON3)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
    export SHMIMAGE='$(abs_builddir)/tools/shmimage'; \
    export SHMIMAGE_BUILDDIR='$(abs_builddir)'; \
    export SHMIMAGE_SRCDIR='$(abs_srcdir)'; \
    export CC='$(CC)' CXX='$(CXX)' NM='$(NM)' PYTHON3='$(PYTHON3)'; \
    export PYTHONDONTWRITEBYTECODE=1;
EXTRA_DIST += $(script_tests)
TESTS += $(script_tests)

if HAVE_CHECK
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)

check_LTLIBRARIES = libsupport.la
libsupport_la_SOURCES = tests/support.c tests/support.h
libsupport_la_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
LDADD = libsupport.la libshmimage-core.la $(CHECK_LIBS)
else
check-local:
	@echo "The unit tests need the library check." \
	      "On Debian: apt install check, then configure again." >&2; exit 1
endif
