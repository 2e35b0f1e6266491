#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as a client, by its published interface, of Python servers.

SHMIMAGE_BUILDDIR is where the library was built. Without it, and where the
library can't be loaded by Python because it was built with sanitizers, this
program ends with 77, for a test that is skipped.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import unittest

import peer_stream as ps

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
PATIENCE = 60
LEAST_FILE = 20_000_001
ODD_4K_FILE = 50_000_001

NOERROR, NO_FRAMEAVAILABLE, RECONNECTING, LOCKED = 0, 2, 3, -11


class Frame(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint32), ("width", ctypes.c_uint32),
                ("height", ctypes.c_uint32), ("pixels", ctypes.c_void_p)]


def load():
    """The library, its functions typed as the published header has them."""
    library = ctypes.CDLL(os.path.join(
        os.environ["SHMIMAGE_BUILDDIR"], ".libs", "libshmimage.so"))
    stream = ctypes.c_void_p
    for name, *types in (
            ("create", ctypes.c_char_p, ctypes.c_uint32,
             ctypes.POINTER(stream)),
            ("lock", stream, ctypes.POINTER(ctypes.POINTER(Frame))),
            ("unlock", stream), ("destroy", stream)):
        getattr(library, "SharedMemoryImageStream_" + name).argtypes = types
    return library


class Reader:
    """The library's client on one file."""

    def __init__(self, path):
        self._stream = ctypes.c_void_p()
        self.answer = LIBRARY.SharedMemoryImageStream_create(
            os.fsencode(path), 0, ctypes.byref(self._stream))

    def lock(self):
        """(0, Image) or (another code, None)."""
        frame = ctypes.POINTER(Frame)()
        answer = LIBRARY.SharedMemoryImageStream_lock(
            self._stream, ctypes.byref(frame))
        if answer:
            return answer, None
        it = frame.contents
        pixels = ctypes.string_at(it.pixels, 3 * it.width * it.height)
        return answer, ps.Image(it.number, it.width, it.height, pixels)

    def unlock(self):
        return LIBRARY.SharedMemoryImageStream_unlock(self._stream)

    def take(self):
        """The next image that is there, or None."""
        _, image = self.lock()
        if image:
            self.unlock()
        return image

    def wait(self):
        end = time.monotonic() + PATIENCE
        while True:
            image = self.take()
            if image:
                return image
            if time.monotonic() > end:
                raise AssertionError("no image comes")

    def close(self):
        LIBRARY.SharedMemoryImageStream_destroy(self._stream)


class ReaderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "stream.shm")

    def open_reader(self, answer=NOERROR):
        reader = Reader(self.path)
        self.assertEqual(reader.answer, answer)
        self.addCleanup(reader.close)
        return reader

    def connect(self, length=LEAST_FILE):
        ps.create_file(self.path, length)
        server = ps.Server(self.path)
        self.addCleanup(server.close)
        server.init()
        return server, self.open_reader()

    def put(self, server, number, width=4, height=6):
        image = ps.Image(number, width, height,
                         ps.make_pixels(0, number, width, height))
        self.assertEqual(server.put(*image), "ok")
        return image

    def put_rows(self, server, image, *blocks):
        number, width, height, pixels = image
        for offset, rows in blocks:
            self.assertEqual(server.put_block(
                number, width, height, offset, rows,
                pixels[3 * width * offset:3 * width * (offset + rows)]), "ok")


class States(ReaderTest):
    def test_states_walk_through_one_image(self):
        server, reader = self.connect()
        self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))
        image = self.put(server, 1)
        self.assertEqual(reader.lock(), (NOERROR, image))
        self.assertEqual(server.states(), (ps.CLIENT_LOCKED, ps.SERVER))
        self.assertEqual(reader.unlock(), NOERROR)
        self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))
        self.assertEqual(reader.lock(), (NO_FRAMEAVAILABLE, None))

    def test_file_without_a_server_is_polled_until_there_is_one(self):
        ps.create_file(self.path, LEAST_FILE)
        reader = self.open_reader(NOERROR)
        self.assertEqual(reader.lock(), (NO_FRAMEAVAILABLE, None))
        with ps.Server(self.path) as server:
            server.init()
            self.assertIsNone(reader.take())
            self.assertEqual(self.put(server, 1), reader.take())

    def test_new_client_gets_what_a_dead_one_left(self):
        ps.create_file(self.path, LEAST_FILE)
        with ps.Server(self.path) as server:
            server.init()
            with ps.Client(self.path) as dead:
                dead.connect()
                self.put(server, 1)
                dead.lock()
            waiting = self.put(server, 2)
            self.assertEqual(server.states(), (ps.CLIENT_LOCKED, ps.CLIENT))
            reader = self.open_reader(RECONNECTING)
            self.assertEqual(reader.take(), waiting)
            self.assertIsNone(reader.take())
            self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))

    def test_new_server_keeps_a_held_buffer_until_it_is_released(self):
        server, reader = self.connect()
        self.put(server, 1)
        reader.lock()
        server.init()
        self.assertEqual(reader.lock()[0], LOCKED)
        self.assertEqual(server.state(0), ps.INIT)
        reader.unlock()
        self.assertIsNone(reader.take())
        self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))
        self.assertEqual(self.put(server, 1), reader.take())

    def test_unused_bytes_of_the_header_are_never_written(self):
        ps.create_file(self.path, LEAST_FILE)
        with ps.Server(self.path) as server:
            for buffer in (0, 1):
                for pad in ("pad0", "pad1", "pad2"):
                    server.poke(buffer, pad, 0xa5)
            server.init()
            reader = self.open_reader()
            for number in range(4):
                self.assertEqual(self.put(server, number), reader.take())
            for start in server.starts:
                self.assertEqual(server.memory[start + 21:start + 24],
                                 b"\xa5\xa5\xa5")


