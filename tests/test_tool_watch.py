#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shmimage info --watch, as lines for programs.

SHMIMAGE names the tool. Without it this program ends with 77, for a test that
is skipped.
"""

import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import unittest

import peer_stream as ps
import test_tool
from test_tool import PATIENCE, ToolTest, have_locks, wait_for

SIZE = (8, 4)
PIXELS = bytes(3 * SIZE[0] * SIZE[1])
NAMES = ["time", "file", "number", "width", "height", "images", "rate",
         "missed", "unsure", "server", "client", "states", "draw_ms",
         "wait_ms", "read_ms", "longest_wait_ms", "looks", "events"]


def parse(line):
    """A line of the kind for people and programs, as that of --json."""
    fields = dict(field.split("=") for field in line.split(" "))
    for name, value in fields.items():
        if name in ("states", "events"):
            fields[name] = [] if value == "-" else value.split(",")
        elif value == "-":
            fields[name] = None
        elif name not in ("file", "server", "client"):
            fields[name] = float(value) if "." in value else int(value)
    return fields


class Watch:
    """The tool at work, and the lines that it prints."""

    def __init__(self, test, *options, read=parse):
        self.lines = []
        self.seen = []
        self.read = read
        self.coming = queue.Queue()
        self.process = subprocess.Popen(
            [test_tool.TOOL, "info", "--watch", "--interval", "0.1", *options,
             test.path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.collect)
        self.thread.start()
        test.addCleanup(self.end)

    def collect(self):
        for line in self.process.stdout:
            self.coming.put(line)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def next(self):
        line = self.coming.get(timeout=PATIENCE)
        assert line.endswith("\n"), line
        self.lines.append(line)
        self.seen.append(self.read(line[:-1]))
        return self.seen[-1]

    def until(self, condition):
        """The first line from now on for which the condition is true."""
        found = []
        wait_for(lambda: condition(self.next()) and found.append(1) is None,
                 "no line is so")
        return self.seen[-1]

    def until_event(self, *events):
        return self.until(lambda line: line["events"] == list(events))

    def sum(self, name):
        return sum(line[name] for line in self.seen)

    def stop(self, how=signal.SIGINT):
        """End it; what it says on standard error."""
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.thread.join()
        while not self.coming.empty():
            self.next()
        error = self.process.stderr.read()
        assert code == 0, (code, error)
        return error


class WatchTest(ToolTest):
    def setUp(self):
        super().setUp()
        ps.create_file(self.path, test_tool.LEAST_FILE)

    def server(self):
        server = ps.Server(self.path)
        self.addCleanup(server.close)
        return server

    def stream(self):
        """Both ends of a stream that has begun."""
        server = self.server()
        client = ps.Client(self.path)
        self.addCleanup(client.close)
        server.init()
        client.connect()
        return server, client

    def put(self, server, number):
        self.assertEqual(server.put(number, *SIZE, PIXELS), "ok")


class Lines(WatchTest):
    def test_line_of_a_file_without_a_stream(self):
        line = Watch(self).next()
        self.assertEqual(list(line), NAMES)
        for name in NAMES:
            if name not in ("time", "looks"):
                self.assertEqual(line[name], {
                    "file": "ok", "images": 0, "rate": 0.0, "missed": 0,
                    "unsure": 0, "server": "none", "client": "none",
                    "states": ["server", "server"], "longest_wait_ms": 0.0,
                    "events": []}.get(name), name)
        self.assertGreater(line["time"], 0)
        self.assertGreater(line["looks"], 0)

    def test_json_has_the_same_members(self):
        server, client = self.stream()
        plain, as_json = Watch(self), Watch(self, "--json", read=json.loads)
        plain.next()
        self.assertEqual(as_json.next()["number"], None)
        for number in (1, 2):
            self.put(server, number)
            client.poll()
        for watch in (plain, as_json):
            line = watch.until(lambda line: line["number"] == 2)
            self.assertEqual(list(line), NAMES)
        self.assertEqual({name: type(value) for name, value in line.items()},
                         {name: type(value) for name, value in
                          plain.seen[-1].items()})

    def test_each_image_is_counted_once(self):
        server, client = self.stream()
        watch = Watch(self)
        self.assertEqual(watch.next()["number"], None)
        for number in (1, 2, 3, 7, 8):
            self.put(server, number)
            line = watch.until(lambda line: line["number"] == number)
            self.assertIn("client", line["states"])
            self.assertEqual((line["width"], line["height"]), SIZE)
            client.poll()
        error = watch.stop()
        self.assertEqual(watch.sum("images"), 5)
        self.assertEqual(watch.sum("missed"), 3)
        self.assertIn("; 5 images, ", error)
        self.assertIn("; 3 missed ", error)

    def test_waiting_image_shows_how_long(self):
        server, _ = self.stream()
        watch = Watch(self)
        before = watch.next()
        self.put(server, 1)
        first = watch.until(lambda line: line["images"])
        later = watch.until(lambda line: line["longest_wait_ms"] >= 200)
        self.assertLessEqual(later["longest_wait_ms"] / 1000,
                             later["time"] - before["time"] + 0.001)
        self.assertEqual(later["wait_ms"], None)
        self.assertGreater(first["wait_ms"], 0)

    def test_server_that_starts(self):
        server, client = self.stream()
        watch = Watch(self)
        self.put(server, 500)
        watch.until(lambda line: line["number"] == 500)
        server.init()
        line = watch.until(lambda line: line["states"] == ["init", "init"])
        self.assertTrue(any(line["events"] == ["started"]
                            for line in watch.seen))
        self.assertEqual(line["number"], None)
        client.connect()
        self.put(server, 3)
        watch.until(lambda line: line["number"] == 3)
        self.assertIn("a server has started", watch.stop())
        self.assertEqual(watch.sum("missed"), 0)

    def test_interval_is_the_time_between_two_lines(self):
        slow = Watch(self, "--interval", "3600")
        Watch(self).until(lambda line: line["time"] > 1.5)
        self.assertTrue(slow.coming.empty())
        self.assertIn("watched for", slow.stop())

    def test_count_ends_it(self):
        out, error = self.run_tool("info", "--watch", "--interval", 0.1,
                                   "--count", 2, self.path)
        self.assertEqual(len(out.splitlines()), 2)
        self.assertIn("watched for", error)

    def test_signals_end_it_with_a_summary(self):
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            watch = Watch(self)
            watch.next()
            self.assertRegex(watch.stop(how), r"\A%s: watched for \d+\.\d s; "
                             r"0 images, 0\.0 a second; 0 missed by their "
                             r"numbers\n\Z" % self.path)

    def test_pipe_gets_no_control_characters(self):
        watch = Watch(self)
        watch.next()
        self.assertTrue(watch.lines[0][:-1].isprintable())

    def test_closed_pipe_ends_it(self):
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen([test_tool.TOOL, "info", "--watch", "--interval",
                               "0.1", self.path], stdout=writer) as watch:
            os.close(writer)
            self.assertEqual(watch.wait(PATIENCE), -signal.SIGPIPE)

    def test_full_disk_ends_it(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [test_tool.TOOL, "info", "--watch", "--interval", "0.1",
                 self.path], stdout=full, stderr=subprocess.PIPE, text=True,
                timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)

    def test_wrong_usage(self):
        for arguments, words in (
                (("--interval", "1"), "--watch"),
                (("--count", "1"), "--watch"),
                (("--watch", "--count", "0"), "'0'"),
                (("--watch", "--count", "x"), "'x'"),
                *((("--watch", "--interval", value), "'%s'" % value)
                  for value in ("0", "0.09", "-1", "x", "1.", ".5", "1e3",
                                "0.1234567", "86401", ""))):
            error = self.fail_tool("info", *arguments, self.path, code=2)
            self.assertIn(words, error)

    def test_file_that_is_not_there_is_an_error(self):
        error = self.fail_tool("info", "--watch", self.name("gone"))
        self.assertIn("gone", error)
        self.assertIn("shmimage create", error)


class Peers(WatchTest):
    def test_who_takes_no_locks_shows_at_work(self):
        server, client = self.stream()
        watch = Watch(self)
        watch.next()
        self.put(server, 1)
        line = watch.until(lambda line: line["number"] == 1)
        self.assertEqual((line["server"], line["client"]), ("other", "none"))
        client.poll()
        line = watch.until(lambda line: line["client"] == "other")
        self.assertEqual(line["server"], "none")
        line = watch.until(lambda line: line["client"] == "none")

    @unittest.skipUnless(have_locks(), "built without locks")
    def test_who_takes_locks_shows_while_idle(self):
        server = self.start("send", "--quiet", "--size", "64x64", self.path)
        watch = Watch(self)
        line = watch.until(lambda line: line["server"] == "shmimage")
        self.assertEqual(line["client"], "none")
        server.kill()
        watch.until(lambda line: line["server"] == "none")

    def test_stream_is_left_as_it_is(self):
        server, client = self.stream()
        self.put(server, 1)
        self.put(server, 2)
        client.lock()

        def digest():
            with open(self.path, "rb") as file:
                return hashlib.md5(file.read()).digest()

        before = digest()
        watch = Watch(self)
        for _ in range(3):
            watch.next()
        self.assertEqual(digest(), before)
        os.chmod(self.path, 0o400)
        watch.next()
        watch.stop()
        self.assertEqual(digest(), before)

    def test_readers_and_writers_get_every_image(self):
        watch = Watch(self)
        watch.next()
        server = self.start("send", "--size", "64x64", "--rate", "0", "--wait",
                            "--frames", "300", self.path)
        client = self.client(server)
        client.connect()
        numbers = [self.receive(client).number for _ in range(300)]
        self.assertEqual(numbers, list(range(300)))
        self.assertIn("sent 300, dropped 0", self.finish(server))
        watch.until(lambda line: line["number"] == 299)
        watch.stop()
        seen = watch.sum("images") + watch.sum("missed")
        self.assertTrue(0 < seen <= 300, seen)


class Files(WatchTest):
    def test_file_that_is_removed_and_comes_back(self):
        watch = Watch(self)
        watch.next()
        os.unlink(self.path)
        line = watch.until_event("removed")
        self.assertEqual(line["file"], "missing")
        self.assertEqual(line["states"], [])
        line = watch.next()
        self.assertEqual((line["file"], line["events"]), ("missing", []))
        ps.create_file(self.path, test_tool.LEAST_FILE)
        # Its inode may be the old one's.
        line = watch.until(lambda line: "back" in line["events"])
        self.assertEqual(line["file"], "ok")
        server, _ = self.stream()
        self.put(server, 9)
        watch.until(lambda line: line["number"] == 9)
        error = watch.stop(signal.SIGTERM)
        self.assertIn("the file was removed", error)
        self.assertIn("the file can be used again", error)

    def test_file_that_is_replaced(self):
        server, _ = self.stream()
        self.put(server, 100)
        watch = Watch(self)
        self.assertEqual(watch.next()["number"], 100)
        self.run_tool("create", "--force", "--size", "64x64", self.path)
        watch.until_event("replaced")
        server, _ = self.stream()
        self.put(server, 5)
        watch.until(lambda line: line["number"] == 5)
        self.assertIn("another file has taken its name", watch.stop())
        self.assertEqual(watch.sum("missed"), 0)

    def test_file_that_is_shortened_and_given_its_size_again(self):
        watch = Watch(self)
        watch.next()
        os.truncate(self.path, 100)
        self.assertEqual(watch.until_event("shortened")["file"], "short")
        os.truncate(self.path, 0)
        watch.next()
        os.truncate(self.path, test_tool.LEAST_FILE)
        self.assertEqual(watch.until_event("back")["file"], "ok")
        os.truncate(self.path, test_tool.LEAST_FILE + 1000)
        watch.until_event("resized")
        self.assertIn("the file was shortened", watch.stop())

    def test_name_that_becomes_something_else(self):
        watch = Watch(self)
        watch.next()
        os.unlink(self.path)
        os.mkfifo(self.path)
        line = watch.until(lambda line: "unreadable" in line["events"])
        self.assertEqual(line["file"], "unreadable")
        watch.stop()


if __name__ == "__main__":
    if not test_tool.TOOL:
        print("SHMIMAGE does not name the command line tool", file=sys.stderr)
        sys.exit(77)
    test_tool.TOOL = os.path.abspath(test_tool.TOOL)
    unittest.main(verbosity=2)
