#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shmimage info --watch on a terminal, as a person sees it.

SHMIMAGE names the tool, and pyte is the terminal. Without one of them this
program ends with 77, for a test that is skipped.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

import peer_stream as ps
import test_tool
from test_tool import PATIENCE, ToolTest

try:
    import pyte
except ImportError:
    pyte = None

SIZE = (8, 4)
PIXELS = bytes(3 * SIZE[0] * SIZE[1])
COLOURS = re.compile(rb"\033\[[0-9;]*m")
SHOW, HIDE = b"\033[?25h", b"\033[?25l"
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"


class Terminal:
    """A pseudo terminal with the tool in it, and what it shows."""

    def __init__(self, test, *options, rows=24, columns=80, path=None,
                 **environment):
        self.test = test
        self.output = b""
        self.leader, follower = pty.openpty()
        test.addCleanup(os.close, self.leader)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.resize(rows, columns, follower)
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8",
                       **environment}
        if "NO_COLOR" in environment and not environment["NO_COLOR"]:
            del environment["NO_COLOR"]
        self.process = subprocess.Popen(
            [test_tool.TOOL, "info", "--watch", "--interval", "0.1", *options,
             path or test.path], stdin=follower, stdout=follower,
            stderr=follower, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)
        test.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def resize(self, rows, columns, terminal=None):
        fcntl.ioctl(terminal or self.leader, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self):
        """Take what is there; False at the end."""
        if not select.select([self.leader], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.leader, 65536)
        except OSError:
            return False
        self.output += data
        self.stream.feed(data)
        return bool(data)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition(self):
            if time.monotonic() > end or not self.read():
                raise AssertionError("in vain; the screen is\n" + self.text())

    def until_shown(self, words):
        self.until(lambda terminal: re.search(words, terminal.text()))

    def type(self, keys):
        os.write(self.leader, keys)

    def rest(self):
        """All of its output, and its exit code."""
        end = time.monotonic() + PATIENCE
        while self.read() and time.monotonic() < end:
            if self.process.poll() is not None and \
                    not select.select([self.leader], [], [], 0.2)[0]:
                break
        return self.output, self.process.wait(PATIENCE)


class ViewTest(ToolTest):
    def setUp(self):
        super().setUp()
        ps.create_file(self.path, test_tool.LEAST_FILE)

    def stream(self):
        server, client = ps.Server(self.path), ps.Client(self.path)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        server.init()
        client.connect()
        return server, client

    def assert_restored(self, output):
        self.assertEqual(output.count(ENTER), output.count(LEAVE))
        self.assertEqual(output.count(HIDE), output.count(SHOW))
        self.assertGreater(output.rindex(LEAVE), output.rindex(ENTER))
        self.assertGreater(output.rindex(SHOW), output.rindex(HIDE))
        # Behind it, only the summary.
        self.assertNotIn(b"\033", output[output.rindex(LEAVE) + 1:])
        self.assertIn(b"watched for", output[output.rindex(LEAVE):])


class View(ViewTest):
    def test_all_that_is_known_is_shown(self):
        server, client = self.stream()
        terminal = Terminal(self)
        terminal.until_shown(r"none yet")
        self.assertIn("0.0 a second", terminal.text())
        server.put(1, *SIZE, PIXELS)
        terminal.until_shown(r"newest    number 1, 8x4")
        terminal.until_shown(r"buffer 0  .*  client\b")
        # A wait that lasts is told from one that has just begun.
        terminal.until_shown(r"buffer 0  .*  client for \d+ s")
        client.poll()
        server.put(5, *SIZE, PIXELS)
        terminal.until_shown(r"missed    \d now, 3 in all")
        text = terminal.text()
        for words in (r"\A/.*live\.shm +0:\d\d:\d\d\n20000000 bytes, images up",
                      r"\nserver    ", r"\nclient    ", r"\nan image  ",
                      r"\nlongest   wait \d+\.\d ms", r"Ctrl-C ends\."):
            self.assertRegex(text, words)

    def test_peers_at_work(self):
        server = self.start("send", "--quiet", "--size", "64x64", self.path)
        client = self.client(server)
        client.connect()
        terminal = Terminal(self)
        if test_tool.have_locks():
            words = "uses this library, at work"
        else:
            words = "takes no locks, as EnSight does, at work"

        def turn(terminal):
            client.poll()
            return re.search("server    " + words + "\nclient    takes no "
                             "locks, as EnSight does, at work",
                             terminal.text())

        terminal.until(turn)
        terminal.until(lambda terminal: client.poll() or
                       re.search(r"images    [1-9]\d*\.\d a second +[▁▂▃▄▅▆▇█]",
                                 terminal.text()))
        terminal.until_shown(r"drawing \d+\.\d\d ms, waiting \d+\.\d\d ms, "
                             r"reading \d+\.\d\d ms|none came")

    def test_file_that_vanishes_and_returns(self):
        terminal = Terminal(self)
        terminal.until_shown("20000000 bytes")
        os.unlink(self.path)
        terminal.until_shown("there is no such file; make one")
        terminal.until_shown(r"0:\d\d:\d\d   the file was removed")
        self.assertNotIn("bytes", terminal.text())
        ps.create_file(self.path, test_tool.LEAST_FILE)
        terminal.until_shown("the file can be used again")
        terminal.until_shown("20000000 bytes")

    def test_each_line_fits(self):
        server, _ = self.stream()
        server.put(1, *SIZE, PIXELS)
        for rows, columns in ((24, 80), (50, 200), (10, 30), (5, 12), (1, 1)):
            with self.subTest(rows=rows, columns=columns):
                terminal = Terminal(self, rows=rows, columns=columns)
                terminal.until(lambda terminal: terminal.output.count(
                    b"\033[H") >= 3)
                self.assertTrue(terminal.text().startswith(
                    self.path[:min(columns, len(self.path))]))
                # Nothing has scrolled, as it would behind a line that wraps.
                for part in re.split(rb"\033\[(?:\d+;1)?H", terminal.output):
                    shown = re.sub(rb"\033\[[?0-9;]*[a-zA-Z]", b"", part)
                    self.assertLessEqual(len(shown.decode()), columns)
                self.assertNotIn(b"\n", terminal.output)
                for row in re.findall(rb"\033\[(\d+);1H", terminal.output):
                    self.assertLessEqual(int(row), rows)

    def test_resized_terminal_is_filled_at_once(self):
        terminal = Terminal(self, "--interval", "3600")
        terminal.until_shown("Ctrl-C ends")
        terminal.resize(6, 20)
        terminal.until(lambda terminal: len(terminal.screen.display) == 6 and
                       terminal.screen.display[2].startswith("images"))
        terminal.resize(30, 100)
        terminal.until_shown("Ctrl-C ends")

    def test_few_rows_have_no_empty_ones(self):
        terminal = Terminal(self, rows=15)
        terminal.until_shown("Ctrl-C ends")
        self.assertNotIn("\n\n", terminal.text().rstrip("\n"))

    def test_odd_name_is_no_command_to_the_terminal(self):
        path = self.name("x\033[2J\r\x07\x9bé€\nü")
        os.rename(self.path, path)
        terminal = Terminal(self, columns=200, path=path)
        terminal.until_shown("Ctrl-C ends")
        self.assertIn("x?[2J??", terminal.text())
        self.assertIn("é€?ü", terminal.text())
        self.assertNotIn(b"\x07", terminal.output)


