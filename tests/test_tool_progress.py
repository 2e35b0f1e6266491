#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tool shows on a terminal while it works for long.

SHMIMAGE names the tool. Without it, or where no file system of its own can be
had, this program ends with 77, for a test that is skipped.
"""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
import unittest

import test_tool
from small_file_system import SmallFileSystem, enter_name_spaces
from test_tool import PATIENCE, ToolTest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = shlex.split(os.environ.get("CC") or "cc")


class Progress(ToolTest):
    def setUp(self):
        super().setUp()
        # How far it is shows in the free space, which others use as well.
        self.path = SmallFileSystem(self, self.name("small"),
                                    256 << 20).file("a.shm")
        self.leader, self.follower = pty.openpty()
        self.addCleanup(os.close, self.leader)
        self.seen = b""

    def slowly(self):
        """The environment of a tool that is slow to reserve space."""
        if os.environ.get("SANITIZE_CFLAGS"):
            self.skipTest("nothing can be preloaded ahead of a sanitizer")
        module = self.name("slow.so")
        subprocess.run([*CC, "-shared", "-fPIC", "-o", module,
                        os.path.join(HERE, "slow_reserve.c")], check=True)
        return {"LD_PRELOAD": module, "SLOW_RESERVE_UNTIL": self.name("go")}

    def run_on_terminal(self, *arguments, **environment):
        process = self.start(*arguments, stderr=self.follower,
                             env={**os.environ, "TERM": "xterm",
                                  **environment})
        os.close(self.follower)
        return process

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition(self.seen):
            self.assertLess(time.monotonic(), end, self.seen)
            if select.select([self.leader], [], [], 1)[0]:
                self.seen += os.read(self.leader, 4096)

    def rest(self):
        while select.select([self.leader], [], [], 0)[0]:
            try:
                self.seen += os.read(self.leader, 4096)
            except OSError:
                break
        return self.seen

    def go(self):
        with open(self.name("go"), "w"):
            pass

    def watch(self, process):
        """It shows a line again and again, and takes it away at the end."""
        shown = re.compile(rb"\r\033\[K\033\[\?7l%s: reserving its space, "
                           rb"(\d+) %%, \d+\.\d s\033\[\?7h"
                           % re.escape(self.path.encode()))
        self.until(lambda seen: len(shown.findall(seen)) >= 3)
        self.assertNotIn(b"\n", self.seen)
        self.assertTrue(any(0 < int(part) <= 100
                            for part in shown.findall(self.seen)))
        self.go()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_create(self):
        for options in ((), ("--force",)):
            with self.subTest(options):
                self.watch(self.run_on_terminal(
                    "create", "--bytes", "64M", *options, self.path,
                    **self.slowly()))
                self.assertTrue(self.rest().endswith(b"\033[?7h\r\033[K"))
                self.assertEqual(os.stat(self.path).st_size, 64 << 20)
                os.unlink(self.name("go"))
                os.close(self.leader)
                self.leader, self.follower = pty.openpty()
                self.seen = b""

    def test_send_that_creates(self):
        self.watch(self.run_on_terminal(
            "send", "--create", "--size", "64x64", "--frames", "1", self.path,
            **self.slowly()))
        self.assertIn(b"\r\033[K" + self.path.encode() + b": sent 0",
                      self.rest())

    def test_quick_work_shows_none(self):
        process = self.run_on_terminal("create", "--size", "64x64", self.path)
        self.assertEqual(process.wait(PATIENCE), 0)
        # Unless the machine is so busy that it was not quick.
        if self.rest():
            self.assertGreaterEqual(min(map(float, re.findall(
                rb"(\d+\.\d) s\033", self.seen))), 0.5)

    def test_quiet_and_no_terminal_show_none(self):
        """While another one that has begun later shows it."""
        environment = self.slowly()
        piped = self.start("create", "--size", "64x64", self.name("piped"),
                           env={**os.environ, **environment})
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        quiet = self.start("send", "--create", "--quiet", "--size", "64x64",
                           "--frames", "1", self.name("quiet"),
                           stderr=follower, env={**os.environ, "TERM": "xterm",
                                                 **environment})
        self.addCleanup(os.close, follower)
        self.watch(self.run_on_terminal("create", "--size", "64x64", self.path,
                                        **environment))
        self.assertEqual(self.finish(piped), "")
        self.assertEqual(quiet.wait(PATIENCE), 0)
        self.assertEqual(select.select([leader], [], [], 0)[0], [])

    def test_send_tells_its_part(self):
        self.run_tool("create", "--size", "8x8", self.path)
        self.run_on_terminal("send", "--size", "8x8", "--rate", "100",
                             "--frames", "10000", self.path)
        self.until(lambda seen: re.search(rb"waiting for a client; [1-9]\d? %\033",
                                          seen))


if __name__ == "__main__":
    if not test_tool.TOOL:
        print("SHMIMAGE does not name the command line tool", file=sys.stderr)
        sys.exit(77)
    test_tool.TOOL = os.path.abspath(test_tool.TOOL)
    enter_name_spaces()
    unittest.main()
