#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recording of the ffmpeg tool outlives its server and its file.

truncations.py has more on files that are shortened. See ffmpeg_harness.py for
the environment.
"""

import os
import signal

from features import shows
from ffmpeg_harness import RecordingTest, main

SIZE = "64x36"


class Survival(RecordingTest):
    def make_file(self, *options):
        super().make_file(SIZE, *options)

    def send(self, name, start):
        return super().send(name, SIZE, "--rate", 200, "--start", start)

    @shows("restart")
    def test_recording_ends_when_the_server_is_killed(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording()
        self.wait_for_images(recording, 10)
        server.process.kill()
        self.assert_playable(recording, "the server is gone, the capture ends")

    @shows("restart")
    def test_recording_ends_when_the_server_ends(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording()
        self.wait_for_images(recording, 10)
        server.process.terminate()
        self.assert_playable(recording, "the server is gone, the capture ends")

    @shows("restart")
    def test_recording_waits_for_the_next_server(self):
        self.make_file()
        server = self.send("server", 1000)
        recording = self.start_recording("-on_disconnect", "wait")
        self.wait_for_images(recording, 10)
        server.process.kill()
        recording.wait_until(
            lambda: "waiting for the next one" in recording.err(),
            "word that the server is gone")
        before = len(self.images(recording))
        # It counts anew, and the time stamps go on all the same.
        server = self.send("server-2", 0)
        self.wait_for_images(recording, before + 10)
        self.interrupt(recording)
        self.assert_playable(recording, "waiting for the next one", 255)

    @shows("shortened")
    def test_recording_follows_a_file_that_is_replaced(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording("-on_disconnect", "wait")
        self.wait_for_images(recording, 10)
        server.process.kill()
        server.end()
        before = len(self.images(recording))
        self.make_file("--force", "--take-over")
        self.send("server-2", 0)
        self.wait_for_images(recording, before + 10)
        self.interrupt(recording)
        self.assert_playable(recording, "images delivered", 255)

    @shows("repeat_idle")
    def test_recording_goes_on_without_a_server_and_stops_at_once(self):
        self.make_file()
        server = super().send("server", SIZE, "--frames", 5, "--wait")
        recording = self.start_recording(
            "-timestamps", "wallclock", "-repeat_idle", "0.05",
            "-on_disconnect", "wait")
        self.assertEqual(server.end(), 0, server.err())
        self.wait_for_images(recording, 5 + 20)
        self.interrupt(recording)
        self.assert_playable(recording, "5 images delivered, 0 missing", 255)

    def test_timeout_decides_on_a_server_that_takes_no_lock(self):
        self.leave_images(0, 1)
        recording = self.start_recording("-timeout", "1")
        self.assert_playable(recording, "the capture ends")
        self.assertEqual(self.images(recording), [0, 1])
        self.assertNotIn("the server is gone", recording.err())

    @shows("shortened")
    def test_recording_of_a_shortened_file_waits_for_another(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording("-on_disconnect", "wait")
        self.wait_for_images(recording, 10)
        os.truncate(self.stream, 0)
        self.assertEqual(server.end(), 1, server.err())
        before = len(self.images(recording))
        self.make_file("--force", "--take-over")
        self.send("server-2", 0)
        self.wait_for_images(recording, before + 10)
        self.interrupt(recording)
        self.assert_playable(recording, "shortened", 255)

    def test_without_the_guard_a_shortened_file_is_fatal(self):
        self.make_file()
        self.send("server", 0)
        recording = self.start_recording("-guard", "0")
        self.wait_for_images(recording, 5)
        os.truncate(self.stream, 0)
        self.assertEqual(recording.end(), -signal.SIGBUS)


if __name__ == "__main__":
    main()
