#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module of `shmimage exec`, in programs that use FFmpeg's libraries in
other ways than its own tools do, or not at all.

See ffmpeg_harness.py for the environment.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import unittest

from ffmpeg_harness import NATIVE, SECONDS, SHMIMAGE, main, major_version

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

# What the module has to do with of two libraries that a program may bring.
FORMAT_SOURCE = """
static const char *const *registered;
unsigned avformat_version(void) { return 59 << 16; }
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
OWN_COPY = """
import ctypes, sys
device, format = map(ctypes.CDLL, sys.argv[1:])
device.avdevice_register_all()
format.list.restype = ctypes.POINTER(ctypes.c_char_p)
print(format.list()[:2])
"""


@unittest.skipIf(NATIVE, "nothing is preloaded")
class Preloading(unittest.TestCase):
    def run_python(self, *arguments):
        """What it printed, and what the module had to say."""
        done = subprocess.run(
            [SHMIMAGE, "exec", sys.executable, "-c", *map(str, arguments)],
            capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def test_device_is_added_once_to_libraries_loaded_later(self):
        answer = self.run_python(LATE, major_version("libavformat"),
                                 major_version("libavdevice"))
        self.assertEqual(answer, ("1 1\n1 1\n", ""))

    def test_device_is_there_though_none_was_registered(self):
        answer = self.run_python(BY_NAME, major_version("libavformat"))
        self.assertEqual(answer, ("True True\n", ""))

    def test_program_without_ffmpeg_runs(self):
        self.assertEqual(self.run_python("print(6 * 7)"), ("42\n", ""))

    def test_program_with_an_ffmpeg_of_its_own_keeps_its_devices(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        format, device = (os.path.join(folder.name, f"lib{name}.so")
                          for name in ("format", "device"))
        for path, source, needs in ((format, FORMAT_SOURCE, []),
                                    (device, DEVICE_SOURCE, [format])):
            subprocess.run(
                [*shlex.split(os.environ.get("CC") or "cc"), "-shared",
                 "-fPIC", "-x", "c", "-", "-x", "none", "-o", path, *needs],
                input=source, text=True, check=True, timeout=SECONDS)
        out, err = self.run_python(OWN_COPY, device, format)
        self.assertEqual(out, "[b'theirs', None]\n")
        self.assertIn(f"uses {format}, but the module was built for ", err)


if __name__ == "__main__":
    main()
