# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is lost when ffmpeg records, and whole commands by another's clock."""

import json
import os
import shlex
import subprocess

import runs
from results import Mark, Table

#: Without passthrough ffmpeg repeats an image where others were lost, and
#: -frames:v counts the repeated ones.
ENCODE = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
          "-fps_mode", "passthrough"]


class Loss:
    """A recording of a server that draws 60 images a second and drops."""

    name = "loss"
    rows = [("pipe", "raw pipe"), ("copying", "ours, copying"),
            ("lending", "ours, lending")]
    columns = [("start", "lost at the start", "images"),
               ("later", "lost later", "images")]

    def __init__(self, programs, scale):
        self.programs = programs
        self.scale = scale
        self.title = (f"Images lost while `libx264 -preset ultrafast` records "
                      f"{scale.loss_images} of {scale.hd.replace('x', '×')} "
                      "at 60 a second")
        self.table = Table(self.name, self.title, self.rows, self.columns,
                           marks=[
            mark for row in ("copying", "lending") for mark in (
                Mark(f"{row}, at the start", (row, "start"), 3),
                Mark(f"{row}, later", (row, "later"), 0))])

    def measure(self, row):
        film = os.path.join(self.programs.folder, "film.mp4")
        count = self.scale.loss_images
        output = ["-frames:v", str(count), *ENCODE, "-y", film]
        plan = ["--images", count, "--rate", 60, "--draw", "--drop",
                "--settle", self.scale.loss_settle]
        with self.programs.jobs() as jobs:
            if row == "pipe":
                sender, ffmpeg = jobs.pipe(
                    self.programs.send("pipe", self.scale.hd, *plan),
                    self.programs.raw(self.scale.hd) + output)
            else:
                command = self.programs.device(row == "lending") + output
                sender = jobs.start(
                    self.programs.send("begin", self.scale.hd, *plan))
                sender.wait_for("ready")
                ffmpeg = jobs.start(command)
            ffmpeg.end()
            sender.end()
            report = runs.report_of(sender.errors())
            start, later = report["lost_at_start"], report["lost_later"]
            runs.expect(ffmpeg, "images", runs.frames_written(ffmpeg), count)
            if row != "pipe":
                runs.expect(ffmpeg, "missing images, by their numbers",
                            runs.frames_missing(ffmpeg), start + later)
        return {"start": start, "later": later}

    def run_round(self):
        for row, _ in self.rows:
            yield row, ["start", "later"], lambda: self.measure(row)


class Command:
    """Whole commands, from their start to their end, by hyperfine."""

    name = "command"

    def __init__(self, programs, scale):
        self.programs = programs
        self.scale = scale
        self.size, self.images = scale.uhd, dict(scale.throughput)[scale.uhd]
        self.title = (f"A whole command with {self.images} images of "
                      f"{self.size.replace('x', '×')}, from start to end, by "
                      "hyperfine")
        self.table = Table(
            self.name, self.title,
            [("pipe", "raw pipe"), ("copying", "ours, put, copying"),
             ("lending", "ours, put, lending")],
            [("wall", "time", "s"), ("cpu", "processor time, both ends", "s")],
            baseline="pipe", compared=["wall", "cpu"])

    def command(self, row):
        programs = self.programs
        plan = ["--images", self.images]
        null = ["-loglevel", "error", "-c", "copy", "-f", "null", "-"]
        if row == "pipe":
            return (shlex.join(programs.send("pipe", self.size, *plan)) +
                    " 2>/dev/null | " +
                    shlex.join(programs.raw(self.size) + null))
        receive = programs.device(row == "lending") + [
            "-frames:v", str(self.images)] + null
        # The sender says that it is ready through a FIFO.
        ready = shlex.quote(os.path.join(programs.folder, "ready"))
        return (f"rm -f {ready}; mkfifo {ready}; " +
                shlex.join(programs.send("put", self.size, *plan)) +
                f" 2>{ready} & exec 3<{ready}; read word <&3; " +
                shlex.join(receive) + "; status=$?; wait; exit $status")

    def measure(self, row):
        self.programs.need("hyperfine")
        script = os.path.join(self.programs.folder, "command.sh")
        answer = os.path.join(self.programs.folder, "command.json")
        with open(script, "w") as text:
            text.write(self.command(row) + "\n")
        done = subprocess.run(
            ["hyperfine", "--runs", "1", "-N", "--style", "none",
             "--export-json", answer, f"sh {shlex.quote(script)}"],
            capture_output=True, text=True, timeout=runs.PATIENCE)
        if done.returncode:
            raise runs.Failed(f"hyperfine: {done.stderr.strip()}")
        with open(answer) as text:
            result = json.load(text)["results"][0]
        return {"wall": result["times"][0],
                "cpu": result["user"] + result["system"]}

    def run_round(self):
        for row, _ in self.table.rows:
            yield row, ["wall", "cpu"], lambda: self.measure(row)


#: The comparisons of this module, in their order.
COMPARISONS = [Loss, Command]