class Manners(ViewTest):
    def test_signals_restore_the_terminal(self):
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(how):
                terminal = Terminal(self)
                terminal.until_shown("Ctrl-C ends")
                terminal.process.send_signal(how)
                output, code = terminal.rest()
                self.assertEqual(code, 0)
                self.assert_restored(output)

    def test_typed_control_c_ends_it(self):
        terminal = Terminal(self)
        terminal.until_shown("Ctrl-C ends")
        terminal.type(b"\x03")
        output, code = terminal.rest()
        self.assertEqual(code, 0)
        self.assert_restored(output)

    def test_stopped_it_gives_the_terminal_back(self):
        terminal = Terminal(self)
        terminal.until_shown("Ctrl-C ends")
        # As the shell's child would be; orphans are not stopped by keys.
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.until(lambda terminal: LEAVE in terminal.output)
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(lambda terminal: terminal.output.count(ENTER) == 2)
        before = terminal.output.count(b"\033[H")
        terminal.until(lambda terminal: terminal.output.count(b"\033[H") >
                       before)
        terminal.process.send_signal(signal.SIGTERM)
        output, code = terminal.rest()
        self.assertEqual(code, 0)
        self.assert_restored(output)

    def test_end_by_count_and_an_error_leave_nothing_behind(self):
        output, code = Terminal(self, "--count", "2").rest()
        self.assertEqual(code, 0)
        self.assert_restored(output)
        output, code = Terminal(self, path=self.name("gone")).rest()
        self.assertEqual(code, 1)
        self.assertNotIn(b"\033", output)

    def test_terminal_that_goes_away_ends_it_without_a_signal(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [test_tool.TOOL, "info", "--watch", "--interval", "0.1",
             self.path], stdin=follower, stdout=follower,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TERM": "xterm"}, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        os.close(follower)
        self.assertTrue(os.read(leader, 100))
        os.close(leader)
        error = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn("terminal", error)

    def test_colours(self):
        server, _ = self.stream()
        server.put(1, *SIZE, PIXELS)
        for environment, coloured in (({"NO_COLOR": ""}, True),
                                      ({"NO_COLOR": "1"}, False)):
            terminal = Terminal(self, **environment)
            terminal.until_shown("Ctrl-C ends")
            found = set(COLOURS.findall(terminal.output)) - {b"\033[0m"}
            self.assertEqual(bool(found), coloured)
            # Without colours, letters tell the states apart.
            terminal.until_shown("buffer 0  " + ("█+" if coloured else "w+"))

    def test_terminal_without_utf8_gets_ascii(self):
        server, _ = self.stream()
        server.put(1, *SIZE, PIXELS)
        terminal = Terminal(self, LC_ALL="C")
        terminal.until_shown("buffer 0  w+")
        self.assertTrue(terminal.output.isascii())

    def test_dumb_terminal_gets_lines(self):
        for name in ("dumb", ""):
            output, code = Terminal(self, "--count", "2", TERM=name).rest()
            self.assertEqual(code, 0)
            self.assertNotIn(b"\033", output)
            self.assertEqual(output.count(b" file=ok "), 2)

    def test_json_on_a_terminal_is_json(self):
        output, code = Terminal(self, "--count", "2", "--json").rest()
        self.assertEqual(code, 0)
        self.assertNotIn(b"\033", output)
        self.assertEqual(output.count(b'"file": "ok"'), 2)


if __name__ == "__main__":
    if not test_tool.TOOL:
        print("SHMIMAGE does not name the command line tool", file=sys.stderr)
        sys.exit(77)
    if not pyte:
        print("pyte is missing. On Debian: apt install python3-pyte",
              file=sys.stderr)
        sys.exit(77)
    test_tool.TOOL = os.path.abspath(test_tool.TOOL)
    unittest.main()
