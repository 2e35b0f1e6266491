#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line tool on a file system that is full.

SHMIMAGE names the tool. Without it, or where no small file system can be had,
this program ends with 77, for a test that is skipped.
"""

import os
import subprocess
import sys
import tempfile
import time
import unittest

from small_file_system import PAGE, SmallFileSystem, enter_name_spaces

PATIENCE = 60
TOOL = os.environ.get("SHMIMAGE")
STATE, FREE, INIT = 20, b"\0", b"\4"


class FullTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def mount(self, size):
        return SmallFileSystem(self, os.path.join(self.folder, "small"), size)

    def run_tool(self, *arguments, code=0):
        done = subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout, done.stderr

    def fail_tool(self, path, message, *arguments):
        out, err = self.run_tool(*arguments, path, code=1)
        self.assertEqual(out, "")
        self.assertTrue(err.startswith(f"shmimage {arguments[0]}: {path}: "),
                        err)
        self.assertIn(message, err)

    def send(self, path, *options):
        return self.run_tool("send", "--frames", "5", "--rate", "1000",
                             *options, path)


class Create(FullTest):
    def test_nothing_is_left_and_the_next_try_works(self):
        small = self.mount("19m")
        path = small.file("live.shm")
        for command in (("create", "--bytes", "20000000"),
                        ("create", "--bytes", "20000000", "--force"),
                        ("send", "--create", "--frames", "5")):
            with self.subTest(command=command):
                self.fail_tool(path, "free some space", *command)
                self.assertEqual(small.names(), [])
        small.resize("20m")
        self.run_tool("create", "--bytes", "20000000", path)
        self.send(path, "--size", "64x36")

    def test_force_leaves_the_old_file(self):
        small = self.mount("30m")
        path = small.file("live.shm")
        self.run_tool("create", "--bytes", "20000000", path)
        with open(path, "r+b") as old:
            old.seek(1000)
            old.write(b"old")
        before = os.stat(path)
        self.fail_tool(path, "free some space", "create", "--force",
                       "--bytes", "20000000")
        after = os.stat(path)
        self.assertEqual((after.st_ino, after.st_size, after.st_blocks),
                         (before.st_ino, before.st_size, before.st_blocks))
        with open(path, "rb") as old:
            self.assertEqual(old.read(1003)[1000:], b"old")
        self.assertEqual(small.names(), ["live.shm"])

    @staticmethod
    def free_buffers(path):
        with open(path, "r+b") as stream:
            for offset in 0, os.stat(path).st_size // 2:
                state = os.pread(stream.fileno(), 1, offset + STATE)
                if state == INIT:
                    os.pwrite(stream.fileno(), FREE, offset + STATE)

    def test_the_file_can_be_filled_when_all_is_full(self):
        small = self.mount("24m")
        path = small.file("live.shm")
        self.run_tool("create", "--size", "1800x1800", path)
        small.fill()
        # What a client leaves is a free buffer, and the image is drawn.
        sender = subprocess.Popen(
            [TOOL, "send", "--wait", "--frames", "2", "--size", "1800x1800",
             path], stderr=subprocess.PIPE, text=True)
        self.addCleanup(sender.kill)
        deadline = time.monotonic() + PATIENCE
        while sender.poll() is None and time.monotonic() < deadline:
            self.free_buffers(path)
            time.sleep(0.001)
        err = sender.communicate(timeout=PATIENCE)[1]
        self.assertEqual(sender.returncode, 0, err)
        self.assertIn("sent 2, dropped 0", err)


class Sparse(FullTest):
    """A file that was made by others, without its space."""

    def setUp(self):
        super().setUp()
        self.small = self.mount("1m")
        self.path = self.small.make_sparse("live.shm")

    def test_send_says_so_at_once(self):
        for pages in 0, 1:
            with self.subTest(pages=pages):
                self.small.fill(pages * PAGE)
                self.fail_tool(self.path, "the file system is full", "send",
                               "--quiet", "--size", "64x36")

    def test_reset_says_so(self):
        self.small.fill()
        self.fail_tool(self.path, "the file system is full", "reset")
        self.small.resize("2m")
        self.run_tool("reset", self.path)

    def test_info_needs_no_space(self):
        self.small.fill()
        self.assertIn("20000000 bytes", self.run_tool("info", self.path)[0])


if __name__ == "__main__":
    if not TOOL:
        print("skipped: SHMIMAGE does not name the tool")
        sys.exit(77)
    enter_name_spaces()
    unittest.main(verbosity=2)
