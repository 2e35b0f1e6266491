#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How `shmimage record` begins and ends, and that no film is lost.

test_film.py looks at the films themselves. See ffmpeg_harness.py for the
environment.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import unittest

from features import main, shows
from ffmpeg_harness import (FFMPEG, NATIVE, SECONDS, SHMIMAGE, Running,
                            exit_if_nothing_can_run, wait_for)
from peer_stream import Header
from record_harness import (CTRL_C, NumberServer, RecordTest, child_of,
                            has_ended)

HERE = os.path.dirname(os.path.abspath(__file__))
CC = shlex.split(os.environ.get("CC") or "cc")
FOR_EVER = range(1 << 15)
FEW = 5
STRANGER = 4711


@shows("record-ends")
class Ends(RecordTest):
    def record_few(self, *options):
        """On a terminal, from a server that is silent then."""
        server = NumberServer(self)
        recording = self.start_typing(*options)
        server.show_all(range(FEW), 50)
        return recording

    def record_on(self, start, *options, rate=100):
        """From a server that does not end by itself."""
        server = NumberServer(self)
        recording = start(*options)
        server.start(FOR_EVER, rate)
        recording.wait_until(lambda: len(server.log) > 20, "images")
        return recording, server

    def assert_prefix(self, numbers, least):
        """From the first image on, none is missing."""
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertGreaterEqual(len(numbers), least)

    def test_ctrl_c_before_the_first_image(self):
        self.create()
        recording = self.start_typing()
        recording.wait_until(lambda: "waiting for a server" in recording.err(),
                             "the wait")
        recording.type(CTRL_C)
        self.assert_no_film(recording)
        self.assertIn("ended before the first image", recording.err())
        self.assertNotIn("ffmpeg: ", recording.err())

    def test_ctrl_c_while_nothing_arrives(self):
        recording = self.record_few()
        recording.type(CTRL_C)
        self.assert_film(recording)
        self.assertIn("film.mp4: finishing", recording.err())
        self.assertIn(f"film.mp4: {FEW} images, ", recording.err())
        self.assertEqual(self.numbers(), list(range(FEW)))

    def test_ctrl_c_while_images_arrive(self):
        recording, server = self.record_on(self.start_typing)
        recording.type(CTRL_C)
        self.assert_film(recording)
        self.assertTrue(server.thread.is_alive())
        self.assert_prefix(self.numbers(), 20)

    def test_ctrl_c_twice(self):
        recording, _ = self.record_on(self.start_typing)
        recording.type(CTRL_C)
        recording.wait_until(lambda: "finishing" in recording.err(), "word")
        recording.type(CTRL_C)
        self.assert_film(recording)
        self.assert_prefix(self.numbers(), 20)

    def test_ctrl_c_that_reaches_ffmpeg(self):
        """As one that is typed before ffmpeg has a process group does, or what
        a service sends to all its processes."""
        server = NumberServer(self)
        recording = self.start()
        for start, number in (0, signal.SIGINT), (FEW, signal.SIGTERM):
            server.show_all(range(start, start + FEW), 50)
            os.kill(child_of(recording.process.pid), number)
        recording.process.terminate()
        self.assert_film(recording)
        self.assertEqual(self.numbers(), list(range(2 * FEW)))

    def test_slow_server_and_ffmpeg_is_killed(self):
        """No encoder keeps images to itself. Only the last one may be missing,
        as it is written with the next."""
        for name in "film.mp4", "film.mkv", "film.gif":
            with self.subTest(name):
                self.movie = self.file(name)
                server = NumberServer(self)
                recording = self.start()
                server.show_all(range(FEW), 5)
                wait_for(lambda: self.can_be_read(FEW - 1), recording.err)
                os.kill(child_of(recording.process.pid), signal.SIGKILL)
                self.assert_no_film(recording, name + ".part")
                self.assert_prefix(self.numbers(self.part()), FEW - 1)
                server.stop()

    def can_be_read(self, least):
        try:
            return len(self.times(self.part())) >= least
        except subprocess.CalledProcessError:
            return False

    def test_ffmpeg_that_hangs(self):
        recording = self.record_few()
        wait_for(lambda: self.can_be_read(FEW - 1), recording.err)
        os.kill(child_of(recording.process.pid), signal.SIGSTOP)
        for word in ": finishing", "still finishing", "ffmpeg failed: Killed":
            recording.type(CTRL_C)
            recording.wait_until(lambda: word in recording.err(), word)
        self.assert_no_film(recording, "film.mp4.part")

    def test_other_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                recording = self.record_few("--force")
                recording.process.send_signal(number)
                self.assert_film(recording)
                self.assertEqual(self.numbers(), list(range(FEW)))

    def start_copy(self):
        """A recording in its last copy, in which Ctrl-C was typed once."""
        self.slow_copy()
        recording = self.record_few()
        recording.type(CTRL_C)
        recording.wait_until(lambda: "finishing" in recording.err(), "word")
        wait_for(lambda: self.is_copying(recording), recording.err)
        recording.type(CTRL_C)
        recording.wait_until(lambda: "Ctrl-C again" in recording.err(), "word")
        return recording

    def test_ctrl_c_in_the_copy(self):
        recording = self.start_copy()
        self.go()
        self.assert_film(recording)
        self.assertEqual(self.numbers(), list(range(FEW)))

    def test_ctrl_c_twice_in_the_copy(self):
        recording = self.start_copy()
        recording.type(CTRL_C)
        self.assert_no_film(recording, "film.mp4.part")
        self.assertEqual(self.numbers(self.part()), list(range(FEW)))
        self.go()
        self.complete(recording)
        self.assertEqual(self.numbers(), list(range(FEW)))

    def test_ctrl_c_when_the_film_is_there(self):
        """While its duration is read."""
        self.wrap_ffmpeg(f'*" -i file:"*) echo > {self.file("asked")}; '
                         "exec sleep 1000 ;;")
        server = NumberServer(self)
        recording = self.start_typing("--frames", FEW)
        server.start(range(FEW), 10)
        recording.wait_until(lambda: os.path.exists(self.file("asked")),
                             "the question")
        recording.type(CTRL_C)
        self.assert_film(recording)
        self.assertRegex(recording.err(), rf"{FEW} images, \d+:(?!00\.0)")

    def test_ffmpeg_is_killed(self):
        recording, server = self.record_on(self.start)
        recording.wait_until(
            lambda: re.search(r" [1-9]\d* images of", recording.err()),
            "progress")
        os.kill(child_of(recording.process.pid), signal.SIGKILL)
        self.assert_no_film(recording, "film.mp4.part")
        self.assertIn("ffmpeg failed: Killed", recording.err())
        self.complete(recording)
        numbers = self.numbers()
        self.assertEqual(numbers, self.numbers(self.part()))
        self.assert_prefix(numbers, 1)

    def test_record_is_killed(self):
        recording, server = self.record_on(self.start)
        ffmpeg = child_of(recording.process.pid)
        recording.process.kill()
        wait_for(lambda: has_ended(ffmpeg), lambda: "the end of ffmpeg")
        self.assertEqual(self.names(), ["film.mp4.part"])
        self.assert_prefix(self.numbers(self.part()), 20)
        # The next one of that name says what can be done with it.
        server.stop()
        again = self.start()
        self.assert_no_film(again, "film.mp4.part")
        self.complete(again)
        self.assertEqual(self.numbers(), self.numbers(self.part()))

    def test_server_is_killed(self):
        self.create()
        server = self.send("server", "64x36", "--rate", 100)
        recording = self.start()
        recording.wait_until(
            lambda: re.search(r" [1-9]\d* images of", recording.err()),
            "progress")
        server.process.kill()
        self.assert_film(recording)
        self.assertIn("the server is gone", recording.err())

    def test_server_is_killed_and_another_comes(self):
        self.create()
        server = self.send("server", "64x36", "--rate", 100)
        recording = self.start("--on-disconnect", "wait")
        recording.wait_until(
            lambda: re.search(r" [1-9]\d* images of", recording.err()),
            "progress")
        server.process.kill()
        recording.wait_until(
            lambda: "waiting for the next one" in recording.err(), "word")
        before = int(self.last_count(recording))
        self.send("server-2", "64x36", "--rate", 100)
        recording.wait_until(
            lambda: int(self.last_count(recording)) > before + 100, "images")
        recording.process.terminate()
        self.assert_film(recording)

    def last_count(self, recording):
        return re.findall(r"(\d+) images of", recording.err())[-1]

    def test_timeout(self):
        server = NumberServer(self)
        recording = self.start("--timeout", "0.5")
        server.start(range(FEW), 50)
        self.assert_film(recording)
        # A busy machine may let it wait for that long before the last one.
        self.assert_prefix(self.numbers(), 1)

    def test_timeout_before_the_first_image(self):
        self.create()
        recording = self.start("--timeout", "0.1")
        self.assert_no_film(recording)
        self.assertIn("no image within 0.1 s: no server has used the file",
                      recording.err().splitlines()[-1])

    def test_number_of_images(self):
        for count in (FEW, FEW + 3):
            with self.subTest(count):
                server = NumberServer(self)
                recording = self.start("--force", "--frames", FEW)
                server.start(range(count), 50)
                self.assert_film(recording)
                self.assertIn(f"{FEW} images, ", recording.err())
                self.assertIn("; none missing\n", recording.err())
                self.assertEqual(self.numbers(), list(range(FEW)))
                server.stop()

    def test_image_that_does_not_fit(self):
        server = NumberServer(self)
        recording = self.start("--frames", 1)
        server.wait_for(lambda: server.server.put_unchecked(
            Header(0, 9000, 9000, 0, 9000)) == "ok")
        server.show(1)
        self.assert_film(recording)
        self.assertIn("it needs a file of 486006784 bytes", recording.err())
        self.assertRegex(recording.err(), "1 image, .*; 1 refused\n")

    def test_duration_while_nothing_arrives(self):
        server = NumberServer(self)
        recording = self.start("--duration", "0.5")
        server.start(range(FEW), 50)
        self.assert_film(recording)
        self.assert_prefix(self.numbers(), 1)


