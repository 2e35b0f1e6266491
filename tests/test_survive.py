#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recording of the ffmpeg tool outlives its server and its file.

truncations.py has more on files that are shortened. See ffmpeg_harness.py for the environment.
"""

import os
import re
import signal

from ffmpeg_harness import H264, PATIENCE, Running, StreamTest, main

SIZE = "64x36"


class Survival(StreamTest):
    def make_file(self, *options):
        super().make_file(SIZE, *options)

    def send(self, name, start):
        return super().send(name, SIZE, "--rate", 200, "--start", start)

    def start_recording(self, *options, codec=H264):
        """Start ffmpeg, with a line of its log for each image."""
        return Running(self, "recording", self.command(
            "-copyts", "-fps_mode", "passthrough", "-vf", "showinfo", *codec,
            self.file("out.mp4"), options=[*PATIENCE, *options]))

    def images(self, recording):
        """The time stamp of each image so far."""
        return [int(pts) for pts in
                re.findall(r" n: *\d+ pts: *(\d+)", recording.err())]

    def wait_for_images(self, recording, count):
        recording.wait_until(lambda: len(self.images(recording)) >= count,
                             f"{count} images")

    def interrupt(self, recording):
        """Ctrl-C; ffmpeg finishes the file and answers 255."""
        recording.process.send_signal(signal.SIGINT)
        self.assertEqual(recording.end(), 255, recording.err())

    def assert_playable(self, recording, message, status=0):
        """It has ended, and what was recorded can be played."""
        self.assertEqual(recording.end(), status, recording.err())
        self.assertIn(message, recording.err())
        stamps = self.images(recording)
        self.assertEqual(stamps, sorted(set(stamps)))
        self.assertEqual(
            int(self.probe(self.file("out.mp4"))["nb_read_frames"]),
            len(stamps))

    def test_recording_ends_when_the_server_is_killed(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording()
        self.wait_for_images(recording, 10)
        server.process.kill()
        self.assert_playable(recording, "the server is gone, the capture ends")

    def test_recording_ends_when_the_server_ends(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording()
        self.wait_for_images(recording, 10)
        server.process.terminate()
        self.assert_playable(recording, "the server is gone, the capture ends")

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

    def test_recording_follows_a_file_that_is_replaced(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording("-on_disconnect", "wait")
        self.wait_for_images(recording, 10)
        server.process.kill()
        server.end()
        before = len(self.images(recording))
        self.make_file("--force")
        self.send("server-2", 0)
        self.wait_for_images(recording, before + 10)
        self.interrupt(recording)
        self.assert_playable(recording, "images delivered", 255)

    def test_recording_of_an_idle_server_goes_on_and_stops_at_once(self):
        """With repeat_idle, one Ctrl-C is enough for every FFmpeg."""
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
        self.create()
        server = self.serve("--size", SIZE)
        recording = self.start_recording("-timeout", "1")
        self.wait_for_images(recording, 10)
        server.process.kill()
        self.assert_playable(recording, "the capture ends")
        self.assertNotIn("the server is gone", recording.err())

    def test_recording_waits_for_a_file_that_is_written_anew(self):
        self.make_file()
        server = self.send("server", 0)
        recording = self.start_recording("-on_disconnect", "wait")
        self.wait_for_images(recording, 10)
        os.truncate(self.stream, 0)
        self.assertEqual(server.end(), 1, server.err())
        before = len(self.images(recording))
        os.truncate(self.stream, 20_000_000)
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
