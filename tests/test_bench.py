#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark works: with tiny images, and without asserting a time.

Environment: SHMIMAGE, SHMIMAGE_BUILDDIR and SHMIMAGE_SRCDIR as `make check`
sets them, FFMPEG (default: ffmpeg).
"""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

SOURCE = os.environ.get("SHMIMAGE_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("SHMIMAGE_BUILDDIR") or os.getcwd()
DRIVER = os.path.join(SOURCE, "bench", "bench.py")
SECONDS = 300
SIZE = "96x40"
IMAGES = 12

sys.path.insert(0, os.path.dirname(DRIVER))
import comparisons  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import runs  # noqa: E402

#: What may keep a figure from being measured.
EXCUSES = re.compile("is not installed|has no option zero_copy|"
                     "GStreamer has no|can't load the built device|"
                     "this build is without FFmpeg|"
                     "this build is without futexes|the system does not tell")
#: A unit of which none at all is a good result.
MAY_BE_ZERO = {"images", "% of a core", "wake-ups/s"}


def drive(*arguments):
    return subprocess.run([sys.executable, DRIVER, "--build", BUILD,
                           *arguments], capture_output=True, text=True,
                          timeout=SECONDS)


def image(number, draw):
    """What bench_send sends, without a time."""
    width, height = map(int, SIZE.split("x"))
    row = 3 * width
    if draw:
        pixels = b"".join(bytes([(number + y) % 256]) * row
                          for y in range(height))
    else:
        pixels = bytes(i % 251 for i in range(row * height))
    return struct.pack("=I", number) + pixels[4:]


def sums_of(*options):
    return [hashlib.md5(image(number, "--draw" in options)).hexdigest()
            for number in range(IMAGES)]


class Whole(unittest.TestCase):
    """One quick run of everything."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.done = drive("--quick", "--rounds", "1", "--out", cls.folder.name)

    def read(self, name):
        with open(os.path.join(self.folder.name, name)) as text:
            return text.read()

    def results(self):
        return json.loads(self.read("results.json"))

    def cells(self):
        for comparison in self.results()["comparisons"]:
            units = {column["key"]: column["unit"]
                     for column in comparison["columns"]}
            for row in comparison["rows"].values():
                for column, unit in units.items():
                    yield (comparison["name"], row["label"], column, unit,
                           row["cells"].get(column))

    def test_run_succeeds(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)

    def test_every_comparison_is_reported(self):
        self.assertEqual([one["name"] for one in self.results()
                          ["comparisons"]], list(comparisons.ALL))

    def test_every_figure_is_there(self):
        for name, row, column, unit, cell in self.cells():
            with self.subTest(comparison=name, row=row, column=column):
                self.assertIsNotNone(cell)
                if "not_measured" in cell:
                    self.assertRegex(cell["not_measured"], EXCUSES)
                    continue
                least = 0 if unit in MAY_BE_ZERO else 1e-9
                self.assertLessEqual(least, cell["min"])
                self.assertLessEqual(cell["min"], cell["median"])
                self.assertLessEqual(cell["median"], cell["max"])

    def test_something_is_measured_in_each_comparison(self):
        if not shutil.which(os.environ.get("FFMPEG") or "ffmpeg"):
            self.skipTest("ffmpeg is not installed")
        for name in {"throughput", "limit", "latency", "handover", "cost"}:
            self.assertTrue(any(cell and "median" in cell for one, _, _, _,
                                cell in self.cells() if one == name), name)

    def test_gstreamer_is_measured(self):
        try:
            runs.Programs(BUILD, "/").need_gstreamer()
        except results.NotMeasured as reason:
            self.skipTest(f"GStreamer: {reason}")
        self.assertTrue(all("median" in cell for _, row, _, _, cell
                            in self.cells() if row.startswith("GStreamer")))

    def test_whole_commands_are_measured(self):
        if not shutil.which("hyperfine"):
            self.skipTest("hyperfine is not installed")
        self.assertTrue(any("median" in cell for name, _, _, _, cell
                            in self.cells() if name == "command"))

    def test_marks_are_judged(self):
        marks = [mark for one in self.results()["comparisons"]
                 for mark in one["marks"]]
        self.assertTrue(marks)
        for mark in marks:
            with self.subTest(mark=mark["text"]):
                if "not_measured" in mark:
                    self.assertRegex(mark["not_measured"], EXCUSES)
                else:
                    self.assertIn(mark["met"], (True, False))

    def test_tables_are_well_formed(self):
        lines = self.read("results.md").splitlines()
        ruled = [i for i, line in enumerate(lines)
                 if re.fullmatch(r"(\|---)+\|", line)]
        self.assertGreater(len(ruled), len(comparisons.ALL))
        for i in ruled:
            bars = lines[i].count("|")
            end = lines.index("", i) if "" in lines[i:] else len(lines)
            for line in lines[i - 1:end]:
                self.assertEqual(line.replace("\\|", "").count("|"), bars,
                                 line)

    def test_machine_is_described(self):
        about = self.results()["machine"]
        for key in ("processor", "memory", "kernel", "FFmpeg", "GStreamer"):
            self.assertTrue(about[key], key)

    def test_picture_is_well_formed(self):
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot is not installed")
        root = xml.fromstring(self.read("results.svg"))
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertIn("raw pipe", "".join(root.itertext()))


