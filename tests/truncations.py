#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files are shortened, again and again, under an ffmpeg that records them.

At a random moment, to a random length, at times only for a moment. Each time
the recording has to end in good order, and ffprobe has to read it to its end
and find as many images as ffmpeg says that it wrote.

See ffmpeg_harness.py for the environment.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import threading
import time
import unittest

from ffmpeg_harness import (COMMAND, H264, PATIENCE, SECONDS, StreamTest,
                            exit_if_nothing_can_run)

HEADER = 24
SIZES = ((64, 36), (160, 90), (320, 180), (640, 360))


def has(what, name):
    """Whether this ffmpeg has an encoder or muxer."""
    answer = subprocess.run(COMMAND + ["-hide_banner", what],
                            capture_output=True, text=True, timeout=SECONDS)
    return bool(re.search(rf"^ \S+ +{name}\b", answer.stdout, re.M))


def find_forms():
    """(name of the file, codec) of each form of recording."""
    codecs = [H264]
    if has("-encoders", "mpeg4"):
        codecs.append(["-c:v", "mpeg4"])
    names = ["out.mp4"]
    if has("-muxers", "matroska"):
        names.append("out.mkv")
    return [(name, codec) for name in names for codec in codecs]


def lengths(size, image):
    """The parts of a file of some size, with images of some bytes, by name."""
    half = size // 2
    return {
        "nothing": (0, 1),
        "header 1": (1, HEADER),
        "image 1": (HEADER, HEADER + image),
        "behind image 1": (HEADER + image, half),
        "header 2": (half, half + HEADER),
        "image 2": (half + HEADER, half + HEADER + image),
        "behind image 2": (half + HEADER + image, size),
    }


class Truncation(StreamTest):
    """One of them. The attributes are set by run_one()."""

    draw = None
    form = None

    def choose(self):
        width, height = self.draw.choice(SIZES)
        self.size = f"{width}x{height}"
        self.make_file(self.size)
        self.full = os.path.getsize(self.stream)
        parts = lengths(self.full, 3 * width * height)
        self.part = self.draw.choice(list(parts))
        self.length = self.draw.randrange(*parts[self.part])
        self.is_given_back = self.draw.random() < 0.2
        self.what = f"{self.size}, to {self.length} bytes ({self.part})" + \
            (", and back" if self.is_given_back else "")

    def start_recording(self):
        """Start ffmpeg, with a line of its log for each image."""
        name, codec = self.form
        self.recording = subprocess.Popen(
            self.command("-copyts", "-fps_mode", "passthrough", "-vf",
                         "showinfo", *codec, self.file(name),
                         options=PATIENCE),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        alarm = threading.Timer(SECONDS, self.recording.kill)
        alarm.start()
        self.addCleanup(self.recording.stderr.close)
        self.addCleanup(self.recording.wait)
        self.addCleanup(self.recording.kill)
        self.addCleanup(alarm.cancel)
        self.log = ""

    def read_log(self, images):
        """Read until so many images have gone by."""
        for line in self.recording.stderr:
            self.log += line
            images -= bool(re.search(r" n: *\d+ pts:", line))
            if not images:
                return
        self.fail(f"it ended too early: {self.log}")

    def shorten(self):
        os.truncate(self.stream, self.length)
        if self.is_given_back:
            os.truncate(self.stream, self.full)

    def end(self, server):
        """Wait for the end of both, and return how many images there are."""
        if self.is_given_back:
            # Nobody may have noticed.
            server.process.terminate()
        status = server.end()
        self.log += self.recording.stderr.read()
        self.assertEqual(self.recording.wait(), 0, self.log)
        if not self.is_given_back:
            self.assertEqual(status, 1, server.err())
            self.assertIn("shortened", server.err())
            self.assertIn("shortened", self.log)
        return int(re.findall(r"frame= *(\d+)", self.log)[-1])

    def truncate(self):
        self.choose()
        server = self.send("server", self.size, "--rate", 0)
        self.start_recording()
        self.read_log(self.draw.randrange(1, 30))
        time.sleep(self.draw.random() * 0.01)
        self.shorten()
        self.images = self.end(server)
        found = self.probe(self.file(self.form[0]))["nb_read_frames"]
        self.assertEqual(int(found), self.images, self.log)


def run_one(seed, index, form):
    """Returns the case, and what went wrong."""
    case = Truncation("truncate")
    case.draw = random.Random(f"{seed} {index}")
    case.form = form
    result = unittest.TestResult()
    case.run(result)
    return case, [text for _, text in result.failures + result.errors]


def run_all(args):
    forms = find_forms()
    parts = collections.Counter()
    images = given_back = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = [pool.submit(run_one, args.seed, index,
                            forms[index % len(forms)])
                for index in range(args.first, args.first + args.count)]
        for index, future in enumerate(runs, args.first):
            case, errors = future.result()
            if errors:
                failed += 1
                print(f"truncation {index} of seed {args.seed}, {case.form}, "
                      f"{getattr(case, 'what', '')}:", *errors, flush=True)
                continue
            parts[case.part] += 1
            images += case.images
            given_back += case.is_given_back
    print(f"truncations: seed {args.seed}: {args.count} files shortened, "
          f"{given_back} of them for a moment, {args.count - failed} "
          f"recordings with {images} images read to their end, {failed} "
          "failed; cut off in", ", ".join(f"{part}: {count}" for part, count
                                          in sorted(parts.items())))
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10,
                        help="how many truncations (%(default)s)")
    parser.add_argument("--first", type=int, default=0,
                        help="the first one's index, to repeat a single one")
    parser.add_argument("--seed", type=int, default=int(time.time()),
                        help="of all decisions (the time)")
    parser.add_argument("--jobs", type=int, default=2,
                        help="how many at the same time (%(default)s)")
    args = parser.parse_args()
    exit_if_nothing_can_run()
    sys.exit(1 if run_all(args) else 0)


if __name__ == "__main__":
    main()
