#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The matplotlib animation of examples/: what it draws, arrives."""

import os
import shlex
import signal
import subprocess

import example_harness as harness

SIZE = (640, 360)
PYTHON = os.environ.get("PYTHON3") or "python3"
# Parts of the picture, as left, top, right, bottom: over the left axes and
# under them, and inside of them.
TITLE = (0, 0, 320, 32)
UNDER = (0, 330, 280, 360)
FIELD = (20, 50, 280, 310)


def colours(image, part):
    left, top, right, bottom = part
    rows = (image.pixels[3 * (y * image.width + left):
                         3 * (y * image.width + right)]
            for y in range(top, bottom))
    return [row[at:at + 3] for row in rows for at in range(0, len(row), 3)]


class Matplotlib(harness.ExampleTest):
    def setUp(self):
        super().setUp()
        self.environment.update(
            PYTHONPATH=os.path.join(harness.SOURCE, "python"),
            SHMIMAGE_LIBRARY=os.path.join(harness.BUILD, ".libs",
                                          "libshmimage.so"),
            MPLCONFIGDIR=self.folder)
        # It says so if it takes long to list the fonts, the first time.
        self.run_to_end(PYTHON, "-c", "import matplotlib.font_manager",
                        stderr=subprocess.DEVNULL)

    def test_images(self):
        command = shlex.split(self.command("python3 matplotlib-server.py"))
        server = self.start(PYTHON, *command[1:], stderr=-1, text=True)
        images = self.receive(server, 8)
        self.assertEqual([image.number for image in images], list(range(8)))
        for image in images:
            self.assertEqual((image.width, image.height), SIZE)
            white = b"\xff\xff\xff"
            self.assertGreater(colours(image, TITLE).count(white), 50)
            self.assertEqual(set(colours(image, UNDER)), {bytes(3)})
        fields = [colours(image, FIELD) for image in images]
        self.assertEqual(len(set(map(tuple, fields))), 8)
        # The waves spread: they colour more and more of it.
        self.assertGreater(len(set(fields[-1])), len(set(fields[1])))
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.communicate(timeout=harness.SECONDS)[1], "")
        self.assertEqual(server.returncode, 0)


if __name__ == "__main__":
    harness.main("matplotlib", sanitized=False)