class Images(ReaderTest):
    def test_smaller_number_comes_first_in_either_buffer(self):
        server, reader = self.connect()
        for first, second in ((7, 8), (10, 9), (2 ** 32 - 1, 0),
                              (2, 2 ** 32 - 3)):
            self.put(server, first)
            self.put(server, second)
            numbers = [first, second]
            if ps.comes_before(second, first):
                numbers.reverse()
            self.assertEqual([reader.take().number, reader.take().number],
                             numbers)

    def test_image_in_blocks_is_put_together(self):
        server, reader = self.connect()
        pixels = ps.make_pixels(0, 3, 5, 7)
        image = ps.Image(3, 5, 7, pixels)
        self.put_rows(server, image, (4, 3), (2, 2))
        self.assertIsNone(reader.take())
        self.put_rows(server, image, (0, 2))
        self.assertEqual(reader.take(), image)

    def test_last_two_blocks_may_be_ready_together(self):
        server, reader = self.connect()
        for number in (1, 2):
            image = ps.Image(number, 5, 7, ps.make_pixels(0, number, 5, 7))
            self.put_rows(server, image, (3, 4), (0, 3))
            self.assertEqual(reader.take(), image)
            self.assertEqual(self.put(server, number), reader.take())

    def test_no_rows_at_offset_0_means_all(self):
        server, reader = self.connect()
        image = ps.Image(1, 5, 9, ps.make_pixels(0, 1, 5, 9))
        server.put_unchecked(ps.Header(1, 5, 9, 0, 0), image.pixels)
        self.assertEqual(reader.take(), image)

    def test_blocks_that_lie_are_refused_and_given_back(self):
        server, reader = self.connect()
        top = 2 ** 32 - 1
        for number, fields in enumerate((
                (0, 9, 0, 9), (5, 0, 0, 0), (5, 9, 0, 10), (5, 9, 1, 9),
                (5, 9, 3, 0), (5, 9, top, 2), (top, top, 0, top),
                (4000, 4000, 0, 0), (1, top, 0, 0))):
            with self.subTest(fields=fields):
                server.put_unchecked(ps.Header(number, *fields))
                self.assertEqual(reader.lock(), (NO_FRAMEAVAILABLE, None))
                self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))
        self.assertEqual(self.put(server, 99), reader.take())


class Processes(ReaderTest):
    """A server that runs at its own pace; all that it sent must come."""

    def check_stream(self, length, frames, *options):
        os.path.exists(self.path) and os.unlink(self.path)
        ps.create_file(self.path, length)
        sent = self.path + ".sent"
        server = subprocess.Popen(
            [sys.executable, PEER, "server", self.path, "--frames",
             str(frames), "--wait-client", "60", "--lossless", "--drain", "60",
             "--manifest", sent, *options], stdout=subprocess.PIPE, text=True)
        with server:
            self.addCleanup(server.kill)
            self.assertEqual(server.stdout.readline(), "ready\n")
            reader = self.open_reader()
            came = [reader.wait() for _ in range(frames)]
            self.assertIn("done sent %d " % frames,
                          server.communicate(timeout=PATIENCE)[0])
        self.assertEqual(server.returncode, 0)
        with open(sent) as file:
            for image, line in zip(came, file):
                md5 = hashlib.md5(image.pixels).hexdigest()
                self.assertEqual("%d %d %d %s\n" % (*image[:3], md5), line)

    def test_every_size_arrives_bit_for_bit(self):
        for size in ("1x1", "3x5", "1919x1079", "3840x2160"):
            with self.subTest(size=size):
                self.check_stream(ODD_4K_FILE, 5, "--size", size)

    def test_thousands_of_small_images_keep_their_order(self):
        self.check_stream(LEAST_FILE, 20_000, "--size", "3x5",
                          "--start", str(2 ** 32 - 9000))

    def test_sizes_blocks_gaps_and_restart_together(self):
        self.check_stream(
            LEAST_FILE, 200, "--sizes", "3x5,31x1,97x201", "--size-every", "7",
            "--blocks", "4", "--step", "9", "--start", "5",
            "--restart-after", "100", "--restart-start", "1")

    def test_lies_do_not_disturb_the_stream(self):
        self.check_stream(
            LEAST_FILE, 30, "--size", "97x201", "--lie", "0:width=0xffffffff",
            "--lie", "9:num_scanlines=202", "--lie", "20:height=0")


if __name__ == "__main__":
    if "SHMIMAGE_BUILDDIR" not in os.environ:
        print("SHMIMAGE_BUILDDIR is not set", file=sys.stderr)
        sys.exit(77)
    if os.environ.get("SANITIZE_CFLAGS"):
        print("Python can't load a library with sanitizers", file=sys.stderr)
        sys.exit(77)
    LIBRARY = load()
    unittest.main()
