#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ffplay shows a live stream in a window; the test reads its picture.

Environment: as in ffmpeg_harness.py, and FFPLAY (default: ffplay). With
FFMPEG_NATIVE, that one has the device built in as well.
"""

import os

import documents
from features import main, shows
from preview_harness import CardServer, Preview


@shows("ffplay")
class Ffplay(Preview):
    VIEWER = os.environ.get("FFPLAY") or "ffplay"

    def start_preview(self, *options):
        """By the line that the documents show."""
        _, *line = documents.choose(documents.ffmpeg_lines(),
                                    "ffplay -fflags nobuffer").split()
        self.assertEqual(line[-2:], ["-i", "/dev/shm/live.shm"])
        self.start_viewer("-hide_banner", "-nostats", "-noborder", *line[:-2],
                          *options, "-i", self.stream)

    def test_window_shows_the_live_stream(self):
        self.start_server()
        self.start_preview()
        self.assert_live()

    def test_window_goes_on_after_a_restart_of_the_server(self):
        server = self.start_server()
        self.start_preview("-on_disconnect", "wait")
        self.assert_goes_on(server)

    def test_view_waits_for_a_server_and_for_the_next_one(self):
        self.start_view("--on-disconnect", "wait")
        self.assert_goes_on(self.start_server())

    def test_view_ends_with_the_server(self):
        server = self.start_server()
        self.start_view()
        self.assert_live()
        server.process.terminate()
        self.assertEqual(self.viewer.end(), 0, self.viewer.err())

    @shows("ffplay-resize")
    def test_picture_of_another_size_is_scaled_to_the_window(self):
        server = CardServer(self)
        self.start_preview()
        # 320x400 as high as the window of 640x480, with bars at the sides.
        self.assert_follows_size(server, (384, 480))


if __name__ == "__main__":
    main()
