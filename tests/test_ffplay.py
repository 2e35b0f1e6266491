#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ffplay shows a live stream in a window; the test reads its picture.

Environment: SHMIMAGE (the command line tool), FFPLAY (default: ffplay),
FFMPEG_NATIVE (if set, FFPLAY has the device built in and needs no module).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SHMIMAGE = os.environ.get("SHMIMAGE", "shmimage")
FFPLAY = os.environ.get("FFPLAY") or "ffplay"
NATIVE = bool(os.environ.get("FFMPEG_NATIVE"))

SECONDS = 60
WIDTH, HEIGHT = 640, 480
# The upper bits are a mark: other pictures do not read as such a number.
START = 0xA5C30000


# The system's ffmpeg, which takes the screenshots, needs its own libraries.
SYSTEM = {name: value for name, value in os.environ.items()
          if name != "LD_LIBRARY_PATH"}


def wait_for(look, what):
    """Call look() until it answers something, and return that."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        answer = look()
        if answer is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"never came: {what}")


def read_number(pixels):
    """The number in the cells of a test card (see tools/testcard.h)."""
    number = 0
    for column in range(16):
        part = 2 + 2 * column + (4 if column >= 8 else 0)
        x = (part + 1) * WIDTH // 40
        for row in (2, 38):
            y = row * HEIGHT // 40
            place = 3 * (y * WIDTH + x)
            number = number << 1 | (sum(pixels[place:place + 3]) > 384)
    return number


class Preview(unittest.TestCase):
    def setUp(self):
        for program in ("Xvfb", "ffmpeg", FFPLAY):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(dir=memory)
        self.addCleanup(shutil.rmtree, self.folder)
        self.stream = os.path.join(self.folder, "live.shm")
        subprocess.run([SHMIMAGE, "create", "--size", f"{WIDTH}x{HEIGHT}",
                        self.stream], check=True, stdout=subprocess.DEVNULL,
                       timeout=SECONDS)
        self.display = self.start_display()

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)

        def stop():
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.addCleanup(stop)
        return process

    def start_display(self):
        """An X server on a display of its own choice."""
        ours, theirs = os.pipe()
        self.start(["Xvfb", "-displayfd", str(theirs), "-nolisten", "tcp",
                    "-screen", "0", f"{WIDTH}x{HEIGHT}x24"],
                   pass_fds=[theirs], stderr=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as answer:
            number = answer.readline().strip()
        self.assertTrue(number, "Xvfb did not start")
        return f":{number}"

    def start_server(self, start):
        return self.start([SHMIMAGE, "send", "--quiet", "--rate", "60",
                           "--size", f"{WIDTH}x{HEIGHT}",
                           "--start", str(start), self.stream])

    def start_preview(self, *options):
        command = [] if NATIVE else [SHMIMAGE, "exec"]
        command += [FFPLAY, "-hide_banner", "-loglevel", "warning",
                    "-noborder", "-left", "0", "-top", "0",
                    "-f", "shmimage", *options, "-i", self.stream]
        self.log = open(os.path.join(self.folder, "ffplay.log"), "w+")
        self.addCleanup(self.log.close)
        return self.start(command, stderr=self.log, env=dict(
            os.environ, DISPLAY=self.display, SDL_VIDEODRIVER="x11",
            SDL_AUDIODRIVER="dummy", LIBGL_ALWAYS_SOFTWARE="1"))

    def number_on_screen(self, start):
        """The number that the window shows, or None."""
        if self.preview.poll() is not None:
            self.log.seek(0)
            self.fail(f"ffplay ended: {self.log.read()}")
        shot = subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-nostdin", "-f", "x11grab",
             "-video_size", f"{WIDTH}x{HEIGHT}", "-i", self.display,
             "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=SECONDS, env=SYSTEM).stdout
        if len(shot) != 3 * WIDTH * HEIGHT:
            return None
        number = read_number(shot)
        return number if number >> 16 == start >> 16 else None

    def test_window_shows_the_live_stream(self):
        self.start_server(START)
        self.preview = self.start_preview()
        first = wait_for(lambda: self.number_on_screen(START),
                         "a test card in the window")

        def next_number():
            number = self.number_on_screen(START)
            return number if number is not None and number > first else None
        wait_for(next_number, "a later image in the window")

    def test_window_goes_on_after_a_restart_of_the_server(self):
        server = self.start_server(START)
        self.preview = self.start_preview("-on_disconnect", "wait")
        wait_for(lambda: self.number_on_screen(START),
                 "a test card in the window")
        server.terminate()
        server.wait(SECONDS)
        again = 0xB6D20000
        self.start_server(again)
        wait_for(lambda: self.number_on_screen(again),
                 "the new server's test card in the window")


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