class Images(unittest.TestCase):
    """Each way delivers every image, unchanged and in order."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.programs = runs.Programs(BUILD, folder.name)

    def command(self, find, *arguments):
        try:
            return find(*arguments)
        except results.NotMeasured as reason:
            self.skipTest(str(reason))

    def assert_sums(self, ffmpeg, *options):
        rows = [line.split(",") for line in ffmpeg.end().output().splitlines()
                if not line.startswith("#")]
        self.assertEqual([row[5].strip() for row in rows], sums_of(*options))

    def check_pipe(self, *options):
        receive = self.command(self.programs.raw, SIZE)
        with self.programs.jobs() as jobs:
            _, ffmpeg = jobs.pipe(
                self.programs.send("pipe", SIZE, "--images", IMAGES,
                                   *options),
                receive + ["-c", "copy", "-f", "framemd5", "-"])
            self.assert_sums(ffmpeg, *options)

    def check_device(self, way, lend, *options):
        receive = self.command(self.programs.device, lend)
        with self.programs.jobs() as jobs:
            sender = jobs.start(self.programs.send(
                way, SIZE, "--images", IMAGES, *options))
            sender.wait_for("ready")
            self.assert_sums(jobs.start(
                receive + ["-frames:v", str(IMAGES), "-c", "copy", "-f",
                           "framemd5", "-"]), *options)

    def test_pipe(self):
        self.check_pipe()

    def test_pipe_drawn(self):
        self.check_pipe("--draw")

    def test_put_copying(self):
        self.check_device("put", False)

    def test_put_lending(self):
        self.check_device("put", True)

    def test_begin_copying(self):
        self.check_device("begin", False, "--draw")

    def test_begin_lending(self):
        self.check_device("begin", True, "--draw")

    def test_silent(self):
        self.check_device("silent", False, "--draw")

    def test_gstreamer(self):
        self.command(self.programs.need_gstreamer)
        direct = ["gst-launch-1.0", "-q", *self.programs.gst_source(SIZE, 1),
                  "!", "checksumsink", "hash=md5", "sync=false"]
        if subprocess.run(["gst-inspect-1.0", "--exists",
                           "checksumsink"]).returncode:
            self.skipTest("GStreamer has no checksumsink")
        with self.programs.jobs() as jobs:
            wanted = jobs.start(direct).end().output().split()[-1]
            sender = runs.start_gstreamer(
                jobs, self.programs.gst_send(SIZE, IMAGES + 4),
                self.programs.socket)
            receiver = jobs.start(self.programs.gst_receive(
                SIZE, "checksumsink", "hash=md5", "sync=false",
                images=IMAGES)).end()
            sender.stop()
            got = re.findall(r"\b[0-9a-f]{32}\b", receiver.output())
        self.assertEqual(got, [wanted] * IMAGES)


class Figures(unittest.TestCase):
    """Medians, ratios and marks are what they say."""

    def table(self, peer, ours, **mark):
        judged = results.Mark("ours", ("ours", "x"), 2, base=("peer", "x"),
                              **mark)
        table = results.Table("t", "T", [("peer", "Peer"), ("ours", "Ours")],
                              [("x", "X", "1/s")], baseline="peer",
                              compared=["x"], marks=[judged])
        for value in peer:
            table.add("peer", {"x": value})
        for value in ours:
            table.add("ours", {"x": value})
        return table.as_json()

    def test_ratio_is_the_median_of_those_within_a_round(self):
        answer = self.table([1, 10, 100], [4, 20, 100])
        ratio = answer["rows"]["ours"]["cells"]["x"]["ratio"]
        self.assertEqual((ratio["median"], ratio["min"], ratio["max"]),
                         (2, 1, 4))

    def test_mark_that_is_met(self):
        self.assertIs(self.table([1], [2], at_least=True)["marks"][0]["met"],
                      True)

    def test_mark_that_is_missed(self):
        self.assertIs(self.table([1], [1.9], at_least=True)["marks"][0]
                      ["met"], False)

    def test_mark_that_is_an_upper_limit(self):
        self.assertIs(self.table([1], [2.1])["marks"][0]["met"], False)

    def test_mark_of_a_figure_that_was_not_measured(self):
        table = results.Table("t", "T", [("a", "A")], [("x", "X", "s")],
                              marks=[results.Mark("a", ("a", "x"), 1)])
        table.refuse("a", ["x"], "it is not there")
        self.assertEqual(table.as_json()["marks"][0]["not_measured"],
                         "it is not there")

    def test_percentile(self):
        values = list(range(1, 1001))
        self.assertEqual([results.percentile(values, p)
                          for p in (50, 99, 99.9, 100)],
                         [500, 990, 999, 1000])

    def test_figure(self):
        self.assertEqual([report.figure(v) for v in (0, 1234.5, 12.34, 1.234,
                                                     0.0123)],
                         ["0", "1234", "12.3", "1.23", "0.012"])


class Document(unittest.TestCase):
    """The results go between two marks of the document."""

    def replace(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "performance.md")
            with open(path, "w") as out:
                out.write(text)
            report.replace_generated(path, ["new"])
            with open(path) as result:
                return result.read()

    def test_only_what_is_between_changes(self):
        self.assertEqual(
            self.replace(f"a\n{report.BEGIN}\nold\n{report.END}\nz\n"),
            f"a\n{report.BEGIN}\n\nnew\n\n{report.END}\nz\n")

    def test_document_without_a_place(self):
        self.assertRaisesRegex(ValueError, "no place", self.replace, "a\n")

    def test_the_real_one_has_a_place(self):
        with open(os.path.join(SOURCE, "docs", "performance.md")) as text:
            document = text.read()
        self.assertEqual((document.count(report.BEGIN),
                          document.count(report.END)), (1, 1))


class Usage(unittest.TestCase):
    def test_unknown_comparison(self):
        done = drive("--quick", "nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no comparison nonsense", done.stderr)

    def test_no_rounds(self):
        self.assertEqual(drive("--rounds", "0").returncode, 2)

    def test_unknown_way_to_send(self):
        done = subprocess.run([os.path.join(BUILD, "bench", "bench_send"),
                               "pigeon"], capture_output=True, text=True,
                              timeout=SECONDS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("pigeon", done.stderr)


if __name__ == "__main__":
    if not os.access(os.path.join(BUILD, "bench", "bench_send"), os.X_OK):
        print(f"skipped: {BUILD} has no bench/bench_send")
        sys.exit(77)
    unittest.main(verbosity=2)
