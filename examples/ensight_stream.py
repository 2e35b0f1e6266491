# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of ensight-record that make a stream of EnSight's images and give
it to a command.

Events are strings in a queue: "answer", "lost" (EnSight is), "end" (of the
command), and whatever the caller puts there.
"""

import contextlib
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from ensight_images import EnSightError

SHMIMAGE = os.environ.get("SHMIMAGE") or "shmimage"
# Seconds for EnSight to confirm that it has stopped, and for a command that
# has to end because something went wrong.
ANSWER = 5
# Seconds for a command to end by itself when its stream has ended.
GRACE = 0.5
# Seconds after which a signal is seen that went to another thread: it does not
# end this one's wait.
BLINK = 0.2
# What programs that were asked to end by SIGINT answer: those that do not
# care, ffmpeg, ffplay, mpv, shells, and those that SIGINT kills.
INTERRUPTED = (0, 255, 123, 4, 128 + signal.SIGINT, -signal.SIGINT)
# Asks a command to end when its standard input ends, once. The signal that
# Linux can send on a parent's death may come for each of the parent's threads,
# and the second has ffmpeg leave the movie unfinished.
WATCH = 'read -r line; kill -s TERM -- "$0"'


def say(text):
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"ensight-record: {text}", file=sys.stderr, flush=True)


def next_event(events, due=None):
    """Wait for one; None once that time has come."""
    while due is None or time.monotonic() < due:
        with contextlib.suppress(queue.Empty):
            return events.get(timeout=BLINK if due is None else
                              min(BLINK, max(due - time.monotonic(), 0)))
    return None


def run_tool(*arguments):
    """What the tool prints; its own words of what is wrong go to the user."""
    try:
        done = subprocess.run([SHMIMAGE, *arguments], stdout=subprocess.PIPE,
                              start_new_session=True)
    except OSError as error:
        raise EnSightError(f"{SHMIMAGE}: can't run it: {error.strerror}; "
                           "install shmimage, and have it in PATH") from error
    if done.returncode:
        raise EnSightError(f"shmimage {arguments[0]} failed")
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def shared_file(guid, size, folder=None):
    """The path of a new file, which is removed in the end."""
    path = os.path.join(folder or default_folder(), f"ensight-{guid}.shm")
    run_tool("create", "--size", size, path)
    try:
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def default_folder():
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK) else tempfile.gettempdir()


def look_at(path):
    return json.loads(run_tool("info", "--json", path))


def is_initialised(path):
    """Whether a server has been there, and no client yet."""
    return any(buffer["state"] == "init" for buffer in look_at(path)["buffers"])


def has_images(path):
    return any(buffer["width"] for buffer in look_at(path)["buffers"])


class StreamEnd:
    """Lets a device know when the stream has ended.

    A server of libshmimage holds a lock on byte 0 of the file, see
    shmimage(7), whose end tells the device that the server is gone. EnSight
    takes no lock, and so this program holds it for EnSight, until there shall
    be no more images. Where a server with a lock of its own stands in for
    EnSight, that one counts.
    """

    def __init__(self, path):
        self.file = open(path, "rb+", buffering=0)
        with contextlib.suppress(OSError):
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        # Not where system or file system have no such locks.
        self.is_seen = look_at(path)["server"]

    def announce(self):
        self.file.close()


class Subscription:
    """EnSight draws into the file until end(), or until it is gone."""

    def __init__(self, ensight, guid):
        self.ensight = ensight
        self.guid = guid
        self.ending = None

    def begin(self, path, flip, timeout, events):
        """Wait until EnSight draws; put "lost" into events when it is gone.

        Anything but the answer that comes in as an event ends the wait.
        """
        call = self.ensight.subscribe(self.guid, path, flip, timeout)
        call.add_done_callback(lambda _: events.put("answer"))
        if next_event(events) != "answer":
            call.cancel()
            raise EnSightError("ended before EnSight had answered")
        try:
            call.result()
        except grpc.RpcError as error:
            raise self.ensight.explain(error, path) from error
        if not is_initialised(path):
            raise EnSightError(
                f"{self.ensight.address}: EnSight has not touched {path}. It "
                "has to run on this machine, and see the file under this name")
        self.ensight.watch(lambda: events.put("lost"))

    def end(self):
        """Ask EnSight to stop; wait for nothing."""
        if not self.ending:
            self.ending = self.ensight.unsubscribe(self.guid, ANSWER)

    def was_lost(self):
        """Whether EnSight is no more there to be asked."""
        self.end()
        error = self.ending.exception()
        return error and error.code() == grpc.StatusCode.UNAVAILABLE


class Command:
    """The program that takes the images, in a session of its own: a Ctrl-C
    is for ensight-record, which then sees to it that the movie is finished.

    One that ends itself looks after its children: a signal is for it alone,
    since it may be about to start one that would die of it. Of others, nobody
    knows which process of their group counts.
    """

    def __init__(self, words, path, events, ends_itself):
        self.words = words
        self.path = path
        self.ends_itself = ends_itself
        self.stream_end = StreamEnd(path)
        self.due = None
        self.was_asked = False
        self.has_begun = True
        terminal = sys.stdin and sys.stdin.isatty()
        try:
            self.process = subprocess.Popen(
                words, start_new_session=True,
                stdin=None if terminal else subprocess.DEVNULL)
        except OSError as error:
            raise EnSightError(f"{words[0]}: can't run it: "
                               f"{error.strerror}") from error
        self.target = self.process.pid if ends_itself else -self.process.pid
        # The system closes the pipe even where this program is killed.
        self.watch = subprocess.Popen(
            ["sh", "-c", WATCH, str(self.target)], stdin=subprocess.PIPE,
            start_new_session=True)
        threading.Thread(target=self._wait, args=(events,),
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        """Leave nothing behind, whatever has gone wrong."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is None:
                self.signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(ANSWER)
        self.watch.kill()
        self.watch.communicate()

    def _wait(self, events):
        self.process.wait()
        events.put("end")

    def finish(self):
        """End the stream, and ask the command by SIGINT where it needs it."""
        self.stream_end.announce()
        # Before the first image, the device waits for the next server.
        try:
            self.has_begun = has_images(self.path)
        except EnSightError:  # somebody has removed the file
            self.due = time.monotonic()
            return
        if not self.stream_end.is_seen or not self.has_begun:
            self.due = time.monotonic()
        elif not self.ends_itself:
            self.due = time.monotonic() + GRACE

    def signal(self, number):
        self.due = None
        self.was_asked = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.target, number)

    def failed(self):
        status = self.process.returncode
        if not self.was_asked:
            return status != 0
        # Before its first image, ffmpeg says that it failed.
        return status not in INTERRUPTED and (self.has_begun or status != 1)

    def status(self):
        status = self.process.returncode
        return status if status >= 0 else 128 - status
