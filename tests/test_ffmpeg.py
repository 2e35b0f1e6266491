#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ffmpeg tool records streams of the Python server, bit for bit.

See ffmpeg_harness.py for the environment.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from features import shows
from ffmpeg_harness import (COMMAND, FFMPEG, H264, NATIVE, PATIENCE, SECONDS,
                            SHMIMAGE, Running, StreamTest, main, major_version,
                            read_framemd5, read_manifest, read_text)
from peer_stream import create_file


def project_file(path):
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    return os.path.join(os.environ.get("SHMIMAGE_SRCDIR", top), path)


class Listing(unittest.TestCase):
    def ask(self, *arguments):
        done = subprocess.run(COMMAND + ["-hide_banner", *arguments],
                              capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    @shows("devices")
    def test_devices_name_it_as_input_and_output(self):
        words = [line.split() for line in self.ask("-devices").splitlines()]
        self.assertIn(["DE", "shmimage"], [line[:2] for line in words])

    def help(self, device="demuxer"):
        return self.ask("-h", f"{device}=shmimage")

    def options(self, device="demuxer"):
        return set(re.findall(r"^ +-(\w+) ", self.help(device), re.MULTILINE))

    @shows("options")
    def test_help_names_every_option(self):
        words = self.help().split()
        for name in ("-framerate", "-timestamps", "frame", "wallclock",
                     "-timeout", "-latest", "-on_disconnect", "eof", "wait",
                     "-guard", "-zero_copy", "-repeat_idle"):
            self.assertIn(name, words)
        words = self.ask("-h", "muxer=shmimage").split()
        for name in ("-wait_client", "-on_full", "drop", "block", "-numbers",
                     "pts", "count"):
            self.assertIn(name, words)

    @shows("options")
    def test_manual_names_every_option_and_value(self):
        for device, manual in ("demuxer", "indevs"), ("muxer", "outdevs"):
            text = read_text(project_file(f"patches/edits/common/{manual}.texi"))
            text = text.partition("@subsection Options\n")[2]
            text = text.partition("@subsection Examples\n")[0]
            self.assertEqual(
                set(re.findall(r"^@item (\w+)$", text, re.MULTILINE)),
                set(re.findall(r"^ +-?(\w+) +\S+ +[.DE]+ ", self.help(device),
                               re.MULTILINE)))

    def test_readme_names_every_option(self):
        text = read_text(project_file("README.md"))
        text = text.partition("### Options of the input device\n")[2]
        text = text.partition("\n## ")[0]
        self.assertEqual(
            set(re.findall(r"^\| `-(\w+)", text, re.MULTILINE)),
            self.options())

    @shows("manual")
    @unittest.skipUnless(NATIVE, "a stock FFmpeg has its own manual")
    def test_installed_manual_names_every_option(self):
        page = os.path.join(os.path.dirname(shutil.which(FFMPEG)), "..",
                            "share", "man", "man1", "ffmpeg-devices.1")
        text = re.split(r'^\.SS "?(.*?)"?$', read_text(page),
                        flags=re.MULTILINE)
        sections = [after for title, after in zip(text, text[1:])
                    if title == "shmimage"]
        names = [set(re.findall(r'^\.IP "\\fB(\w+)\\fR" 4$', section,
                                re.MULTILINE)) for section in sections]
        self.assertEqual(len(names), 2)
        self.assertLessEqual(self.options("demuxer"), names[0])
        self.assertLessEqual(self.options("muxer"), names[1])

    @shows("devices")
    def test_other_devices_are_still_there(self):
        lines = self.ask("-devices").splitlines()
        self.assertTrue(any("lavfi" in line.split() for line in lines), lines)
        if not NATIVE:
            stock = subprocess.run(
                [FFMPEG, "-hide_banner", "-devices"], check=True, text=True,
                capture_output=True, timeout=SECONDS).stdout
            self.assertLessEqual(set(stock.splitlines()), set(lines))


@shows("sources")
class Sources(StreamTest):
    """What `ffmpeg -sources shmimage` finds in a run-time directory."""

    def sources(self, folder=None):
        done = subprocess.run(
            COMMAND + ["-hide_banner", "-sources", "shmimage"],
            capture_output=True, text=True, timeout=SECONDS,
            env=dict(os.environ, XDG_RUNTIME_DIR=self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(done.stdout, r"(?m)^\*")
        return [line for line in done.stdout.splitlines()
                if (folder or self.folder) in line]

    def test_folder_without_a_stream(self):
        for name, content, size in (
                ("small.shm", b"", 1000), ("large", b"", 30_000_000),
                ("other.shm", b"\xff" * 24, 30_000_000)):
            with open(self.file(name), "wb") as file:
                file.write(content)
                file.truncate(size)
        os.mkfifo(self.file("fifo.shm"))
        self.assertEqual(self.sources(), [])

    def test_fifo_that_waits_for_a_reader_goes_on_waiting(self):
        fifo = self.file("fifo.shm")
        os.mkfifo(fifo)
        writer = Running(self, "writer", ["sh", "-c", 'echo still > "$0"',
                                          fifo])
        state = f"/proc/{writer.process.pid}/stat"
        writer.wait_until(lambda: read_text(state).split()[2] == "S",
                          "its wait")
        self.assertEqual(self.sources(), [])
        with open(fifo, "rb", buffering=0,
                  opener=lambda path, flags: os.open(
                      path, flags | os.O_NONBLOCK)) as reader:
            writer.end()
            self.assertEqual(reader.read(10), b"still\n")

    def test_new_file(self):
        self.create()
        self.assertEqual(self.sources(), [
            f"  {self.stream} [no image yet, no server seen, no client seen] "
            "(video)"])

    @unittest.skipUnless(os.path.isdir("/dev/shm"), "there is no /dev/shm")
    def test_shared_memory(self):
        with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".shm") as new:
            new.truncate(20_000_000)
            self.assertEqual(len(self.sources(new.name)), 1)

    def test_file_of_any_name(self):
        self.stream = self.file("whatever")
        self.create()
        self.stop(self.serve("--size", "64x36"))
        self.assertIn("no server seen", self.sources()[0])

    def test_running_stream(self):
        subprocess.run([SHMIMAGE, "create", "--size", "64x36", self.stream],
                       check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
        server = Running(self, "server", [SHMIMAGE, "send", "--quiet",
                                          "--size", "64x36", self.stream])
        server.wait_until(lambda: "[no image yet, has a server, no client seen]"
                          in self.sources()[0], "its presence")
        client = Running(self, "client", self.command("-f", "null", "-"))
        client.wait_until(lambda: "frame=" in client.err(), "its first image")
        self.assertIn("[64x36, has a server, in use by a client]",
                      self.sources()[0])
        self.stop(server)


@shows("exact")
class Recording(StreamTest):
    """What arrives is what was sent."""

    CHANGES = ("--sizes", "64x36,32x48", "--size-every", 10)

    def assert_recorded(self, count, *options):
        """Record the begin of a run. Returns the time stamps."""
        server = self.serve(*options)
        arrived = self.record(count)
        self.stop(server)
        sent = read_manifest(self.file("manifest"))[:count]
        self.assertEqual([md5 for _, _, md5 in arrived],
                         [md5 for _, md5 in sent])
        return [pts for pts, _, _ in arrived]

    def test_every_size(self):
        for size, count in (("1x1", 200), ("3x5", 200), ("1919x1079", 20),
                            ("3840x2160", 8)):
            with self.subTest(size=size):
                width, height = map(int, size.split("x"))
                self.create(width, height)
                pts = self.assert_recorded(count, "--size", size)
                self.assertEqual(pts, list(range(count)))
                os.unlink(self.stream)

    def test_odd_length_of_the_file(self):
        self.create(more_bytes=1)
        self.assert_recorded(50, "--size", "65x37")

    def test_image_in_blocks(self):
        self.create()
        self.assert_recorded(50, "--size", "64x37", "--blocks", 3)

    def test_gaps_in_the_numbering(self):
        self.create()
        pts = self.assert_recorded(20, "--size", "64x36", "--start", 1000,
                                   "--step", 7)
        self.assertEqual(pts, list(range(1000, 1140, 7)))

    def test_numbering_wraps(self):
        self.create()
        pts = self.assert_recorded(20, "--size", "64x36", "--start",
                                   2 ** 32 - 10, "--step", 2)
        self.assertEqual(pts, list(range(2 ** 32 - 10, 2 ** 32 + 30, 2)))

    @shows("restart")
    def test_server_restarts(self):
        self.create()
        pts = self.assert_recorded(20, "--size", "64x36", "--restart-after",
                                   12)
        self.assertEqual(pts, list(range(20)))

    @shows("resize")
    def test_size_changes(self):
        self.create()
        self.assert_recorded(30, *self.CHANGES)

    @shows("resize")
    def test_size_changes_and_is_scaled_to_the_first(self):
        self.create()
        server = self.serve(*self.CHANGES)
        arrived = self.record(30, "-c:v", "rawvideo", "-pix_fmt", "rgb24")
        self.stop(server)
        self.assertEqual({size for _, size, _ in arrived}, {3 * 64 * 36})
        self.assertEqual([pts for pts, _, _ in arrived], list(range(30)))
        sent = read_manifest(self.file("manifest"))
        for frames in (slice(0, 10), slice(20, 30)):
            self.assertEqual([md5 for _, _, md5 in arrived[frames]],
                             [md5 for _, md5 in sent[frames]])


class Lending(StreamTest):
    """The images themselves go to ffmpeg, without a copy between."""

    def count_lent(self, zero_copy):
        """How many of 40 images were, and what came out."""
        self.create()
        server = self.serve("--size", "64x36")
        done = self.run_ffmpeg(
            "-v", "verbose", "-copyts", "-fps_mode", "passthrough",
            "-c:v", "rawvideo", "-pix_fmt", "rgb24", "-frames:v", "40", "-f",
            "framemd5", "-", options=["-zero_copy", zero_copy, *PATIENCE])
        self.stop(server)
        self.assertEqual(done.returncode, 0, done.stderr)
        sent = read_manifest(self.file("manifest"))[:40]
        self.assertEqual([md5 for _, _, md5 in read_framemd5(done.stdout)],
                         [md5 for _, md5 in sent])
        os.unlink(self.stream)
        return int(re.search(r"(\d+) images lent", done.stderr).group(1))

    @shows("zero_copy")
    def test_images_are_lent_unless_copies_are_asked_for(self):
        self.assertGreater(self.count_lent("1"), 0)
        self.assertEqual(self.count_lent("0"), 0)


class Playable(StreamTest):
    """A file that others can play."""

    def test_mp4_of_all_images(self):
        self.create()
        self.serve("--size", "64x36")
        done = self.run_ffmpeg(*H264, "-frames:v", "60", self.file("out.mp4"),
                               options=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        video = self.probe(self.file("out.mp4"))
        self.assertEqual(video["codec_name"], "h264")
        self.assertEqual(video["pix_fmt"], "yuv420p")
        self.assertEqual(video["nb_read_frames"], "60")
        self.assertEqual(video["avg_frame_rate"], "60/1")

    def record_to_its_end(self, *options):
        done = self.run_ffmpeg(*options, *H264, self.file("out.mp4"),
                               options=["-timeout", "1"])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr, self.probe(self.file("out.mp4"))

    def test_stream_that_ends(self):
        self.leave_images(0, 1)
        log, video = self.record_to_its_end()
        self.assertIn("2 images delivered, 0 missing", log)
        self.assertEqual(video["nb_read_frames"], "2")

    def record_gap(self, *options):
        """What became of two images with a gap of 59 between them."""
        self.leave_images(0, 60)
        log, video = self.record_to_its_end(*options)
        self.assertIn("2 images delivered, 59 missing", log)
        return video

    @shows("gaps")
    def test_gaps_stay_gaps(self):
        video = self.record_gap("-fps_mode", "passthrough")
        self.assertEqual(video["nb_read_frames"], "2")
        self.assertAlmostEqual(float(video["duration"]), 61 / 60, places=5)

    @shows("gaps-unasked")
    def test_gaps_stay_gaps_unless_ffmpeg_fills_them(self):
        frames = int(self.record_gap()["nb_read_frames"])
        if major_version("libavformat") < 60:
            self.assertGreaterEqual(frames, 61)
            self.skipTest("this release fills the gaps in MP4")
        self.assertEqual(frames, 2)


@shows("errors")
class Refusal(StreamTest):
    """An error names the file, and the exit code tells of it."""

    def assert_refused(self, *words, options=()):
        done = self.run_ffmpeg("-f", "null", "-", options=options)
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(
            any(self.stream in line and all(word in line for word in words)
                for line in done.stderr.splitlines()), done.stderr)

    def test_missing_file(self):
        self.assert_refused("no such file")

    def test_directory(self):
        os.mkdir(self.stream)
        self.assert_refused("regular file")

    def test_fifo(self):
        os.mkfifo(self.stream)
        self.assert_refused("regular file")

    def test_file_too_small(self):
        create_file(self.stream, 9_999_999)
        self.assert_refused("9999999", "10000000")

    @shows()
    @unittest.skipUnless(os.geteuid(), "root may read everything")
    def test_forbidden_file(self):
        self.create()
        os.chmod(self.stream, 0)
        self.assert_refused("shmimage")

    def test_no_server_in_time(self):
        self.create()
        self.assert_refused("no server has used the file",
                            options=["-timeout", "0.2"])

    def test_image_that_does_not_fit(self):
        self.create()
        self.serve("--size", "64x36", "--lie",
                   "0:width=9000,height=9000,num_scanlines=9000")
        done = self.run_ffmpeg("-frames:v", "1", "-f", "null", "-",
                               options=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ignoring an image whose header does not fit",
                      done.stderr)
        self.assertIn("9000x9000, it needs a file of 486006784 bytes",
                      done.stderr)
        self.assertIn("1 refused", done.stderr)


if __name__ == "__main__":
    main()
