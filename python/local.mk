# SPDX-License-Identifier: LGPL-2.1-or-later

# What pip needs as well; it takes the folder as it is.
EXTRA_DIST += python/backend.py python/pyproject.toml

if WITH_PYTHON
shmimagepydir = $(pythondir)/shmimage
shmimagepy_PYTHON = python/shmimage/__init__.py \
                    python/shmimage/_buffers.py \
                    python/shmimage/_drawing.py \
                    python/shmimage/_errors.py \
                    python/shmimage/_files.py \
                    python/shmimage/_handles.py \
                    python/shmimage/_images.py \
                    python/shmimage/_library.py \
                    python/shmimage/_reader.py \
                    python/shmimage/_writer.py
dist_shmimagepy_DATA = python/shmimage/py.typed
ensightpydir = $(pythondir)/ensight_grpc_shmem
ensightpy_PYTHON = python/ensight_grpc_shmem/__init__.py
dist_ensightpy_DATA = python/ensight_grpc_shmem/py.typed

# The library that is installed along with it.
nodist_shmimagepy_PYTHON = python/shmimage/_installed.py
CLEANFILES += python/shmimage/_installed.py
python/shmimage/_installed.py: libshmimage.la
	$(AM_V_GEN)$(MKDIR_P) python/shmimage && . ./libshmimage.la && \
	printf '%s\n' '# SPDX-License-Identifier: LGPL-2.1-or-later' \
	    "LIBRARY = '$(libdir)/$$dlname'" > $@

# A library with a sanitizer can't be loaded into a Python without.
if !SANITIZED
installcheck-local:
	$(AM_V_at)test -z '$(DESTDIR)' || \
	    export LD_LIBRARY_PATH='$(DESTDIR)$(libdir)'; \
	PYTHONPATH='$(DESTDIR)$(pythondir)' \
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON) $(srcdir)/tests/python_installed.py \
	    '$(DESTDIR)$(pythondir)' '$(DESTDIR)$(libdir)'
endif
endif

python_tests = tests/test_python_install.py \
               tests/test_python_readme.py \
               tests/test_python_stream.py \
               tests/test_python_tool.py \
               tests/test_python_vendor.py \
               tests/test_python_views.py
TESTS += $(python_tests)
EXTRA_DIST += $(python_tests) tests/python_installed.py \
    tests/python_under_test.py
