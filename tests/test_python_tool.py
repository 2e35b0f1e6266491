#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package and the command line tool, and ends that are killed.

Files, too: making, examining and resetting them.
"""

import concurrent.futures
import errno
import json
import os
import pathlib
import pickle
import stat
import subprocess
import unittest

from python_under_test import PATIENCE, TOOL, StreamTest, wait_for, \
    with_locks, without_preload
import peer_stream as ps
import shmimage

SERVE = """
import shmimage, sys
with shmimage.Writer(sys.argv[1]) as out:
    print("serves", flush=True)
    while True:
        out.put(b"abc", 1, 1, block=True)
"""
READ = """
import shmimage, sys
for frame in shmimage.Reader(sys.argv[1]):
    print(frame.number, flush=True)
"""


NUMBERS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES,
           FileExistsError: errno.EEXIST, OSError: errno.ENOSPC}


class WithTheTool(StreamTest):
    def tool(self, *arguments):
        return subprocess.run(
            [TOOL, *map(str, arguments)], check=True, timeout=PATIENCE,
            stdout=subprocess.PIPE, env=without_preload()).stdout

    def test_what_the_tool_sends_arrives_bit_for_bit(self):
        width, height, count = 33, 7, 20
        sent = [ps.make_pixels(1, n, width, height) for n in range(count)]
        raw = os.path.join(self.folder, "raw.rgb")
        with open(raw, "wb") as file:
            file.write(b"".join(sent))
        self.tool("create", "--size", "33x7", self.path)
        self.start_tool("send", "--size", "33x7", "--rate", 0, "--wait",
                        "--input", raw, self.path)
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        for number in range(count):
            with reader.acquire() as frame:
                self.assertEqual((frame.number, frame.width, frame.height),
                                 (number, width, height))
                self.assertTrue(frame.tobytes() == sent[number])

    def test_tool_and_package_find_the_same_in_a_file(self):
        with shmimage.Writer(self.path, size=(64, 48)) as out:
            reader = shmimage.Reader(self.path)
            out.put(b"abcdef", 1, 2, number=7)
            told = json.loads(self.tool("info", "--json", self.path))
            found = shmimage.info(self.path)
            reader.close()
        self.assertEqual((found.size, found.payload, found.server,
                          found.client),
                         tuple(told[name] for name in
                               ("size", "payload", "server", "client")))
        for mine, its in zip(found.buffers, told["buffers"]):
            self.assertEqual(
                (mine.number, mine.width, mine.height, mine.offset,
                 mine.num_scanlines, mine.state, mine.state_name),
                tuple(its[name] for name in
                      ("number", "width", "height", "offset",
                       "num_scanlines", "state_value", "state")))
        self.assertEqual(found.buffers[0].number, 7)
        self.assertEqual(found.buffers[0].state_name, "client")

    @with_locks
    def test_killed_server_ends_the_iteration(self):
        shmimage.create(self.path, size=(1, 1))
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        for _ in range(3):
            server = self.start_python(SERVE)
            numbers = []
            for frame in reader:
                numbers.append(frame.number)
                if len(numbers) == 10:
                    server.kill()
            self.assertGreaterEqual(len(numbers), 10)
            self.assertEqual(numbers, list(range(len(numbers))))
            server.wait(PATIENCE)

    @with_locks
    def test_killed_reader_is_noticed_and_the_next_one_served(self):
        with shmimage.Writer(self.path, size=(1, 1)) as out:
            for _ in range(3):
                client = self.start_python(READ)
                for _ in range(5):
                    self.assertTrue(out.put(b"abc", 1, 1, block=True,
                                            timeout=PATIENCE))
                client.stdout.readline()
                self.assertTrue(out.stats.connected)
                client.kill()
                client.wait(PATIENCE)
                wait_for(lambda: not out.stats.connected,
                         "the reader is still there")
                self.assertFalse(out.wait(0))

    def test_a_file_is_waited_for(self):
        with self.assertRaises(shmimage.NotFoundError):
            shmimage.wait_for_file(self.path, 0.01)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = pool.submit(shmimage.wait_for_file, self.path, PATIENCE)
            shmimage.create(self.path, (1, 1))
            self.assertIsNone(waiting.result())
        shmimage.wait_for_file(self.path)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_strangers_file_is_told(self):
        shmimage.create(self.path, (1, 1))
        shmimage.check_owner(self.path)
        os.chmod(os.path.dirname(self.path), 0o1777)
        os.chown(self.path, 4711, 0)
        with self.assertRaises(shmimage.AccessError) as caught:
            shmimage.check_owner(self.path)
        self.assertIn("user 4711", str(caught.exception))
        shmimage.check_owner(self.path, 4711)

    def test_another_file_is_left_alone(self):
        content = b"a film, say" * 2_000_000
        with open(self.path, "wb") as file:
            file.write(content)
        for use in (shmimage.Writer, shmimage.Reader, shmimage.reset):
            with self.assertRaises(shmimage.NotAStreamError) as caught:
                use(self.path)
            self.assertIn("begins with 'a film, '", str(caught.exception))
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), content)
        shmimage.reset(self.path, force=True)
        shmimage.Reader(self.path).close()

    @with_locks
    def test_second_end_is_refused_unless_it_takes_over(self):
        with shmimage.Writer(self.path, size=(1, 1)) as out:
            reader = shmimage.Reader(self.path, timeout=PATIENCE)
            for end in (shmimage.Writer, shmimage.Reader):
                with self.assertRaises(shmimage.BusyError) as caught:
                    end(self.path)
                self.assertEqual(caught.exception.code, -15)
                self.assertIn(self.path, str(caught.exception))
                end(self.path, take_over=True).close()
            with self.assertRaises(shmimage.BusyError):
                shmimage.reset(self.path)
            shmimage.reset(self.path, take_over=True)
            with self.assertRaises(shmimage.BusyError):
                shmimage.create(self.path, (1, 1), replace=True)
            self.assertEqual(reader.stats.replaced, 0)
            shmimage.create(self.path, (1, 1), replace=True, take_over=True)
            reader.close()
            out.close()


    @with_locks
    def test_file_of_a_server_is_not_replaced_unless_it_takes_over(self):
        with shmimage.Writer(self.path, size=(1, 1)) as out:
            before = os.stat(self.path)
            large = dict(size=(3840, 2160), replace=True)
            with self.assertRaises(shmimage.BusyError) as caught:
                shmimage.Writer(self.path, **large)
            for word in (self.path, "take_over"):
                self.assertIn(word, str(caught.exception))
            self.assertTrue(os.path.samestat(before, os.stat(self.path)))
            shmimage.Writer(self.path, take_over=True, **large).close()
            self.assertFalse(os.path.samestat(before, os.stat(self.path)))
            out.close()
        shmimage.create(self.path, (1, 1), replace=True)
        shmimage.Writer(self.path, **large).close()


class Files(StreamTest):
    def test_created_file_is_private_and_holds_two_images(self):
        for width, height in ((1, 1), (3840, 2160)):
            shmimage.create(self.path, (width, height), replace=True)
            found = os.stat(self.path)
            self.assertEqual(stat.S_IMODE(found.st_mode), 0o600)
            self.assertEqual(found.st_size, shmimage.file_size(width, height))
            self.assertGreaterEqual(found.st_size, 20_000_000)
            self.assertGreaterEqual(shmimage.info(self.path).payload,
                                    3 * width * height)

    def test_create_takes_bytes_and_all_kinds_of_paths(self):
        path = pathlib.Path(self.path)
        shmimage.create(path, bytes=20_000_001)
        self.assertEqual(shmimage.info(path).size, 20_000_001)
        shmimage.create(os.fsencode(path), bytes=1, replace=True)
        self.assertEqual(shmimage.info(os.fsencode(path)).size, 20_000_000)
        with shmimage.Writer(path), shmimage.Reader(path) as reader:
            self.assertEqual(reader.path, self.path)

    def test_wrong_arguments_are_refused(self):
        for wrong in (lambda: shmimage.create(self.path),
                      lambda: shmimage.create(self.path, (1, 1), bytes=1),
                      lambda: shmimage.create(self.path, bytes=-1),
                      lambda: shmimage.create(self.path, (0, 1)),
                      lambda: shmimage.file_size(1 << 32, 1),
                      lambda: shmimage.file_size(1 << 20, 1 << 20),
                      lambda: shmimage.Writer(self.path, replace=True),
                      lambda: shmimage.create("a\0b", (1, 1))):
            with self.assertRaises(ValueError):
                wrong()
        self.assertFalse(os.path.exists(self.path))

    def test_create_keeps_a_file_that_is_there(self):
        with open(self.path, "wb") as file:
            file.write(b"precious")
        with self.assertRaises(shmimage.ExistsError) as caught:
            shmimage.create(self.path, (1, 1))
        self.assertIsInstance(caught.exception, FileExistsError)
        self.assertEqual(caught.exception.code, -16)
        for end in (shmimage.Writer, shmimage.Reader):
            for size in ({}, {"size": (1, 1)}):
                with self.assertRaises(shmimage.FileSizeError):
                    end(self.path, **size)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"precious")

    def test_writer_refuses_or_replaces_a_file_that_is_too_small(self):
        shmimage.create(self.path, (1, 1))
        before = os.stat(self.path).st_ino
        with shmimage.Writer(self.path, size=(640, 480), replace=True):
            self.assertEqual(os.stat(self.path).st_ino, before)
        with self.assertRaises(shmimage.FileSizeError) as caught:
            shmimage.Writer(self.path, size=(3840, 2160))
        for word in (self.path, "%d bytes" % os.stat(self.path).st_size,
                     "3840x2160", "replace=True"):
            self.assertIn(word, str(caught.exception))
        self.assertEqual(os.stat(self.path).st_ino, before)
        with shmimage.Writer(self.path, size=(3840, 2160),
                             replace=True) as out:
            with out.frame() as drawing:
                drawing.pixels
        self.assertNotEqual(os.stat(self.path).st_ino, before)

    def test_image_too_large_for_the_file_is_refused_and_named(self):
        with shmimage.Writer(self.path, size=(640, 480)) as out:
            pixels = bytes(3 * 3840 * 2160)
            for put in (lambda: out.put(pixels, 3840, 2160),
                        lambda: out.frame(3840, 2160).__enter__()):
                with self.assertRaises(shmimage.TooLargeError) as caught:
                    put()
                self.assertEqual(caught.exception.code, -10)
                self.assertIn("3840x2160", str(caught.exception))
            self.assertEqual(out.number, 0)

    def test_what_is_no_image_is_refused(self):
        shaped = memoryview(bytes(24))
        with shmimage.Writer(self.path, size=(4, 2)) as out:
            for wrong in (bytes(24), shaped.cast("B", (2, 3, 4)),
                          shaped.cast("B", (4, 6)),
                          shaped.cast("b", (2, 4, 3))):
                with self.assertRaises(shmimage.ArgumentError):
                    out.put(wrong)
            for size in ((4, 3), (4, 1), (0, 2), (-4, -2), (1 << 32, 1)):
                with self.assertRaises(shmimage.ArgumentError):
                    out.put(bytes(24), *size)
                if size[0] < 1 or size[0] > 9:
                    with self.assertRaises(shmimage.ArgumentError):
                        out.frame(*size)
            with self.assertRaises(shmimage.ArgumentError):
                out.put(bytes(24), 4)
            for wrong in (None, 7, "text", [[[1, 2, 3]]]):
                with self.assertRaisesRegex(TypeError, "buffer protocol"):
                    out.put(wrong)
            self.assertEqual(out.stats.unconnected, 0)

    def test_missing_and_strange_files_have_their_errors(self):
        folder = self.folder
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        for path, kind, builtin in (
                (self.path, shmimage.NotFoundError, FileNotFoundError),
                (folder, shmimage.NotRegularError, Exception),
                (fifo, shmimage.NotRegularError, Exception)):
            for call in (shmimage.Reader, shmimage.Writer, shmimage.info,
                         shmimage.reset):
                with self.assertRaises(kind) as caught:
                    call(path)
                self.assertIsInstance(caught.exception, builtin)
                self.assertLess(caught.exception.code, 0)
                self.assertIn(path, str(caught.exception))

    def test_reset_leaves_a_stream_that_goes_on(self):
        shmimage.create(self.path, (1, 1))
        with ps.SharedFile(self.path) as shared:
            shared.set_state(0, ps.CLIENT_LOCKED)
            shmimage.reset(self.path)
            self.assertEqual(shared.states(), (ps.INIT, ps.INIT))


class Texts(unittest.TestCase):
    def test_codes_have_the_texts_of_the_library(self):
        texts = {shmimage.error_string(code) for code in range(-19, 6)}
        self.assertEqual(len(texts), 25)
        self.assertTrue(shmimage.error_string(4711))

    def test_errors_are_the_built_in_ones_that_name_the_same(self):
        for code, kind, builtin in (
                (-1, shmimage.ArgumentError, ValueError),
                (-6, shmimage.OutOfMemoryError, MemoryError),
                (-10, shmimage.TooLargeError, ValueError),
                (-11, shmimage.HeldError, BufferError),
                (-12, shmimage.NotFoundError, FileNotFoundError),
                (-14, shmimage.AccessError, PermissionError),
                (-16, shmimage.ExistsError, FileExistsError),
                (-17, shmimage.NoSpaceError, OSError),
                (-19, shmimage.NotAStreamError, Exception),
                (2, shmimage.Timeout, TimeoutError),
                (5, shmimage.Disconnected, EOFError),
                (-4, shmimage.Error, Exception)):
            error = shmimage._errors.error(code, "some text")
            self.assertIs(type(error), kind)
            self.assertIsInstance(error, builtin)
            self.assertIsInstance(error, shmimage.Error)
            if builtin in NUMBERS:
                self.assertEqual(error.errno, NUMBERS[builtin])
            again = pickle.loads(pickle.dumps(error))
            self.assertIs(type(again), kind)
            self.assertEqual((str(again), again.code), ("some text", code))


if __name__ == "__main__":
    unittest.main(verbosity=2)
