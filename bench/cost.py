# SPDX-License-Identifier: LGPL-2.1-or-later
"""What receiving costs: processor time, and how often the receiver wakes up."""

import os
import time

import runs
from results import Mark, NotMeasured, Table

NULL = ["-c", "copy", "-f", "null", "-"]


def usage(pid):
    """Seconds of processor time, and sleeps, of all threads of a process."""
    busy = sleeps = 0
    folder = f"/proc/{pid}/task"
    try:
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/schedstat") as text:
                busy += int(text.read().split()[0])
            with open(f"{folder}/{task}/status") as text:
                fields = dict(line.split(":", 1) for line in text)
            sleeps += int(fields["voluntary_ctxt_switches"])
    except FileNotFoundError as error:
        raise NotMeasured(f"the system does not tell: {error.filename}")
    return busy / 1e9, sleeps


def watch(jobs, seconds):
    """What each of the programs uses in that time, by second."""
    before = [usage(job.pid) for job in jobs]
    start = time.monotonic()
    time.sleep(seconds)
    after = [usage(job.pid) for job in jobs]
    elapsed = time.monotonic() - start
    return [((busy - busy0) / elapsed, (sleeps - sleeps0) / elapsed)
            for (busy0, sleeps0), (busy, sleeps) in zip(before, after)]


class Cost:
    """At 60 images a second, and idle."""

    name = "cost"
    title = "Processor time and wake-ups of the receiver"
    rows = [
        ("ffmpeg-pipe", "ffmpeg, raw pipe"),
        ("gstreamer", "GStreamer: shmsrc, fakesink"),
        ("ffmpeg-copying", "ffmpeg, ours, copying"),
        ("ffmpeg-lending", "ffmpeg, ours, lending"),
        ("pipe", "reader alone, raw pipe"),
        ("reader", "reader alone, ours"),
        ("silent", "reader alone, a server that wakes nobody"),
    ]

    def __init__(self, programs, scale):
        self.programs = programs
        self.scale = scale
        self.cases = [(scale.hd, f"{scale.hd.replace('x', '×')}, 60 a second"),
                      (scale.uhd,
                       f"{scale.uhd.replace('x', '×')}, 60 a second"),
                      ("idle", "idle")]
        columns = []
        for case, heading in self.cases:
            columns += [(f"{case} cpu", heading, "% of a core"),
                        (f"{case} wakes", heading, "wake-ups/s")]
        self.table = Table(
            self.name, self.title, self.rows, columns,
            baseline="ffmpeg-pipe",
            compared=[f"{scale.hd} cpu", f"{scale.uhd} cpu"], marks=[
                Mark("reader, a server that wakes nobody, % of a core",
                     ("silent", f"{scale.hd} cpu"), 2),
                Mark("reader, idle, wake-ups a second",
                     ("reader", "idle wakes"), 10),
                Mark("ffmpeg, idle, wake-ups a second",
                     ("ffmpeg-lending", "idle wakes"), 10)])

    def start(self, jobs, row, size, idle):
        """Start a stream; returns its receiver."""
        stream = os.path.join(self.programs.folder, f"{row}.shm")
        plan = ["--images", 1, "--stay"] if idle else ["--rate", 60]
        if row == "gstreamer":
            return self.start_gstreamer(jobs, size, idle)
        if row in ("ffmpeg-pipe", "pipe"):
            return jobs.pipe(
                self.programs.send("pipe", size, *plan),
                self.programs.raw(size) + NULL if row == "ffmpeg-pipe"
                else self.programs.receive("pipe", size))[1]
        receive = (self.programs.receive("file", size, stream=stream)
                   if row in ("reader", "silent") else
                   self.programs.device(row == "ffmpeg-lending", stream)
                   + NULL)
        sender = jobs.start(self.programs.send(
            "silent" if row == "silent" else "begin", size, *plan,
            stream=stream))
        sender.wait_for("ready")
        return jobs.start(receive)

    def start_gstreamer(self, jobs, size, idle):
        socket = os.path.join(self.programs.folder, "cost.gst")
        command = self.programs.gst_send(
            size, rate="1/1000" if idle else "60/1", socket=socket)
        runs.start_gstreamer(jobs, command, socket)
        return jobs.start(self.programs.gst_receive(size, socket=socket))

    @staticmethod
    def values(case, used):
        return {f"{case} cpu": used[0] * 100, f"{case} wakes": used[1]}

    def measure(self, row, size):
        with self.programs.jobs() as jobs:
            receiver = self.start(jobs, row, size, False)
            time.sleep(self.scale.settle)
            used = watch([receiver], self.scale.window)[0]
            if receiver.process.poll() is not None:
                receiver.fail("ended early")
            return self.values(size, used)

    def measure_idle(self):
        """All at once, since none of them has anything to do."""
        with self.programs.jobs() as jobs:
            receivers, refused = {}, {}
            for row, _ in self.rows:
                try:
                    receivers[row] = self.start(jobs, row, self.scale.hd, True)
                except NotMeasured as error:
                    refused[row] = error
            time.sleep(self.scale.settle)
            used = watch(receivers.values(), self.scale.idle)
            for job in receivers.values():
                if job.process.poll() is not None:
                    job.fail("ended early")
            answers = {row: self.values("idle", one)
                       for row, one in zip(receivers, used)}
            return dict(answers, **refused)

    def run_round(self):
        for size, _ in self.cases[:2]:
            for row, _ in self.rows:
                yield (row, [f"{size} cpu", f"{size} wakes"],
                       lambda: self.measure(row, size))
        idle = self.measure_idle()
        for row, answer in idle.items():
            yield row, ["idle cpu", "idle wakes"], lambda: given(answer)


def given(answer):
    if isinstance(answer, Exception):
        raise answer
    return answer


#: The comparisons of this module, in their order.
COMPARISONS = [Cost]
