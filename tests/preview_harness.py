# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of viewers share: a display without a screen, and what the
window there shows of the test card.

Environment: as in ffmpeg_harness.py. The ffmpeg that takes the screenshots is
the system's, whatever FFMPEG says.
"""

import collections
import os
import random
import shutil
import subprocess

from ffmpeg_harness import (NATIVE, SECONDS, SHMIMAGE, Running, StreamTest,
                            wait_for)

SCREEN = 800, 600
# The upper bits are a mark: other pictures do not read as such a number.
START = 0xA5C30000
MARK = 0xFFFF0000
FIRST, SECOND = (640, 480), (320, 400)
# Long enough for several screenshots of one size, also on a slow machine.
SIZE_EVERY = 90

# The system's ffmpeg needs its own libraries.
SYSTEM = {name: value for name, value in os.environ.items()
          if name != "LD_LIBRARY_PATH"}

Card = collections.namedtuple("Card", "left top width height number")


def lit_extent(lines):
    """The first line that is not black, and how many from it to the last."""
    lit = [place for place, line in enumerate(lines) if any(line)]
    return (lit[0], lit[-1] + 1 - lit[0]) if lit else (0, 0)


def read_number(pixels, stride, area):
    """The number in the cells of a test card (see tools/testcard.h)."""
    number = 0
    for column in range(16):
        part = 2 + 2 * column + (4 if column >= 8 else 0)
        x = area.left + (part + 1) * area.width // 40
        for row in (2, 38):
            y = area.top + row * area.height // 40
            place = stride * y + 3 * x
            number = number << 1 | (sum(pixels[place:place + 3]) > 384)
    return number


def find_card(pixels, width):
    """The card in an rgb24 screenshot that is black around it."""
    stride = 3 * width
    rows = (pixels[start:start + stride]
            for start in range(0, len(pixels), stride))
    top, height = lit_extent(rows)
    columns = (b"".join(pixels[3 * x + part::stride] for part in range(3))
               for x in range(width))
    left, width = lit_extent(columns)
    area = Card(left, top, width, height, None)
    return area._replace(number=read_number(pixels, stride, area))


def size_of(number):
    """The size of an image of start_changing_server()."""
    return (FIRST, SECOND)[(number - START) // SIZE_EVERY % 2]


class Preview(StreamTest):
    """A viewer in a window of its own. self.VIEWER is its name."""

    VIEWER = None

    def setUp(self):
        super().setUp()
        for program in ("Xvfb", "ffmpeg", self.VIEWER):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        self.make_file("x".join(map(str, FIRST)))
        self.display = self.start_display()
        self.viewer = None

    def start_display(self):
        """An X server on a display of its own. Left to choose one, two that
        start at a time may come to share it; and without -noreset, one starts
        anew when its last client leaves, whoever is about to connect."""
        display = f":{random.randrange(1000, 60000)}"
        ours, theirs = os.pipe()
        server = Running(self, "Xvfb", [
            "Xvfb", display, "-displayfd", str(theirs), "-noreset",
            "-nolisten", "tcp", "-br",
            "-screen", "0", "{}x{}x24".format(*SCREEN)], pass_fds=[theirs])
        # Killed, it would leave its lock behind.
        self.addCleanup(server.end)
        self.addCleanup(server.process.terminate)
        os.close(theirs)
        with os.fdopen(ours) as answer:
            self.assertTrue(answer.readline(),
                            f"Xvfb did not start: {server.err()}")
        return display

    def start_server(self, name="server", start=START):
        return self.send(name, "{}x{}".format(*FIRST), "--start", start)

    def start_changing_server(self):
        sizes = ",".join("{}x{}".format(*size) for size in (FIRST, SECOND))
        return self.send("server", sizes, "--size-every", SIZE_EVERY,
                         "--start", START)

    def start_viewer(self, *arguments):
        command = [] if NATIVE else [SHMIMAGE, "exec"]
        self.viewer = Running(
            self, "viewer", [*command, self.VIEWER, *arguments],
            env=dict(os.environ, DISPLAY=self.display, SDL_VIDEODRIVER="x11",
                     SDL_AUDIODRIVER="dummy", LIBGL_ALWAYS_SOFTWARE="1"))

    def take_screenshot(self):
        """The pixels of the screen, rgb24."""
        shot = subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-nostdin", "-f", "x11grab",
             "-draw_mouse", "0", "-video_size", "{}x{}".format(*SCREEN),
             "-i", self.display, "-frames:v", "1", "-pix_fmt", "rgb24",
             "-f", "rawvideo", "-"],
            capture_output=True, timeout=SECONDS, env=SYSTEM)
        self.assertEqual(len(shot.stdout), 3 * SCREEN[0] * SCREEN[1],
                         shot.stderr)
        return shot.stdout

    def wait_for_card(self, fits, what, start=START):
        """Wait until the window shows a card of that server that fits."""
        cards = []

        def look():
            if self.viewer.process.poll() is not None:
                self.fail(f"{self.VIEWER} ended: {self.viewer.err()}")
            cards.append(find_card(self.take_screenshot(), SCREEN[0]))
            return cards[-1].number & MARK == start & MARK and fits(cards[-1])

        wait_for(look, lambda: f"{what}; the last card was {cards[-1]}; "
                               f"{self.viewer.err()}")
        return cards[-1]

    def assert_live(self):
        """The window shows the stream, at its size, and goes on with it."""
        first = self.wait_for_card(
            lambda card: (card.width, card.height) == FIRST, "a card")
        self.wait_for_card(lambda card: card.number > first.number,
                           "a later card")

    def assert_follows_size(self, shown_as):
        """The window shows the size FIRST, then SECOND as a picture of the
        given size, then FIRST again."""
        before = START - 1
        for size, shown in ((FIRST, FIRST), (SECOND, shown_as),
                            (FIRST, FIRST)):
            card = self.wait_for_card(
                lambda card: card.number > before and
                size_of(card.number) == size and
                (card.width, card.height) == shown,
                f"an image of {size} that is shown as {shown}")
            before = card.number

    def assert_goes_on(self, server):
        """The window shows what a second server sends after the first."""
        self.wait_for_card(lambda card: True, "a card")
        server.process.kill()
        server.end()
        again = 0xB6D20000
        self.start_server("server-2", again)
        self.wait_for_card(lambda card: True, "a card of the second server",
                           again)
