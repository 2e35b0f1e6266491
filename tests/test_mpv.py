#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mpv shows a live stream in a window; the test reads its picture.

See preview_harness.py for the environment.
"""

import unittest

from preview_harness import SECOND, Preview


class Mpv(Preview):
    VIEWER = "mpv"

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

    def test_window_closes_when_the_server_ends(self):
        server = self.start_server()
        self.start_preview()
        self.assert_live()
        server.process.terminate()
        self.assertEqual(self.viewer.end(), 0, self.viewer.err())

    def test_window_takes_the_size_of_the_picture(self):
        self.start_changing_server()
        self.start_preview()
        self.assert_follows_size(SECOND)


if __name__ == "__main__":
    unittest.main(verbosity=2)
