#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`shmimage record` on a file system that becomes full.

See ffmpeg_harness.py for the environment.
"""

import os
import unittest

from ffmpeg_harness import exit_if_nothing_can_run, wait_for
from peer_stream import make_pixels
from record_harness import NumberServer, RecordTest
from small_file_system import SmallFileSystem, enter_name_spaces

SIZE = 320, 180


class Full(RecordTest):
    def setUp(self):
        super().setUp()
        self.small = SmallFileSystem(self, self.file("small"), "2m")
        self.movie = self.small.file("film.mp4")
        self.server = NumberServer(self)
        # Of noise, an encoder makes large images.
        self.server.draw = lambda number, size: make_pixels(1, number, *size)

    def test_while_it_records(self):
        recording = self.start("--crf", 1)
        self.server.start(range(1 << 15), 1000, size=SIZE)
        self.assert_no_film(recording, "film.mp4.part")
        self.assertIn("No space left on device", recording.err())
        self.assert_told_to_free_space(recording)
        # The last image is not complete.
        images = self.images(self.part())
        self.assertGreater(images, 1)
        self.small.resize("8m")
        self.complete(recording)
        self.assertGreaterEqual(self.images(self.movie), images)

    def assert_told_to_free_space(self, recording):
        """Before the command that completes the film."""
        self.assertRegex(recording.err(), r"the disk is full; first make "
                         r"room for [\d.]+ [kM]B on it\n.*as much space again:")

    def images(self, path, size=SIZE):
        return len(self.decode("gray", path)) // (size[0] * size[1])

    def test_before_it_copies(self):
        self.check_copy(lambda size: 0)

    def test_while_it_copies(self):
        self.check_copy(lambda size: size // 2)

    def test_at_the_end_of_the_copy(self):
        """5.1 writes a small film only when it closes it, and calls it good."""
        self.check_copy(lambda size: size // 2, (64, 36))

    def check_copy(self, space, size=SIZE):
        self.slow_copy()
        recording = self.start("--crf", 20)
        for number in range(20):
            self.server.show(number, size)
        recording.process.terminate()
        wait_for(lambda: self.is_copying(recording), recording.err)
        self.small.fill(space(os.path.getsize(self.part())))
        self.go()
        self.assert_no_film(recording, "film.mp4.part")
        self.assertIn("it was recorded, but not completed", recording.err())
        self.assert_told_to_free_space(recording)
        # The last one is given once more if it has to last.
        self.assertIn(self.images(self.part(), size), (20, 21))


if __name__ == "__main__":
    enter_name_spaces()
    exit_if_nothing_can_run()
    unittest.main(verbosity=2)
