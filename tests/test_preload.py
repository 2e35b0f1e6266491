#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `shmimage exec` loads into programs that use FFmpeg's libraries in
other ways than its own tools do, or not at all.

See ffmpeg_harness.py for the environment.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from ffmpeg_harness import (FFMPEG, NATIVE, SECONDS, SHMIMAGE, main,
                            major_version)

LATE = """
import ctypes, sys
load = lambda name: ctypes.CDLL("lib%s.so.%s" % (name, sys.argv.pop()))
device, format = load("avdevice"), load("avformat")
device.avdevice_register_all()
device.avdevice_register_all()
for iterate, other in ((format.av_demuxer_iterate, b"lavfi"),
                       (format.av_muxer_iterate, b"null")):
    iterate.restype = ctypes.POINTER(ctypes.c_char_p)
    state, names = ctypes.c_void_p(), []
    while entry := iterate(ctypes.byref(state)):
        names.append(entry[0])
    print(names.count(other), names.count(b"shmimage"))
"""

# As OpenCV does it: without libavdevice.
BY_NAME = """
import ctypes, sys
format = ctypes.CDLL("libavformat.so.%s" % sys.argv[1])
format.av_find_input_format.restype = ctypes.c_void_p
format.av_guess_format.restype = ctypes.c_void_p
print(format.av_find_input_format(b"shmimage") is not None,
      format.av_guess_format(b"shmimage", None, None) is not None)
"""

# What this has to do with of two libraries that a program may bring.
FORMAT_SOURCE = """
#include <stdarg.h>
#include <stdio.h>
static const char *const *registered;
unsigned avformat_version(void) { return MAJOR << 16; }
void av_vlog(void *context, int level, const char *format, va_list values)
{ vfprintf(stderr, format, values); }
void avpriv_register_devices(const void *outputs, const char *const inputs[])
{ registered = outputs ? inputs : 0; }
const char *const *list(void) { return registered; }
"""
DEVICE_SOURCE = """
void avpriv_register_devices(const void *outputs, const char *const inputs[]);
static const char *const inputs[] = { "theirs", 0 };
void avdevice_register_all(void)
{ avpriv_register_devices(inputs, inputs); }
"""
OLDER = """
import ctypes, sys
format, device = map(ctypes.CDLL, sys.argv[1:])
device.avdevice_register_all()
format.list.restype = ctypes.POINTER(ctypes.c_char_p)
print(format.list()[:2])
"""

# FFmpeg's libraries, each after those that it needs.
LIBRARIES = ("avutil", "swresample", "swscale", "postproc", "avcodec",
             "avformat", "avfilter", "avdevice")
OWN_COPY = """
import ctypes, sys
# Some libavfilter fails to say that it needs libavformat.
*_, format, _, device = (ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
                         for path in sys.argv[1:])
device.avdevice_register_all()
format.av_find_input_format.restype = ctypes.c_void_p
print(*(format.av_find_input_format(name) is not None
        for name in (b"shmimage", b"lavfi")))
with open("/proc/self/maps") as maps:
    print(maps.read())
"""


def libraries_in(maps):
    """The shared libraries that a process has, as /proc lists them."""
    return set(re.findall(r"/\S*\.so\S*", maps))


def find_libraries():
    """The files of FFmpeg's libraries that the tool uses, in that order."""
    listed = subprocess.run(["ldd", shutil.which(FFMPEG)], check=True,
                            text=True, capture_output=True,
                            timeout=SECONDS).stdout
    found = dict(re.findall(r"lib(\w+)\.so\.\d+ => (\S+)", listed))
    return [found[name] for name in LIBRARIES if name in found]


def copy_libraries(folder, prefix):
    """Copies, with names that begin in another way than with "lib"; so do
    tools that make Python packages, to keep the copies apart."""
    paths = find_libraries()
    copies = []
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        for name in map(os.path.basename, paths):
            content = content.replace(name.encode() + b"\0",
                                      (prefix + name[3:]).encode() + b"\0")
        copies.append(os.path.join(folder, prefix + os.path.basename(path)[3:]))
        with open(copies[-1], "wb") as file:
            file.write(content)
    return copies


@unittest.skipIf(NATIVE, "nothing is preloaded")
class Preloading(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def run_command(self, *command):
        """What it printed, and what was said about it."""
        done = subprocess.run(list(map(str, command)), timeout=SECONDS,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def run_python(self, *arguments):
        return self.run_command(SHMIMAGE, "exec", sys.executable, "-c",
                                *arguments)

    def libraries_that_come_with_exec(self, *command):
        """The names of what it loads into a program, and the program's answer
        and messages."""
        without, _ = self.run_command(*command)
        out, err = self.run_command(SHMIMAGE, "exec", *command)
        found = libraries_in(out) - libraries_in(without)
        return set(map(os.path.basename, found)), out.splitlines()[0], err

    def test_device_is_added_once_to_libraries_loaded_later(self):
        answer = self.run_python(LATE, major_version("libavformat"),
                                 major_version("libavdevice"))
        self.assertEqual(answer, ("1 1\n1 1\n", ""))

    def test_device_is_there_though_none_was_registered(self):
        answer = self.run_python(BY_NAME, major_version("libavformat"))
        self.assertEqual(answer, ("True True\n", ""))

    def test_program_without_ffmpeg_gets_no_other_library(self):
        # The second command has the shell start a child for the first.
        found, _, err = self.libraries_that_come_with_exec(
            "sh", "-c", "cat /proc/self/maps; exit 0")
        self.assertEqual((found, err), ({"shmimage-preload.so"}, ""))

    def test_program_with_a_copy_of_the_same_ffmpeg_keeps_to_it(self):
        found, answer, err = self.libraries_that_come_with_exec(
            sys.executable, "-c", OWN_COPY,
            *copy_libraries(self.folder, "lib"))
        self.assertEqual((answer, err), ("True True", ""))
        self.assertEqual(found, {"shmimage-preload.so", "shmimage-device.so"})

    def test_program_with_a_renamed_copy_is_told_why_it_gets_none(self):
        copies = copy_libraries(self.folder, "own")
        found, answer, err = self.libraries_that_come_with_exec(
            sys.executable, "-c", OWN_COPY, *copies)
        self.assertEqual((answer, found),
                         ("False True", {"shmimage-preload.so"}))
        self.assertIn(f"uses {copies[-3]}, but the module was built for ", err)

    def test_program_with_an_older_ffmpeg_keeps_its_devices(self):
        major = major_version("libavformat")
        format, device = (os.path.join(self.folder, f"lib{name}.so")
                          for name in ("format", "device"))
        for path, source, options in (
                (format, FORMAT_SOURCE, [f"-Wl,-soname,libavformat.so.{major}",
                                         f"-DMAJOR={major}"]),
                (device, DEVICE_SOURCE, [format])):
            subprocess.run(
                [*shlex.split(os.environ.get("CC") or "cc"), "-shared",
                 "-fPIC", "-x", "c", "-", "-x", "none", "-o", path, *options],
                input=source, text=True, check=True, timeout=SECONDS)
        out, err = self.run_python(OLDER, format, device)
        self.assertEqual(out, "[b'theirs', None]\n")
        self.assertIn(f"uses {format}, but the module was built for ", err)


if __name__ == "__main__":
    main()
