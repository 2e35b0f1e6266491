#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenCV's VideoCapture reads a stream through `shmimage exec`, and what it
can't do is as docs/other-programs.md says.

See library_harness.py for the environment.
"""

import os

import documents
from features import main, shows
from ffmpeg_harness import COMMAND, SECONDS, Running
from library_harness import LibraryTest, sent
from peer_stream import Image, Server, create_file

MANY = 1_000_000
FIRST = 64, 36
EVERY = 10


def as_the_first_size(image, before):
    """What OpenCV makes of an image when the first one had the size FIRST: it
    goes on to take so many pixels of each row, and so many rows."""
    width, height = FIRST
    if image.height > height:
        return before
    rows = [image.pixels[3 * image.width * row:][:3 * width]
            for row in range(image.height)]
    pixels = b"".join(rows)
    return pixels + before[len(pixels):]


@shows("opencv")
class OpenCV(LibraryTest):
    MODULE = "cv2"
    PROGRAM = "use_opencv.py"

    def start_with(self, device_options, command, *arguments):
        return self.start(command, *arguments, env=dict(
            os.environ, OPENCV_FFMPEG_CAPTURE_OPTIONS="|".join(
                ["input_format;shmimage", *device_options])))

    def test_images_arrive_bit_for_bit(self):
        self.create()
        self.serve("--size", "65x37")
        images = self.images(self.start("read", 30, self.pixels))
        self.assert_same(images, [sent(n, 65, 37) for n in range(30)])

    def test_options_reach_the_device(self):
        self.create()
        self.serve("--size", "65x37")
        images = self.images(self.start_with(["framerate;30"], "read", 3,
                                             self.pixels))
        # The program counts on 60 images a second.
        self.assertEqual([image.number for image in images], [0, 2, 4])

    def check_change_to(self, size, count_bytes=None):
        """count_bytes are compared, or all."""
        self.create()
        self.serve("--sizes", "{}x{},{}x{}".format(*FIRST, *size),
                   "--size-every", EVERY)
        images = self.images(self.start("read", 3 * EVERY, self.pixels))
        expected, before = [], b""
        for number in range(3 * EVERY):
            image = sent(number, *(FIRST, size)[number // EVERY % 2])
            before = as_the_first_size(image, before)
            expected.append(Image(number, *FIRST, before))
        self.assert_same(*(
            [image._replace(pixels=image.pixels[:count_bytes])
             for image in both] for both in (images, expected)))

    def test_image_with_more_rows_is_the_one_before_again(self):
        self.check_change_to((64, 48))

    def test_image_with_fewer_rows_leaves_old_ones(self):
        self.check_change_to((64, 24))

    def test_wider_image_is_cut(self):
        self.check_change_to((96, 36))

    def test_narrower_image_is_out_of_step(self):
        # Beyond the last row OpenCV takes what lies behind the image.
        self.check_change_to((60, 36), 3 * FIRST[0] * (FIRST[1] - 1))

    def test_ffmpeg_in_between_gives_one_size(self):
        source = self.stream
        self.create()
        self.serve("--sizes", "64x36,32x48", "--size-every", EVERY)
        self.stream = self.file("scaled.shm")
        create_file(self.stream, 20_000_000)
        _, *line = documents.choose(documents.ffmpeg_lines(),
                                    "/dev/shm/scaled.shm").replace(
            "/dev/shm/live.shm", source).split()
        Running(self, "ffmpeg", [
            *COMMAND, "-hide_banner", "-nostdin", *line[:-1],
            "-wait_client", str(SECONDS), self.stream])
        images = self.images(self.start("read", 3 * EVERY, self.pixels))
        self.assertEqual({image[1:3] for image in images}, {FIRST})
        self.assertEqual(len({image.pixels for image in images}), 3 * EVERY)
        same = [n for n, image in enumerate(images)
                if image.pixels == sent(n, *FIRST).pixels]
        self.assertEqual(same, [n for n in range(3 * EVERY)
                                if n // EVERY % 2 == 0])

    def test_reading_ends_with_the_server(self):
        self.make_file("64x36")
        self.send("server", "64x36", "--wait", "--frames", 20)
        images = self.images(self.start("read", MANY, self.pixels))
        self.assertEqual([image.number for image in images], list(range(20)))

    def test_failed_read_is_the_last(self):
        self.leave_images(0, 1)
        go_on = self.file("go-on")
        reading = self.start("again", MANY, self.pixels, 1, go_on)
        reading.wait_until(lambda: "failed" in reading.err(), "its failure")
        self.assertEqual(len(reading.out().splitlines()), 2)
        with Server(self.stream) as server:
            self.assertEqual(server.put(*sent(2, 64, 36)), "ok")
        open(go_on, "w").close()
        self.assertEqual(reading.end(), 0, reading.err())

    def test_repetitions_keep_an_idle_stream_going(self):
        self.leave_images(0, 1)
        images = self.images(self.start_with(
            ["timestamps;wallclock", "repeat_idle;0.02"], "read", 15,
            self.pixels))
        self.assertEqual([image.pixels for image in images],
                         [sent(min(n, 1), 64, 36).pixels for n in range(15)])

    def test_writer_can_not_send(self):
        self.create()
        writing = self.start("write")
        self.assertEqual(writing.end(), 0, writing.err())
        self.assertEqual(writing.out(), "True False\n")


if __name__ == "__main__":
    main()
