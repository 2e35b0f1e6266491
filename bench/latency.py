# SPDX-License-Identifier: LGPL-2.1-or-later
"""How old an image is when its receiver has it, and what handing over costs
as images grow."""

import runs
from results import Mark, NotMeasured, Table, percentile

MICROSECOND = 1000  # of nanoseconds


class Latency:
    """At 60 images a second, from commit to the reader's return."""

    name = "latency"
    title = "Age of an image when the receiver has it, at 60 a second"
    rows = [
        ("futex", "bare futex, no image"),
        ("woken", "ours, begin/commit, woken"),
        ("put", "ours, put, woken (with the copy in)"),
        ("silent", "ours, a server that wakes nobody"),
        ("pipe", "raw pipe"),
    ]
    #: of a round's images; the last one is of all rounds together
    percents = [("p50", 50), ("p99", 99)]
    pooled = ("p99.9", 99.9)

    def __init__(self, programs, scale):
        self.programs = programs
        self.size = scale.hd
        self.count = scale.latency_images
        self.title = f"{self.title}, {scale.hd.replace('x', '×')}"
        self.samples = {row: [] for row, _ in self.rows}
        columns = [(key, key, "µs") for key, _ in self.percents]
        columns.append((self.pooled[0], f"{self.pooled[0]}, all rounds", "µs"))
        self.table = Table(self.name, self.title, self.rows, columns,
                           baseline="futex", compared=["p50"], marks=[
            Mark("woken, p50, by the bare futex's", ("woken", "p50"), 1.3,
                 base=("futex", "p50")),
            Mark("a server that wakes nobody, p99, µs", ("silent", "p99"),
                 1500)])

    def bare_futex(self):
        with self.programs.jobs() as jobs:
            try:
                job = jobs.start(self.programs.bare(
                    "futex", "--images", self.count, "--rate", 60)).end()
            except runs.Failed as error:
                if "without futexes" in str(error):
                    raise NotMeasured("this build is without futexes")
                raise
            return job, runs.report_of(job.output())

    def stream(self, way):
        options = ["--images", self.count, "--rate", 60, "--stamp"]
        watch = ["--images", self.count, "--latencies"]
        with self.programs.jobs() as jobs:
            send = self.programs.send(way, self.size, *options)
            if way == "pipe":
                sender, receiver = jobs.pipe(
                    send, self.programs.receive("pipe", self.size, *watch))
            else:
                sender = jobs.start(send)
                sender.wait_for("ready")
                receiver = jobs.start(
                    self.programs.receive("file", self.size, *watch))
            receiver.end()
            sender.end()
            return receiver, runs.report_of(receiver.output())

    def measure(self, row):
        ways = {"woken": "begin", "put": "put", "silent": "silent",
                "pipe": "pipe"}
        job, report = (self.bare_futex() if row == "futex"
                       else self.stream(ways[row]))
        runs.expect(job, "images", report["received"], self.count)
        # The first one waits for its receiver to start.
        ages = [age / MICROSECOND for age in report["latencies"][1:]]
        self.samples[row] += ages
        return {key: percentile(ages, percent)
                for key, percent in self.percents}

    def run_round(self):
        columns = [key for key, _ in self.percents]
        for row, _ in self.rows:
            yield row, columns, lambda: self.measure(row)

    def finish(self):
        key, percent = self.pooled
        for row, samples in self.samples.items():
            if samples:
                self.table.add(row, {key: percentile(samples, percent)})
            else:
                self.table.refuse(row, [key],
                                  self.table.cell(row, "p50").reason)


class HandOver:
    """The time that one image costs when images follow on each other."""

    name = "handover"
    title = "Time to hand over an image, as images grow"

    def __init__(self, programs, scale):
        self.programs = programs
        self.scale = scale
        self.rows = [
            ("pipe", "raw pipe"),
            ("put", "ours, put, to a reader alone"),
            ("begin", "ours, begin/commit, to a reader alone"),
            ("demux", "ours, begin/commit, to libavformat, lending"),
            ("copying", "ours, begin/commit, to ffmpeg, copying"),
            ("lending", "ours, begin/commit, to ffmpeg, lending"),
        ]
        sizes = [size for size, _ in scale.growth]
        small, large = sizes[0], sizes[-1]
        self.table = Table(
            self.name, self.title, self.rows,
            [(size, size.replace("x", "×"), "µs") for size in sizes],
            baseline="pipe", compared=sizes, marks=[
                Mark(f"{large} by {small}, {label}", (row, large), 1.5,
                     base=(row, small))
                for row, label in (("begin", "to a reader alone"),
                                   ("demux", "to libavformat, lending"),
                                   ("lending", "to ffmpeg, lending"))])

    def to_reader(self, way, size, images):
        plan = ["--images", images, "--warm", self.scale.warm]
        receive = ["--images", images]
        with self.programs.jobs() as jobs:
            send = self.programs.send(way, size, *plan)
            if way == "pipe":
                sender, receiver = jobs.pipe(
                    send, self.programs.receive("pipe", size, *receive))
            else:
                sender = jobs.start(send)
                sender.wait_for("ready")
                receiver = jobs.start(
                    self.programs.receive("file", size, *receive))
            receiver.end()
            sender.end()
            report = runs.report_of(receiver.output())
            runs.expect(receiver, "images", report["received"], images)
            runs.expect(receiver, "gaps", report["out_of_order"], 0)
            return runs.report_of(sender.errors())

    def to_device(self, command, size, images, check):
        with self.programs.jobs() as jobs:
            sender = jobs.start(self.programs.send(
                "begin", size, "--images", images, "--warm",
                self.scale.warm))
            sender.wait_for("ready")
            receiver = jobs.start(command).end()
            sender.end()
            check(receiver)
            return runs.report_of(sender.errors())

    def to_libavformat(self, size, images):
        return self.to_device(
            self.programs.demux(True, size, images), size, images,
            lambda job: runs.expect(job, "images", runs.report_of(
                job.output())["received"], images))

    def to_ffmpeg(self, lend, size, images):
        command = self.programs.device(lend) + [
            "-frames:v", str(images), "-c", "copy", "-f", "null", "-"]
        return self.to_device(
            command, size, images,
            lambda job: runs.expect(job, "missing", runs.frames_missing(job),
                                    0))

    def measure(self, row, size, images):
        if row in ("begin", "demux"):
            images = self.scale.handover_images
        if row == "demux":
            report = self.to_libavformat(size, images)
        elif row in ("copying", "lending"):
            report = self.to_ffmpeg(row == "lending", size, images)
        else:
            report = self.to_reader(row, size, images)
        return {size: report["seconds"] / report["counted"] * 1e6}

    def run_round(self):
        for size, images in self.scale.growth:
            for row, _ in self.rows:
                yield row, [size], lambda: self.measure(row, size, images)


#: The comparisons of this module, in their order.
COMPARISONS = [Latency, HandOver]