class Starts(RecordTest):
    def run_record(self, status, *arguments):
        done = subprocess.run([SHMIMAGE, "record", *map(str, arguments)],
                              capture_output=True, text=True, timeout=SECONDS,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def refused(self, status, *arguments):
        return self.run_record(status, *arguments).stderr

    def write(self, path, content):
        with open(path, "wb") as file:
            file.write(content)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def test_arguments_the_other_way_round(self):
        self.create()
        self.write(self.movie, b"a film")
        said = self.refused(2, self.movie, self.stream)
        self.assertIn(f"shmimage record {self.stream} {self.movie}", said)
        self.assertEqual(self.read(self.movie), b"a film")
        self.assertFalse(any(self.read(self.stream)))

    def test_file_that_is_no_stream(self):
        for content in (b"\0\0\0\x20ftypisom" * 1_000_000,
                        bytes(range(256)) * 50_000):
            self.write(self.stream, content)
            self.assertIn("not a stream",
                          self.refused(1, self.stream, self.movie))
            self.assertEqual(self.read(self.stream), content)
        self.assertEqual(self.names(), [])

    def test_file_that_is_not_there(self):
        said = self.refused(1, self.stream, self.movie)
        self.assertIn("there is no such file", said)
        self.assertIn("--create", said)
        self.assertIn("--wait-file", said)
        self.assertNotIn("--create", self.refused(1, self.file("no/live.shm"),
                                                  self.movie))
        recording = self.start("--create", "64x36", "--frames", 1)
        recording.wait_until(lambda: "waiting for a server" in recording.err(),
                             "the file")
        NumberServer(self).show(0)
        self.assert_film(recording)

    def wait_for_file(self, start, *options):
        recording = start("--wait-file", *options)
        recording.wait_until(
            lambda: f"waiting for {self.stream} to be created" in
            recording.err(), "the wait")
        self.assertEqual(self.names(), [])
        return recording

    def test_file_that_is_created_later(self):
        recording = self.wait_for_file(self.start, "--frames", 1)
        NumberServer(self).show(7)
        self.assert_film(recording)
        self.assertEqual(self.numbers(), [7])
        self.assertEqual(recording.err().count("to be created"), 1)

    def test_file_that_is_never_created(self):
        recording = self.wait_for_file(self.start_typing)
        recording.type(CTRL_C)
        self.assert_no_film(recording)
        self.assertIn("stopped before the first image", recording.err())
        recording = self.wait_for_file(self.start, "--timeout", "0.1")
        self.assert_no_film(recording)
        self.assertIn(f"{self.stream}: it was not created within 0.1 s",
                      recording.err())
        self.assertIn("nothing to wait for", self.refused(
            2, "--wait-file", "--timeout", "0.1", "--create", "8x8",
            self.stream, self.movie))

    @unittest.skipIf(os.geteuid(), "only root can give files away")
    def test_file_of_a_stranger(self):
        server = NumberServer(self)
        os.chmod(self.folder, 0o1777)
        os.chown(self.stream, STRANGER, STRANGER)
        before = self.read(self.stream)
        said = self.refused(1, self.stream, self.movie)
        self.assertIn(f"{self.stream}: belongs to user {STRANGER}", said)
        self.assertIn("--owner NUMBER", said)
        self.assertEqual(self.read(self.stream), before)
        self.assertEqual(self.names(), [])
        recording = self.start("--owner", STRANGER, "--frames", 1)
        server.show(0)
        self.assert_film(recording)

    def test_file_that_another_client_uses(self):
        self.create()
        first = self.start()
        first.wait_until(lambda: "waiting" in first.err(), "the wait")
        self.assertIn("another client is using it",
                      self.refused(1, self.stream, self.file("b.mp4")))

    def test_movie_that_is_there(self):
        server = NumberServer(self)
        self.write(self.movie, b"a film")
        self.assertIn("--force", self.refused(1, self.stream, self.movie))
        self.assertEqual(self.read(self.movie), b"a film")
        recording = self.start("--force", "--frames", 1)
        server.show(0)
        self.assert_film(recording)
        self.assertEqual(self.numbers(), [0])

    def test_movie_that_can_not_be_replaced(self):
        self.create()
        os.mkdir(self.file("folder.mp4"))
        os.symlink("nowhere.mp4", self.file("link.mp4"))
        long = (255 - len("_.part.mp4")) * "a" + ".mp4"
        for movie, options, said in (
                ("folder.mp4", ("--force",), "it is a directory"),
                ("link.mp4", (), "it exists already"),
                (long, (), "File name too long")):
            self.assertIn(said, self.refused(
                1, *options, self.stream, self.file(movie)))
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["folder.mp4", "link.mp4", "live.shm"])

    def test_images_of_a_sequence_that_are_there(self):
        self.create()
        for there in "f_00007.png", "f_1234567.png":
            self.write(self.file(there), b"an image")
            self.assertIn(f"{there}: it exists already", self.refused(
                1, self.stream, self.file("f_%05d.png")))
            os.remove(self.file(there))
        server = NumberServer(self)
        for other in "f_1.jpg", "f_.png", "ff_00001.png":
            self.write(self.file(other), b"another image")
        self.movie = self.file("f_%05d.png")
        recording = self.start("--frames", 1)
        server.show(0)
        self.assert_film(recording)

    def test_movie_that_appears_meanwhile(self):
        server = NumberServer(self)
        recording = self.start("--frames", 1)
        recording.wait_until(lambda: self.names(), "its start")
        self.write(self.movie, b"a film")
        server.show(0)
        self.assert_no_film(recording, "film.mp4", "film.mp4.part")
        self.assertEqual(self.read(self.movie), b"a film")

    def test_part_that_is_left(self):
        self.create()
        self.write(self.part(), b"part of a film")
        for options in ((), ("--force",)):
            self.assertIn("was not completed", self.refused(
                1, *options, self.stream, self.movie))
        self.assertEqual(self.read(self.part()), b"part of a film")

    def test_movie_of_no_known_kind(self):
        self.create()
        for movie, options, said in (
                ("film", (), "unknown kind of film"),
                ("film.avi", (), "unknown kind of film"),
                ("film.mp4", ("--lossless",), "use .mkv"),
                ("film.gif", ("--lossless",), "use .mkv"),
                ("film.png", ("--crf", "1"), "no such option"),
                ("film.mkv", ("--lossless", "--crf", "1"), "leave --crf out"),
                ("f_%4294967000d.png", (), "is written like frame_%05d.png"),
                ("%d/f_%05d.png", (), "is written like frame_%05d.png")):
            self.assertIn(said, self.refused(
                2, *options, self.stream, self.file(movie)))
        self.assertEqual(os.listdir(self.folder), ["live.shm"])

    def test_words_that_look_like_options(self):
        for words, said in (
                (["film.mp4", "-b:v", "2M"],
                 "'-b:v'; options of ffmpeg follow after --"),
                (["-hide_banner", "film.mp4"], "follow after --"),
                (["--lossless", "-an", "film.mp4"], "'-an'; options"),
                (["-x.mp4"], "if it is a file, write ./-x.mp4")):
            self.assertIn(said, self.refused(2, self.stream, *words))

    def test_movie_in_no_directory(self):
        self.create()
        self.write(self.file("no"), b"a file")
        for path in "nowhere/film.mp4", "nowhere/f_%d.png", "no/film.mp4":
            self.assertIn(
                f"the directory {os.path.dirname(self.file(path))} does not "
                "exist", self.refused(1, "--force", self.stream,
                                      self.file(path)))

    def test_ffmpeg_that_is_not_there(self):
        self.create()
        done = subprocess.run(
            self.command(), capture_output=True, text=True, timeout=SECONDS,
            env={**os.environ, "FFMPEG": "/nowhere/ffmpeg"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/ffmpeg: there is no such program; install "
                      "FFmpeg", done.stderr)

    def test_ctrl_c_while_a_program_does_not_answer(self):
        self.create()
        self.wrap_ffmpeg(f"*) echo asked > {self.file('asked')}; "
                         "exec sleep 1000 ;;")
        recording = self.start()
        recording.wait_until(lambda: os.path.exists(self.file("asked")),
                             "the question")
        recording.process.send_signal(signal.SIGINT)
        self.assert_no_film(recording)

    def test_encoder_that_is_not_there(self):
        self.create()
        self.assertIn("it has no encoder nonsense", self.refused(
            1, "--encoder", "nonsense", self.stream, self.movie))

    def test_encoder_that_fails_at_once(self):
        server = NumberServer(self)
        recording = self.start("--preset", "nonsense")
        server.start(range(2), 50)
        self.assert_no_film(recording)
        self.assertIn("ffmpeg: ", recording.err())
        self.assertIn("film.mp4: ffmpeg failed: exit status",
                      recording.err())
        server.stop()

    def test_encoder_that_fails_later(self):
        server = NumberServer(self)
        recording = self.start(env=self.strangely(FAIL_AFTER="100"))
        server.start(range(1 << 15), 100)
        self.assert_no_film(recording, "film.mp4.part")
        numbers = self.numbers(self.part())
        self.assertEqual(numbers[:50], list(range(50)))
        self.assertIn("film.mp4: ffmpeg failed: exit status",
                      recording.err())

    def strangely(self, **how):
        """The environment of an encoder with a behaviour of its own."""
        module = self.file("strange.so")
        subprocess.run([*CC, "-shared", "-fPIC", "-o", module,
                        os.path.join(HERE, "strange_encoder.c"), "-ldl"],
                       check=True)
        return {**os.environ, "LD_PRELOAD": module, **how}

    def test_encoder_that_is_too_slow(self):
        self.create()
        self.send("server", "64x36", "--rate", 60)
        recording = self.start(env=self.strangely(ENCODE_MS="100"))
        recording.wait_until(lambda: "too slow" in recording.err(),
                             "a warning")
        self.assertIn("--preset ultrafast is faster", recording.err())
        recording.process.terminate()
        self.assert_film(recording)
        self.assertEqual(recording.err().count("too slow"), 1)

    def test_encoder_that_is_too_slow_for_a_short_film(self):
        self.create()
        self.send("server", "64x36", "--rate", 60)
        recording = self.start("--duration", "1.5",
                               env=self.strangely(ENCODE_MS="200"))
        self.assert_film(recording)
        self.assertRegex(recording.err(), "--preset ultrafast is faster\n"
                         r"(.* completing .*\n)*.* never received\n$")

    def test_printed_time(self):
        for movie in "film.mp4", "film.gif", "f_%03d.png":
            for options, time in (
                    ((), "-timestamps wallclock"),
                    (("--rate", 30), "-timestamps frame -framerate 30")):
                done = self.run_record(0, "--print", "--duration", 2, *options,
                                       self.stream, self.file(movie))
                self.assertIn(f"-f shmimage {time} -i", done.stdout)

    def test_printed_file(self):
        done = self.run_record(0, "--print", "--wait-file", "--owner", STRANGER,
                               self.stream, self.movie)
        self.assertIn(f" -wait_file 1 -owner {STRANGER} -i {self.stream} ",
                      done.stdout)

    def test_printed_command(self):
        for movie in "film.mp4", "film.gif":
            with self.subTest(movie):
                self.movie = self.file(movie)
                done = self.run_record(0, "--print", "--frames", FEW,
                                       self.stream, self.movie)
                self.assertIn("are stretched", done.stderr)
                self.assertFalse(os.path.exists(self.movie))
                self.run_printed(done.stdout)
        self.assertEqual([self.probe(self.file("film.mp4"))[name] for name in (
            "pix_fmt", "color_range", "color_space", "color_transfer",
            "color_primaries")], ["yuv420p", "tv", "bt709", "bt709", "bt709"])

    def run_printed(self, printed):
        if NATIVE:
            printed = printed.replace("shmimage exec ", "", 1)
        path = self.file("bin")
        os.makedirs(path, exist_ok=True)
        for name, program in ("shmimage", SHMIMAGE), ("ffmpeg", FFMPEG):
            with open(os.path.join(path, name), "w") as script:
                script.write(f'#!/bin/sh\nexec {shutil.which(program)} "$@"\n')
            os.chmod(os.path.join(path, name), 0o755)
        server = NumberServer(self)
        recording = Running(self, "printed", ["sh", "-c", printed],
                            env={**os.environ,
                                 "PATH": path + ":" + os.environ["PATH"]})
        server.start(range(FEW + 3), 20)
        self.assertEqual(recording.end(), 0, recording.err())
        self.assertEqual(self.numbers(), list(range(FEW)))
        server.stop()


if __name__ == "__main__":
    exit_if_nothing_can_run()
    main()
