#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command lines with ffmpeg that the documents show, as they stand there:
that what they make has the right colours and every image, without copies that
nobody asked for, and that they end.

A line that is neither run here nor named in ELSEWHERE fails
test_every_line_is_run. See ffmpeg_harness.py for the environment.
"""

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import documents
from features import shows
from ffmpeg_harness import (FFMPEG, NATIVE, SECONDS, SHMIMAGE, Running,
                            find_ffprobe, main, wait_for)
from peer_stream import CLIENT, INIT, Client
from record_harness import NumberServer, RecordTest
from test_film import (COLOURS, COLUMNS, NEAR, ROWS, Planes, draw_colours,
                       from_bt709)
from waiting import is_bound

SIZE = 320, 180
SMALL = 160, 90
PIXELS = {size: draw_colours(size) for size in (SIZE, SMALL)}
# Before and after a pause, in which an output of a constant rate has copies.
FIRST, LAST = range(5), range(65, 70)
PAUSE = 0.5
COUNT = len(FIRST) + len(LAST)
H264 = ["h264", "yuv420p", "tv", "bt709", "bt709", "bt709"]

# What stands in for a microphone.
SOUND = {"-f pulse -i default": "-re -f lavfi -i sine"}
CORRECTED = 'ffmpeg -f shmimage -i /dev/shm/live.shm "${h264[@]}" out.mp4'

LINES = documents.ffmpeg_lines()
# Lines that other tests run: those in README.md that need EnSight, an example,
# a display, OpenCV, GStreamer or VLC.
ELSEWHERE = {
    "ensight-record --": "installed_readme.py",
    "./client": "test_example_client.py",
    "ffplay -fflags nobuffer -f shmimage": "test_ffplay.py",
    "/dev/shm/scaled.shm": "test_opencv.py",
    "gst-launch-1.0": "test_other_programs.py",
    "/dev/shm/relay.shm": "test_other_programs.py",
    "ffmpeg -sources": "test_ffmpeg.py",
}
# The lines that tests below run, by words that only they have.
runs_here = []


def runs(words):
    """For a test that runs this line, which it gets as an argument."""
    runs_here.append(words)

    def decorate(test):
        def run(self):
            test(self, documents.choose(LINES, words))
        run.features = getattr(test, "features", ())
        return run
    return decorate


class Lines(RecordTest):
    def setUp(self):
        super().setUp()
        self.server = None
        self.more = itertools.count(LAST[-1] + 1)
        self.programs = os.pathsep.join(
            os.path.dirname(os.path.abspath(shutil.which(program)))
            for program in (SHMIMAGE, FFMPEG))

    def test_every_line_is_run(self):
        for line in sorted(LINES):
            with self.subTest(line):
                self.assertEqual(
                    len([words for words in (*runs_here, *ELSEWHERE)
                         if words == line or words in line and
                         words not in LINES]), 1)
        for words in *runs_here, *ELSEWHERE:
            with self.subTest(words):
                documents.choose(LINES, words)

    def start_line(self, line, **replaced):
        """In the test's folder, with its stream and the FFmpeg to be tested.
        It says how many images the device has given, and each that it has read
        itself."""
        for words, others in (("/dev/shm/", self.folder + "/"),
                              *replaced.items()):
            line = line.replace(words, others)
        exec_it = "" if NATIVE or " send " in line else "shmimage exec "
        line = line.replace("ffmpeg ", exec_it + "ffmpeg -nostdin -y -v "
                            "verbose -debug_ts ", 1)
        options = documents.choose(documents.of_markdown("README.md"),
                                   "h264=(")
        return Running(
            self, "ffmpeg", ["bash", "-c", f"{options}; exec {line}"],
            cwd=self.folder, env={**os.environ, "PATH": self.programs +
                                  os.pathsep + os.environ["PATH"]})

    def give(self, numbers, size=SIZE):
        """Each when the one before was taken, and not so fast that an output
        has to leave it out, however late the client comes to run."""
        for number in numbers:
            self.server.wait_for(
                lambda: self.server.give(number, PIXELS[size], size))
            self.server.wait_for(self.is_taken)
            time.sleep(0.02)

    def is_taken(self):
        """All that was given; the device may keep the last to repeat it."""
        return CLIENT not in self.server.server.states()

    def show(self, line, meanwhile=lambda: None, last=SMALL,
             arrived=lambda: True, **replaced):
        """Give the line all images, with a pause and then of another size, and
        interrupt it once while the server is idle."""
        self.server = NumberServer(self)
        running = self.start_line(line, **replaced)
        self.give(FIRST[:1])
        meanwhile()
        self.give(FIRST[1:])
        time.sleep(PAUSE)
        self.give(LAST, last)
        # With two inputs, 5.1 has a queue for each, and loses what is in there.
        wait_for(lambda: self.read_by_ffmpeg(running) >= COUNT, running.err)
        wait_for(arrived, running.err)
        running.process.send_signal(signal.SIGINT)
        if "-repeat_idle" not in line:
            wait_for(lambda: self.goes_on(running), running.err)
        self.assertIn(running.end(), (0, 255), running.err())
        return running

    def read_by_ffmpeg(self, running):
        return len(re.findall(r"demuxer -> ist_index:\S+ type:video",
                              running.err()))

    def goes_on(self, running):
        """Until it has ended, as later releases do by the next image."""
        self.server.give(next(self.more), PIXELS[SIZE], SIZE)
        return running.process.poll() is not None

    def assert_images(self, running, path):
        """All images that were given until it was interrupted are in the film,
        and at most what the device has repeated besides."""
        count = int(self.probe(path)["nb_read_frames"])
        self.assertGreaterEqual(count, COUNT)
        self.assertLessEqual(count, self.given_by_device(running))

    def given_by_device(self, running):
        return sum(int(re.search(rf"(\d+) {what}", running.err())[1])
                   for what in ("images delivered", "repeated"))

    def assert_film(self, running, path):
        """And the colours of all of them."""
        self.assert_images(running, path)
        film = self.probe(path)
        self.assertEqual([film.get(name) for name in (
            "codec_name", "pix_fmt", "color_range", "color_space",
            "color_transfer", "color_primaries")], H264)
        data = self.decode("yuv420p", path)
        size = Planes(data, *SIZE, 1).size
        for start in range(0, len(data), size):
            self.assert_colours(Planes(data[start:], *SIZE, 1).at, from_bt709)

    def assert_colours(self, at, decode, size=SIZE, near=NEAR):
        for index, colour in enumerate(COLOURS):
            x = (2 * (index % COLUMNS) + 1) * size[0] // (2 * COLUMNS)
            y = (2 * (index // COLUMNS) + 1) * size[1] // (2 * ROWS)
            found = decode(*at(x, y))
            self.assertLessEqual(
                max(abs(a - b) for a, b in zip(found, colour)), near,
                f"{colour} is {found}")

    @runs("ffmpeg -f shmimage -i /dev/shm/live.shm out.mp4")
    def test_plain(self, line):
        """It is valid, and has nothing more to promise."""
        self.show(line)
        self.assertEqual(self.probe(self.file("out.mp4"))["codec_name"],
                         "h264")

    @runs(CORRECTED)
    def test_corrected(self, line):
        self.assert_film(self.show(line), self.file("out.mp4"))

    @runs("-c:v libx264 -fps_mode vfr -vf")
    def test_corrected_in_the_manual_of_ffmpeg(self, line):
        self.assert_film(self.show(line), self.file("out.mp4"))

    def test_printed_by_record(self):
        """The one that shmimage-device(7) shows."""
        line = documents.choose(
            documents.of_manual("man/shmimage-device.7"), "--print")
        printed = subprocess.run(
            [SHMIMAGE, *line.split()[1:]], check=True, text=True,
            stdout=subprocess.PIPE, timeout=SECONDS,
            stderr=subprocess.DEVNULL).stdout
        self.assert_film(self.show(printed.strip().replace(
            "shmimage exec ", "")), self.file("out.mp4"))

    @runs("copy.shm")
    def test_with_a_preview(self, line):
        """Whose client takes no image before the end."""
        copy = self.file("copy.shm")
        clients = []

        def connect():
            wait_for(lambda: os.path.exists(copy) and os.path.getsize(copy),
                     lambda: "the second stream")
            clients.append(Client(copy))
            self.addCleanup(clients[0].close)
            wait_for(lambda: clients[0].states() == (INIT, INIT),
                     lambda: "its server")
            clients[0].connect()
        running = self.show(line, connect)
        self.assert_film(running, self.file("out.mp4"))
        seen = []
        while self.poll(clients[0], seen):
            pass
        self.assertEqual(seen, [PIXELS[SIZE]] * 2)
        counts = re.search(r"(\d+) images given to the client, (\d+) dropped, "
                           r"(\d+) without", running.err()).groups()
        self.assertLessEqual(sum(map(int, counts)),
                             self.given_by_device(running))

    def poll(self, client, seen):
        image = client.poll()
        if image:
            seen.append(bytes(image.pixels))
        return image

    @shows("ctrl-c-sound")
    @runs('-f pulse -i default "${h264[@]}"')
    def test_sound(self, line):
        running = self.show(line, **SOUND)
        self.assert_film(running, self.file("out.mp4"))
        self.assert_sound("out.mp4")

    def assert_sound(self, name):
        streams = subprocess.run(
            [find_ffprobe(), "-v", "error", "-show_entries",
             "stream=codec_name", "-of", "csv=p=0", self.file(name)],
            check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS)
        self.assertIn("aac", streams.stdout.split())

    @shows("ctrl-c-sound")
    @runs("-f pulse -i default -c:v ffv1")
    def test_sound_in_the_manual_of_ffmpeg(self, line):
        running = self.show(line, last=SIZE, **SOUND)
        self.assert_images(running, self.file("out.mkv"))
        pixels = self.decode("rgb24", self.file("out.mkv"))
        count = len(pixels) // len(PIXELS[SIZE])
        self.assertEqual(pixels, PIXELS[SIZE] * count)
        self.assert_sound("out.mkv")

    def test_sound_for_a_time(self):
        """The server is idle when it is over."""
        self.server = NumberServer(self)
        running = self.start_line(
            documents.choose(LINES, '-f pulse -i default "${h264[@]}"'),
            **SOUND, **{" out.mp4": " -t 0.5 out.mp4"})
        self.give(FIRST)
        self.assertEqual(running.end(), 0, running.err())

    def test_end_of_the_server(self):
        self.make_file("64x36")
        self.send("server", "64x36", "--wait", "--frames", 20)
        running = self.start_line(documents.choose(LINES, CORRECTED))
        self.assertEqual(running.end(), 0, running.err())
        self.assertEqual(
            self.probe(self.file("out.mp4"))["nb_read_frames"], "20")

    def free_port(self, kind):
        with socket.socket(type=kind) as probe:
            probe.bind(("127.0.0.1", 0))
            return str(probe.getsockname()[1])

    def receive(self, name, *options):
        """An ffmpeg that takes a stream as it is."""
        return Running(self, "receiver", [FFMPEG, "-nostdin", *options, "-c",
                                          "copy", self.file(name)])

    def skip_without(self, kind, name):
        listed = subprocess.run([FFMPEG, "-hide_banner", kind], check=True,
                                stdout=subprocess.PIPE, timeout=SECONDS)
        if name not in listed.stdout.decode().split():
            self.skipTest(f"{FFMPEG} has no {name}")

    def frames(self, path):
        """How many have arrived in a file that still grows."""
        done = subprocess.run(
            [find_ffprobe(), "-v", "quiet", "-count_packets",
             "-select_streams", "v", "-show_entries",
             "stream=nb_read_packets", "-of", "csv=p=0", path],
            stdout=subprocess.PIPE, timeout=SECONDS)
        return max(map(int, re.findall(rb"\d+", done.stdout)), default=0)

    @runs("srt://")
    def test_srt(self, line):
        self.skip_without("-protocols", "srt")
        port = self.free_port(socket.SOCK_DGRAM)
        receivers = []

        def connect():
            wait_for(lambda: is_bound("udp", int(port)), lambda: "a listener")
            receivers.append(self.receive("got.ts", "-i",
                                          f"srt://127.0.0.1:{port}"))

        # What is on its way when the sender ends may be lost.
        def arrived():
            return self.frames(self.file("got.ts")) >= COUNT
        running = self.show(line, connect, arrived=arrived,
                            **{":9000": ":" + port})
        self.assertEqual(receivers[0].end(), 0, receivers[0].err())
        self.assert_film(running, self.file("got.ts"))

    @runs("rtmp://")
    def test_rtmp(self, line):
        port = self.free_port(socket.SOCK_STREAM)
        url = f"rtmp://127.0.0.1:{port}/live/key"
        receiver = self.receive("got.flv", "-listen", "1", "-i", url)
        receiver.wait_until(lambda: is_bound("tcp", int(port)), "its socket")
        running = self.show(line, **{"rtmp://HOST/live/key": url})
        self.assertEqual(receiver.end(), 0, receiver.err())
        self.assert_film(running, self.file("got.flv"))

    @runs("-f hls")
    def test_hls(self, line):
        self.skip_without("-muxers", "hls")
        running = self.show(line)
        with open(self.file("live.m3u8")) as file:
            names = [name for name in file.read().splitlines()
                     if not name.startswith("#")]
        with open(self.file("all.ts"), "wb") as film:
            for name in names:
                with open(self.file(name), "rb") as part:
                    film.write(part.read())
        self.assert_film(running, self.file("all.ts"))

    @runs("still.png")
    def test_still(self, line):
        self.server = NumberServer(self)
        running = self.start_line(line)
        wait_for(lambda: self.goes_on(running), running.err)
        self.assertEqual(running.end(), 0, running.err())
        self.assertEqual(self.decode("rgb24", self.file("still.png")),
                         PIXELS[SIZE])

    def make_movie(self, name):
        """A film with a pause, and the number of its images."""
        self.movie = self.file(name)
        self.server = NumberServer(self)
        recording = self.start()
        self.give(FIRST)
        time.sleep(PAUSE)
        self.give(LAST)
        recording.process.terminate()
        self.assertEqual(recording.end(), 0, recording.err())
        self.server.stop()
        self.server.server.close()
        os.unlink(self.stream)
        return int(self.probe(self.movie)["nb_read_frames"])

    def take(self, server):
        """The images of a stream until its server ends."""
        wait_for(lambda: os.path.exists(self.stream) and
                 os.path.getsize(self.stream), server.err)
        found = []
        with Client(self.stream) as client:
            client.connect()
            wait_for(lambda: not self.poll(client, found) and
                     server.process.poll() is not None, server.err)
        self.assertEqual(server.end(), 0, server.err())
        return found

    def assert_taken(self, images, size=SIZE):
        """FFmpeg has converted them once more, with BT.601 it would be 39."""
        width, _ = size
        for pixels in images:
            self.assert_colours(
                lambda x, y: pixels[3 * (y * width + x):][:3],
                lambda *rgb: rgb, size, 2 * NEAR)

    @runs("-on_full block -f shmimage /dev/shm/live.shm")
    def test_server_of_every_image(self, line):
        count = self.make_movie("movie.mp4")
        images = self.take(self.start_line(line))
        self.assertEqual(len(images), count)
        self.assert_taken(images)

    @runs("ffmpeg -re -i movie.mp4")
    def test_server(self, line):
        count = self.make_movie("movie.mp4")
        images = self.take(self.start_line(line))
        self.assertIn(len(images), range(1, count + 1))
        self.assert_taken(images)

    @runs("shmimage send --create --input -")
    def test_server_of_a_pipe(self, line):
        self.make_movie("film.mp4")
        self.assert_taken(self.take(self.start_line(line)), (640, 360))


if __name__ == "__main__":
    main()
