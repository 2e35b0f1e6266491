# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies of the source tree, with builds in them, to try mutants in."""

import concurrent.futures
import contextlib
import glob
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time

from records import TOP, Wrong, is_script, read, write

#: What configure is told, by the kind of build.
BUILDS = {
    "default": ["--disable-static", "CFLAGS=-O1 -g"],
    "tsan": ["--disable-shared", "CFLAGS=-O1 -g", "--without-ffmpeg",
             "--enable-sanitizers=thread"],
    "asan": ["--disable-static", "CFLAGS=-O1 -g",
             "--enable-sanitizers=address,undefined"],
    "coverage": ["--disable-static", "CFLAGS=-O1 -g --coverage"],
}
#: The limits that tests set for themselves, some minutes, divided by four.
ENVIRONMENT = {"CK_DEFAULT_TIMEOUT": "60", "CK_TIMEOUT_MULTIPLIER": "0.25"}
BUILD_SECONDS = 900
#: Where unit tests have their files, see support.c.
TEST_FOLDER = re.compile(rb"/(?:dev/shm|tmp)/shmimage-test-\w+")
#: unittest says so long before its program ends.
PYTHON_FAILED = re.compile(rb"\.\.\. (FAIL|ERROR)$", re.MULTILINE)


def has_ffmpeg():
    command = ["pkg-config", "--exists", "libavformat", "libavdevice"]
    return bool(shutil.which(command[0])) and not subprocess.call(command)


def source_names():
    """What git knows or would add; of an unpacked archive, all."""
    if os.path.exists(os.path.join(TOP, ".git")):
        return subprocess.run(
            ["git", "-C", TOP, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], check=True, stdout=subprocess.PIPE,
            text=True).stdout.split("\0")
    return [name for name in glob.glob("**", root_dir=TOP, recursive=True)
            if not name.startswith("build" + os.sep)]


def copy_source(to):
    for name in source_names():
        source, target = os.path.join(TOP, name), os.path.join(to, name)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)
            os.chmod(target, os.stat(target).st_mode | 0o200)


class Tree:
    def __init__(self, folder):
        self.folder = folder
        self.running = None
        self.stopped = False
        self.starting = threading.Lock()

    def run(self, folder, command, seconds, failed=lambda: False):
        """Returns the exit status, or None when it was ended, after so many
        seconds or once it is seen to have failed."""
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        end = time.monotonic() + seconds
        try:
            with open(os.path.join(folder, "mutants.log"), "ab") as log, \
                    self.starting:
                if self.stopped:
                    return None
                self.running = subprocess.Popen(
                    command, cwd=folder, env={**environment, **ENVIRONMENT},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True)
            while time.monotonic() < end and not failed():
                try:
                    return self.running.wait(0.05)
                except subprocess.TimeoutExpired:
                    pass
            return None
        finally:
            self.kill()

    def stop(self):
        """End what runs, and start nothing more."""
        with self.starting:
            self.stopped = True
        self.kill()

    def kill(self):
        """End what runs, or is left running, and remove what a test program
        that is ended can't remove."""
        if not self.running:
            return
        folders = set()
        while pids := members(self.running.pid):
            for pid in pids:
                maps = contents(f"/proc/{pid}/maps")
                folders.update(TEST_FOLDER.findall(maps))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.running.wait()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def make(self, kind, *arguments, seconds=BUILD_SECONDS, **options):
        return self.run(self.build(kind), ["make", *arguments], seconds,
                        **options)

    def build(self, kind):
        """The directory of a build, configured at the first call."""
        folder = os.path.join(self.folder, "build", kind)
        if not os.path.isdir(folder):
            os.makedirs(folder)
            options = [] if has_ffmpeg() else ["--without-ffmpeg"]
            if self.run(folder, ["../../configure", *BUILDS[kind], *options],
                        BUILD_SECONDS):
                raise Wrong(f"configure failed in {folder}")
        return folder

    def test(self, kind, suite, seconds):
        """Returns what came of a suite, and how long it took to run."""
        if self.make(kind, "all" if is_script(suite) else suite):
            return "invalid", 0
        name = os.path.join(self.build(kind), re.sub(r"\.\w+$", "", suite))
        for end in ".log", ".trs":
            if os.path.exists(name + end):
                os.remove(name + end)
        start = time.monotonic()
        # What it needs is built; all other test programs are as they were.
        status = self.make(
            kind, "check-TESTS", "TESTS=" + suite, "check_PROGRAMS=",
            "check_LTLIBRARIES=", seconds=seconds,
            failed=lambda: suite.endswith(".py") and PYTHON_FAILED.search(
                contents(name + ".log")))
        return verdict(name, status), time.monotonic() - start

    def try_out(self, mutant, seconds):
        """Returns what came of a mutant, and how long that took."""
        path = os.path.join(self.folder, mutant.file)
        text = read(path)
        start = time.monotonic()
        write(path, mutant.apply(text))
        try:
            for suite in mutant.suite.split():
                result, _ = self.test(mutant.build, suite, seconds[suite])
                if result != "SURVIVED":
                    break
        finally:
            write(path, text)
        return result, time.monotonic() - start


def members(session):
    """The processes of a session that run; libcheck's tests are in process
    groups of their own."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = contents(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if fields and fields[0] != b"Z" and int(fields[3]) == session:
            pids.append(int(pid))
    return pids


def contents(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def verdict(name, status):
    """Judge by what automake, libcheck and unittest have left of a run."""
    log, result = contents(name + ".log"), contents(name + ".trs")
    if b":test-result: PASS" in result:
        return "SURVIVED"
    if b":test-result: SKIP" in result:
        return "not run"
    if b"Test timeout expired" in log or (
            status is None and not PYTHON_FAILED.search(log)):
        return "time-out"
    return "killed"


class Trees:
    """The copies, each busy with one task at a time."""

    def __init__(self, work, number):
        source = Tree(os.path.join(work, "source"))
        copy_source(source.folder)
        if not os.path.exists(os.path.join(source.folder, "configure")):
            if source.run(source.folder, ["./autogen.sh"], BUILD_SECONDS):
                raise Wrong(f"autogen.sh failed in {source.folder}")
        self.all = []
        self.free = queue.SimpleQueue()
        for i in range(number):
            tree = Tree(os.path.join(work, str(i + 1)))
            shutil.copytree(source.folder, tree.folder, symlinks=True)
            self.all.append(tree)
            self.free.put(tree)

    def map(self, function, tasks):
        """Yields each task and function(tree, task), in the tasks' order."""
        def with_tree(task):
            tree = self.free.get()
            try:
                return task, function(tree, task)
            finally:
                self.free.put(tree)

        pool = concurrent.futures.ThreadPoolExecutor(len(self.all))
        try:
            for future in [pool.submit(with_tree, task) for task in tasks]:
                # Python handles a signal that comes just before a wait only
                # after it, so that none may be long.
                while not future.done():
                    concurrent.futures.wait([future], 0.2)
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for tree in self.all:
                tree.stop()
            raise
        pool.shutdown()
