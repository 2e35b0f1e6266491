# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the real ffmpeg tool share.

Environment: SHMIMAGE (the command line tool), FFMPEG (default: ffmpeg),
FFPROBE (default: the one beside FFMPEG, or ffprobe), FFMPEG_NATIVE (if set,
FFMPEG has the device built in and needs no module).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import features
import take_signals  # noqa: F401, it acts when it is imported
from peer_stream import Client, Server, create_file, file_size, make_pixels

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
SHMIMAGE = os.environ.get("SHMIMAGE") or "shmimage"
FFMPEG = os.environ.get("FFMPEG") or "ffmpeg"
FFPROBE = os.environ.get("FFPROBE") or "ffprobe"
NATIVE = bool(os.environ.get("FFMPEG_NATIVE"))
COMMAND = [FFMPEG] if NATIVE else [SHMIMAGE, "exec", FFMPEG]

SECONDS = 90
PATIENCE = ["-timeout", str(SECONDS)]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency",
        "-pix_fmt", "yuv420p"]


def reason_to_skip():
    """Why nothing here can run, or None."""
    for program in COMMAND[::2]:
        if not shutil.which(program):
            return f"{program} is not installed"
    answer = subprocess.run(COMMAND + ["-hide_banner", "-version"],
                            capture_output=True, text=True, timeout=SECONDS)
    if "runtime does not come first" in answer.stderr:
        return "a module with a sanitizer can't be preloaded"
    return None


def major_version(library):
    answer = subprocess.run(COMMAND + ["-version"], check=True, text=True,
                            capture_output=True, timeout=SECONDS).stdout
    return int(re.search(library + r"\s+(\d+)", answer).group(1))


def find_ffprobe():
    beside = os.path.join(os.path.dirname(shutil.which(FFMPEG)), "ffprobe")
    if "FFPROBE" not in os.environ and os.access(beside, os.X_OK):
        return beside
    return FFPROBE


def wait_for(look, what):
    """What look() answers, once that is true."""
    deadline = time.monotonic() + SECONDS
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what()}")
        time.sleep(0.01)


def read_text(path):
    with open(path, errors="replace") as text:
        return text.read()


def read_manifest(path):
    """(number, md5) of each image that was sent."""
    rows = (line.split() for line in read_text(path).splitlines())
    return [(int(number), md5) for number, _, _, md5 in rows]


def read_framemd5(text):
    """(pts, size, md5) of each packet."""
    rows = (line.replace(" ", "").split(",") for line in text.splitlines()
            if line and not line.startswith("#"))
    return [(int(row[2]), int(row[4]), row[5]) for row in rows]


class Running:
    """A program whose output can be looked at while it runs."""

    def __init__(self, test, name, command, **options):
        self.name = name
        self.paths = [os.path.join(test.folder, f"{name}.{stream}")
                      for stream in ("out", "err")]
        with open(self.paths[0], "w") as out, open(self.paths[1], "w") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL,
                                            **options)
        test.addCleanup(self.stop)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def out(self):
        return read_text(self.paths[0])

    def err(self):
        return read_text(self.paths[1])

    def wait_until(self, look, what):
        def look_or_ended():
            return look() or self.process.poll() is not None

        wait_for(look_or_ended,
                 lambda: f"{what} of {self.name}: {self.out()}{self.err()}")
        if not look():
            raise AssertionError(f"{self.name} ended before {what}: "
                                 f"{self.out()}{self.err()}")

    def end(self):
        """Wait for its end, and return its exit code."""
        wait_for(lambda: self.process.poll() is not None,
                 lambda: f"the end of {self.name}: {self.err()}")
        return self.process.returncode


class StreamTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.stream = self.file("live.shm")

    def file(self, name):
        return os.path.join(self.folder, name)

    def create(self, width=64, height=36, more_bytes=0):
        create_file(self.stream,
                    max(20_000_000, file_size(width, height)) + more_bytes)

    def make_file(self, size, *options):
        """Make the file as users do, all its space reserved."""
        subprocess.run([SHMIMAGE, "create", "--size", size, *options,
                        self.stream], check=True, stdout=subprocess.DEVNULL,
                       timeout=SECONDS)

    def leave_images(self, first, second, width=64, height=36):
        """What a server leaves that takes no lock and is gone, or idle: two
        images with these numbers. A client that comes finds both, and then
        waits for more, however late anybody gets to run."""
        self.create(width, height)
        with Server(self.stream) as server, Client(self.stream) as client:
            server.init()
            client.connect()
            for number in (first, second):
                server.put(number, width, height,
                           make_pixels(0, number, width, height))

    def send(self, name, size, *options):
        """Start a server of the library, which holds its lock."""
        return Running(self, name, [SHMIMAGE, "send", "--quiet", "--size",
                                    size, *map(str, options), self.stream])

    def serve(self, *options):
        """Start a server that loses no image, and goes on until it is stopped
        unless the options say something else: from release 7.0 on, ffmpeg
        ends only when one more image arrives than it was to record."""
        server = Running(self, "server", [
            sys.executable, PEER, "server", self.stream, "--lossless",
            "--wait-client", str(SECONDS), "--stall", str(SECONDS),
            "--frames", "0", "--manifest", self.file("manifest"),
            *map(str, options)])
        server.wait_until(lambda: "ready" in server.out(), "start")
        return server

    def stop(self, server):
        server.process.terminate()
        self.assertEqual(server.end(), 0, server.err())

    def command(self, *arguments, options=()):
        return COMMAND + ["-hide_banner", "-nostdin", "-y", "-f", "shmimage",
                          *options, "-i", self.stream, *arguments]

    def run_ffmpeg(self, *arguments, options=()):
        return subprocess.run(self.command(*arguments, options=options),
                              capture_output=True, text=True, timeout=SECONDS)

    def record(self, count, *codec):
        """The first packets, as read_framemd5() has them."""
        done = self.run_ffmpeg(
            "-copyts", "-fps_mode", "passthrough", *(codec or ["-c", "copy"]),
            "-frames:v", str(count), "-f", "framemd5", "-", options=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return read_framemd5(done.stdout)

    def probe(self, path):
        """The stream's properties, after all of its frames were decoded."""
        done = subprocess.run(
            [find_ffprobe(), "-v", "error", "-count_frames", "-show_streams",
             "-of", "json", path],
            capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)["streams"][0]


class RecordingTest(StreamTest):
    """With a recording that tells in its log of each image."""

    def start_recording(self, *options, codec=H264):
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
        """Ctrl-C, once; ffmpeg finishes the file and answers 255. Returns the
        seconds that it took."""
        start = time.monotonic()
        recording.process.send_signal(signal.SIGINT)
        self.assertEqual(recording.end(), 255, recording.err())
        return time.monotonic() - start

    def assert_playable(self, recording, message, status=0):
        """It has ended, and what was recorded can be played."""
        self.assertEqual(recording.end(), status, recording.err())
        self.assertIn(message, recording.err())
        stamps = self.images(recording)
        self.assertEqual(stamps, sorted(set(stamps)))
        self.assertEqual(
            int(self.probe(self.file("out.mp4"))["nb_read_frames"]),
            len(stamps))


def exit_if_nothing_can_run():
    reason = reason_to_skip()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)


def main():
    """Run the tests of the program that was started."""
    exit_if_nothing_can_run()
    features.main()
