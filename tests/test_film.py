#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `shmimage record` makes: that a film has the images, the times and the
colours of what was sent.

test_record.py has the ways in which a recording ends. See ffmpeg_harness.py
for the environment.
"""

import os
import re
import time

from features import main, shows
from ffmpeg_harness import exit_if_nothing_can_run, wait_for
from peer_stream import make_pixels
from record_harness import SIZE, NumberServer, RecordTest

# As far as any player may be off, of 255.
NEAR = 3
COLOURS = [
    (255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255),
    (255, 0, 0), (0, 0, 255), (0, 0, 0), (128, 128, 128), (255, 128, 0),
    (31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189),
    (16, 16, 16), (235, 235, 235)]
COLUMNS, ROWS = 4, 4


def draw_colours(size):
    width, height = size
    return b"".join(
        bytes(COLOURS[y * ROWS // height * COLUMNS + x * COLUMNS // width])
        for y in range(height) for x in range(width))


def clip(value):
    return max(0, min(255, round(value)))


def from_bt709(y, u, v):
    """Limited range BT.709, as players take it that obey the tags."""
    y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    return (clip(y + 1.5748 * v), clip(y - 0.1873 * u - 0.4681 * v),
            clip(y + 1.8556 * u))


def from_jfif(y, u, v):
    u, v = u - 128, v - 128
    return (clip(y + 1.402 * v), clip(y - 0.344136 * u - 0.714136 * v),
            clip(y + 1.772 * u))


class Planes:
    """One image of three planes, of which two may have half the size."""

    def __init__(self, data, width, height, shift):
        self.data = data
        self.width = width
        self.half = (width + shift) >> shift
        self.u = width * height
        self.v = self.u + self.half * ((height + shift) >> shift)
        self.size = 2 * self.v - self.u
        self.shift = shift

    def at(self, x, y):
        chroma = (y >> self.shift) * self.half + (x >> self.shift)
        return (self.data[y * self.width + x], self.data[self.u + chroma],
                self.data[self.v + chroma])


class Films(RecordTest):
    def record(self, *options, movie="film.mp4", shows=(), **how):
        """Make a film of images of these sizes and pixels."""
        self.movie = self.file(movie)
        server = NumberServer(self)
        recording = self.start_waiting(*options, **how)
        for number, (size, pixels) in enumerate(shows):
            server.show(number, size, pixels)
        recording.process.terminate()
        self.assert_film(recording)
        return recording

    def start_waiting(self, *options, **how):
        """A recording that waits for the first image."""
        recording = self.start(*options, **how)
        wait_for(lambda: "waiting for" in recording.err() or
                 recording.process.poll() is not None, recording.err)
        for lack in ("it has no encoder for", "which a GIF needs"):
            if lack in recording.err():
                self.skipTest("not installed: an encoder or a filter for "
                              + os.path.basename(self.movie))
        return recording

    def assert_colours(self, planes, decode, inside):
        """Those of draw_colours(), in a part of the image."""
        left, top, width, height = inside
        for i, colour in enumerate(COLOURS):
            x = left + (2 * (i % COLUMNS) + 1) * width // (2 * COLUMNS)
            y = top + (2 * (i // COLUMNS) + 1) * height // (2 * ROWS)
            self.assert_near(decode(*planes.at(x, y)), colour)

    def assert_near(self, found, colour):
        self.assertLessEqual(max(abs(a - b) for a, b in zip(found, colour)),
                             NEAR, f"{colour} is {found}")


class Colours(Films):
    @shows("record")
    def test_tags(self):
        for movie in ("film.mp4", "film.mov", "film.mkv"):
            with self.subTest(movie):
                self.record(movie=movie, shows=[(SIZE, None)])
                film = self.probe(self.movie)
                self.assertEqual([film.get(name) for name in (
                    "codec_name", "pix_fmt", "color_range", "color_space",
                    "color_transfer", "color_primaries")],
                    ["h264", "yuv420p", "tv", "bt709", "bt709", "bt709"])
                self.assertLess(film["level"], 30)

    @shows("record")
    def test_colours(self):
        for size in (1280, 720), (640, 360), (161, 97):
            with self.subTest(size):
                self.record("--force", "--preset", "ultrafast",
                            shows=[(size, draw_colours(size))])
                film = self.probe(self.movie)
                width, height = film["width"], film["height"]
                self.assertEqual((width, height),
                                 tuple(n + n % 2 for n in size))
                self.assert_colours(
                    Planes(self.decode("yuv420p"), width, height, 1),
                    from_bt709, (0, 0, *size))

    @shows("record")
    def test_colours_after_a_change_of_size(self):
        shows = [(size, draw_colours(size))
                 for size in ((320, 180), (160, 120), (321, 181), (320, 180))]
        self.record(shows=shows)
        film = self.probe(self.movie)
        self.assertEqual((film["width"], film["height"]), (320, 180))
        data = self.decode("yuv420p")
        size = Planes(data, 320, 180, 1).size
        insides = [(0, 0, 320, 180), (40, 0, 240, 180), (0, 0, 320, 180),
                   (0, 0, 320, 180)]
        for i, inside in enumerate(insides):
            planes = Planes(data[i * size:], 320, 180, 1)
            self.assert_colours(planes, from_bt709, inside)
            self.assertEqual(from_bt709(*planes.at(20, 90)) == (0, 0, 0),
                             i == 1)

    def test_colours_of_vp9(self):
        self.record(movie="film.webm",
                    shows=[((320, 180), draw_colours((320, 180)))])
        film = self.probe(self.movie)
        self.assertEqual([film.get(name) for name in (
            "codec_name", "pix_fmt", "color_range", "color_space")],
            ["vp9", "yuv420p", "tv", "bt709"])
        self.assert_colours(Planes(self.decode("yuv420p"), 320, 180, 1),
                            from_bt709, (0, 0, 320, 180))

    def test_colours_of_jpeg(self):
        self.record("--frames", 1, movie="still.jpg",
                    shows=[((320, 180), draw_colours((320, 180)))])
        self.assert_colours(Planes(self.decode("yuvj444p"), 320, 180, 0),
                            from_jfif, (0, 0, 320, 180))

    def test_colours_of_gif(self):
        self.record(movie="film.gif",
                    shows=[((320, 180), draw_colours((320, 180)))])
        data = self.decode("gbrp")
        self.assert_colours(Planes(data, 320, 180, 0),
                            lambda g, b, r: (r, g, b), (0, 0, 320, 180))

    def test_colours_by_the_next_best_encoder(self):
        self.wrap_ffmpeg('*" encoder=libx264 "* | *" encoder=libopenh264 "*) '
                         "exit 1 ;;")
        said = self.record(
            shows=[((320, 180), draw_colours((320, 180)))]).err()
        self.assertIn("has no encoder libx264; using mpeg4", said)
        self.assertEqual(self.probe(self.movie)["codec_name"], "mpeg4")
        self.assert_colours(Planes(self.decode("yuv420p"), 320, 180, 1),
                            from_bt709, (0, 0, 320, 180))

    def test_users_options_win_and_filter_comes_first(self):
        """No encoder takes that preset."""
        self.record("--preset", "nonsense",
                    shows=[((320, 180), draw_colours((320, 180)))],
                    extra=["-preset", "fast", "-vf", "crop=160:90:0:0"])
        film = self.probe(self.movie)
        self.assertEqual((film["width"], film["height"]), (160, 90))
        self.assert_near(from_bt709(*Planes(
            self.decode("yuv420p"), 160, 90, 1).at(120, 22)), (255, 255, 0))


class Lossless(Films):
    def noise(self, *sizes):
        return [(size, make_pixels(1, number, *size))
                for number, size in enumerate(sizes)]

    def test_every_pixel(self):
        for movie, options in (("film.mkv", ["--lossless"]),
                               ("film.mkv", ["--encoder", "ffv1"]),
                               ("frame_%02d.png", ["--lossless"])):
            with self.subTest(movie=movie, options=options):
                shows = self.noise(*[(161, 97)] * 3)
                self.record("--force", *options, movie=movie, shows=shows)
                self.assertIn(self.probe(self.movie).get("color_space"),
                              (None, "gbr"))
                self.assertEqual(self.decode("rgb24")[:3 * 3 * 161 * 97],
                                 b"".join(pixels for _, pixels in shows))

    def test_still(self):
        shows = self.noise((161, 97))
        self.record(movie="still.png", shows=shows)
        self.assertEqual(self.decode("rgb24"), shows[0][1])


@shows("record")
class Times(Films):
    def test_as_seen(self):
        """At all rates, with pauses that are longer than any default."""
        # Matroska's unit is a millisecond.
        for movie, slack in (("film.mp4", 0.0001), ("film.mkv", 0.0015)):
            with self.subTest(movie):
                self.movie = self.file(movie)
                server = NumberServer(self)
                recording = self.start()
                for rate, count in (10, 5), (24, 8), (30, 10), (60, 20), \
                        (100, 40):
                    start = len(server.log)
                    server.show_all(range(start, start + count), rate)
                    time.sleep(1.2)
                recording.process.terminate()
                self.assert_film(recording)
                self.assertEqual(self.numbers(), server.shown())
                self.assert_as_seen(server.log, slack)

    def test_last_image_lasts_to_the_end(self):
        self.movie = self.file("film.mp4")
        server = NumberServer(self)
        recording = self.start()
        server.show_all(range(3), 30)
        time.sleep(1)
        ended = time.monotonic()
        recording.process.terminate()
        self.assert_film(recording)
        gone = time.monotonic()
        times = self.times()
        self.assertEqual(len(times), 4)
        _, given, back = server.log[-1]
        self.assertGreater(times[3] - times[2], ended - back - 0.001)
        self.assertLess(times[3] - times[2], gone - given)

    def test_from_numbers(self):
        self.movie = self.file("film.mp4")
        for rate, seconds in ("30", 1 / 30), ("24000/1001", 1001 / 24000):
            with self.subTest(rate):
                numbers = [7, 8, 9, 12, 13, 20]
                server = NumberServer(self)
                recording = self.start("--force", "--rate", rate)
                for number in numbers:
                    server.show(number)
                    time.sleep(0.05)
                recording.process.terminate()
                self.assert_film(recording)
                self.assertEqual(self.numbers(), numbers)
                self.assertIn("; 8 never received\n", recording.err())
                for number, at in zip(numbers, self.times()):
                    self.assertAlmostEqual(at, (number - 7) * seconds, 4)

    def test_duration_from_numbers(self):
        """The server is silent then."""
        self.movie = self.file("film.mp4")
        server = NumberServer(self)
        recording = self.start("--rate", 10, "--duration", "0.5")
        server.start(range(5), 100)
        self.assert_film(recording)
        self.assertEqual(self.numbers(), list(range(5)))

    def test_time_of_a_sequence_by_the_clock(self):
        self.movie = self.file("frame_%03d.png")
        server = NumberServer(self)
        recording = self.start()
        server.show(0)
        recording.wait_until(
            lambda: re.search(r": \d+:(?!00)", recording.err()),
            "a status after a second")
        recording.process.terminate()
        self.assert_film(recording)
        self.assertRegex(recording.err(), r"1 image, \d+:(?!00)")

    def test_time_of_a_sequence_by_the_numbers(self):
        self.movie = self.file("frame_%03d.png")
        server = NumberServer(self)
        recording = self.start("--rate", 10)
        server.show(0)
        server.show(29)
        recording.process.terminate()
        self.assert_film(recording)
        self.assertRegex(recording.err(), r"2 images, 0:0(2\.9|3\.0)")

    def test_every_image_of_a_gif(self):
        """Also when it ends early; 50 a second are the most."""
        self.check_numbers("film.gif", 20)

    def test_count_of_a_gif_that_leaves_images_out(self):
        self.movie = self.file("film.gif")
        server = NumberServer(self)
        recording = self.start_waiting("--rate", 100, "--frames", 40)
        server.show_all(range(40), 100)
        self.assert_film(recording)
        count = len(self.times())
        self.assertLess(count, 40)
        self.assertRegex(recording.err(), rf": {count} images, .*; {40 - count}"
                         " lost by ffmpeg\n")

    def test_progress_of_a_gif(self):
        """The palette is made at the speed at which the film plays."""
        self.movie = self.file("film.gif")
        self.wrap_ffmpeg('*"palettegen -update"*) set -- -re "$@" ;;')
        server = NumberServer(self)
        recording = self.start_waiting("--rate", 10, "--frames", 30)
        server.show_all(range(30), 100)
        self.assert_film(recording)
        self.assertRegex(recording.err(),
                         r"completing it, step 1 of 2, [1-9]\d* %")

    def test_every_image_of_other_films(self):
        for movie in "film.mov", "film.m4v", "film.webm", "frame_%03d.png":
            with self.subTest(movie):
                self.check_numbers(movie, 60)

    def check_numbers(self, movie, rate):
        self.movie = self.file(movie)
        server = NumberServer(self)
        recording = self.start_waiting()
        server.show_all(range(20), rate)
        recording.process.terminate()
        self.assert_film(recording)
        self.assertEqual(self.numbers(), list(range(20)))
        self.assertIn("; none missing\n", recording.err())


if __name__ == "__main__":
    exit_if_nothing_can_run()
    main()
