#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client of examples/ gets every image as it was sent."""

import os
import select
import shutil
import subprocess

import example_harness as harness
import peer_stream as ps
from waiting import wait_for

SIZES = ((64, 48), (33, 17), (640, 360), (1, 1))


def colour(number):
    return number % 256, 255 - number % 256, 128


def ppm(width, height, pixels):
    return b"P6\n%d %d\n255\n" % (width, height) + pixels


class Client(harness.ExampleTest):
    def setUp(self):
        super().setUp()
        self.compile("client.c")

    def client(self, *arguments, **options):
        return self.start("./client", self.path, *map(str, arguments),
                          **options)

    def test_images_arrive_byte_by_byte(self):
        ps.create_file(self.path, 20_000_000)
        output = os.path.join(self.folder, "images.ppm")
        with ps.Server(self.path) as server, open(output, "wb") as file:
            server.init()
            client = self.client(len(SIZES), stdout=file)
            sent = b""
            for number, (width, height) in enumerate(SIZES):
                pixels = ps.make_pixels(7, number, width, height)
                self.wait_for(lambda: server.put(
                    number, width, height, pixels) == "ok", client)
                sent += ppm(width, height, pixels)
            self.assertEqual(client.wait(harness.SECONDS), 0)
        with open(output, "rb") as file:
            self.assertEqual(file.read(), sent)

    def test_picture_by_ffmpeg(self):
        """Of every 40th image, each of a colour of its own."""
        if not shutil.which("ffmpeg"):
            self.skipTest("ffmpeg is not installed")
        ps.create_file(self.path, 20_000_000)
        with ps.Server(self.path) as server:
            server.init()
            line = self.start("sh", "-c", self.command("picture.png"),
                              stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
            sent = 0

            # It ends when the picture is complete, before the last image.
            def send():
                nonlocal sent
                sent += server.put(sent, 64, 36,
                                   bytes(colour(sent)) * (64 * 36)) == "ok"
                return line.poll() is not None
            wait_for(send, "the picture")
            self.assertEqual(line.wait(), 0)
        picture = self.run_to_end(
            "ffmpeg", "-v", "error", "-nostdin", "-i", "picture.png", "-f",
            "rawvideo", "-pix_fmt", "rgb24", "-")
        self.assertEqual(len(picture), 3 * 639 * 240)
        middles = [3 * (639 * (60 + 120 * row) + 106 + 213 * column)
                   for row in range(2) for column in range(3)]
        self.assertEqual([tuple(picture[at:at + 3]) for at in middles],
                         [colour(number) for number in range(0, 240, 40)])

    def test_end_of_the_server_ends_it(self):
        with open(os.path.join(harness.BUILD, "config.h")) as config:
            if "#define SHMI_HAVE_OFD_LOCKS 1" not in config.read():
                self.skipTest("built without locks, nobody can tell")
        subprocess.run([harness.SHMIMAGE, "create", "--size", "64x64",
                        self.path], check=True, stdout=subprocess.DEVNULL)
        server = self.start(harness.SHMIMAGE, "send", "--wait", "--quiet",
                            "--size", "64x64", "--frames", "50", self.path)
        output = self.run_to_end("./client", self.path)
        self.assertEqual(server.wait(harness.SECONDS), 0)
        self.assertEqual(len(output), 50 * len(ppm(64, 64, bytes(3 * 64 * 64))))

    def test_what_is_wrong_is_said(self):
        client = self.client(stderr=subprocess.PIPE, text=True)
        error = client.communicate(timeout=harness.SECONDS)[1]
        self.assertEqual(client.returncode, 1)
        self.assertIn(self.path + ": can't open it", error)

    def test_file_that_is_shortened(self):
        """No torn image is written, and what has happened is said."""
        width, height = 640, 360
        pixels = ps.make_pixels(7, 1, width, height)
        ps.create_file(self.path, 20_000_000)
        with ps.Server(self.path) as server:
            server.init()
            client = self.client(stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            self.wait_for(lambda: server.put(1, width, height, pixels) ==
                          "ok", client)
            # The pipe does not take it all yet.
            self.wait_for(lambda: select.select([client.stdout], [], [], 0)[0],
                          client)
            os.truncate(self.path, 0)
            output, error = client.communicate(timeout=harness.SECONDS)
        self.assertEqual(client.returncode, 1)
        self.assertEqual(output, ppm(width, height, pixels))
        self.assertIn(b"shortened", error)
        self.assertNotIn(b"standard output", error)

    def test_count_that_is_none(self):
        for count in ("12x", "x", "", "0", "-1"):
            with self.subTest(count=count):
                client = self.client(count, stderr=subprocess.PIPE, text=True)
                error = client.communicate(timeout=harness.SECONDS)[1]
                self.assertEqual(client.returncode, 2)
                self.assertIn(count + ": not a number of images", error)

    def test_full_disk_ends_it(self):
        ps.create_file(self.path, 20_000_000)
        with ps.Server(self.path) as server, open("/dev/full", "w") as full:
            server.init()
            client = self.client(stdout=full, stderr=subprocess.PIPE,
                                 text=True)
            self.wait_for(lambda: server.put(0, 8, 8, bytes(192)) == "ok",
                          client)
            error = client.communicate(timeout=harness.SECONDS)[1]
        self.assertEqual(client.returncode, 1)
        self.assertIn("standard output", error)


if __name__ == "__main__":
    harness.main("client", sanitized=True)
