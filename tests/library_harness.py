# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of Python packages share that use FFmpeg's libraries.

Environment: SHMIMAGE (the command line tool). FFmpeg is the system's, which
the packages are linked with.
"""

import importlib.util
import os
import re
import subprocess
import sys

from ffmpeg_harness import SECONDS, SHMIMAGE, Running, StreamTest
from peer_stream import Image, make_pixels


def find_module(name):
    """The file of a module of Python, or None."""
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return found and found.origin


def other_ffmpeg(path):
    """That the module of `shmimage exec` is linked with another libavformat
    than this program or library; or None."""
    preloaded = subprocess.run(
        [SHMIMAGE, "exec", "sh", "-c", 'echo "${LD_PRELOAD%%:*}"'], text=True,
        check=True, capture_output=True, timeout=SECONDS).stdout.strip()
    module = os.path.join(os.path.dirname(preloaded), "shmimage-device.so")
    listed = subprocess.run(["ldd", module, path], text=True,
                            capture_output=True, timeout=SECONDS).stdout
    if len(set(re.findall(r"^\s*libavformat\S*", listed, re.M))) == 1:
        return None
    return (f"{path} does not use the FFmpeg that the module of shmimage exec "
            "was built for")


def sent(number, width, height):
    """What the Python server has sent with that number."""
    return Image(number, width, height, make_pixels(0, number, width, height))


class LibraryTest(StreamTest):
    """MODULE is the one that is linked with FFmpeg, PROGRAM uses it."""

    MODULE = PROGRAM = None

    def setUp(self):
        super().setUp()
        path = find_module(self.MODULE)
        if not path:
            self.skipTest(f"Python's module {self.MODULE} is not installed")
        if other_ffmpeg(path):
            self.skipTest(other_ffmpeg(path))
        self.pixels = self.file("pixels")

    def start(self, command, *arguments, **options):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                               self.PROGRAM)
        return Running(self, command, [
            SHMIMAGE, "exec", sys.executable, program, command, self.stream,
            *map(str, arguments)], **options)

    def images(self, program):
        """What a program has read, after its end."""
        self.assertEqual(program.end(), 0, program.err())
        images = []
        with open(self.pixels, "rb") as pixels:
            for line in program.out().splitlines():
                number, width, height = map(int, line.split())
                images.append(Image(number, width, height,
                                    pixels.read(3 * width * height)))
            self.assertEqual(pixels.read(), b"")
        return images

    def assert_same(self, images, expected):
        """The same images; what differs is named without its pixels."""
        self.assertEqual([image[:3] for image in images],
                         [image[:3] for image in expected])
        self.assertEqual([image.number for image, other
                          in zip(images, expected) if image != other], [],
                         "these have other pixels")
