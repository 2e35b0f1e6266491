# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of installed packages share."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import documents
import take_signals  # noqa: F401, it acts when it is imported

TOP = documents.TOP
STREAM = "/dev/shm/live.shm"
SECONDS = 90


def read_readme():
    return documents.read("README.md")


def lines():
    """All commands of README.md."""
    return documents.of_markdown("README.md") + [
        " ".join(code.split()) for code in
        re.findall(r"`((?:man|shmimage exec [^`\s]+) [^`]*)`", read_readme())]


def the_line(words):
    return documents.choose(lines(), words)


def wait_for(look, what):
    """Call look() until it answers something, and return that."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        answer = look()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"never came: {what}")


class Program:
    """A command line that runs beside the test, and what it says."""

    def __init__(self, line, folder, **environment):
        self.line = line
        self.log = tempfile.NamedTemporaryFile(dir=folder, suffix=".log")
        self.process = subprocess.Popen(
            ["bash", "-c", f"{the_line('h264=(')}; exec {line}"], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, **environment})

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_until_says(self, pattern):
        def look():
            found = re.search(pattern, self.said())
            if not found and self.process.poll() is not None:
                raise AssertionError(f"{self.line} ended: {self.said()}")
            return found
        try:
            return wait_for(look, pattern)
        except AssertionError as error:
            raise AssertionError(f"{error} from {self.line}: {self.said()}")

    def ended(self):
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.line} does not end: {self.said()}")

    def interrupt(self):
        """As Ctrl-C does; how it ended."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Installed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=os.environ.get("AUTOPKGTEST_TMP"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.remove_stream()
        self.addCleanup(self.remove_stream)

    def remove_stream(self):
        if os.path.exists(STREAM):
            os.remove(STREAM)

    def start(self, line, **environment):
        program = Program(line, self.folder, **environment)
        self.addCleanup(program.stop)
        return program

    def run_line(self, line):
        done = subprocess.run(["bash", "-c", line], cwd=self.folder,
                              stdin=subprocess.DEVNULL, timeout=SECONDS,
                              stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, f"{line}: {done.stdout}")
        return done.stdout

    def path_of(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path_of(name), "w", encoding="utf-8") as file:
            file.write(text)
