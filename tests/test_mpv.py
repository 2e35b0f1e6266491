#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mpv shows a live stream in a window; the test reads its picture. And it
sends what it plays.

See preview_harness.py for the environment.
"""

import shutil
import subprocess
import sys

from features import main, shows
from ffmpeg_harness import PEER, SECONDS, SHMIMAGE, Running, StreamTest
from library_harness import other_ffmpeg
from preview_harness import SECOND, CardServer, Preview


def skip_without_mpv(test):
    path = shutil.which("mpv")
    if not path:
        test.skipTest("mpv is not installed")
    if other_ffmpeg(path):
        test.skipTest(other_ffmpeg(path))


@shows("mpv")
class Mpv(Preview):
    VIEWER = "mpv"

    def setUp(self):
        skip_without_mpv(self)
        super().setUp()

    def start_preview(self, *options):
        # The virtual display has no graphics card, which mpv would use.
        self.start_viewer(
            "--no-config", "--quiet", "--no-osc", "--vo=x11",
            "--profile=low-latency", "--untimed",
            "--demuxer-lavf-o-add=latest=1", *options,
            f"av://shmimage:{self.stream}")

    def test_window_shows_the_live_stream(self):
        self.start_server()
        self.start_preview()
        self.assert_live()

    def test_window_goes_on_after_a_restart_of_the_server(self):
        server = self.start_server()
        self.start_preview("--demuxer-lavf-o-add=on_disconnect=wait")
        self.assert_goes_on(server)

    def test_view_waits_for_a_server_and_for_the_next_one(self):
        self.start_view("--on-disconnect", "wait",
                        extra=["--no-config", "--no-osc", "--vo=x11"])
        self.assert_goes_on(self.start_server())

    def test_window_closes_when_the_server_ends(self):
        server = self.start_server()
        self.start_preview()
        self.assert_live()
        server.process.terminate()
        self.assertEqual(self.viewer.end(), 0, self.viewer.err())

    @shows("mpv-resize")
    def test_window_takes_the_size_of_the_picture(self):
        server = CardServer(self)
        self.start_preview()
        self.assert_follows_size(server, SECOND)


@shows("mpv")
class Sending(StreamTest):
    def test_images_are_sent_bit_for_bit(self):
        skip_without_mpv(self)
        film = self.file("film.rgb")
        peer = [sys.executable, PEER]
        with open(film, "wb") as out:
            subprocess.run([*peer, "images", "--size", "64x36", "--frames",
                            "20"], check=True, stdout=out, timeout=SECONDS)
        self.create()
        client = Running(self, "client", [
            *peer, "client", self.stream, "--frames", "20", "--seed", "0",
            "--timeout", str(SECONDS)])
        sending = Running(self, "mpv", [
            SHMIMAGE, "exec", "mpv", "--no-config", "--quiet",
            "--demuxer=rawvideo", "--demuxer-rawvideo-w=64",
            "--demuxer-rawvideo-h=36", "--demuxer-rawvideo-mp-format=rgb24",
            film, f"--o={self.stream}", "--of=shmimage", "--ovc=rawvideo",
            f"--ofopts=on_full=block,wait_client={SECONDS}"])
        self.assertEqual(client.end(), 0, client.err())
        self.assertIn("received 20 ", client.out())
        self.assertEqual(sending.end(), 0, sending.err())


if __name__ == "__main__":
    main()
