#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The colours that players show of a film that `shmimage record` has made.

See preview_harness.py for the environment.
"""

import unittest

from ffmpeg_harness import exit_if_nothing_can_run, wait_for
from preview_harness import Display
from record_harness import NumberServer, RecordTest
from test_film import COLOURS, COLUMNS, NEAR, ROWS, draw_colours

# What mpv and Chromium would do by a graphics card, the display does not have.
PLAYERS = {
    "ffplay": ["-loglevel", "error", "-noborder", "-left", "0", "-top", "0"],
    "mpv": ["--no-config", "--quiet", "--no-osc", "--vo=x11", "--no-border",
            "--geometry=+0+0", "--keep-open=yes"],
    "chromium": ["--no-sandbox", "--kiosk", "--window-position=0,0",
                 "--window-size=1280,720", "--no-first-run",
                 "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                 "--ignore-gpu-blocklist", "--force-color-profile=srgb",
                 "--autoplay-policy=no-user-gesture-required"],
}
PAGE = """<!DOCTYPE html><body style="margin: 0; background: black">
<video src="film.mp4" autoplay muted style="display: block"></video>"""


def places(size):
    """The middle of each colour."""
    width, height = size
    return [((2 * (i % COLUMNS) + 1) * width // (2 * COLUMNS),
             (2 * (i // COLUMNS) + 1) * height // (2 * ROWS))
            for i in range(len(COLOURS))]


def is_near(found):
    return all(abs(a - b) <= NEAR for one, other in zip(found, COLOURS)
               for a, b in zip(one, other))


class Colours(Display, RecordTest):
    SCREEN = 1280, 720

    def check(self, *sizes):
        """Each player shows the last image with its colours, in the size of
        the first one."""
        self.create(*self.SCREEN)
        self.record(*sizes)
        for player in PLAYERS:
            with self.subTest(player):
                self.check_window(player, places(sizes[0]))

    def record(self, *sizes):
        server = NumberServer(self)
        recording = self.start("--preset", "ultrafast")
        for number, size in enumerate(sizes):
            server.show(number, size, draw_colours(size))
        recording.process.terminate()
        self.assert_film(recording)

    def check_window(self, player, where):
        self.skip_without(player)
        movie = [self.movie]
        if player == "chromium":
            movie = [f"--user-data-dir={self.file('profile')}", self.page()]
        self.start_window(player, *PLAYERS[player], *movie)
        found = []

        def look():
            if self.viewer.process.poll() is not None:
                self.fail(f"{player} ended: {self.viewer.err()}")
            shot = self.take_screenshot()
            found[:] = [tuple(shot[3 * (y * self.SCREEN[0] + x):][:3])
                        for x, y in where]
            return is_near(found)

        wait_for(look, lambda: f"the colours; the last ones were {found}")
        self.viewer.process.terminate()
        self.viewer.end()

    def page(self):
        with open(self.file("film.html"), "w") as page:
            page.write(PAGE)
        return "file://" + page.name

    def test_high_definition(self):
        self.check((1280, 720))

    def test_standard_definition(self):
        self.check((640, 360))

    def test_odd_size(self):
        self.check((321, 241))

    def test_change_of_size(self):
        self.check((640, 360), (320, 180))


if __name__ == "__main__":
    exit_if_nothing_can_run()
    unittest.main(verbosity=2)
