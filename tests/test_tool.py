#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line tool: its options, messages, exit codes and signals.

SHMIMAGE names the tool. Without it this program ends with 77, for a test that
is skipped.
"""

import ctypes
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import peer_stream as ps
import take_signals  # noqa: F401, it acts when it is imported
from waiting import PATIENCE, wait_for

TOOL = os.environ.get("SHMIMAGE")
BUILD = os.environ.get("SHMIMAGE_BUILDDIR")
STRANGER = 4711
# Has the device, and notes its arguments.
PLAYER = """#!/bin/sh
case "$*" in
*demuxer=shmimage) echo "Demuxer shmimage [test]:" ;;
*) echo "$@" > "$0.arguments" ;;
esac
"""
FFMPEG = os.environ.get("FFMPEG") or "ffmpeg"
COMMANDS = ("create", "info", "send", "reset", "exec")
LEAST_FILE = 20_000_000
COUNTS = re.compile(r": sent (\d+), dropped (\d+), without a client (\d+), "
                    r"left unread \d+; (\d+\.\d) images/s; (.*)")


def have_locks():
    """Whether the tool was built so that it sees who is connected."""
    try:
        with open(os.path.join(BUILD or "", "config.h")) as config:
            return "#define SHMI_HAVE_OFD_LOCKS 1" in config.read()
    except OSError:
        return True


def load_library():
    """The library that was built with the tool, or None if it can't be."""
    if os.environ.get("SANITIZE_CFLAGS"):
        return None
    try:
        library = ctypes.CDLL(os.path.join(BUILD or "", ".libs",
                                           "libshmimage.so"))
    except OSError:
        return None
    library.shmimage_reader_open.argtypes = (
        ctypes.c_char_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p))
    library.shmimage_reader_close.argtypes = (ctypes.c_void_p,)
    library.shmimage_reader_close.restype = None
    return library


