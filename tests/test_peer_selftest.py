#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python server against the Python client.

Whatever these two disagree about cannot be used to judge the library.
"""

import hashlib
import os
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

import peer_stream as ps

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
SMALL = 100_001
SIZES = ((1, 1), (3, 5), (1919, 1079), (3840, 2160))


def expected(seed, number, width, height):
    return ps.Image(number, width, height,
                    ps.make_pixels(seed, number, width, height))


class FileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, "stream.shm")

    def connect(self, length=SMALL):
        ps.create_file(self.path, length)
        server = ps.Server(self.path)
        self.addCleanup(server.close)
        server.init()
        client = ps.Client(self.path)
        self.addCleanup(client.close)
        self.assertEqual(client.connect(), "ok")
        return server, client

    def put(self, server, number, width=4, height=6):
        image = expected(0, number, width, height)
        self.assertEqual(server.put(*image), "ok")
        return image


class Pixels(unittest.TestCase):
    def test_pixels_have_no_two_equal_rows(self):
        for width, height in ((3, 5), (1919, 1079), (3840, 2160)):
            pixels = ps.make_pixels(1, 2, width, height)
            self.assertEqual(len(pixels), 3 * width * height)
            rows = {pixels[at:at + 3 * width]
                    for at in range(0, len(pixels), 3 * width)}
            self.assertEqual(len(rows), height)

    def test_pixels_depend_on_seed_number_and_size(self):
        images = {ps.make_pixels(*key) for key in (
            (0, 0, 6, 4), (1, 0, 6, 4), (0, 1, 6, 4), (0, 0, 4, 6))}
        self.assertEqual(len(images), 4)

    def test_flip_reverses_the_rows(self):
        self.assertEqual(ps.flip(b"abcdefghi", 1, 3), b"ghidefabc")


class Numbers(unittest.TestCase):
    def test_comes_before_is_serial(self):
        last = 2 ** 32 - 1
        for a, b in ((0, 1), (last, 0), (last - 5, 7), (2 ** 31 + 3, 1)):
            self.assertTrue(ps.comes_before(a, b), (a, b))
            self.assertFalse(ps.comes_before(b, a), (b, a))
        self.assertFalse(ps.comes_before(9, 9))


class Layout(FileTest):
    def test_created_file_is_private_and_empty(self):
        ps.create_file(self.path, SMALL)
        status = os.stat(self.path)
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertEqual(status.st_size, SMALL)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read().strip(b"\0"), b"")
        self.assertRaises(FileExistsError, ps.create_file, self.path, SMALL)

    def test_every_byte_of_an_odd_file_is_where_it_should_be(self):
        server, _ = self.connect(2 * (24 + 18) + 1)
        server.put(0x01020304, 2, 3, bytes(range(18)))
        server.put(0x05060708, 3, 2, bytes(range(18, 36)))
        with open(self.path, "rb") as file:
            found = file.read()
        self.assertEqual(found, b"".join((
            struct.pack("=5IB3x", 0x01020304, 2, 3, 0, 3, 2),
            bytes(range(18)),
            struct.pack("=5IB3x", 0x05060708, 3, 2, 0, 2, 2),
            bytes(range(18, 36)), b"\0")))

    def test_unused_bytes_of_the_header_are_never_written(self):
        ps.create_file(self.path, SMALL)
        with ps.Server(self.path) as server, ps.Client(self.path) as client:
            for buffer in (0, 1):
                for pad in ("pad0", "pad1", "pad2"):
                    server.poke(buffer, pad, 0xa5)
            server.init()
            client.connect()
            for number in range(4):
                self.put(server, number)
                self.assertEqual(client.poll().number, number)
            for start in server.starts:
                self.assertEqual(server.memory[start + 21:start + 24],
                                 b"\xa5\xa5\xa5")

    def test_poke_writes_the_bytes_of_one_field(self):
        ps.create_file(self.path, 2 * 24)
        with ps.Server(self.path) as server:
            names = [name for name in ps.FIELDS if name != "state"]
            for value, name in enumerate(names, 1):
                server.poke(1, name, value)
                self.assertEqual(server.peek(1, name), value)
            self.assertEqual(server.memory[:],
                             bytes(24) + struct.pack("=5I4B", *range(1, 10)))
            server.poke(1, "state", 0)
            self.assertEqual(server.memory[24 + 20:], b"\0\7\x08\x09")

    def test_file_without_room_for_headers_is_refused(self):
        ps.create_file(self.path, 47)
        self.assertRaises(ValueError, ps.Server, self.path)


class States(FileTest):
    def test_states_walk_through_one_image(self):
        ps.create_file(self.path, SMALL)
        with ps.Server(self.path) as server, ps.Client(self.path) as client:
            server.init()
            self.assertEqual(server.states(), (ps.INIT, ps.INIT))
            self.assertEqual(server.put(*expected(0, 1, 2, 2)), "unconnected")
            client.connect()
            self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))
            self.put(server, 1)
            self.assertEqual(server.states(), (ps.CLIENT, ps.SERVER))
            client.lock()
            self.assertEqual(server.states(), (ps.CLIENT_LOCKED, ps.SERVER))
            client.unlock()
            self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))

    def test_put_with_both_buffers_full_is_refused(self):
        server, client = self.connect()
        self.put(server, 1)
        self.put(server, 2)
        self.assertEqual(server.put(*expected(0, 3, 2, 2)), "no_buffer")
        client.lock()
        self.assertEqual(server.put(*expected(0, 3, 2, 2)), "no_buffer")
        client.unlock()
        self.put(server, 3)

    def test_held_buffer_is_not_touched_by_the_server(self):
        server, client = self.connect()
        image = self.put(server, 1)
        header, pixels = client.lock()
        for number in range(2, 6):
            self.put(server, number)
            server.set_state(1, ps.SERVER)
        self.assertEqual(server.states(), (ps.CLIENT_LOCKED, ps.SERVER))
        self.assertEqual(server.header(0).frame_number, 1)
        self.assertEqual(server.read_payload(0, len(pixels)), image.pixels)
        self.assertEqual(header.frame_number, 1)

    def test_lock_and_unlock_out_of_turn_are_errors(self):
        server, client = self.connect()
        self.assertRaises(RuntimeError, client.unlock)
        self.put(server, 1)
        client.lock()
        self.assertRaises(RuntimeError, client.lock)

    def test_connect_takes_back_a_buffer_left_locked(self):
        server, client = self.connect()
        self.put(server, 1)
        client.lock()
        waiting = self.put(server, 2)
        with ps.Client(self.path) as second:
            self.assertEqual(second.connect(), "reconnecting")
            self.assertEqual(server.states(), (ps.SERVER, ps.CLIENT))
            self.assertEqual(second.poll(), waiting)


class Order(FileTest):
    def test_smaller_number_comes_first_in_either_buffer(self):
        for first, second in ((7, 8), (8, 7)):
            with self.subTest(buffer0=first):
                os.path.exists(self.path) and os.unlink(self.path)
                server, client = self.connect()
                self.put(server, first)
                self.put(server, second)
                self.assertEqual([client.poll().number, client.poll().number],
                                 [7, 8])

    def test_numbers_wrap_at_two_to_the_32(self):
        server, client = self.connect()
        last = 2 ** 32 - 1
        for number in (last - 1, last, 0, 1, 2):
            self.put(server, number)
            self.put(server, (number + 1) % 2 ** 32)
            self.assertEqual(client.poll().number, number)
            self.assertEqual(client.poll().number, (number + 1) % 2 ** 32)

    def test_image_filled_between_two_looks_is_not_overtaken(self):
        server, client = self.connect()
        states = iter((ps.SERVER, ps.CLIENT))

        def state(buffer):
            # The first look at buffer 0 is just before both are filled.
            return next(states) if buffer == 0 else ps.CLIENT
        self.put(server, 1)
        self.put(server, 2)
        client._accept_new_server = lambda: None
        client.state = state
        header, _ = client.lock()
        self.assertEqual(header.frame_number, 1)


class Blocks(FileTest):
    def put_rows(self, server, image, *blocks):
        number, width, height, pixels = image
        for offset, rows in blocks:
            self.assertEqual(server.put_block(
                number, width, height, offset, rows,
                pixels[3 * width * offset:3 * width * (offset + rows)]), "ok")

    def test_image_in_blocks_is_put_together(self):
        server, client = self.connect()
        image = expected(0, 3, 5, 7)
        self.put_rows(server, image, (4, 3), (2, 2))
        self.assertIsNone(client.poll())
        self.put_rows(server, image, (0, 2))
        self.assertEqual(client.poll(), image)

    def test_last_two_blocks_may_be_ready_together(self):
        server, client = self.connect()
        for number in (1, 2):
            image = expected(0, number, 5, 7)
            self.put_rows(server, image, (3, 4), (0, 3))
            self.assertEqual(client.poll(), image)
            image = expected(0, number, 2, 2)
            self.put(server, number)
            client.poll()

    def test_image_larger_than_a_payload_comes_in_blocks(self):
        server, client = self.connect(2 * (24 + 3 * 10 * 5))
        image = expected(0, 1, 10, 9)
        self.put_rows(server, image, (5, 4), (0, 5))
        self.assertEqual(client.poll(), image)

    def test_image_with_a_missing_block_is_refused(self):
        server, client = self.connect()
        self.put_rows(server, expected(0, 1, 5, 9), (6, 3), (0, 3))
        self.assertIsNone(client.poll())
        self.assertEqual(client.refused, 1)
        self.assertEqual(self.put(server, 2), client.poll())

    def test_unfinished_image_does_not_spoil_the_next(self):
        server, client = self.connect()
        self.put_rows(server, expected(0, 1, 5, 9), (6, 3))
        self.assertEqual(self.put(server, 2, 5, 9), client.poll())
        self.assertEqual(client.refused, 1)

    def test_no_rows_at_offset_0_means_all(self):
        server, client = self.connect()
        image = expected(0, 1, 5, 9)
        server.put_unchecked(ps.Header(1, 5, 9, 0, 0), image.pixels)
        self.assertEqual(client.poll(), image)

    def test_blocks_that_lie_are_refused_and_given_back(self):
        server, client = self.connect()
        top = 2 ** 32 - 1
        lies = ((0, 9, 0, 9), (5, 0, 0, 0), (5, 9, 0, 10), (5, 9, 1, 9),
                (5, 9, 3, 0), (5, 9, top, 2), (top, top, 0, top),
                (40_000, 1, 0, 1), (1, top, 0, 0))
        for number, fields in enumerate(lies):
            server.put_unchecked(ps.Header(number, *fields))
            self.assertIsNone(client.poll())
            self.assertEqual(client.refused, number + 1)
            self.assertEqual(server.states(), (ps.SERVER, ps.SERVER))


class Restart(FileTest):
    def test_client_connects_again_to_a_new_server(self):
        _, client = self.connect()
        with ps.Server(self.path) as second:
            second.init()
            self.assertEqual(second.put(*expected(0, 1, 2, 2)), "unconnected")
            self.assertIsNone(client.poll())
            self.assertEqual(self.put(second, 1), client.poll())

    def test_releasing_a_buffer_does_not_undo_the_new_servers_state(self):
        server, client = self.connect()
        self.put(server, 1)
        client.lock()
        server.init()
        client.unlock()
        self.assertEqual(server.states(), (ps.INIT, ps.INIT))

    def test_blocks_from_before_are_forgotten(self):
        server, client = self.connect()
        image = expected(0, 1, 2, 2)
        server.put_block(1, 2, 2, 1, 1, image.pixels[6:])
        client.poll()
        server.init()
        client.poll()
        server.put_block(1, 2, 2, 0, 1, image.pixels[:6])
        self.assertIsNone(client.poll())


class Processes(FileTest):
    """Two processes, each started through the command line."""

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, PEER, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def manifest(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read().splitlines()

    def finish(self, process):
        """The last line it says; any failure is ours."""
        out, err = process.communicate(timeout=100)
        self.assertEqual((process.returncode, err), (0, ""))
        return out.splitlines()[-1]

    def stream(self, length, frames, *options):
        """Send and receive; both manifests must be the same."""
        ps.create_file(self.path, length)
        sent = os.path.join(self.folder, "sent")
        came = os.path.join(self.folder, "came")
        server = self.start("server", self.path, "--frames", frames,
                            "--wait-client", 60, "--lossless",
                            "--drain", 60, "--manifest", sent, *options)
        self.assertEqual(server.stdout.readline(), "ready\n")
        client = self.start("client", self.path, "--frames", frames,
                            "--timeout", 60, "--seed", 0, "--manifest", came)
        self.assertEqual(self.finish(client),
                         "done received %d refused 0" % frames)
        self.assertEqual(self.finish(server),
                         "done sent %d dropped 0 unconnected 0" % frames)
        self.assertEqual(self.manifest("came"), self.manifest("sent"))
        return [int(line.split()[0]) for line in self.manifest("came")]

    def test_every_size_arrives_bit_for_bit(self):
        for width, height in SIZES:
            with self.subTest(width=width, height=height):
                os.path.exists(self.path) and os.unlink(self.path)
                self.stream(50_000_001, 5, "--size", "%dx%d" % (width, height))

    def test_thousands_of_small_images_keep_their_order(self):
        start = 2 ** 32 - 1500
        numbers = self.stream(SMALL, 3000, "--size", "3x5", "--start", start)
        self.assertEqual(numbers, [(start + i) % 2 ** 32 for i in range(3000)])

    def test_sizes_blocks_gaps_and_restart_together(self):
        numbers = self.stream(
            200_001, 60, "--sizes", "3x5,31x1,97x201", "--size-every", 7,
            "--blocks", 4, "--step", 9, "--start", 5, "--restart-after", 30,
            "--restart-start", 1)
        self.assertEqual(numbers, [5 + 9 * i for i in range(30)] +
                         [1 + 9 * i for i in range(30)])

    def test_lies_do_not_disturb_the_stream(self):
        ps.create_file(self.path, SMALL)
        server = self.start(
            "server", self.path, "--size", "3x5", "--frames", 9, "--lossless",
            "--wait-client", 60, "--lie", "0:width=0xffffffff", "--lie",
            "4:num_scanlines=6", "--lie", "6:height=0,num_scanlines=0")
        server.stdout.readline()
        client = self.start("client", self.path, "--frames", 9, "--seed", 0)
        self.assertEqual(self.finish(client), "done received 9 refused 3")
        self.finish(server)

    def test_drops_are_counted_and_absent_from_the_manifest(self):
        ps.create_file(self.path, SMALL)
        server = self.start("server", self.path, "--size", "1x1", "--frames",
                            50, "--manifest", self.path + ".sent")
        self.assertEqual(self.finish(server),
                         "done sent 0 dropped 0 unconnected 50")
        self.assertEqual(self.manifest("stream.shm.sent"), [])

    def test_slow_client_loses_images_but_never_order(self):
        ps.create_file(self.path, SMALL)
        server = self.start("server", self.path, "--size", "3x5", "--frames",
                            0, "--rate", 2000, "--wait-client", 60,
                            "--restart-after", 20)
        server.stdout.readline()
        client = self.start("client", self.path, "--frames", 40, "--hold",
                            "0.01", "--seed", 0, "--manifest",
                            self.path + ".came")
        self.finish(client)
        server.terminate()
        self.assertRegex(self.finish(server), r"^done sent \d+ dropped [1-9]")
        numbers = [int(line.split()[0])
                   for line in self.manifest("stream.shm.came")]
        falls = sum(not ps.comes_before(a, b)
                    for a, b in zip(numbers, numbers[1:]))
        self.assertLessEqual(falls, 1, numbers)

    def test_poke_waits_for_a_state_and_writes_in_order(self):
        server, client = self.connect()
        self.put(server, 1)
        poke = self.start("poke", self.path, "--buffer", 0, "--wait-state", 0,
                          "--field", "width", "--value", "0xffffffff",
                          "--field", "state", "--value", 2)
        self.assertEqual(client.poll().number, 1)
        poke.communicate(timeout=100)
        self.assertEqual(poke.returncode, 0)
        self.assertEqual(server.peek(0, "width"), 2 ** 32 - 1)
        self.assertEqual(server.states(), (ps.CLIENT, ps.SERVER))

    def test_images_are_those_that_the_server_sends(self):
        name = os.path.join(self.folder, "images")
        process = subprocess.run(
            [sys.executable, PEER, "images", "--sizes", "3x5,1x1", "--frames",
             "4", "--seed", "8", "--manifest", name], stdout=subprocess.PIPE,
            check=True)
        images = [expected(8, 0, 3, 5), expected(8, 1, 3, 5),
                  expected(8, 2, 1, 1), expected(8, 3, 1, 1)]
        self.assertEqual(process.stdout,
                         b"".join(image.pixels for image in images))
        self.assertEqual(self.manifest("images"), [
            "%d %d %d %s" % (*image[:3], hashlib.md5(image[3]).hexdigest())
            for image in images])

    def test_exit_codes_tell_failure_from_wrong_usage(self):
        ps.create_file(self.path, SMALL)
        for code, *arguments in (
                (1, "info", self.path + ".none"),
                (1, "create", self.path, "--bytes", 5),
                (1, "server", self.path, "--size", "4000x4000"),
                (1, "client", self.path, "--timeout", 0),
                (1, "server", self.path, "--size", "1x1", "--wait-client",
                 "0.01"),
                (1, "poke", self.path, "--buffer", 0, "--field", "state",
                 "--value", 256),
                (2, "server", self.path, "--size", "0x1"),
                (2, "server", self.path),
                (2, "poke", self.path, "--buffer", 2, "--field", "state",
                 "--value", 0),
                (2, "nothing", self.path)):
            with self.subTest(arguments=arguments):
                process = self.start(*arguments)
                _, err = process.communicate(timeout=100)
                self.assertEqual(process.returncode, code)
                self.assertIn("peer.py", err)
                self.assertNotIn("Traceback", err)


if __name__ == "__main__":
    unittest.main()
