#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recordings by the ffmpeg tool of streams on a file system that is full.

See ffmpeg_harness.py for the environment.
"""

import errno
import os
import subprocess

from ffmpeg_harness import (COMMAND, PATIENCE, SECONDS, SHMIMAGE,
                            RecordingTest, Running, main, read_manifest)
from small_file_system import PAGE, SmallFileSystem, enter_name_spaces

FULL = "the file system is full"


class Full(RecordingTest):
    def mount(self, size):
        self.small = SmallFileSystem(self, self.file("small"), size)
        self.stream = self.small.file("live.shm")

    def make_sparse(self, pages):
        """A stream of which only so many pages can be had."""
        self.mount("1m")
        self.small.make_sparse("live.shm")
        self.small.fill(pages * PAGE)

    def send(self, *options):
        return Running(self, "sender", [
            SHMIMAGE, "send", "--quiet", "--rate", "200", *options,
            self.stream])

    def test_stream_in_a_created_file(self):
        self.mount("24m")
        subprocess.run([SHMIMAGE, "create", "--size", "1800x1800",
                        self.stream], check=True, timeout=SECONDS,
                       stdout=subprocess.DEVNULL)
        self.small.fill()
        server = self.serve("--size", "1800x1800")
        packets = self.record(10)
        self.stop(server)
        sent = read_manifest(self.file("manifest"))
        self.assertEqual([md5 for _, _, md5 in packets],
                         [md5 for _, md5 in sent[:10]])

    def test_recording_of_a_file_without_pages_fails(self):
        self.make_sparse(0)
        done = self.run_ffmpeg("-f", "null", "-", options=PATIENCE)
        self.assertGreater(done.returncode, 0, done.stderr)
        self.assertIn(FULL, done.stderr)
        self.assertIn(self.stream, done.stderr)

    def test_server_without_room_for_its_file_fails(self):
        self.mount("1m")
        done = subprocess.run(
            [*COMMAND, "-hide_banner", "-nostdin", "-f", "lavfi", "-i",
             "testsrc2=duration=1", "-pix_fmt", "rgb24", "-f", "shmimage",
             self.stream], capture_output=True, text=True, timeout=SECONDS)
        self.assertGreater(done.returncode, 0, done.stderr)
        self.assertIn(self.stream, done.stderr)
        # What the code means to ffmpeg, behind what the device says.
        self.assertRegex(done.stderr,
                         "(?m): %s$" % os.strerror(errno.ENOSPC))
        self.assertEqual(self.small.names(), [])

    def test_recording_ends_when_the_server_finds_no_room(self):
        # For the headers and small images, and not for a large one.
        self.make_sparse(8)
        server = self.send("--wait", "--size", "64x36,1280x720",
                           "--size-every", "10")
        recording = self.start_recording()
        self.assertEqual(server.end(), 1, server.err())
        self.assertIn(FULL, server.err())
        self.assert_playable(recording, "10 images delivered")
        self.assertEqual(len(self.images(recording)), 10)


if __name__ == "__main__":
    enter_name_spaces()
    main()
