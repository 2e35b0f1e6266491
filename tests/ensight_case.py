# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of examples/ensight-record share.

See ffmpeg_harness.py for the environment, and FFPLAY (default: ffplay).
"""

import contextlib
import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys

from ffmpeg_harness import (FFMPEG, H264, SECONDS, SHMIMAGE, Running,
                            wait_for)
from record_harness import RecordTest

try:
    import google.protobuf  # noqa: F401
    import grpc  # noqa: F401
except ImportError as error:
    print(f"skipped: {error}: apt install python3-grpcio protobuf-compiler")
    sys.exit(77)
if not shutil.which("protoc"):
    print("skipped: there is no protoc: apt install protobuf-compiler")
    sys.exit(77)

from ensight_standin import EXAMPLES, read_number

HERE = os.path.dirname(os.path.abspath(__file__))
STAND_IN = os.path.join(HERE, "ensight_standin.py")
RECORD = os.path.join(EXAMPLES, "ensight-record")
FFPLAY = os.environ.get("FFPLAY") or "ffplay"
SIZE = 320, 180
DONE, FAILED, USAGE, GONE = 0, 1, 2, 3
os.environ.pop("ENSIGHT_SECURITY_TOKEN", None)
ENVIRONMENT = {
    **os.environ, "SHMIMAGE": SHMIMAGE, "FFMPEG": FFMPEG, "FFPLAY": FFPLAY,
    # So that ffplay needs no screen.
    "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy",
    # What is on the same machine is not asked for through a proxy.
    "http_proxy": "http://127.0.0.1:9", "no_proxy": "",
}
# What is started here takes a Ctrl-C, also where make itself does not.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Recorder(Running):
    def stop(self):
        """As users do who lose patience, so that its command ends, too."""
        for _ in ("finish", "ask the command", "kill the command"):
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
        super().stop()


class EnSightTest(RecordTest):
    def setUp(self):
        super().setUp()
        self.shared = self.file("shared")
        os.mkdir(self.shared)

    def start_ensight(self, *options):
        ensight = Running(self, "ensight", [sys.executable, STAND_IN,
                                            *options])
        self.ensight = ensight
        ensight.wait_until(lambda: "port" in ensight.out(), "its start")
        if "--socket" in options:
            where = ["--socket", options[options.index("--socket") + 1]]
        else:
            where = ["--port", str(self.said("port")), "--host", "127.0.0.1"]
        self.where = [*where, "--folder", self.shared, "--size", "640x480"]

    def events(self, key):
        lines = self.ensight.out().splitlines(keepends=True)
        return [event for event in map(json.loads, (
            line for line in lines if line.endswith("\n"))) if key in event]

    def said(self, key):
        wait_for(lambda: self.events(key), lambda: f"word of {key}")
        return self.events(key)[0][key]

    def start_recorder(self, *arguments, before=(), cwd=None, **environment):
        return Recorder(self, "recorder", [*before, sys.executable, RECORD,
                                           *self.where, *arguments],
                        cwd=cwd, env={**ENVIRONMENT, **environment})

    def record(self, *arguments, **options):
        """Start it, and wait until it takes images or has ended."""
        recorder = self.start_recorder(*arguments, **options)
        wait_for(lambda: recorder.process.poll() is not None or
                 "taking images" in recorder.err(), recorder.err)
        return recorder

    def own_ffmpeg(self, *options, output=(), codec=H264):
        """Arguments to record with a command of one's own."""
        return ["--", FFMPEG, "-nostdin", "-y", "-f", "shmimage", *options,
                "-i", "{}", "-fps_mode", "passthrough", "-vf", "showinfo",
                *codec, *output, self.movie]

    def wait_for_images(self, recorder, count):
        """Until so many have come, or went through own_ffmpeg()'s filter."""
        recorder.wait_until(
            lambda: recorder.err().count(" pts_time:") >= count,
            f"{count} images")

    def wait_until_taken(self, recorder, count=5):
        """Until somebody has taken so many images. Otherwise they are dropped
        for want of a free buffer."""
        recorder.wait_until(lambda: self.number_in_file() > 0,
                            "the first image")
        first = self.number_in_file()
        recorder.wait_until(lambda: self.number_in_file() > first + count,
                            "more images")

    def look_at_file(self):
        done = subprocess.run([SHMIMAGE, "info", "--json",
                               *glob.glob(self.shared + "/*")], check=True,
                              stdout=subprocess.PIPE, timeout=SECONDS)
        return json.loads(done.stdout)

    def number_in_file(self):
        """Of the newest image."""
        return max(buffer["number"]
                   for buffer in self.look_at_file()["buffers"])

    def wait_for_growth(self, recorder):
        """Until ffmpeg has begun the movie."""
        recorder.wait_until(
            lambda: os.path.exists(self.part()) and
            os.path.getsize(self.part()) > 0, "the movie's start")

    def interrupt(self, recorder, status=DONE):
        recorder.process.send_signal(signal.SIGINT)
        self.assertEqual(recorder.end(), status, recorder.err())

    def script(self, name, text):
        """A program of that name."""
        path = self.file(name)
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o700)
        return path

    def tool(self, text):
        """The command line tool, and what is to come before it."""
        tool = shlex.quote(os.path.abspath(shutil.which(SHMIMAGE)))
        return self.script("tool", f'{text}\nexec {tool} "$@"\n')

    def fail_record(self, *arguments, status=FAILED, **options):
        """What it says of what is wrong."""
        recorder = self.record(*arguments, **options)
        self.assertEqual(recorder.end(), status, recorder.err())
        self.assert_nothing_left()
        self.assertNotIn("Traceback", recorder.err())
        return recorder.err()

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.shared), [])

    def numbers(self, flipped=False):
        """Of the images in the movie, which are all scenes."""
        width, height = SIZE
        pixels = self.decode("rgb24", None,
                             *(["-vf", "vflip"] if flipped else []))
        size = 3 * width * height
        self.assertEqual(len(pixels) % size, 0)
        return [read_number(pixels[at:at + size], width, height)
                for at in range(0, len(pixels), size)]

    def assert_recorded(self, least=1, flipped=False):
        """The movie has images in their order; some may have come again."""
        numbers = self.numbers(flipped)
        self.assertEqual(numbers, sorted(numbers))
        self.assertGreaterEqual(len(set(numbers)), least)
        stream = self.probe(self.movie)
        self.assertEqual(int(stream["nb_read_frames"]), len(numbers))
        self.assertEqual((stream["codec_name"], stream["pix_fmt"]),
                         ("h264", "yuv420p"))
        return numbers
