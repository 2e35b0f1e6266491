#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/make-matrix writes what tests found, and notices what differs.

Environment: SHMIMAGE_SRCDIR (the project's folder).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.environ.get("SHMIMAGE_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..")

FEATURES = """[features]
plain = it works
timed = it ends, under 2 s
[reasons]
plain *-module = The module can't.
"""
DOCUMENT = """Before.
<!-- what scripts/make-matrix writes begins here -->
<!-- and ends here -->
After.
"""
GOOD = ("plain pass", "timed pass", "timed seconds 0.25")


class Matrix(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for part in "scripts", "tests", "docs":
            os.mkdir(os.path.join(self.folder, part))
        shutil.copy(os.path.join(TOP, "scripts", "make-matrix"),
                    os.path.join(self.folder, "scripts"))
        self.write("tests/features.ini", FEATURES)
        self.write("docs/ffmpeg.md", DOCUMENT)

    def write(self, path, text):
        with open(os.path.join(self.folder, path), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def document(self):
        with open(os.path.join(self.folder, "docs/ffmpeg.md"),
                  encoding="utf-8") as file:
            return file.read()

    def run_script(self, *arguments):
        done = subprocess.run(
            [sys.executable, "scripts/make-matrix", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def results(self, column, *rows):
        """Make the file of a column; a row is a feature, a result, a text."""
        parts = [(row + " " * (2 - row.count(" "))).split(" ", 2)
                 for row in rows]
        self.write(column, "".join(
            f"{feature}\t{result}\ttest_{feature}\t{text}\n"
            for feature, result, text in parts))

    def make(self, column, *rows):
        self.results(column, *rows)
        return self.run_script(column)

    def check(self, column, *rows):
        self.results(column, *rows)
        return self.run_script("--check", column)

    def assert_made(self, column, *rows):
        self.assertEqual(self.make(column, *rows), (0, ""))

    def assert_wrong(self, answer, *words):
        self.assertEqual(answer[0], 1, answer[1])
        for word in words:
            self.assertIn(word, answer[1])

    def test_table_has_each_column_in_its_place(self):
        self.assert_made("10.1-patched", *GOOD)
        self.assert_made("9.0-module", "plain skip", *GOOD[1:])
        self.assert_made("9.0-patched", *GOOD)
        text = self.document()
        self.assertIn("|  | 9.0 patched | 9.0 module | 10.1 patched |\n", text)
        self.assertIn("| it works | yes | – (1) | yes |\n", text)
        self.assertIn("| it ends, under 2 s | yes, 0.25 s | yes, 0.25 s | yes,"
                      " 0.25 s |\n", text)
        self.assertIn("\n1. The module can't.\n", text)
        self.assertTrue(text.startswith("Before.\n"))
        self.assertTrue(text.endswith("After.\n"))

    def make_two(self):
        self.assert_made("9.0-patched", *GOOD)
        self.assert_made("9.0-module", "plain skip", *GOOD[1:])

    def test_the_same_again_agrees_whatever_it_took(self):
        self.make_two()
        self.assertEqual(self.check("9.0-patched", *GOOD[:2],
                                    "timed seconds 99"), (0, ""))
        self.assertEqual(self.check("9.0-module", "plain skip", *GOOD[1:]),
                         (0, ""))

    def test_difference_is_named(self):
        self.make_two()
        for rows in (("plain pass", "plain fail", "timed pass"),
                     ("plain skip why", "timed pass"), ("timed pass",)):
            with self.subTest(rows=rows):
                self.assert_wrong(self.check("9.0-patched", *rows),
                                  "9.0-patched, plain")
        self.assert_wrong(self.check("9.0-module", *GOOD),
                          "9.0-module, plain: yes")

    def test_what_is_not_installed_is_not_compared(self):
        self.make_two()
        status, said = self.check("9.0-patched", "plain lack no viewer",
                                  "timed pass")
        self.assertEqual(status, 0)
        self.assertIn("not compared: test_plain: no viewer", said)

    def test_column_that_is_not_there_is_not_compared(self):
        self.make_two()
        self.assertEqual(self.check("9.1-patched", *GOOD)[0], 77)

    def test_text_that_others_wrote_is_noticed(self):
        self.make_two()
        for before, after in (("it works", "it wroks"),
                              ("– (1)", "yes"), ("can't", "can")):
            with self.subTest(after=after):
                good = self.document()
                self.write("docs/ffmpeg.md", good.replace(before, after))
                self.assert_wrong(self.check("9.0-patched", *GOOD))
                self.write("docs/ffmpeg.md", good)

    def test_cell_without_a_reason_is_refused(self):
        self.make_two()
        before = self.document()
        for rows in (("plain skip why", "timed pass"), ("plain pass",),
                     ("plain fail", "timed pass"),
                     ("plain pass", "timed pass", "timed seconds 2.5"),
                     ("plain pass", "timed pass", "other pass")):
            with self.subTest(rows=rows):
                self.assert_wrong(self.make("9.0-patched", *rows))
                self.assertEqual(self.document(), before)

    def test_reason_that_is_not_needed_is_refused(self):
        self.make_two()
        self.assert_wrong(self.make("9.0-module", *GOOD),
                          "the reason 'plain *-module' is for no cell")

    def test_failure_has_no_reason(self):
        self.make_two()
        self.assert_wrong(self.make("9.0-module", "plain fail", "timed pass"),
                          "9.0-module, plain: fail")


if __name__ == "__main__":
    unittest.main(verbosity=2)
