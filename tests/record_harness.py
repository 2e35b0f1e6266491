# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of `shmimage record` share: a server whose images can be told
apart in the film, and a terminal to type on.

See ffmpeg_harness.py for the environment.
"""

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import termios
import threading
import time

from ffmpeg_harness import (FFMPEG, SECONDS, SHMIMAGE, Running, StreamTest,
                            find_ffprobe, wait_for)
from peer_stream import Server

BITS = 16
SIZE = 160, 96
CTRL_C = b"\x03"
# Stands in for ffmpeg.
WRAPPER = """#!/bin/sh
case " $* " in
{cases}
esac
exec {ffmpeg} "$@"
"""


def draw_number(number, size):
    """Columns of black and white, a bit each."""
    width, height = size
    return height * b"".join(
        3 * (b"\xff" if number >> x * BITS // width & 1 else b"\0")
        for x in range(width))


def read_number(grey, width, height):
    row = height // 2 * width
    return sum((grey[row + (2 * bit + 1) * width // (2 * BITS)] > 127) << bit
               for bit in range(BITS))


class NumberServer:
    """A server that takes no part in our additions, and loses nothing.

    Its log has of each image the number, the time before it was given, and
    the time after it was back. What the client notes lies in between.
    """

    def __init__(self, test):
        if not os.path.exists(test.stream):
            test.create(640, 480)
        self.server = Server(test.stream)
        test.addCleanup(self.server.close)
        test.addCleanup(self.stop)
        self.server.init()
        self.draw = draw_number
        self.log = []
        self.thread = None
        self.stopping = False

    def wait_for(self, look):
        deadline = time.monotonic() + SECONDS
        while not look() and not self.stopping:
            if time.monotonic() > deadline:
                raise AssertionError("the client takes no images")
            time.sleep(0.0005)

    def give(self, number, pixels, size):
        given = time.monotonic()
        return self.server.put(number, *size, pixels) == "ok" and given

    def show(self, number, size=SIZE, pixels=None):
        pixels = pixels or self.draw(number, size)
        given = []

        def is_given():
            given.append(self.give(number, pixels, size))
            return given[-1]
        self.wait_for(is_given)
        self.wait_for(self.server.idle)
        self.log.append((number, given[-1], time.monotonic()))

    def show_all(self, numbers, rate, **image):
        """No two images come closer to each other than the rate says."""
        for number in numbers:
            self.show(number, **image)
            if self.stopping:
                break
            time.sleep(1 / rate)

    def start(self, *arguments, **image):
        self.thread = threading.Thread(target=self.show_all, args=arguments,
                                       kwargs=image, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        if self.thread:
            self.thread.join()

    def shown(self):
        return [number for number, _, _ in self.log]


class Typing(Running):
    """A program on a terminal of its own."""

    def __init__(self, test, name, command):
        self.name = name
        self.leader, follower = pty.openpty()
        test.addCleanup(os.close, self.leader)
        self.seen = b""
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower,
            env={**os.environ, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)
        test.addCleanup(self.stop)

    def type(self, text):
        os.write(self.leader, text)

    def out(self):
        return ""

    def err(self):
        while select.select([self.leader], [], [], 0)[0]:
            try:
                self.seen += os.read(self.leader, 65536)
            except OSError:
                break
        return self.seen.decode(errors="replace")


class RecordTest(StreamTest):
    def setUp(self):
        super().setUp()
        self.movie = self.file("film.mp4")

    def part(self):
        return self.movie + ".part"

    def command(self, *options, extra=()):
        return [SHMIMAGE, "record", *map(str, options), self.stream,
                self.movie, *(["--", *extra] if extra else [])]

    def start(self, *options, extra=(), **how):
        return Running(self, "record", self.command(*options, extra=extra),
                       **how)

    def start_typing(self, *options):
        return Typing(self, "record", self.command(*options))

    def assert_film(self, recording):
        self.assertEqual(recording.end(), 0, recording.err())
        if "%" not in self.movie:
            self.assertEqual(self.names(), [os.path.basename(self.movie)])

    def assert_no_film(self, recording, *names):
        self.assertEqual(recording.end(), 1, recording.err())
        self.assertEqual(self.names(), list(names))

    def wrap_ffmpeg(self, *cases):
        """Have some command lines treated in a way of their own."""
        path = self.file("ffmpeg")
        with open(path, "w") as script:
            script.write(WRAPPER.format(
                cases="\n".join(cases),
                ffmpeg=shlex.quote(shutil.which(FFMPEG))))
        os.chmod(path, 0o755)
        os.environ["FFMPEG"] = path
        self.addCleanup(os.environ.__setitem__, "FFMPEG", FFMPEG)

    def slow_copy(self):
        """A copy waits for go()."""
        self.wrap_ffmpeg(f'*" -c copy "*) while [ ! -e {self.folder}/go ]; '
                         "do sleep 0.01; done ;;")
        self.addCleanup(self.go)

    def go(self):
        with open(self.file("go"), "w"):
            pass

    def is_copying(self, recording):
        """Whether its ffmpeg is the one that makes the final form."""
        try:
            with open(f"/proc/{child_of(recording.process.pid)}/cmdline",
                      "rb") as line:
                return b"\0copy\0" in line.read()
        except (FileNotFoundError, ProcessLookupError):
            return False    # the one before it has just ended

    def complete(self, recording):
        """Do what the message says."""
        command = re.search(r"^    (.*ffmpeg .*?)\r?$", recording.err(),
                            re.MULTILINE)[1]
        subprocess.run(["sh", "-c", command], check=True, timeout=SECONDS,
                       stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def names(self):
        """Of the film's files."""
        start = os.path.basename(self.movie)
        return sorted(name for name in os.listdir(os.path.dirname(self.movie))
                      if name.startswith(start))

    def decode(self, pixel_format, path=None, *options):
        done = subprocess.run(
            [FFMPEG, "-v", "fatal", "-nostdin", "-i", path or self.movie,
             *options, "-fps_mode", "passthrough", "-f", "rawvideo",
             "-pix_fmt", pixel_format, "-"], capture_output=True,
            timeout=SECONDS)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def numbers(self, path=None):
        """Of the images in a film, but for one that is given once more."""
        film = self.probe(path or self.movie)
        width, height = film["width"], film["height"]
        grey = self.decode("gray", path)
        found = [read_number(grey[i:i + width * height], width, height)
                 for i in range(0, len(grey), width * height)]
        if found[-2:-1] == found[-1:]:
            found.pop()
        return found

    def times(self, path=None):
        """Of the images in a film, in seconds."""
        done = subprocess.run(
            [find_ffprobe(), "-v", "error", "-show_entries", "packet=pts_time",
             "-of", "csv=p=0", path or self.movie], check=True,
            capture_output=True, text=True, timeout=SECONDS)
        return sorted(float(line.rstrip(",")) for line in
                      done.stdout.splitlines())

    def assert_as_seen(self, log, slack=0.0005):
        """There is a start at which the time of each image lies between the
        moments that the server noted."""
        times = self.times()[:len(log)]
        self.assertEqual(len(times), len(log))
        earliest = max(given - at for (_, given, _), at in zip(log, times))
        latest = min(back - at for (_, _, back), at in zip(log, times))
        self.assertLessEqual(earliest, latest + slack, list(zip(log, times)))


def child_of(pid):
    """The process that another one has started."""
    def children():
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return file.read().split()
    return int(wait_for(children, lambda: "a child")[0])


def has_ended(pid):
    """A process that is not ours, and that somebody may have to wait for."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
