#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ctrl-C on a recording of the ffmpeg tool, in whatever it is doing.

How long it takes is written down beside the feature, see features.py, and not
asserted: what is, is that nothing but the signal can have ended the recording,
and that the file is complete. See ffmpeg_harness.py for the environment.
"""

import os
import re
import signal

from features import measured, shows
from ffmpeg_harness import (RecordingTest, main, major_version, read_text,
                            wait_for)

SIZE = "64x36"
FOR_EVER = ("-timeout", "0")


def is_late():
    """Whether this is FFmpeg 7.0 or later, which looks at a first Ctrl-C when
    an input delivers or ends."""
    return major_version("libavformat") >= 61


class Interrupt(RecordingTest):
    def start(self, *server, options=FOR_EVER):
        """A server that takes no part in our additions: whether it is idle or
        gone can't be told, and so can't end a recording."""
        self.create()
        self.server = self.serve("--size", SIZE, *server)
        return self.start_recording(*options)

    def start_idle(self, *options):
        """A recording that has had all images that there are."""
        recording = self.start("--frames", 20, options=options or FOR_EVER)
        self.wait_for_images(recording, 20)
        return recording

    @shows("ctrl-c")
    def test_while_images_arrive(self):
        recording = self.start("--rate", 60)
        self.wait_for_images(recording, 20)
        measured(self, "ctrl-c", self.interrupt(recording))
        self.assertIsNone(self.server.process.poll(), self.server.err())
        self.assert_playable(recording, "0 missing", 255)

    @shows("ctrl-c-repeating", "repeat_idle")
    def test_while_the_last_image_is_repeated(self):
        recording = self.start_idle(*FOR_EVER, "-timestamps", "wallclock",
                                    "-repeat_idle", "0.05")
        self.wait_for_images(recording, 20 + 20)
        measured(self, "ctrl-c-repeating", self.interrupt(recording))
        self.assert_playable(recording, "20 images delivered, 0 missing", 255)

    @shows("ctrl-c-idle")
    def test_while_nothing_arrives(self):
        if is_late():
            self.skipTest("an input has to deliver or end first")
        recording = self.start_idle()
        measured(self, "ctrl-c-idle", self.interrupt(recording))
        self.assert_playable(recording, "20 images delivered, 0 missing", 255)

    @shows("ctrl-c-timeout")
    def test_while_nothing_arrives_until_the_timeout(self):
        """If Ctrl-C comes after the timeout, as it may on a busy machine, it
        shows nothing, and there is a longer one."""
        for timeout in (1, 4, 16, 64):
            self.leave_images(0, 1)
            recording = self.start_recording("-timeout", str(timeout))
            self.wait_for_images(recording, 2)
            recording.process.send_signal(signal.SIGINT)
            if recording.end() == 255:
                break
            os.unlink(self.stream)
        self.assert_playable(recording, "2 images delivered", 255)
        if is_late():
            self.assertIn("the capture ends", recording.err())

    @shows("ctrl-c-next")
    def test_while_nothing_arrives_until_the_next_image(self):
        recording = self.start_idle()
        recording.process.send_signal(signal.SIGINT)
        if is_late():
            self.server.end()
            self.serve("--size", SIZE)
        self.assert_playable(recording, "images delivered", 255)

    def wait_until_taken(self, recording, number):
        """Two signals that are not apart are one."""
        status = f"/proc/{recording.process.pid}/status"

        def is_taken():
            pending = re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)", read_text(status),
                                 re.MULTILINE)
            return not any(int(mask, 16) >> number - 1 & 1
                           for mask in pending)
        wait_for(is_taken, lambda: "the signal is still pending")

    def test_twice_while_nothing_arrives(self):
        """The second one ends what the first could not, at the file's cost."""
        recording = self.start_idle()
        recording.process.send_signal(signal.SIGINT)
        self.wait_until_taken(recording, signal.SIGINT)
        self.interrupt(recording)

    def test_before_the_first_image(self):
        self.create()
        recording = self.start_recording(*FOR_EVER)
        recording.wait_until(
            lambda: "waiting for a server" in recording.err(), "the wait")
        recording.process.send_signal(signal.SIGINT)
        recording.end()
        self.assertEqual(recording.err().count("waiting for"), 1)


if __name__ == "__main__":
    main()