def unread(pipe):
    """How many bytes are in it."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def read_cells(pixels, width, height):
    """The number in a picture of the test card, as testcard.h describes it."""
    def brightness(part_x, part_y):
        at = ((part_y + 1) * height // 40 * width +
              (part_x + 1) * width // 40) * 3
        return sum(pixels[at:at + 3]) / 3

    def lit(part_x, part_y):
        level = brightness(part_x, part_y)
        if 100 < level < 156:
            raise ValueError("a cell is neither light nor dark")
        return level > 128

    if not lit(18, 37) or lit(20, 37):
        raise ValueError("not a test card")
    number = 0
    for part_x in [*range(2, 18, 2), *range(22, 38, 2)]:
        for part_y in (1, 37):
            number = number << 1 | lit(part_x, part_y)
    return number


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = self.name("live.shm")

    def name(self, name):
        return os.path.join(self.folder, name)

    def run_tool(self, *arguments, code=0, **popen):
        """Run it to its end; what it printed, as text, out and error."""
        done = subprocess.run([TOOL, *map(str, arguments)],
                              stdin=popen.pop("stdin", subprocess.DEVNULL),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE, **popen)
        error = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, code, error)
        return done.stdout.decode(errors="replace"), error

    def fail_tool(self, *arguments, code=1, **popen):
        """Run it; it prints nothing but the error that this returns."""
        out, error = self.run_tool(*arguments, code=code, **popen)
        self.assertEqual(out, "")
        self.assertTrue(error.startswith("shmimage"), error)
        return error

    def start(self, *arguments, **popen):
        process = subprocess.Popen(
            [TOOL, *map(str, arguments)],
            stdin=popen.pop("stdin", subprocess.DEVNULL),
            stderr=popen.pop("stderr", subprocess.PIPE),
            stdout=subprocess.DEVNULL, text=True, **popen)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stderr):
            if stream:
                stream.close()

    def stop(self, process, how=signal.SIGTERM):
        """Ask it to end; what it still said."""
        process.send_signal(how)
        return self.finish(process)

    def finish(self, process, code=0):
        error = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, code, error)
        return error

    def make_stranger_s(self):
        """A stream of another user where everybody may create files."""
        if os.geteuid():
            self.skipTest("only root can give files away")
        self.run_tool("create", "--size", "64x64", self.path)
        os.chmod(self.folder, 0o1777)
        os.chown(self.path, STRANGER, STRANGER)

    def refuse_stranger_s(self, *arguments, **popen):
        error = self.fail_tool(*arguments, self.path, **popen)
        self.assertIn(f"{self.path}: belongs to user {STRANGER}", error)
        self.assertIn("--owner NUMBER", error)
        with open(self.path, "rb") as file:
            self.assertFalse(any(file.read()))

    def send(self, *options):
        """A server that is up, and a client that has not connected yet."""
        self.run_tool("create", "--size", "64x64", self.path)
        server = self.start("send", *options, self.path)
        return server, self.client(server)

    def client(self, server):
        client = ps.Client(self.path)
        self.addCleanup(client.close)
        wait_for(lambda: ps.INIT in client.states() or
                 server.poll() is not None, "the server does not start")
        return client

    def receive(self, client):
        return wait_for(client.poll, "no image comes")


class Usage(ToolTest):
    def test_help_of_the_program_lists_the_commands(self):
        out, error = self.run_tool("--help")
        self.assertTrue(out.startswith("Usage: shmimage COMMAND "))
        self.assertEqual(error, "")
        for command in COMMANDS:
            self.assertRegex(out, r"(?m)^  %s " % command)
        self.assertEqual(out, self.run_tool("-h")[0])

    def test_help_of_each_command(self):
        for command in COMMANDS:
            out, error = self.run_tool(command, "--help")
            self.assertTrue(out.startswith("Usage: shmimage %s " % command))
            self.assertIn("--help", out)
            self.assertIn("Example", out)
            self.assertEqual(error, "")
            for line in out.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_version(self):
        out, _ = self.run_tool("--version")
        self.assertRegex(out, r"\Ashmimage \d+\.\d+\.\d+\n\Z")
        for command in ((), *((command,) for command in COMMANDS)):
            for option in ("--version", "-V"):
                self.assertEqual((out, ""), self.run_tool(*command, option))

    def test_wrong_usage_names_what_is_wrong_and_points_to_help(self):
        cases = (
            ((), "which command"),
            (("frobnicate",), "'frobnicate'"),
            (("--frobnicate",), "'--frobnicate'"),
            (("info",), "FILE"),
            (("info", ""), "FILE"),
            (("info", "a", "b"), "'b'"),
            (("info", "--nonsense", "a"), "'--nonsense'"),
            (("info", "-z", "a"), "'-z'"),
            (("info", "--json=1", "a"), "'--json' takes no value"),
            (("create", "a"), "--size"),
            (("create", "--size", "1x1", "--bytes", "1", "a"),
             "give only one of --size and --bytes"),
            (("create", "--size"), "'--size' needs a value"),
            (("send", "--s", "1", "a"), "'--s'"),
            (("send", "--input", "-", "a"), "--size"),
            (("send", "--input", "-", "--size", "1x1,2x2", "a"), "one size"),
            (("exec",), "COMMAND"),
        )
        for arguments, words in cases:
            with self.subTest(arguments):
                error = self.fail_tool(*arguments, code=2)
                self.assertIn(words, error)
                self.assertRegex(error, r"Try 'shmimage.* --help'")

    def test_bad_values_name_themselves(self):
        cases = {
            ("create", "--size"): (
                "", "x", "5", "5x", "x5", "0x5", "5x0", "-1x5", "5x-1",
                "+5x5", " 5x5", "5x5 ", "5x5x5", "5.0x5", "0x10x10", "5X5",
                "4294967296x1", "99999999999999999999x1"),
            ("create", "--bytes"): (
                "", "0", "-1", "x", "1T", "1KK", "1 K", "9223372036854775808",
                "8589934592G"),
            ("send", "--size"): (
                "5x5,", ",5x5", "5x5;6x6", ",".join(["1x1"] * 17)),
            ("send", "--size-every"): ("", "0", "-1", "1.5"),
            ("send", "--rate"): (
                "", "-1", "a", "1/0", "0/0", "1/", "/2", "60.", ".5", "1.2.3",
                "60fps", "1e3", "1000001", "1/86401", "0.0000001", "nan"),
            ("send", "--frames"): ("", "0", "-1", "x",
                                   "18446744073709551616"),
            ("send", "--start"): ("", "-1", "4294967296", "1x"),
            **{(command, "--owner"): ("", "-1", "4294967296", "root")
               for command in ("send", "record", "view")},
        }
        for (command, option), values in cases.items():
            for value in values:
                with self.subTest(command=command, option=option,
                                  value=value):
                    error = self.fail_tool(command, option, value, "a", code=2)
                    self.assertIn("'%s'" % value, error)

    def test_sixteen_sizes_are_not_too_many(self):
        self.run_tool("send", "--create", "--frames", 1, "--size",
                      ",".join(["1x1"] * 16), self.path)

    def test_sizes_that_no_stream_can_carry(self):
        for size in ("4294967295x4294967295", "32768x10923"):
            for command in (("create",), ("send",), ("send", "--create")):
                error = self.fail_tool(*command, "--size", size, self.path)
                self.assertIn(size + " is more than a stream can carry", error)
        self.assertFalse(os.path.exists(self.path))

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_output_that_can_not_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([TOOL, "--help"], stdout=full,
                                  stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)


class Create(ToolTest):
    def test_file_is_private_and_has_all_its_space(self):
        out, _ = self.run_tool("create", "--size", "1920x1080", self.path)
        st = os.stat(self.path)
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o600)
        self.assertGreaterEqual(st.st_size, LEAST_FILE)
        self.assertGreaterEqual(st.st_blocks * 512, st.st_size)
        for words in (self.path, str(st.st_size), "1920x1080"):
            self.assertIn(words, out)

    def test_size_leaves_room_for_two_images(self):
        self.run_tool("create", "--size", "3840x2160", self.path)
        self.assertGreaterEqual(os.path.getsize(self.path),
                                2 * (24 + 3840 * 2160 * 3))

    def test_bytes(self):
        for text, size in (("1", LEAST_FILE), ("20000001", 20000001),
                           ("20000K", 20480000), ("24M", 24 << 20)):
            self.run_tool("create", "--force", "--bytes", text, self.path)
            self.assertEqual(os.path.getsize(self.path), size)

    def test_existing_file_stays_without_force(self):
        with open(self.path, "w") as precious:
            precious.write("precious")
        error = self.fail_tool("create", "--size", "8x8", self.path)
        self.assertIn(self.path, error)
        self.assertIn("--force", error)
        with open(self.path) as precious:
            self.assertEqual(precious.read(), "precious")

    def test_force_replaces_the_file_and_not_its_content(self):
        self.run_tool("create", "--size", "8x8", self.path)
        with open(self.path, "r+b") as old:
            old.write(b"old")
            old.flush()
            self.run_tool("create", "--force", "--size", "8x8", self.path)
            old.seek(0)
            self.assertEqual(old.read(3), b"old")
            self.assertNotEqual(os.fstat(old.fileno()).st_ino,
                                os.stat(self.path).st_ino)

    def test_missing_directory(self):
        for command in (("create", "--size", "8x8"), ("send",),
                        ("send", "--create"), ("info",)):
            error = self.fail_tool(*command, self.name("no/live.shm"))
            self.assertIn("no/live.shm: can't ", error)
            self.assertIn(f"the directory {self.name('no')} does not exist",
                          error)


class Info(ToolTest):
    def info(self, path=None):
        out, _ = self.run_tool("info", "--json", path or self.path)
        return json.loads(out)

    def test_new_file(self):
        self.run_tool("create", "--size", "1920x1080", self.path)
        info = self.info()
        size = os.path.getsize(self.path)
        buffer = {"state": "server", "state_value": 0, "number": 0, "width": 0,
                  "height": 0, "offset": 0, "num_scanlines": 0}
        self.assertEqual(info, {
            "path": self.path, "size": size, "payload": size // 2 - 24,
            "example": "1920x1080", "server": False, "client": False,
            "buffers": [buffer, buffer]})

    def test_example_is_the_largest_that_fits(self):
        bytes = 2 * (24 + 3 * 3840 * 2160)
        for size, example in ((bytes, "3840x2160"), (bytes - 2, "2560x1440")):
            self.run_tool("create", "--force", "--bytes", size, self.path)
            self.assertEqual(self.info()["example"], example)
            self.assertIn("up to %d pixels, such as %s\n"
                          % ((size // 2 - 24) // 3, example),
                          self.run_tool("info", self.path)[0])

    def test_text_of_a_new_file(self):
        self.run_tool("create", "--size", "1920x1080", self.path)
        out, _ = self.run_tool("info", self.path)
        for words in (self.path, "1920x1080", "server, no image", "not seen"):
            self.assertIn(words, out)

    def test_states_and_blocks(self):
        self.run_tool("create", "--size", "64x64", self.path)
        with ps.SharedFile(self.path) as file:
            file.poke(0, "state", 3)
            file.poke(1, "state", 77)
            for i, field in enumerate(("frame_number", "width", "height",
                                       "offset", "num_scanlines")):
                file.poke(1, field, 4294967290 + i)
        first, second = self.info()["buffers"]
        self.assertEqual(first["state"], "client-locked")
        self.assertEqual(second, {
            "state": "unknown", "state_value": 77, "number": 4294967290,
            "width": 4294967291, "height": 4294967292, "offset": 4294967293,
            "num_scanlines": 4294967294})
        out, _ = self.run_tool("info", self.path)
        self.assertIn("unknown (77), image 4294967290", out)
        self.assertIn("block of 4294967294 rows from row 4294967293", out)
        with ps.SharedFile(self.path) as file:
            file.poke(1, "offset", 0)
            file.poke(1, "num_scanlines", 4294967292)
        out, _ = self.run_tool("info", self.path)
        self.assertIn("image 4294967290, 4294967291x4294967292\n", out)

    def test_path_of_any_bytes_gives_json(self):
        for name, text in (
                (b'a"\\\n\t\x7f.shm', 'a"\\\n\t\x7f.shm'),
                ("Bild\u00e4\u20ac\U0001f600".encode(),
                 "Bild\u00e4\u20ac\U0001f600"),
                (b"\xff\xc3(\xed\xa0\x80\xc0\x80\xe2\x82", "\ufffd\ufffd("
                 "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"),
                (b"\xf4\x8f\xbf\xbf\xf4\x90\x80\x80",
                 "\U0010ffff\ufffd\ufffd\ufffd\ufffd")):
            path = os.path.join(os.fsencode(self.folder), name)
            try:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR))
            except OSError:
                continue  # not every file system takes any bytes
            os.truncate(path, LEAST_FILE)
            out = subprocess.run([TOOL, "info", "--json", path], check=True,
                                 stdout=subprocess.PIPE, timeout=PATIENCE)
            info = json.loads(out.stdout.decode())
            self.assertEqual(os.path.basename(info["path"]), text)

    @unittest.skipUnless(have_locks(), "built without locks")
    def test_server_is_seen(self):
        server, _ = self.send("--quiet")
        self.assertTrue(self.info()["server"])
        self.assertIn("server:    connected",
                      self.run_tool("info", self.path)[0])
        self.stop(server)
        self.assertFalse(self.info()["server"])

    def test_files_that_are_no_streams(self):
        fifo = self.name("fifo")
        os.mkfifo(fifo)
        small = self.name("small")
        with open(small, "wb") as file:
            file.write(bytes(5000))
        for path, words in ((self.name("missing"), "no such file"),
                            (self.folder, "regular file"),
                            (fifo, "regular file"),
                            ("/dev/null", "regular file"),
                            (small, "5000")):
            for command in ("info", "reset", "send"):
                with self.subTest(path=path, command=command):
                    error = self.fail_tool(command, path)
                    self.assertIn(path, error)
                    self.assertIn(words, error)


class Reset(ToolTest):
    def test_frees_locked_buffers(self):
        self.run_tool("create", "--size", "8x8", self.path)
        with ps.SharedFile(self.path) as file:
            file.poke(0, "state", 1)
            file.poke(1, "state", 3)
            out, _ = self.run_tool("reset", self.path)
            self.assertEqual(out, "")
            self.assertEqual(file.states(), (ps.INIT, ps.INIT))

    @unittest.skipUnless(have_locks(), "built without locks")
    def test_leaves_a_server_alone_unless_forced(self):
        server, client = self.send("--quiet")
        client.connect()
        states = client.states()
        error = self.fail_tool("reset", self.path)
        self.assertIn(self.path, error)
        self.assertIn("--force", error)
        self.assertNotIn(ps.INIT, states)
        self.run_tool("reset", "--force", self.path)
        self.stop(server)


    def test_leaves_another_file_alone_unless_forced(self):
        content = b"a film, say" * 2_000_000
        with open(self.path, "wb") as file:
            file.write(content)
        for command in (("reset",), ("send", "--frames", 1)):
            error = self.fail_tool(*command, self.path)
            self.assertIn(self.path + ": not a stream", error)
            self.assertIn("begins with 'a film, '", error)
            with open(self.path, "rb") as file:
                self.assertEqual(file.read(), content)
        self.run_tool("reset", "--force", self.path)
        with ps.SharedFile(self.path) as file:
            self.assertEqual(file.states(), (ps.INIT, ps.INIT))


class Send(ToolTest):
    def raw(self, count, width, height):
        return b"".join(ps.make_pixels(1, i, width, height)
                        for i in range(count))

    def test_card_shows_the_number_that_is_sent_with_it(self):
        server, client = self.send("--size", "320x240,64x64", "--size-every",
                                   1, "--rate", 0, "--frames", 8, "--start",
                                   2 ** 32 - 4)
        client.connect()
        for i in range(8):
            image = self.receive(client)
            self.assertEqual(image.number, (2 ** 32 - 4 + i) % 2 ** 32)
            self.assertEqual((image.width, image.height),
                             ((320, 240), (64, 64))[i % 2])
            self.assertEqual(read_cells(image.pixels, image.width,
                                        image.height), image.number)
        self.finish(server)

    def test_sizes_and_turns_if_none_are_given(self):
        for options, sizes in (
                ((), [(1280, 720)] * 2),
                (("--size", "8x8,16x9"), [(8, 8)] * 60 + [(16, 9)])):
            self.run_tool("create", "--force", "--size", "1280x720", self.path)
            server = self.start("send", "--rate", 0, "--frames", len(sizes),
                                *options, self.path)
            client = self.client(server)
            client.connect()
            images = [self.receive(client) for _ in sizes]
            self.assertEqual([image[1:3] for image in images], sizes)
            self.finish(server)

    def test_card_is_the_same_every_time_and_flips(self):
        pictures = []
        for options in ([], [], ["--flip"]):
            self.run_tool("create", "--force", "--size", "8x8", self.path)
            server = self.start("send", "--size", "200x180", "--wait",
                                "--start", 1000, "--frames", 1, *options,
                                self.path)
            client = self.client(server)
            client.connect()
            pictures.append(self.receive(client).pixels)
            self.finish(server)
        self.assertEqual(pictures[0], pictures[1])
        self.assertEqual(pictures[0], ps.flip(pictures[2], 200, 180))

    def test_numbers_go_on_while_images_are_dropped(self):
        server, client = self.send("--size", "8x8", "--rate", 1000)
        client.connect()
        line = ""
        while not line or int(COUNTS.search(line).group(2)) < 10:
            line = server.stderr.readline()
        numbers = [self.receive(client).number for _ in range(4)]
        self.assertGreater(numbers[-1] - numbers[0], 3)
        self.assertEqual(numbers, sorted(numbers))
        self.stop(server)

    def test_images_do_not_come_faster_than_the_rate(self):
        for options in (("--rate", "100/3"), ("--rate", "33.3"), ()):
            frames = 11 if options else 21
            before = time.monotonic()
            self.run_tool("create", "--force", "--size", "8x8", self.path)
            server = self.start("send", "--size", "8x8", "--wait", "--frames",
                                frames, *options, self.path)
            client = self.client(server)
            client.connect()
            for _ in range(frames):
                self.receive(client)
            self.finish(server)
            self.assertGreaterEqual(time.monotonic() - before, 0.3)

    def pause(self, server, seconds):
        """Stop it for so long."""
        server.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, server.pid, os.WSTOPPED)
        start = time.monotonic()
        wait_for(lambda: time.monotonic() - start > seconds, "time stands")

    def test_images_that_come_too_late_are_dropped(self):
        server, client = self.send("--size", "8x8", "--rate", 10,
                                   "--frames", 30)
        client.connect()
        self.receive(client)
        self.pause(server, 3.5)
        while client.poll():
            pass
        server.send_signal(signal.SIGCONT)
        image = self.receive(client)
        if image.number < 29:  # it was begun before
            image = self.receive(client)
        self.assertEqual(image.number, 29)
        counts = COUNTS.findall(self.finish(server))[-1]
        self.assertEqual(sum(map(int, counts[:3])), 30)

    def test_late_images_are_not_dropped_but_put_off_with_wait(self):
        server, client = self.send("--size", "8x8", "--rate", 20, "--wait",
                                   "--frames", 20)
        client.connect()
        numbers = [self.receive(client).number]
        self.pause(server, 1.5)
        while image := client.poll():
            numbers.append(image.number)
        left = 20 - len(numbers)
        start = time.monotonic()
        server.send_signal(signal.SIGCONT)
        numbers += [self.receive(client).number for _ in range(left)]
        self.assertEqual(numbers, list(range(20)))
        # The first of them may have been begun before.
        self.assertGreaterEqual(time.monotonic() - start, (left - 2) / 20)
        self.finish(server)

    def test_frames_counts_dropped_images_too(self):
        server, client = self.send("--size", "8x8", "--rate", 500,
                                   "--frames", 20)
        sent, *others = map(int, COUNTS.search(self.finish(server)).group(1, 2,
                                                                         3))
        # On a busy machine it may be late for some of them, and drop those.
        self.assertEqual((sent, sum(others)), (0, 20))
        self.assertEqual(client.states(), (ps.INIT, ps.INIT))

    def test_input_arrives_bit_for_bit(self):
        path = self.name("raw")
        with open(path, "wb") as file:
            file.write(self.raw(5, 7, 3))
        for flip in ([], ["--flip"]):
            self.run_tool("create", "--force", "--size", "8x8", self.path)
            server = self.start("send", "--input", path, "--size", "7x3",
                                "--rate", 0, "--wait", *flip, self.path)
            client = self.client(server)
            client.connect()
            for i in range(5):
                pixels = ps.make_pixels(1, i, 7, 3)
                self.assertEqual(
                    self.receive(client),
                    (i, 7, 3, ps.flip(pixels, 7, 3) if flip else pixels))
            self.assertIn("sent 5, dropped 0", self.finish(server))

    def test_input_in_small_pieces(self):
        read, write = os.pipe()
        self.run_tool("create", "--size", "8x8", self.path)
        self.addCleanup(os.close, read)
        server = self.start("send", "--input", "-", "--size", "7x3", "--wait",
                            self.path, stdin=read)
        client = self.client(server)
        client.connect()
        data = self.raw(2, 7, 3)
        for start in range(0, len(data), 20):
            os.write(write, data[start:start + 20])
            wait_for(lambda: not unread(read), "nothing reads the piece")
        os.close(write)
        for i in range(2):
            self.assertEqual(self.receive(client).pixels,
                             ps.make_pixels(1, i, 7, 3))
        self.finish(server)

    def test_short_last_image(self):
        self.run_tool("create", "--size", "8x8", self.path)
        server = self.start("send", "--input", "-", "--size", "7x3",
                            self.path, stdin=subprocess.PIPE)
        server.stdin.write("x" * 60)
        server.stdin.close()
        server.stdin = None
        error = self.finish(server, code=1)
        self.assertIn("3 of its 63 bytes are missing", error)

    def test_empty_input(self):
        self.run_tool("create", "--size", "8x8", self.path)
        _, error = self.run_tool("send", "--input", "-", "--size", "7x3",
                                 self.path)
        self.assertIn("sent 0", error)

    def test_input_that_can_not_be_read(self):
        self.run_tool("create", "--size", "8x8", self.path)
        for path in (self.name("missing"), self.folder):
            _, error = self.run_tool("send", "--input", path, "--size", "7x3",
                                     self.path, code=1)
            self.assertIn(path, error)

    def test_input_from_a_terminal(self):
        leader, follower = pty.openpty()
        try:
            error = self.fail_tool("send", "--input", "-", "--size", "7x3",
                                   self.path, code=2, stdin=follower)
        finally:
            os.close(leader)
            os.close(follower)
        self.assertIn("terminal", error)

    def test_image_too_large_for_the_file(self):
        self.run_tool("create", "--size", "8x8", self.path)
        for options in ([], ["--input", "-"]):
            error = self.fail_tool("send", "--size", "3840x2160", *options,
                                   self.path)
            self.assertIn(self.path, error)
            self.assertIn("create --force --size 3840x2160", error)

    def test_create_makes_a_file_but_leaves_one_alone(self):
        self.run_tool("send", "--create", "--size", "8x8,3000x2000",
                      "--frames", 1, self.path)
        before = os.stat(self.path)
        self.assertGreaterEqual(before.st_size, 2 * (24 + 3000 * 2000 * 3))
        self.run_tool("send", "--create", "--size", "8x8", "--frames", 1,
                      self.path)
        self.assertEqual(os.stat(self.path).st_ino, before.st_ino)

    @unittest.skipUnless(have_locks(), "built without locks")
    def test_second_server_has_to_take_over(self):
        server, client = self.send("--quiet")
        error = self.fail_tool("send", "--frames", 1, self.path)
        self.assertIn(self.path, error)
        self.assertIn("--take-over", error)
        client.connect()
        self.run_tool("send", "--frames", 1, "--take-over", self.path)
        self.stop(server)


    def test_file_of_a_stranger(self):
        self.make_stranger_s()
        for options in (), ("--create",), ("--owner", STRANGER + 1):
            self.refuse_stranger_s("send", "--frames", 1, *options)
        self.run_tool("send", "--owner", STRANGER, "--frames", 1, "--size",
                      "8x8", self.path)


class SendEnds(ToolTest):
    def test_signals_end_it_cleanly(self):
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signals.append(signal.SIGHUP)
        for how in signals:
            self.run_tool("create", "--force", "--size", "8x8", self.path)
            server = self.start("send", "--size", "8x8", self.path)
            client = self.client(server)
            client.connect()
            self.receive(client)
            self.assertRegex(self.stop(server, how), COUNTS)

    def test_what_nohup_has_started_goes_on_after_a_hangup(self):
        self.run_tool("create", "--size", "8x8", self.path)
        server = self.start(
            "send", "--size", "8x8", self.path, preexec_fn=lambda:
            signal.signal(signal.SIGHUP, signal.SIG_IGN))
        client = self.client(server)
        client.connect()
        server.send_signal(signal.SIGHUP)
        numbers = [self.receive(client).number for _ in range(5)]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(server.poll(), None)
        self.assertRegex(self.stop(server), COUNTS)

    def test_signal_while_it_waits(self):
        fifo = self.name("fifo")
        os.mkfifo(fifo)
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        cases = (
            ["--wait"],                                   # for a client
            ["--rate", "1/3600"],                         # for the next image
            ["--input", "-", "--size", "8x8"],            # for bytes
            ["--input", fifo, "--size", "8x8"],           # for a writer
        )
        for options in cases:
            with self.subTest(options):
                self.run_tool("create", "--force", "--size", "8x8", self.path)
                server = self.start("send", *options, self.path, stdin=read)
                self.client(server)
                self.assertRegex(self.stop(server), COUNTS)
        os.close(read)

    def test_it_goes_on_when_nobody_reads_its_status(self):
        server, client = self.send("--size", "8x8", "--rate", 500)
        server.stderr.close()
        server.stderr = None
        client.connect()
        # By then there were two lines that could not be written.
        while self.receive(client).number < 1250:
            pass
        server.terminate()
        self.assertEqual(server.wait(PATIENCE), 0)


class Status(ToolTest):
    def test_lines_say_what_happens(self):
        server, client = self.send("--size", "8x8", "--rate", 200)
        line = COUNTS.search(server.stderr.readline())
        self.assertEqual(line.group(1, 5), ("0", "waiting for a client"))
        self.assertGreater(int(line.group(3)), 0)
        client.connect()
        words = set()
        while "client connected, not reading" not in words:
            line = COUNTS.search(server.stderr.readline())
            words.add(line.group(5))
            self.assertEqual(line.group(5) == "client connected",
                             float(line.group(4)) > 0)
        self.assertGreater(int(line.group(2)), 0)
        last = COUNTS.search(self.stop(server))
        self.assertRegex(last.group(5), r"done after \d+\.\d s")
        # There are two buffers, and nobody has read them.
        self.assertEqual(last.group(1), "2")

    @unittest.skipUnless(have_locks(), "built without locks")
    def test_client_that_has_left_is_not_connected(self):
        library = load_library()
        if not library:
            self.skipTest("the library can't be loaded here")
        server, _ = self.send("--size", "8x8", "--rate", 200)
        stream = ctypes.c_void_p()
        self.assertGreaterEqual(
            library.shmimage_reader_open(os.fsencode(self.path), 0,
                                         ctypes.byref(stream)), 0)
        self.wait_for_status(server, "client connected, not reading")
        library.shmimage_reader_close(stream)
        line = self.wait_for_status(server, "waiting for a client")
        self.assertIn("left unread 2;", line.string)
        # It stays like that, and says so once more.
        later = COUNTS.search(server.stderr.readline())
        self.assertEqual(later.group(1, 5),
                         (line.group(1), "waiting for a client"))
        self.assertGreater(int(later.group(3)), int(line.group(3)))
        self.stop(server)

    def wait_for_status(self, server, words):
        def look():
            line = COUNTS.search(server.stderr.readline())
            return line if line.group(5) == words else None

        return wait_for(look, "no status says: " + words)

    def test_quiet(self):
        self.run_tool("create", "--size", "8x8", self.path)
        # For long enough that there would be a status.
        out, error = self.run_tool("send", "--quiet", "--rate", 2, "--frames",
                                   4, self.path)
        self.assertEqual((out, error), ("", ""))

    def test_one_line_on_a_terminal(self):
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        self.run_tool("create", "--size", "8x8", self.path)
        server = self.start("send", "--size", "8x8", self.path,
                            stderr=follower, env={**os.environ,
                                                  "TERM": "xterm"})
        os.close(follower)
        seen = b""
        end = time.monotonic() + PATIENCE
        while len(re.findall(rb"\r[^\r\n]*waiting for a client", seen)) < 2:
            self.assertLess(time.monotonic(), end, seen)
            if select.select([leader], [], [], 1)[0]:
                seen += os.read(leader, 4096)
        self.assertNotIn(b"\n", seen)
        server.terminate()
        self.assertEqual(server.wait(PATIENCE), 0)


class View(ToolTest):
    def test_no_display(self):
        names = "DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"
        environment = {name: value for name, value in os.environ.items()
                       if name not in names}
        error = self.fail_tool("view", "--create", "8x8", self.path,
                               env={**environment, "DISPLAY": ""})
        self.assertIn("there is no display for a window", error)
        self.assertFalse(os.path.exists(self.path))
        for name in names:
            self.assertIn("no such file", self.fail_tool(
                "view", self.path, env={**environment, name: "x"}))
        self.assertIn("no such file", self.fail_tool(
            "view", self.path, "--", "--vo=drm", env=environment))

    def make_player(self, name):
        path = self.name(name)
        with open(path, "w") as script:
            script.write(PLAYER)
        os.chmod(path, 0o755)
        return {"env": {**os.environ, "DISPLAY": "x", "FFPLAY": path}}

    def arguments(self, name):
        with open(self.name(name + ".arguments")) as file:
            return file.read()

    def wait_for_file(self):
        viewing = self.start("view", "--wait-file", self.path,
                             **self.make_player("ffplay"))
        self.assertEqual(viewing.stderr.readline(),
                         f"waiting for {self.path} to be created\n")
        return viewing

    def test_file_that_is_being_created(self):
        with open(self.path, "w"):
            pass
        viewing = self.wait_for_file()
        os.truncate(self.path, LEAST_FILE)
        self.assertIn("shown by", self.finish(viewing))
        self.assertIn(self.path, self.arguments("ffplay"))
        self.assertIn("nothing to wait for", self.fail_tool(
            "view", "--wait-file", "--create", "8x8", self.path, code=2))

    def test_ctrl_c_before_the_file_is_created(self):
        viewing = self.wait_for_file()
        viewing.send_signal(signal.SIGINT)
        self.assertIn("stopped before", self.finish(viewing, code=1))
        self.assertEqual(os.listdir(self.folder), ["ffplay"])

    def test_file_of_a_stranger(self):
        self.make_stranger_s()
        for name, option in (("ffplay", f"-owner {STRANGER} "),
                             ("mpv", f"-o-add=owner={STRANGER} ")):
            player = self.make_player(name)
            self.refuse_stranger_s("view", **player)
            self.run_tool("view", "--owner", STRANGER, self.path, **player)
            self.assertIn(option, self.arguments(name))


class Exec(ToolTest):
    def setUp(self):
        super().setUp()
        # Any library will do to see how it is handed on.
        with open("/proc/self/maps") as maps:
            found = re.search(r"/\S*/libc[.-]\S*", maps.read())
        if not found:
            self.skipTest("found no shared library to preload")
        self.module = self.name("module.so")
        os.symlink(found.group(), self.module)
        self.real = os.path.realpath(self.module)

    def exec(self, *arguments, code=0, **environment):
        return self.run_tool("exec", *arguments, code=code,
                             env=self.environment(**environment))

    @staticmethod
    def environment(**changes):
        return {**{name: value for name, value in os.environ.items()
                   if name not in ("LD_PRELOAD", "SHMIMAGE_PRELOAD")},
                **changes}

    def test_module_is_preloaded(self):
        show = ["sh", "-c", 'echo "$LD_PRELOAD"']
        self.assertEqual(self.exec("--module", self.module, *show)[0].strip(),
                         self.real)
        self.assertEqual(
            self.exec(*show, SHMIMAGE_PRELOAD=self.module)[0].strip(),
            self.real)
        other = self.name("other.so")
        os.symlink(self.real, other)
        self.assertEqual(
            self.exec("--module", self.module, *show, LD_PRELOAD=other,
                      SHMIMAGE_PRELOAD="nowhere",
                      # A sanitized tool wants to be the first otherwise.
                      ASAN_OPTIONS="verify_asan_link_order=0")[0].strip(),
            self.real + ":" + other)

    def test_empty_variable_is_none(self):
        answers = [subprocess.run(
            [TOOL, "exec", "sh", "-c", 'echo "$LD_PRELOAD"'],
            # A sanitizer's message has a process number in it.
            env=self.environment(ASAN_OPTIONS="verify_asan_link_order=0:"
                                 "detect_leaks=0", **changes),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
            for changes in ({}, {"SHMIMAGE_PRELOAD": ""})]
        for name in ("returncode", "stdout", "stderr"):
            first, second = (getattr(answer, name) for answer in answers)
            self.assertEqual(first, second)

    def test_options_of_the_command_are_its_own(self):
        out, _ = self.exec("--module", self.module, "echo", "--help",
                           "--module", "x")
        self.assertEqual(out, "--help --module x\n")

    def test_exit_code_is_the_command_s(self):
        self.exec("--module", self.module, "sh", "-c", "exit 7", code=7)

    def test_command_is_missing(self):
        for command in ("no-such-command", "./no/such", ""):
            _, error = self.exec("--module", self.module, command, code=1)
            self.assertIn(command + ": there is no such command", error)

    def test_command_is_not_executable(self):
        plain = self.name("plain")
        with open(plain, "w"):
            pass
        for command in (plain, self.folder):
            _, error = self.exec("--module", self.module, command, code=1)
            self.assertIn(command, error)
        _, error = self.exec("--module", self.module, "plain", code=1,
                             PATH="%s:/nowhere" % self.folder)
        self.assertIn("plain: Permission denied", error)

    def test_command_is_found_in_path(self):
        place = self.name("bin")
        os.mkdir(place)
        with open(os.path.join(place, "hello"), "w") as script:
            script.write("#!/bin/sh\necho hello\n")
        os.chmod(script.name, 0o755)
        out, _ = self.exec("--module", self.module, "hello",
                           PATH="/nowhere:%s:%s" % (place, os.environ["PATH"]))
        self.assertEqual(out, "hello\n")
        # An empty entry is the current folder.
        out, _ = self.run_tool(
            "exec", "--module", self.module, "hello", cwd=place,
            env=self.environment(PATH="/nowhere::" + os.environ["PATH"]))
        self.assertEqual(out, "hello\n")

    def test_module_is_missing(self):
        _, error = self.exec("--module", "/no/module.so", "true", code=1)
        self.assertIn("/no/module.so", error)
        _, error = self.exec("true", code=1, SHMIMAGE_PRELOAD="/no/module.so")
        self.assertIn("/no/module.so", error)
        self.assertIn("SHMIMAGE_PRELOAD", error)

    def test_module_in_a_path_that_can_not_be_preloaded(self):
        place = self.name("with space")
        os.mkdir(place)
        module = os.path.join(place, "module.so")
        shutil.copy(self.real, module)
        _, error = self.exec("--module", module, "true", code=1)
        self.assertIn("space", error)

    def test_warns_of_a_static_program(self):
        program = self.name("static")
        bits = 8 * struct.calcsize("P")
        header = b"\x7fELF" + bytes([bits // 32, 2 - (sys.byteorder ==
                                                      "little"), 1])
        with open(program, "wb") as file:
            file.write(header.ljust(64, b"\0"))
        os.chmod(program, 0o755)
        # How it ends is not ours: a shell may get it when the system won't.
        error = subprocess.run(
            [TOOL, "exec", "--module", self.module, program],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=self.environment(), timeout=PATIENCE).stderr
        self.assertIn("warning: " + program, error)
        self.assertIn("statically", error)

    @unittest.skipUnless(os.getuid() == 0, "only root can give files away")
    def test_warns_of_a_set_uid_program(self):
        program = self.name("setuid")
        shutil.copy(shutil.which("true"), program)
        for user, group, mode in (12345, 0, 0o4755), (0, 12345, 0o2755):
            os.chown(program, user, group)
            os.chmod(program, mode)
            _, error = self.exec("--module", self.module, program)
            self.assertIn("set-uid or set-gid", error)

    def test_does_not_warn_of_others(self):
        self.assertEqual(self.exec("--module", self.module, "true")[1], "")


def can_encode():
    if not shutil.which(FFMPEG):
        return False
    answer = subprocess.run([FFMPEG, "-hide_banner", "-encoders"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            timeout=PATIENCE)
    return b"libx264" in answer.stdout


@unittest.skipUnless(can_encode(), "needs an ffmpeg with libx264")
class Coding(ToolTest):
    def run_ffmpeg(self, *arguments, data=None):
        return subprocess.run(
            [FFMPEG, "-v", "error", "-nostdin" if data is None else "-y",
             *arguments], input=data, stdout=subprocess.PIPE, check=True,
            timeout=PATIENCE).stdout

    def pictures(self, count, width, height):
        server, client = self.send("--size", "%dx%d" % (width, height),
                                   "--rate", 0, "--wait", "--start", 1000000,
                                   "--frames", count)
        client.connect()
        pictures = [self.receive(client).pixels for _ in range(count)]
        self.finish(server)
        return b"".join(pictures)

    def test_numbers_survive_h264_and_scaling(self):
        count = 12
        for width, height in ((64, 64), (320, 240), (640, 360)):
            video = self.name("%dx%d.mkv" % (width, height))
            self.run_ffmpeg(
                "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
                "%dx%d" % (width, height), "-i", "-", "-c:v", "libx264",
                "-crf", "28", "-pix_fmt", "yuv420p", video,
                data=self.pictures(count, width, height))
            os.unlink(self.path)
            for w, h in ((width, height), (width // 2, height // 2),
                         (width * 3 // 2, height)):
                raw = self.run_ffmpeg("-i", video, "-s", "%dx%d" % (w, h),
                                      "-f", "rawvideo", "-pix_fmt", "rgb24",
                                      "-")
                size = w * h * 3
                numbers = [read_cells(raw[i * size:(i + 1) * size], w, h)
                           for i in range(count)]
                self.assertEqual(numbers, list(range(1000000,
                                                     1000000 + count)))


if __name__ == "__main__":
    if not TOOL:
        print("SHMIMAGE does not name the command line tool", file=sys.stderr)
        sys.exit(77)
    TOOL = os.path.abspath(TOOL)
    unittest.main(verbosity=2)
