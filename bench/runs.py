# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting the programs that send and receive images, and watching them."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from results import NotMeasured

PATIENCE = 120  # seconds after which a run has failed


class Failed(Exception):
    """A run went wrong; says how."""


class Job:
    """A program that runs, with what it writes in files."""

    def __init__(self, folder, command, stdin=None, stdout=None):
        self.command = [str(part) for part in command]
        self.out = tempfile.TemporaryFile(dir=folder)
        self.err = tempfile.TemporaryFile(dir=folder)
        self.process = subprocess.Popen(
            self.command, stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or self.out, stderr=self.err)
        self.pid = self.process.pid
        self.leaves = None  # a pattern of files

    @staticmethod
    def text_of(stream):
        size = os.fstat(stream.fileno()).st_size
        return os.pread(stream.fileno(), size, 0).decode(errors="replace")

    def output(self):
        return self.text_of(self.out)

    def errors(self):
        return self.text_of(self.err)

    def fail(self, why):
        said = self.errors().strip().splitlines()[-5:]
        raise Failed(f"{' '.join(self.command)}: {why}: {' / '.join(said)}")

    def wait_for(self, text):
        """Until it has said so on standard error."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.errors():
            if self.process.poll() is not None:
                self.fail("ended early")
            if time.monotonic() > deadline:
                self.fail(f"never said '{text}'")
            time.sleep(0.002)

    def end(self):
        """Wait until it is done, which has to be a success."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail("does not end")
        if self.process.returncode:
            self.fail(f"exit code {self.process.returncode}")
        return self

    def stop(self):
        """End it, if it still runs, as a user would."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for path in glob.glob(self.leaves or ""):
            os.unlink(path)
        self.out.close()
        self.err.close()


class Jobs:
    """Programs that run together; none is left behind."""

    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for job in reversed(self.all):
            job.close()

    def start(self, command, **streams):
        self.all.append(Job(self.folder, command, **streams))
        return self.all[-1]

    def pipe(self, sender, receiver):
        """Start both with a pipe between them."""
        read_end, write_end = os.pipe()
        try:
            return (self.start(sender, stdout=write_end),
                    self.start(receiver, stdin=read_end))
        finally:
            os.close(read_end)
            os.close(write_end)


class Programs:
    """What there is to run, and how to call it."""

    def __init__(self, build, folder):
        self.folder = folder
        self.stream = os.path.join(folder, "live.shm")
        self.socket = os.path.join(folder, "gst")
        self.bench = os.path.join(build, "bench")
        self.shmimage = os.environ.get("SHMIMAGE") or os.path.join(
            build, "tools", "shmimage")
        self.ffmpeg = os.environ.get("FFMPEG") or "ffmpeg"
        self.options = None

    def jobs(self):
        return Jobs(self.folder)

    def need(self, *names):
        for name in names:
            if not shutil.which(name):
                raise NotMeasured(f"{name} is not installed")

    def need_gstreamer(self):
        self.need("gst-launch-1.0", "gst-inspect-1.0")
        for element in ("shmsink", "shmsrc", "imagefreeze", "videotestsrc"):
            done = subprocess.run(["gst-inspect-1.0", "--exists", element],
                                  capture_output=True, timeout=PATIENCE)
            if done.returncode:
                raise NotMeasured(f"GStreamer has no {element}")

    def send(self, way, size, *options, stream=None):
        command = [os.path.join(self.bench, "bench_send"), way, "--size", size]
        command += map(str, options)
        return command + ([] if way == "pipe" else [stream or self.stream])

    def receive(self, way, size, *options, stream=None):
        command = [os.path.join(self.bench, "bench_receive"), way, "--size",
                   size]
        command += map(str, options)
        return command + ([] if way == "pipe" else [stream or self.stream])

    def demux(self, lend, size, images):
        """The device by way of libavformat, without an ffmpeg."""
        program = os.path.join(self.bench, "bench_demux")
        if not os.path.exists(program):
            raise NotMeasured("this build is without FFmpeg")
        self.device_options()
        return [self.shmimage, "exec", program, "demux", "--size", size,
                "--images", str(images), *([] if lend else ["--copy"]),
                self.stream]

    def bare(self, way, *options):
        return [os.path.join(self.bench, "bench_bare"), way,
                *map(str, options)]

    def device_options(self):
        """The options that the built device says it has."""
        if self.options is None:
            self.need(self.ffmpeg)
            done = subprocess.run(
                [self.shmimage, "exec", self.ffmpeg, "-hide_banner", "-h",
                 "demuxer=shmimage"], capture_output=True, text=True,
                timeout=PATIENCE)
            self.options = re.findall(r"^\s+-(\w+)\s+<", done.stdout, re.M)
        if not self.options:
            raise NotMeasured(f"{self.ffmpeg} can't load the built device")
        return self.options

    def device(self, lend, stream=None):
        """ffmpeg with the device as its input."""
        choice = []
        if "zero_copy" in self.device_options():
            choice = ["-zero_copy", "1" if lend else "0"]
        elif lend:
            raise NotMeasured("the built device has no option zero_copy")
        return [self.shmimage, "exec", self.ffmpeg, "-nostdin",
                "-hide_banner", "-f", "shmimage", *choice, "-i",
                stream or self.stream]

    def raw(self, size):
        """ffmpeg with a pipe as its input."""
        self.need(self.ffmpeg)
        return [self.ffmpeg, "-nostdin", "-hide_banner", "-f", "rawvideo",
                "-pixel_format", "rgb24", "-video_size", size,
                "-framerate", "60", "-i", "-"]

    def gst_source(self, size, images=None, rate="60/1"):
        """One finished image, again and again, as GStreamer would have it.

        It lies outside the shared memory, so that the sink copies it there,
        as shmimage_writer_put() does.
        """
        width, height = size.split("x")
        freeze = ["imagefreeze"] + ([f"num-buffers={images}"] if images else
                                    [])
        return ["videotestsrc", "num-buffers=1", "!",
                f"video/x-raw,format=RGB,width={width},height={height}", "!",
                "identity", "drop-allocation=true", "!", *freeze, "!",
                f"video/x-raw,framerate={rate}"]

    def gst_send(self, size, images=None, rate=None, socket=None):
        self.need_gstreamer()
        width, height = map(int, size.split("x"))
        area = max(4 * (3 * width * height + 4096), 1 << 20)
        return ["gst-launch-1.0", "-q",
                *self.gst_source(size, images, rate or "60/1"), "!",
                "shmsink", f"socket-path={socket or self.socket}",
                f"shm-size={area}", "wait-for-connection=true",
                f"sync={'true' if rate else 'false'}"]

    def gst_receive(self, size, *sink, images=-1, socket=None):
        width, height = size.split("x")
        return ["gst-launch-1.0", "shmsrc",
                f"socket-path={socket or self.socket}",
                f"num-buffers={images}", "!",
                f"video/x-raw,format=RGB,width={width},height={height},"
                "framerate=60/1", "!", *(sink or ["fakesink", "sync=false"])]


def wait_for_path(job, path):
    """Until a program that runs has made a file or socket."""
    deadline = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if job.process.poll() is not None:
            job.fail("ended early")
        if time.monotonic() > deadline:
            job.fail(f"never made {path}")
        time.sleep(0.002)


def start_gstreamer(jobs, command, path):
    """Start a sender that makes a socket there."""
    if os.path.exists(path):
        os.unlink(path)
    sender = jobs.start(command)
    # It has no time to remove its memory when it is stopped.
    sender.leaves = f"/dev/shm/shmpipe.{sender.pid:5d}.*"
    wait_for_path(sender, path)
    return sender


def report_of(text):
    """The line of JSON that our programs end with."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(f"no report in: {text!r}")
    return json.loads(lines[-1])


def frames_written(job):
    """How many images the ffmpeg tool says it has written."""
    found = re.findall(r"frame=\s*(\d+)", job.errors())
    return int(found[-1]) if found else 0


def frames_missing(job):
    """How many numbers the device says are missing."""
    found = re.search(r"(\d+) missing by their numbers", job.errors())
    if not found:
        job.fail("the device tells nothing of missing images")
    return int(found.group(1))


def expect(job, what, got, wanted):
    if got != wanted:
        job.fail(f"{what}: {got} instead of {wanted}")
