#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyAV reads a stream, and sends one, through `shmimage exec`.

See library_harness.py for the environment.
"""

import sys

from features import main, shows
from ffmpeg_harness import PEER, SECONDS, Running, wait_for
from library_harness import LibraryTest, sent
from peer_stream import Server


@shows("pyav")
class PyAV(LibraryTest):
    MODULE = "av._core"
    PROGRAM = "use_pyav.py"

    def test_images_of_all_sizes_arrive_bit_for_bit(self):
        self.create()
        self.serve("--sizes", "65x37,32x48", "--size-every", 10)
        images = self.images(self.start("read", 40, self.pixels))
        self.assert_same(images, [
            sent(n, *((65, 37), (32, 48))[n // 10 % 2]) for n in range(40)])

    def test_image_outlives_its_container(self):
        self.create()
        self.serve("--size", "64x36")
        images = self.images(self.start("hold", 20, self.pixels))
        self.assert_same(images, [sent(0, 64, 36)])

    def test_reading_ends_with_the_server(self):
        self.make_file("64x36")
        self.send("server", "64x36", "--wait", "--frames", 20)
        images = self.images(self.start("read", 0, self.pixels))
        self.assertEqual([image.number for image in images], list(range(20)))

    def test_reading_goes_on_after_a_timeout(self):
        self.leave_images(0, 1)
        reading = self.start("again", 10, self.pixels, 1)
        reading.wait_until(lambda: "Immediate exit" in reading.err(),
                           "its timeout")
        self.assertEqual(len(reading.out().splitlines()), 2)
        with Server(self.stream) as server:
            for number in range(2, 12):
                wait_for(lambda: server.put(*sent(number, 64, 36)) == "ok",
                         lambda: f"room: {reading.err()}")
            images = self.images(reading)
        self.assert_same(images, [sent(n, 64, 36) for n in range(12)])

    def test_images_are_sent_bit_for_bit(self):
        self.create()
        client = Running(self, "client", [
            sys.executable, PEER, "client", self.stream, "--frames", "20",
            "--seed", "0", "--timeout", str(SECONDS)])
        sending = self.start("send", 20, 64, 36)
        self.assertEqual(client.end(), 0, client.err())
        self.assertIn("received 20 ", client.out())
        self.assertEqual(sending.end(), 0, sending.err())


if __name__ == "__main__":
    main()
