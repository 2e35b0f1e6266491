#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library, through its command line tool, against the Python peers.

SHMIMAGE names the tool, or SHMIMAGE_BUILDDIR the directory where it was
built; without either this program ends with 77, for a test that is skipped.
"""

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

import peer_stream as ps
from waiting import PATIENCE, wait_for

SIZES = ((1, 1), (3, 5), (1919, 1079), (3840, 2160))
LEAST_FILE = 20_000_001
ODD_4K_FILE = 50_000_001


def find_tool():
    built = os.environ.get("SHMIMAGE_BUILDDIR")
    tool = os.environ.get("SHMIMAGE") or (
        built and os.path.join(built, "tools", "shmimage"))
    return os.path.abspath(tool) if tool and os.path.exists(tool) else None


def sees_servers():
    """False if the tool was built next to a config.h without the locks."""
    config = os.path.join(os.path.dirname(TOOL), "..", "config.h")
    if not os.path.exists(config):
        return True
    with open(config) as file:
        return "#define SHMI_HAVE_OFD_LOCKS 1" in file.read()


TOOL = find_tool()
with_locks = unittest.skipUnless(TOOL and sees_servers(),
                                 "built with --disable-ofd-locks")


def images(seed, start, count, width, height):
    return [ps.Image(number, width, height,
                     ps.make_pixels(seed, number, width, height))
            for number in range(start, start + count)]


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, "stream.shm")

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            [TOOL, *map(str, arguments)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_tool(self, *arguments, code=0):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, code, err)
        return out if code == 0 else err

    def finish(self, process):
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)

    def stop(self, process):
        process.terminate()
        self.finish(process)

    def create(self, length=LEAST_FILE):
        ps.create_file(self.path, length)

    def open_client(self):
        client = ps.Client(self.path)
        self.addCleanup(client.close)
        return client

    def send(self, *options, **popen):
        """A server, and a client that has found but not yet joined it.

        Whatever was in the file before, it was not two buffers in INIT.
        """
        server = self.start("send", *options, self.path, **popen)
        client = self.open_client()
        wait_for(lambda: client.states() == (ps.INIT, ps.INIT),
                 "the server does not initialise")
        return server, client

    def write_raw(self, sequence):
        name = os.path.join(self.folder, "raw.rgb")
        with open(name, "wb") as file:
            file.writelines(image.pixels for image in sequence)
        return name

    def receive(self, client):
        return wait_for(client.poll, "no image comes")


class Create(ToolTest):
    def test_created_file_is_private_whatever_the_umask(self):
        for umask in ("000", "022", "077"):
            path = self.path + umask
            subprocess.run(
                ["sh", "-c", 'umask "$0"; exec "$@"', umask, TOOL, "create",
                 "--size", "64x48", path], check=True, timeout=PATIENCE,
                stdout=subprocess.DEVNULL)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_created_file_holds_two_images(self):
        for width, height in SIZES + ((4096, 4096),):
            self.run_tool("create", "--force", "--size",
                          "%dx%d" % (width, height), self.path)
            with ps.SharedFile(self.path) as shared:
                self.assertGreaterEqual(shared.length, 20_000_000)
                self.assertGreaterEqual(shared.payload, 3 * width * height)

    def test_created_file_is_all_zeros(self):
        self.run_tool("create", "--size", "1x1", self.path)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read().strip(b"\0"), b"")

    def test_create_keeps_a_file_that_is_there(self):
        with open(self.path, "wb") as file:
            file.write(b"precious")
        error = self.run_tool("create", "--size", "64x48", self.path, code=1)
        self.assertIn(self.path, error)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"precious")


class Send(ToolTest):
    def check_arrival(self, width, height, length, *options, turned=False):
        os.path.exists(self.path) and os.unlink(self.path)
        self.create(length)
        sent = images(1, 0, 4, width, height)
        server, client = self.send(
            "--size", "%dx%d" % (width, height), "--rate", 0, "--wait",
            "--input", self.write_raw(sent), *options)
        self.assertEqual(client.connect(), "ok")
        for image in sent:
            if turned:
                image = image._replace(
                    pixels=ps.flip(image.pixels, width, height))
            came = self.receive(client)
            self.assertEqual(came[:3], image[:3])
            self.assertTrue(came.pixels == image.pixels, "pixels differ")
        self.assertIsNone(client.poll())
        self.assertEqual(client.refused, 0)
        self.finish(server)

    def test_every_size_arrives_bit_for_bit(self):
        for width, height in SIZES:
            with self.subTest(width=width, height=height):
                self.check_arrival(width, height, ODD_4K_FILE)

    def test_flipped_images_arrive_upside_down(self):
        for width, height in SIZES:
            with self.subTest(width=width, height=height):
                self.check_arrival(width, height, ODD_4K_FILE, "--flip",
                                   turned=True)

    def test_every_remainder_of_the_length_is_laid_out_alike(self):
        for length in range(LEAST_FILE, LEAST_FILE + 8):
            with self.subTest(length=length):
                self.check_arrival(31, 17, length)

    def test_image_that_fills_the_payload_arrives(self):
        self.check_arrival(3456, 1000, 2 * (24 + 3 * 3456 * 1000))

    def test_image_one_byte_too_large_is_refused_and_named(self):
        self.create(2 * (24 + 3 * 3456 * 1000) - 1)
        error = self.run_tool("send", "--size", "3456x1000", self.path, code=1)
        self.assertIn(self.path, error)
        self.assertIn("3456x1000", error)

    def test_standard_input_is_read_like_a_file(self):
        self.create()
        sent = images(2, 0, 5, 33, 7)
        with open(self.write_raw(sent), "rb") as raw:
            server, client = self.send("--size", "33x7", "--rate", 0, "--wait",
                                       "--input", "-", stdin=raw)
            client.connect()
            self.assertEqual([self.receive(client) for _ in sent], sent)
            self.finish(server)

    def test_every_byte_is_where_it_should_be(self):
        self.create()
        before = b"\3" * LEAST_FILE
        with open(self.path, "wb") as file:
            file.write(before)
        sent = images(3, 0x01020304, 2, 5, 3)
        server, client = self.send("--size", "5x3", "--rate", 0, "--wait",
                                   "--start", 0x01020304,
                                   "--input", self.write_raw(sent))
        client.connect()
        wait_for(lambda: client.states() == (ps.CLIENT, ps.CLIENT),
                 "the server does not fill both buffers")
        self.stop(server)
        with open(self.path, "rb") as file:
            after = file.read()
        half = LEAST_FILE // 2
        parts = sorted((after[:half], after[half:2 * half]),
                       key=lambda part: struct.unpack_from("=I", part))
        for image, part in zip(sent, parts):
            self.assertEqual(part[:21], struct.pack(
                "=5IB", image.number, 5, 3, 0, 3, 2))
            self.assertIn(part[21:24], (b"\3" * 3, bytes(3)))
            self.assertEqual(part[24:69], image.pixels)
            self.assertEqual(part[69:], before[69:half])
        self.assertEqual(after[2 * half:], b"\3")

    def test_unused_bytes_of_the_header_stay_after_the_start(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 0)
        for buffer in (0, 1):
            for pad in ("pad0", "pad1", "pad2"):
                client.poke(buffer, pad, 0xa5)
        client.connect()
        for _ in range(50):
            self.receive(client)
        for start in client.starts:
            self.assertEqual(client.memory[start + 21:start + 24],
                             b"\xa5\xa5\xa5")
        self.stop(server)

    def test_numbers_wrap_at_two_to_the_32(self):
        self.create()
        start = 2 ** 32 - 20
        server, client = self.send("--size", "64x48", "--rate", 0, "--wait",
                                   "--frames", 40, "--start", start)
        client.connect()
        self.assertEqual([self.receive(client).number for _ in range(40)],
                         [(start + i) % 2 ** 32 for i in range(40)])
        self.finish(server)

    def test_slow_client_loses_images_but_never_order(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 2000)
        client.connect()
        numbers = []
        while len(numbers) < 30:
            block = wait_for(client.lock, "no image comes")
            held = client.held
            numbers.append(block[0].frame_number)
            wait_for(lambda: client.state(1 - held) == ps.CLIENT,
                     "the other buffer stays empty")
            client.unlock()
        self.stop(server)
        self.assertTrue(all(map(ps.comes_before, numbers, numbers[1:])),
                        numbers)

    def test_sizes_take_turns(self):
        self.create()
        server, client = self.send("--size", "64x48,32x24", "--size-every", 3,
                                   "--rate", 0, "--wait", "--frames", 12)
        client.connect()
        sizes = [self.receive(client)[1:3] for _ in range(12)]
        self.assertEqual(sizes, 2 * (3 * [(64, 48)] + 3 * [(32, 24)]))
        self.finish(server)

    def test_test_card_moves(self):
        self.create()
        server, client = self.send("--size", "320x240", "--rate", 0, "--wait",
                                   "--frames", 10)
        client.connect()
        cards = {self.receive(client).pixels for _ in range(10)}
        self.assertEqual(len(cards), 10)
        self.finish(server)


class Connection(ToolTest):
    def test_late_client_finds_state_4_and_then_images(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 500)
        # Its status comes once a second: by then it sends to nobody.
        self.assertIn(self.path, server.stderr.readline())
        self.assertEqual(client.states(), (ps.INIT, ps.INIT))
        self.assertEqual(client.connect(), "ok")
        numbers = [self.receive(client).number for _ in range(5)]
        self.assertTrue(all(map(ps.comes_before, numbers, numbers[1:])),
                        numbers)
        self.stop(server)

    def test_held_buffer_is_not_touched_by_the_server(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 0)
        client.connect()
        header, pixels = wait_for(client.lock, "no image comes")
        held, other = client.held, 1 - client.held
        for _ in range(100):
            wait_for(lambda: client.state(other) == ps.CLIENT,
                     "the server does not fill the other buffer")
            client.set_state(other, ps.SERVER)
        self.assertEqual(client.state(held), ps.CLIENT_LOCKED)
        self.assertEqual(client.header(held), header)
        self.assertEqual(client.read_payload(held, len(pixels)), pixels)
        client.unlock()
        self.stop(server)

    def test_killed_server_is_followed_by_a_new_one(self):
        self.create()
        first, client = self.send("--size", "64x48", "--rate", 0)
        client.connect()
        for start in (1000, 2000, 3000):
            self.receive(client)
            first.send_signal(signal.SIGKILL)
            first.wait(PATIENCE)
            first, _ = self.send("--size", "64x48", "--rate", 0, "--wait",
                                 "--start", start)
            self.assertEqual(self.receive(client).number, start)
        self.stop(first)

    def test_new_server_does_not_hurt_a_client_that_holds_a_buffer(self):
        self.create()
        first, client = self.send("--size", "64x48", "--rate", 0)
        client.connect()
        _, pixels = wait_for(client.lock, "no image comes")
        held = client.held
        self.stop(first)
        second, _ = self.send("--size", "64x48", "--rate", 0, "--wait",
                              "--start", 7)
        self.assertEqual(client.read_payload(held, len(pixels)), pixels)
        client.unlock()
        self.assertEqual(client.states(), (ps.INIT, ps.INIT))
        self.assertEqual(self.receive(client).number, 7)
        self.stop(second)


class Info(ToolTest):
    STATES = ("server", "server-locked", "client", "client-locked", "init",
              "unknown")

    def info(self):
        return json.loads(self.run_tool("info", "--json", self.path))

    def test_info_agrees_with_the_bytes(self):
        self.create()
        fields = [field for field in ps.FIELDS if field[:3] != "pad"]
        with ps.SharedFile(self.path) as shared:
            for state, name in enumerate(self.STATES):
                for buffer in (0, 1):
                    for i, field in enumerate(fields):
                        shared.poke(buffer, field, 0xffffff00 + 10 * buffer + i
                                    if i < 5 else (state + buffer) % 256)
                before = shared.memory[:]
                found = self.info()
                self.assertEqual(found["size"], shared.length)
                self.assertEqual(found["payload"], shared.payload)
                for buffer, told in enumerate(found["buffers"]):
                    self.assertEqual(
                        (told["number"], told["width"], told["height"],
                         told["offset"], told["num_scanlines"]),
                        shared.header(buffer))
                    self.assertEqual(told["state_value"],
                                     shared.state(buffer))
                self.assertEqual(found["buffers"][0]["state"], name)
                self.assertTrue(shared.memory[:] == before, "info writes")

    def test_info_sees_no_peer_that_takes_no_locks(self):
        self.create()
        with ps.Server(self.path) as server, ps.Client(self.path) as client:
            server.init()
            client.connect()
            found = self.info()
        self.assertEqual((found["server"], found["client"]), (False, False))

    @with_locks
    def test_info_sees_our_server_until_it_ends(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 0, "--wait")
        client.connect()
        found = self.info()
        self.assertEqual((found["server"], found["client"]), (True, False))
        self.stop(server)
        self.assertFalse(self.info()["server"])


class Reset(ToolTest):
    def test_reset_leaves_both_headers_as_a_servers_start_does(self):
        self.create()
        with ps.SharedFile(self.path) as shared:
            for states in ((1, 3), (2, 0), (3, 4)):
                for buffer in (0, 1):
                    for field in ps.Header._fields:
                        shared.poke(buffer, field, 77)
                    shared.set_state(buffer, states[buffer])
                self.run_tool("reset", self.path)
                self.assertEqual(shared.states(), (ps.INIT, ps.INIT))
                for buffer in (0, 1):
                    self.assertEqual(shared.header(buffer), (0, 0, 0, 0, 0))

    @with_locks
    def test_reset_refuses_under_a_server_and_changes_nothing(self):
        self.create()
        server, client = self.send("--size", "64x48", "--rate", 0, "--wait")
        client.connect()
        wait_for(lambda: client.states() == (ps.CLIENT, ps.CLIENT),
                 "the server does not fill both buffers")
        self.assertIn(self.path, self.run_tool("reset", self.path, code=1))
        self.assertEqual(client.states(), (ps.CLIENT, ps.CLIENT))
        self.stop(server)

    def test_python_stream_goes_on_after_a_reset(self):
        self.create()
        with ps.Server(self.path) as server, ps.Client(self.path) as client:
            server.init()
            client.connect()
            for buffer in (0, 1):
                client.set_state(buffer, ps.CLIENT_LOCKED)
            image = images(0, 1, 1, 3, 5)[0]
            self.assertEqual(server.put(*image), "no_buffer")
            self.run_tool("reset", self.path)
            self.assertEqual(server.put(*image), "unconnected")
            self.assertIsNone(client.poll())
            self.assertEqual(server.put(*image), "ok")
            self.assertEqual(client.poll(), image)


if __name__ == "__main__":
    if not TOOL:
        print("SHMIMAGE does not name the command line tool", file=sys.stderr)
        sys.exit(77)
    unittest.main()
