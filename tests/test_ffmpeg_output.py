#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ffmpeg writes a stream with the output device, for ffmpeg and other clients.

See ffmpeg_harness.py for the environment.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time

from features import shows
from ffmpeg_harness import (COMMAND, PATIENCE, PEER, SECONDS, SHMIMAGE,
                            Running, StreamTest, main, read_framemd5,
                            read_manifest, read_text, wait_for)
from peer_stream import CLIENT, INIT, Client
from record_harness import SIZE, NumberServer, read_number

RATE = 60
WIDTH, HEIGHT = 64, 36
IMAGE = 3 * WIDTH * HEIGHT
# The least size of a file, which is enough for such images.
SMALLEST = 20_000_000


def pattern(seconds):
    return ["-f", "lavfi", "-i",
            f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={seconds}"]


def run(*command, status=0):
    done = subprocess.run(COMMAND + ["-hide_banner", "-nostdin", *command],
                          capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != status:
        raise AssertionError(f"{done.returncode}: {done.stderr}")
    return done


# The server waits for a client without a limit: a busy machine may start it
# late.
BLOCK = ["-on_full", "block", "-timeout", "0"]


@shows("output")
class Output(StreamTest):
    def publish(self, *options, source=(), frames=("-pix_fmt", "rgb24"),
                others=()):
        """Start an ffmpeg that is the server, with other outputs if given."""
        return Running(self, "server", [
            *COMMAND, "-hide_banner", "-nostdin", *(source or pattern(3)),
            *frames, "-f", "shmimage", *options, self.stream, *others])

    def wait_for_file(self, server):
        """The file gets its size last. A client refuses it before that."""
        server.wait_until(lambda: os.path.exists(self.stream) and
                          os.path.getsize(self.stream) >= SMALLEST,
                          "the file")

    def md5_of(self, *source):
        """The MD5 of each image of the source itself, without a stream."""
        return read_framemd5(run(*source, "-pix_fmt", "rgb24", "-f",
                                 "framemd5", "-").stdout)

    def record_all(self):
        done = self.run_ffmpeg("-copyts", "-c", "copy", "-f", "framemd5", "-",
                               options=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return read_framemd5(done.stdout)

    def make_file(self):
        subprocess.run([SHMIMAGE, "create", "--size", f"{WIDTH}x{HEIGHT}",
                        self.stream], check=True, stdout=subprocess.DEVNULL,
                       timeout=SECONDS)

    @shows("chain")
    def test_two_in_a_row_pass_every_image(self):
        server = self.publish(*BLOCK)
        self.wait_for_file(server)
        self.assertEqual(self.record_all(), self.md5_of(*pattern(3)))
        self.assertEqual(server.end(), 0, server.err())
        self.assertIn(f"{3 * RATE} images given to the client, 0 dropped, 0 "
                      "without a client", server.err())

    def test_client_that_comes_later(self):
        server = self.publish(*BLOCK, "-wait_client", str(SECONDS))
        server.wait_until(lambda: "waiting for a client" in server.err(),
                          "the wait")
        self.assertEqual(len(self.record_all()), 3 * RATE)
        self.assertEqual(server.end(), 0, server.err())

    def test_no_client_in_time(self):
        server = self.publish("-wait_client", "0.2")
        self.assertNotEqual(server.end(), 0)
        self.assertIn("no client within 0.2 s", server.err())

    def test_without_a_client_it_goes_on(self):
        server = self.publish()
        self.assertEqual(server.end(), 0, server.err())
        self.assertIn(f"0 images given to the client, 0 dropped, {3 * RATE} "
                      "without a client", server.err())

    def test_file_is_reused(self):
        self.make_file()
        inode = os.stat(self.stream).st_ino
        server = self.publish()
        self.assertEqual(server.end(), 0, server.err())
        self.assertEqual(os.stat(self.stream).st_ino, inode)

    def test_file_is_private_and_large_enough(self):
        server = self.publish(source=[
            "-f", "lavfi", "-i", "testsrc2=size=3840x2160:duration=0.04"])
        self.assertEqual(server.end(), 0, server.err())
        self.assertEqual(os.stat(self.stream).st_mode & 0o777, 0o600)
        self.assertGreaterEqual(os.stat(self.stream).st_size,
                                2 * (24 + 3 * 3840 * 2160))

    def take_ten(self):
        done = self.run_ffmpeg("-frames:v", "10", "-f", "null", "-",
                               options=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_client_that_dies_under_on_full_block(self):
        """The other output of the server goes on and has every image."""
        other = self.file("md5")
        server = self.publish(*BLOCK, source=["-re", *pattern(600)],
                              others=["-f", "framemd5", "-flush_packets", "1",
                                      other])
        self.wait_for_file(server)
        client = Running(self, "client", self.command(
            "-flush_packets", "1", "-f", "framemd5", "-", options=PATIENCE))
        client.wait_until(lambda: read_framemd5(client.out()), "an image")
        client.process.kill()
        server.wait_until(lambda: "the client is gone; dropping images" in
                          server.err(), "word of the client's end")
        written = os.path.getsize(other)
        server.wait_until(lambda: os.path.getsize(other) > written,
                          "more images in the other output")
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.end(), 255, server.err())
        numbers = [pts for pts, _, _ in read_framemd5(read_text(other))]
        self.assertEqual(numbers, list(range(len(numbers))))

    def test_client_whose_end_is_an_error(self):
        """With on_disconnect=error, the server ends when its client does."""
        server = self.publish(*BLOCK, "-on_disconnect", "error",
                              source=pattern(600))
        self.wait_for_file(server)
        self.take_ten()
        self.assertNotEqual(server.end(), 0)
        self.assertIn("the client is gone", server.err())

    def test_client_that_stands_still(self):
        """One Ctrl-C ends the server, and its other output is complete."""
        server = self.publish("-on_full", "block", "-timeout", "0.5",
                              source=["-re", *pattern(600)],
                              others=["-f", "framemd5", self.file("md5")])
        self.wait_for_file(server)
        with Client(self.stream) as client:
            wait_for(lambda: client.states() == (INIT, INIT), server.err)
            client.connect()
            wait_for(lambda: client.states() == (CLIENT, CLIENT), server.err)
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.end(), 255, server.err())
        self.assertGreaterEqual(
            len(read_framemd5(read_text(self.file("md5")))), 2)

    def test_server_that_drops_serves_client_after_client(self):
        server = self.publish(source=["-re", *pattern(600)])
        self.wait_for_file(server)
        for _ in range(3):
            self.assertIn("images delivered", self.take_ten())
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.end(), 255, server.err())

    def test_numbers_are_time_stamps(self):
        server = self.publish(*BLOCK,
                              source=["-itsoffset", "2", *pattern(1)],
                              frames=("-pix_fmt", "rgb24", "-copyts",
                                      "-fps_mode", "passthrough"))
        self.wait_for_file(server)
        self.assertEqual([pts for pts, _, _ in self.record_all()],
                         list(range(2 * RATE, 3 * RATE)))

    def test_numbers_are_counted(self):
        server = self.publish(*BLOCK, "-numbers", "count",
                              source=["-itsoffset", "2", *pattern(1)],
                              frames=("-pix_fmt", "rgb24", "-copyts",
                                      "-fps_mode", "passthrough"))
        self.wait_for_file(server)
        self.assertEqual([pts for pts, _, _ in self.record_all()],
                         list(range(RATE)))

    def test_client_in_another_language(self):
        """A client written in Python from the protocol gets every image."""
        server = self.publish(*BLOCK)
        self.wait_for_file(server)
        client = Running(self, "client", [
            sys.executable, PEER, "client", self.stream,
            "--frames", str(3 * RATE), "--timeout", str(SECONDS),
            "--manifest", self.file("manifest")])
        self.assertEqual(client.end(), 0, client.err())
        self.assertEqual(
            [md5 for _, md5 in read_manifest(self.file("manifest"))],
            [md5 for _, _, md5 in self.md5_of(*pattern(3))])
        self.assertEqual(server.end(), 0, server.err())


class Relay(StreamTest):
    """ffmpeg passes on a stream whose images come at uneven times, as those of
    a renderer do."""

    def relay(self, name, source, target):
        subprocess.run([SHMIMAGE, "create", "--size", "{}x{}".format(*SIZE),
                        target], check=True, stdout=subprocess.DEVNULL,
                       timeout=SECONDS)
        return Running(self, name, [
            *COMMAND, "-hide_banner", "-nostdin", "-f", "shmimage",
            "-timestamps", "wallclock", "-i", source, "-pix_fmt", "rgb24",
            "-f", "shmimage", *BLOCK, target])

    def connect(self, path):
        client = Client(path)
        self.addCleanup(client.close)
        client.connect()
        return client

    def give(self, server, numbers, pause):
        """Put images, and do not wait until ffmpeg gives back the last one: it
        may keep that."""
        for number in numbers:
            pixels = server.draw(number, SIZE)
            server.wait_for(lambda: server.give(number, pixels, SIZE))
            time.sleep(pause)

    def take(self, client, server):
        image = wait_for(client.poll, lambda: f"an image; {server.err()}")
        return read_number(image.pixels[::3], image.width, image.height)

    @shows("output-at-once")
    def test_each_image_arrives_before_the_next_one_is_put(self):
        server = NumberServer(self)
        first = self.relay("first", self.stream, self.file("middle.shm"))
        last = self.relay("last", self.file("middle.shm"),
                          self.file("last.shm"))
        client = self.connect(self.file("last.shm"))
        for number in range(8):
            self.give(server, [number], 0.2)
            self.assertEqual(self.take(client, last), number, first.err())

    @shows("output-uneven")
    def test_uneven_rates(self):
        """Each image is shown once, however long the next one takes."""
        server = NumberServer(self)
        relay = self.relay("relay", self.stream, self.file("relayed.shm"))
        client = self.connect(self.file("relayed.shm"))
        numbers = iter(range(1 << 15))
        for count, pause in (1, 0.3), (30, 0), (5, 0.1), (20, 0), (1, 0):
            wanted = [next(numbers) for _ in range(count)]
            giver = threading.Thread(target=self.give, daemon=True,
                                     args=(server, wanted, pause))
            giver.start()
            self.assertEqual([self.take(client, relay) for _ in wanted],
                             wanted)
            giver.join()


@shows("errors")
class Refusal(StreamTest):
    def refuse(self, *arguments):
        done = subprocess.run(
            [*COMMAND, "-hide_banner", "-nostdin", *pattern(1), *arguments,
             "-f", "shmimage", self.stream],
            capture_output=True, text=True, timeout=SECONDS)
        self.assertNotEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_other_pixel_formats(self):
        """Each is refused, and converted by what the message says to add."""
        for pixel_format in "bgr24", "rgba", "bgra", "0rgb", "yuv420p":
            with self.subTest(pixel_format):
                source = ["-vf", f"format={pixel_format}"]
                said = self.refuse(*source)
                self.assertIn(f"not wrapped_avframe in {pixel_format}; ", said)
                self.assertFalse(os.path.exists(self.stream))
        added = re.search(r"add (-c:v \S+ -pix_fmt \S+)$", said, re.M)[1]
        run(*pattern(1), *source, *added.split(), "-f", "shmimage",
            self.stream)

    def test_other_codec(self):
        self.assertIn("add -c:v wrapped_avframe -pix_fmt rgb24",
                      self.refuse("-c:v", "png"))

    def test_two_streams(self):
        self.assertIn("one video stream is all",
                      self.refuse("-pix_fmt", "rgb24", "-map", "0", "-map",
                                  "0"))

    def test_file_too_small_for_the_images(self):
        self.create()
        large = "scale=3840:2160"
        self.assertIn("shmimage create --force --take-over --size 3840x2160",
                      self.refuse("-vf", large, "-pix_fmt", "rgb24"))

    def test_folder_that_is_not_there(self):
        self.stream = self.file("no/such.shm")
        self.assertIn(self.stream, self.refuse("-pix_fmt", "rgb24"))

    def test_second_server(self):
        subprocess.run([SHMIMAGE, "create", "--size", f"{WIDTH}x{HEIGHT}",
                        self.stream], check=True, stdout=subprocess.DEVNULL,
                       timeout=SECONDS)
        first = Running(self, "first", [SHMIMAGE, "send", "--size",
                                        f"{WIDTH}x{HEIGHT}", self.stream])
        first.wait_until(lambda: first.err(), "its first line")
        self.assertIn("another process is the server",
                      self.refuse("-pix_fmt", "rgb24"))


if __name__ == "__main__":
    main()
