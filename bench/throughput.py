# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images a second: into ffmpeg by every way, and beside a bare copy."""

import os
import re

import runs
from results import Mark, Table

NULL = ["-c", "copy", "-f", "null", "-"]


def rate_of(report):
    return report["counted"] / report["seconds"]


def by_pipe(programs, load, *options):
    with programs.jobs() as jobs:
        sender, ffmpeg = jobs.pipe(
            programs.send("pipe", load.size, *load.options, *options),
            programs.raw(load.size) + NULL)
        sender.end()
        ffmpeg.end()
        runs.expect(ffmpeg, "images", runs.frames_written(ffmpeg),
                    load.images)
        return rate_of(runs.report_of(sender.errors()))


def by_device(programs, load, way, lend, *options):
    command = programs.device(lend) + ["-frames:v", str(load.images)] + NULL
    with programs.jobs() as jobs:
        sender = jobs.start(programs.send(way, load.size, *load.options,
                                          *options))
        sender.wait_for("ready")
        ffmpeg = jobs.start(command).end()
        sender.end()
        runs.expect(ffmpeg, "images", runs.frames_written(ffmpeg),
                    load.images)
        runs.expect(ffmpeg, "missing", runs.frames_missing(ffmpeg), 0)
        return rate_of(runs.report_of(sender.errors()))


def by_gstreamer(programs, load):
    """By the receiver's clock, which starts when it has its first image."""
    command = programs.gst_send(load.size, load.images + 16)
    with programs.jobs() as jobs:
        sender = runs.start_gstreamer(jobs, command, programs.socket)
        receiver = jobs.start(
            programs.gst_receive(load.size, images=load.images)).end()
        sender.stop()
        found = re.search(r"Execution ended after (\d+):(\d+):([\d.]+)",
                          receiver.output())
        if not found:
            receiver.fail("does not say how long it ran")
        hours, minutes, seconds = map(float, found.groups())
        return (load.images - 1) / (3600 * hours + 60 * minutes + seconds)


class Load:
    """What one run carries."""

    def __init__(self, size, images, warm):
        self.size = size
        self.images = images
        self.options = ["--images", images, "--warm", warm]


class Rates:
    """Rows are ways, columns sizes; a subclass says which."""

    ways = {}

    def __init__(self, programs, scale):
        self.programs = programs
        self.scale = scale
        self.table = Table(
            self.name, self.title,
            [(key, label) for key, (label, _) in self.ways.items()],
            [(size, size.replace("x", "×"), "1/s") for size in self.sizes()],
            baseline=next(iter(self.ways)), compared=self.sizes(),
            marks=self.marks())

    def sizes(self):
        return [size for size, _ in self.scale.throughput]

    def marks(self):
        return []

    def run_round(self):
        for size, images in self.scale.throughput:
            if size not in self.sizes():
                continue
            load = Load(size, images, self.scale.warm)
            for key, (_, measure) in self.ways.items():
                yield key, [size], lambda: {size: measure(self.programs,
                                                          load)}


class Throughput(Rates):
    name = "throughput"
    title = "Images a second into `ffmpeg -c copy -f null -`"
    ways = {
        "pipe": ("raw pipe", by_pipe),
        "gstreamer": ("GStreamer: shmsink, shmsrc, fakesink", by_gstreamer),
        "put-copying": ("ours, put, copying",
                        lambda p, load: by_device(p, load, "put", False)),
        "put-lending": ("ours, put, lending",
                        lambda p, load: by_device(p, load, "put", True)),
        "begin-copying": ("ours, begin/commit, copying",
                          lambda p, load: by_device(p, load, "begin", False)),
        "begin-lending": ("ours, begin/commit, lending",
                          lambda p, load: by_device(p, load, "begin", True)),
    }

    def marks(self):
        marks = []
        for row, label in (("put-lending", "put and lending"),
                           ("begin-lending", "begin/commit and lending")):
            for size, peer, limit in (
                    (self.scale.uhd, "pipe", 8),
                    (self.scale.uhd, "gstreamer", 3),
                    (self.scale.hd, "pipe", 8),
                    (self.scale.hd, "gstreamer", 1)):
                marks.append(Mark(f"{size}, {label}, by {peer}", (row, size),
                                  limit, base=(peer, size), at_least=True))
        return marks


class Drawing(Rates):
    name = "drawing"
    title = ("Images a second into `ffmpeg -c copy -f null -`, each drawn "
             "first")
    ways = {
        "pipe": ("draw, then raw pipe",
                 lambda p, load: by_pipe(p, load, "--draw")),
        "put-lending": ("draw, then put, lending",
                        lambda p, load: by_device(p, load, "put", True,
                                                  "--draw")),
        "begin-copying": ("begin, draw in place, commit, copying",
                          lambda p, load: by_device(p, load, "begin", False,
                                                    "--draw")),
        "begin-lending": ("begin, draw in place, commit, lending",
                          lambda p, load: by_device(p, load, "begin", True,
                                                    "--draw")),
    }

    def sizes(self):
        return [self.scale.hd, self.scale.uhd]


def between_processes(programs, load, *options):
    with programs.jobs() as jobs:
        sender = jobs.start(programs.send("put", load.size, *load.options))
        sender.wait_for("ready")
        receiver = jobs.start(programs.receive(
            "file", load.size, "--images", load.images, *options)).end()
        sender.end()
        report = runs.report_of(receiver.output())
        runs.expect(receiver, "images", report["received"], load.images)
        runs.expect(receiver, "gaps", report["out_of_order"], 0)
        return rate_of(runs.report_of(sender.errors()))


def bare(programs, load, *options):
    with programs.jobs() as jobs:
        job = jobs.start(programs.bare("copy", "--size", load.size,
                                       *load.options, *options)).end()
        return rate_of(runs.report_of(job.output()))


class Limit(Rates):
    name = "limit"
    title = "Images a second between two processes, without ffmpeg"
    ways = {
        "bare-both": ("bare atomics, memcpy in and out",
                      lambda p, load: bare(p, load, "--copy")),
        "ours-both": ("ours, memcpy in and out",
                      lambda p, load: between_processes(p, load, "--copy")),
        "bare-in": ("bare atomics, memcpy in", bare),
        "ours-in": ("ours, memcpy in", between_processes),
    }

    def sizes(self):
        return [self.scale.hd, self.scale.uhd]

    def marks(self):
        return [Mark(f"{size}, ours by bare, memcpy {what}",
                     (f"ours-{key}", size), 0.85,
                     base=(f"bare-{key}", size), at_least=True)
                for size in (self.scale.hd, self.scale.uhd)
                for key, what in (("both", "in and out"), ("in", "in"))]


#: The comparisons of this module, in their order.
COMPARISONS = [Throughput, Drawing, Limit]
