# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of viewers share: a display without a screen, and what the
window there shows of the test card.

Environment: as in ffmpeg_harness.py.
"""

import collections
import os
import random
import shutil
import threading

from ffmpeg_harness import NATIVE, SHMIMAGE, Running, StreamTest, wait_for
from peer_stream import Server

# The upper bits are a mark: other pictures do not read as such a number.
START = 0xA5C30000
MARK = 0xFFFF0000
FIRST, SECOND = (640, 480), (320, 400)

Card = collections.namedtuple("Card", "left top width height number")


def lit_extent(lines):
    """The first line that is not black, and how many from it to the last."""
    lit = [place for place, line in enumerate(lines) if any(line)]
    return (lit[0], lit[-1] + 1 - lit[0]) if lit else (0, 0)


def cells():
    """Where the cells of a test card begin (see tools/testcard.h), in parts
    across and down. Each is two parts wide and high."""
    for column in range(16):
        for row in (1, 37):
            yield 2 + 2 * column + (4 if column >= 8 else 0), row


def draw_card(number, width, height):
    """A card that is white but for the number."""
    pixels = bytearray(b"\xff" * (3 * width * height))
    for bit, (column, row) in zip(f"{number:032b}", cells()):
        left, right = (part * width // 40 for part in (column, column + 2))
        if bit == "0":
            for y in range(row * height // 40, (row + 2) * height // 40):
                pixels[3 * (y * width + left):3 * (y * width + right)] = \
                    bytes(3 * (right - left))
    return pixels


def read_number(pixels, stride, area):
    """The number in the cells of a test card."""
    number = 0
    for column, row in cells():
        x = area.left + (column + 1) * area.width // 40
        y = area.top + (row + 1) * area.height // 40
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


class CardServer:
    """A server that sends one card again and again, until told of another."""

    def __init__(self, test):
        self.server = Server(test.stream)
        self.server.init()
        self.card = None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        test.addCleanup(self.stop)

    def show(self, number, width, height):
        self.card = width, height, draw_card(number, width, height)
        if not self.thread.ident:
            self.thread.start()

    def run(self):
        number = 0
        while not self.stopped.wait(1 / 60):
            number += self.server.put(number, *self.card) == "ok"

    def stop(self):
        self.stopped.set()
        if self.thread.ident:
            self.thread.join()
        self.server.close()


class Display(StreamTest):
    """A display, and a viewer in a window there."""

    SCREEN = 800, 600

    def setUp(self):
        super().setUp()
        self.skip_without("Xvfb")
        self.display = self.start_display()
        self.viewer = None

    def skip_without(self, program):
        if not shutil.which(program):
            self.skipTest(f"{program} is not installed")

    def start_display(self):
        """An X server on a display of its own. Left to choose one, two that
        start at a time may come to share it; and without -noreset, one starts
        again when its last client leaves, whoever is about to connect."""
        def start():
            display = f":{random.randrange(1000, 60000)}"
            ours, theirs = os.pipe()
            server = Running(self, "Xvfb", [
                "Xvfb", display, "-displayfd", str(theirs), "-noreset",
                "-nolisten", "tcp", "-br", "-nocursor", "-fbdir", self.folder,
                "-screen", "0", "{}x{}x24".format(*self.SCREEN)],
                pass_fds=[theirs])
            servers.append(server)
            # Killed, it would leave its lock behind.
            self.addCleanup(server.end)
            self.addCleanup(server.process.terminate)
            os.close(theirs)
            with os.fdopen(ours) as answer:
                return display if answer.readline() else None

        # Another one has the display, perhaps.
        servers = []
        return wait_for(start, lambda: "a display; Xvfb says: "
                        + servers[-1].err())

    def start_window(self, *command):
        self.viewer = Running(
            self, "viewer", command,
            env=dict(os.environ, DISPLAY=self.display, SDL_VIDEODRIVER="x11",
                     SDL_AUDIODRIVER="dummy", LIBGL_ALWAYS_SOFTWARE="1"))

    def take_screenshot(self):
        """The pixels of the screen, rgb24, from the file in which Xvfb keeps
        them: four bytes for each, blue first, after a header."""
        with open(self.file("Xvfb_screen0"), "rb") as file:
            screen = file.read()
        size = 4 * self.SCREEN[0] * self.SCREEN[1]
        shot = bytearray(size // 4 * 3)
        for colour in range(3):
            shot[colour::3] = screen[2 - colour - size::4]
        return bytes(shot)


class Preview(Display):
    """A viewer of the stream. self.VIEWER is its name."""

    VIEWER = None

    def setUp(self):
        self.skip_without(self.VIEWER)
        super().setUp()
        self.make_file("x".join(map(str, FIRST)))

    def start_server(self, name="server", start=START):
        return self.send(name, "{}x{}".format(*FIRST), "--start", start)

    def start_viewer(self, *arguments):
        command = [] if NATIVE else [SHMIMAGE, "exec"]
        self.start_window(*command, self.VIEWER, *arguments)

    def start_view(self, *options, extra=()):
        """As users do."""
        self.start_window(SHMIMAGE, "view", "--player", self.VIEWER, *options,
                          self.stream, "--", *extra)

    def wait_for_card(self, fits, what, start=START):
        """Wait until the window shows a card of that server that fits."""
        cards = []

        def look():
            if self.viewer.process.poll() is not None:
                self.fail(f"{self.VIEWER} ended: {self.viewer.err()}")
            cards.append(find_card(self.take_screenshot(), self.SCREEN[0]))
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

    def assert_follows_size(self, server, shown_as):
        """The window shows the size FIRST, then SECOND as a picture of the
        given size, then FIRST again. The server changes the size when the
        window has shown the one before, however long that takes."""
        sizes = (FIRST, FIRST), (SECOND, shown_as), (FIRST, FIRST)
        for number, (size, shown) in enumerate(sizes, START):
            server.show(number, *size)
            self.wait_for_card(
                lambda card: card.number == number and
                (card.width, card.height) == shown,
                f"an image of {size} that is shown as {shown}")

    def assert_goes_on(self, server):
        """The window shows what a second server sends after the first."""
        self.wait_for_card(lambda card: True, "a card")
        server.process.kill()
        server.end()
        again = 0xB6D20000
        self.start_server("server-2", again)
        self.wait_for_card(lambda card: True, "a card of the second server",
                           again)
