# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the Python package share: finding it and its library.

SHMIMAGE_SRCDIR and SHMIMAGE_BUILDDIR as `make check` sets them. With
WITHOUT_NUMPY in the environment, numpy can't be imported.
"""

import os
import subprocess
import sys
import tempfile
import unittest

import take_signals  # noqa: F401, it acts when it is imported
from waiting import PATIENCE, wait_for

SOURCE = os.environ.get("SHMIMAGE_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("SHMIMAGE_BUILDDIR") or os.getcwd()
PACKAGES = os.path.join(SOURCE, "python")
LIBRARY = os.path.join(BUILD, ".libs", "libshmimage.so")
TOOL = os.environ.get("SHMIMAGE") or os.path.join(BUILD, "tools", "shmimage")
SANITIZERS = os.environ.get("SANITIZE_CFLAGS", "")


def leave_out(reason):
    print("the Python package was not tested:", reason)
    sys.exit(77)


def preload_sanitizer():
    """A library with AddressSanitizer needs its run-time system from the
    start: begin this program again with it."""
    if "fsanitize=thread" in SANITIZERS:
        leave_out("Python can't load a library with ThreadSanitizer")
    if "address" not in SANITIZERS or "SANITIZER_PRELOADED" in os.environ:
        return
    found = subprocess.run(
        [*os.environ.get("CC", "cc").split(), "-print-file-name=libasan.so"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if not os.path.isabs(found):
        leave_out("the compiler has no libasan.so that could be preloaded")
    # What the interpreter leaks itself is not of interest.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    os.execve(sys.executable, [sys.executable, *sys.argv], dict(
        os.environ, LD_PRELOAD=found, ASAN_OPTIONS=options,
        SANITIZER_PRELOADED="1"))


def without_preload():
    """The environment for programs that have the sanitizer inside."""
    return {name: value for name, value in os.environ.items()
            if name != "LD_PRELOAD"}


if sys.version_info < (3, 8):
    leave_out("it needs Python 3.8 or later")
if not os.path.exists(LIBRARY):
    leave_out("no shared library was built")
preload_sanitizer()
os.environ["SHMIMAGE_LIBRARY"] = LIBRARY
os.environ["PYTHONPATH"] = PACKAGES
sys.path.insert(0, PACKAGES)
if "WITHOUT_NUMPY" in os.environ:
    sys.modules["numpy"] = None
try:
    import numpy
except ImportError:
    numpy = None

needs_numpy = unittest.skipUnless(numpy, "numpy is not installed")


def has_locks():
    """Whether the library was built so that it sees who is connected."""
    with open(os.path.join(BUILD, "config.h")) as config:
        return "#define SHMI_HAVE_OFD_LOCKS 1" in config.read()


with_locks = unittest.skipUnless(has_locks(),
                                 "built with --disable-ofd-locks")


class StreamTest(unittest.TestCase):
    """With a folder for files, and processes that don't outlive a test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, "stream.shm")

    def start(self, *command, **options):
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_tool(self, *arguments):
        return self.start(TOOL, *arguments, env=without_preload())

    def start_python(self, code, *arguments):
        """A program that can `import shmimage`; its arguments: the file."""
        return self.start(sys.executable, "-c", code, self.path, *arguments)

    def run_python(self, code, *arguments):
        """What such a program prints. It has to end by itself, and well."""
        process = self.start_python(code, *arguments)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        return out

    def finish(self, process):
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        return out
