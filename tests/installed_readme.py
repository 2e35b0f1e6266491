#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command lines of README.md, as they stand there, with what is installed.

A line that is in README.md and neither run here nor named in ELSEWHERE fails
test_every_line_is_run. Not part of make check: debian/tests runs it, where the
packages are installed. It uses /dev/shm/live.shm, as README.md does.
"""

import glob
import json
import os
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from documents import blocks  # noqa: E402
from installed import (STREAM, TOP, Installed, lines,  # noqa: E402
                       read_readme, the_line, wait_for)
from waiting import is_bound  # noqa: E402

# What a window shows is tested by test_ffplay.py.
NO_SCREEN = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
# ffplay's status, after more than a second.
SHOWN = r"\b[1-9][0-9]*\.[0-9]+ M-V:"

# Beginnings of lines for those who build it themselves, and of those that were
# run before these tests.
ELSEWHERE = (
    "scripts/",
    "sudo apt install",
    "./autogen.sh",
    "FFMPEG=~/ffmpeg-shmimage/",
)
# Words of those that test_documents.py runs.
IN_CHECK = ("-i /dev/shm/live.shm out.mp4", "h264=(", "copy.shm", "-f pulse",
            "rtmp://", "-f hls")
# The lines that tests below run, by words that only they have.
runs_here = []


def runs(*words):
    """For a test that runs these lines, which it gets as arguments."""
    runs_here.extend(words)

    def decorate(test):
        def run(self):
            test(self, *map(the_line, words))
        return run
    return decorate


def wait_for_stream():
    """The file gets its size last, and a client refuses it before."""
    wait_for(lambda: os.path.exists(STREAM) and os.path.getsize(STREAM),
             "the server's file")


class Readme(Installed):
    def serve(self):
        """A stream, made and served by the first lines of README.md."""
        self.run_line(the_line("shmimage create --size 1920x1080"))
        return self.start(the_line("shmimage send --size 1920x1080"))

    def probe(self, name):
        """Codec, width, height, pixel format and number of images."""
        return self.run_line(
            "ffprobe -v error -select_streams v:0 -count_frames -of csv=p=0 "
            "-show_entries stream=codec_name,width,height,pix_fmt,"
            f"nb_read_frames {name}").strip().split(",")

    def preview(self, line):
        """ffplay has shown more than a second of something."""
        player = self.start(line, **NO_SCREEN)
        player.wait_until_says(SHOWN)
        return player

    def test_every_line_is_run(self):
        """Each line of README.md is run below, or named as one that isn't."""
        found = {line for line in lines() if not line.startswith(ELSEWHERE)
                 and not any(words in line for words in IN_CHECK)}
        self.assertEqual(found, set(map(the_line, runs_here)))

    @runs("shmimage create --size 1920x1080", "shmimage send --size 1920x1080")
    def test_create_and_send(self, create, send):
        self.run_line(create)
        server = self.start(send)
        server.wait_until_says(r"[0-9] ")
        info = json.loads(self.run_line(f"shmimage info --json {STREAM}"))
        self.assertGreaterEqual(info["size"], 2 * 3 * 1920 * 1080)
        self.assertEqual(server.interrupt(), 0, server.said())

    @runs('-f shmimage -i /dev/shm/live.shm "${h264[@]}" out.mp4')
    def test_record(self, record):
        self.serve()
        recording = self.start(record)
        recording.wait_until_says(r"frame= *([3-9]|[1-9][0-9]+)[0-9]\b")
        recording.interrupt()
        self.assertIn("missing by their numbers", recording.said())
        *shape, count = self.probe("out.mp4")
        self.assertEqual(shape, ["h264", "1920", "1080", "yuv420p"])
        self.assertGreaterEqual(int(count), 30)

    @runs("shmimage record /dev/shm/live.shm film.mp4")
    def test_film(self, record):
        self.serve()
        recording = self.start(record)
        recording.wait_until_says(r"[3-9][0-9] images of 1920x1080")
        self.assertEqual(recording.interrupt(), 0, recording.said())
        *shape, count = self.probe("film.mp4")
        self.assertEqual(shape, ["h264", "1920", "1080", "yuv420p"])
        self.assertGreaterEqual(int(count), 30)

    @runs("shmimage record /dev/shm/live.shm film.webm",
          "shmimage record /dev/shm/live.shm still.png",
          "shmimage record /dev/shm/live.shm 'frame_%05d.png'",
          "shmimage record --lossless")
    def test_other_films(self, webm, still, frames, lossless):
        self.serve()
        self.run_line(still)
        self.assertEqual(self.probe("still.png")[:3], ["png", "1920", "1080"])
        for line in webm, frames, lossless:
            self.run_line(line.replace("record ", "record --frames 3 "))
        self.assertEqual(self.probe("film.webm")[0], "vp9")
        self.assertEqual(self.probe("frame_00003.png")[0], "png")
        self.assertEqual(self.probe("film.mkv")[0], "ffv1")

    @runs("shmimage view")
    def test_preview(self, preview):
        self.serve()
        self.preview(preview + " -- -stats -loglevel info")

    def test_preview_by_mpv(self):
        self.serve()
        self.write("mpv.conf", "vo=null\nao=null\n")
        self.start(f"shmimage view --player mpv {STREAM} -- "
                   "--no-really-quiet --msg-level=all=status",
                   MPV_HOME=self.folder).wait_until_says(r"V: 00:00:0[1-9]")

    @runs("srt://")
    def test_srt(self, stream):
        viewer = re.search(r"# .*: (ffplay srt://HOST:9000)$", read_readme(),
                           re.MULTILINE)[1].replace("HOST", "127.0.0.1")
        self.serve()
        listener = self.start(stream)
        wait_for(lambda: is_bound("udp", 9000),
                 f"the listener: {listener.said()}")
        self.preview(viewer)

    @runs("shmimage exec ffmpeg -sources")
    def test_sources(self, sources):
        self.serve()
        self.preview(the_line("shmimage view") + " -- -stats -loglevel info")
        self.assertRegex(self.run_line(sources), rf"{STREAM} \[.*1920x1080")

    @runs("shmimage exec ffmpeg -re -i movie.mp4")
    def test_serve(self, serve):
        """ffmpeg is the server of another; with the options, of each image."""
        # Without -wait_client it is not to end before its client comes.
        self.make_movie(rate=2, seconds=60)
        server = self.start(serve)
        self.assertGreaterEqual(self.receive("-frames:v 2"), 2)
        server.stop()
        self.remove_stream()
        self.make_movie(rate=30, seconds=2)
        self.start(serve.replace("-f shmimage", "-f shmimage -on_full block "
                                 "-wait_client 60"))
        self.assertEqual(self.receive(), 60)

    def make_movie(self, rate, seconds):
        self.run_line(f"ffmpeg -f lavfi -i testsrc2=size=320x240:rate={rate} "
                      f"-t {seconds} -c:v libx264 -pix_fmt yuv420p -y "
                      "movie.mp4")

    def receive(self, options=""):
        """How many images a client got, if need be until the server ended."""
        wait_for_stream()
        self.run_line("shmimage exec ffmpeg -f shmimage -i /dev/shm/live.shm "
                      f"-fps_mode passthrough {options} -f framemd5 -y "
                      "got.md5")
        with open(self.path_of("got.md5"), encoding="ascii") as got:
            sums = [line for line in got if not line.startswith("#")]
        self.assertTrue(sums)
        return len(sums)

    def test_python(self):
        """The server and the client, which are all that there is of Python."""
        for name, text in zip(("server.py", "client.py"),
                              blocks("README.md", "python"), strict=True):
            self.write(name, text)
        server = self.start("python3 server.py")
        wait_for_stream()
        self.assertEqual(len(self.run_line("python3 client.py").splitlines()),
                         600)
        self.assertEqual(server.ended(), 0, server.said())

    @runs("PATH=$PATH:/usr/share/doc/shmimage-tools/examples",
          "ensight-record movie.mp4", "ensight-record movie.mkv",
          "ensight-record --preview", "ensight-record -- ffmpeg")
    def test_ensight(self, path, record, lossless, preview, command):
        self.start(f"python3 {TOP}/tests/ensight_standin.py --plain "
                   f"--socket {ensight_socket()}").wait_until_says("port")
        for line in record, lossless, preview, command:
            recorder = self.start(f"bash -c '{path}; exec {line}'",
                                  **NO_SCREEN)
            wait_for(lambda: takes_images(recorder), line)
            self.assertEqual(recorder.interrupt(), 0, recorder.said())
        self.assertEqual(self.probe("movie.mp4")[0], "h264")
        for movie in "movie.mkv", "a.mkv":
            self.assertEqual(self.probe(movie)[0], "ffv1")

    @runs("man shmimage", "man shmimage-device", "man 3 shmimage",
          "man 7 shmimage")
    def test_manuals(self, *pages):
        for page in pages:
            self.assertIn("NAME", self.run_line(page + " | col -b"))

    @runs("cc server.c", "shmimage create --force --size 640x480", "./a.out")
    def test_c_server(self, compile_it, create, run):
        self.write("server.c", blocks("README.md", "c")[0])
        self.run_line(compile_it)
        self.run_line(create)
        server = self.start(run)
        self.run_line(f"python3 {TOP}/tests/peer.py client --wait-file 60 "
                      f"--frames 600 --manifest received {STREAM}")
        self.assertEqual(server.ended(), 0, server.said())


def ensight_socket():
    """Where a new EnSight listens."""
    found = subprocess.run(
        ["python3", "-Bc", "import ensight_images as images\n"
         "print(images.USUAL_SOCKET)"], check=True, stdout=subprocess.PIPE,
        cwd="/usr/share/doc/shmimage-tools/examples", text=True)
    return found.stdout.strip()


def takes_images(recorder):
    """Whether some of EnSight's have been taken; it does not say so itself."""
    if recorder.process.poll() is not None:
        raise AssertionError(f"{recorder.line} ended: {recorder.said()}")
    for path in glob.glob("/dev/shm/ensight-*"):
        # A file that is only half made yet can't be looked at.
        said = subprocess.run(["shmimage", "info", "--json", path],
                              stdout=subprocess.PIPE)
        return said.returncode == 0 and any(
            buffer["number"] > 60
            for buffer in json.loads(said.stdout)["buffers"])
    return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
