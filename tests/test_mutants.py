#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each mutant applies, and tests/mutants/run judges them rightly.

Environment: SHMIMAGE_SRCDIR (the project's directory), CC (default: cc).
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import waiting

TOP = os.environ.get("SHMIMAGE_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..")
MUTANTS = os.path.join(TOP, "tests", "mutants")

sys.dont_write_bytecode = True
sys.path.insert(0, MUTANTS)
import coverage  # noqa: E402
import trees  # noqa: E402

#: A project of two shell scripts: the code, and the suite, which is put behind
#: it where others compile.
CODE = """answer=42
unused=1
"""
SUITE = """test "$answer" -eq 42
"""
CONFIGURE = r"""#!/bin/sh
cat > Makefile <<'END'
tests/test_answer: ../../core/answer.c ../../tests/test_answer.c
	mkdir -p tests && cat $^ > $@ && sh -n $@
check-TESTS:
	sh $(TESTS) > $(TESTS).log 2>&1; case $$? in \
	0) result=PASS ;; 77) result=SKIP ;; *) result=FAIL ;; esac; \
	echo ":test-result: $$result" > $(TESTS).trs
END
"""


def record(name, *edit, suite="tests/test_answer"):
    return "\n".join([f"== {name}", "breaks: the answer", f"suite: {suite}",
                      "file: core/answer.c", *edit, ""])


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


class Project(InFolder):
    def setUp(self):
        super().setUp()
        self.write("core/answer.c", CODE)
        self.write("tests/test_answer.c", SUITE)
        self.write("configure", CONFIGURE)
        os.chmod(os.path.join(self.folder, "configure"), 0o755)
        os.mkdir(os.path.join(self.folder, "tests", "mutants"))
        for name in "run", "records.py", "trees.py", "coverage.py":
            shutil.copy(os.path.join(MUTANTS, name),
                        os.path.join(self.folder, "tests", "mutants"))

    def run_mutants(self, *records, options=("--no-coverage", "--jobs=2")):
        self.write("tests/mutants/some.mutants", "# Some\n\n"
                   + "\n".join(records))
        done = subprocess.run(
            [sys.executable, os.path.join(self.folder, "tests/mutants/run"),
             *options], capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    def assert_result(self, result, status, *edit):
        answer = self.run_mutants(record("mutant", *edit))
        self.assertEqual(answer[0], status, answer[1])
        self.assertRegex(answer[1], f"(?m)^{result} .*mutant: the answer")
        self.assertIn(f": 1 {result}\n", answer[1])

    def test_suite_that_fails_kills(self):
        self.assert_result("killed", 0, "- answer=42", "+ answer=41")

    def test_suite_that_passes_does_not(self):
        self.assert_result("SURVIVED", 1, "  answer=42", "- unused=1")

    def test_suite_that_hangs_kills(self):
        self.assert_result("time-out", 0, "  unused=1",
                           "+ echo 'Test timeout expired'; exit 1")

    def test_suite_that_cannot_run_does_not_kill(self):
        self.assert_result("not run", 0, "  unused=1", "+ exit 77")

    def test_what_does_not_compile_is_its_authors_mistake(self):
        self.assert_result("invalid", 1, "- unused=1", "+ unused=(")

    def test_each_has_the_code_to_itself(self):
        status, said = self.run_mutants(
            record("first", "- answer=42", "+ answer=41"),
            record("second", "- unused=1"),
            record("third", "  unused=1", "+ answer=40"))
        self.assertEqual(status, 1)
        self.assertEqual([line.split()[0] + " " + line.split()[3]
                          for line in said.splitlines()
                          if "the answer" in line],
                         ["killed first:", "SURVIVED second:",
                          "killed third:"])
        self.assertIn("1 SURVIVED, 2 killed", said)

    def test_source_is_left_alone(self):
        self.run_mutants(record("mutant", "- answer=42", "+ answer=41"))
        with open(os.path.join(self.folder, "core/answer.c"),
                  encoding="utf-8") as file:
            self.assertEqual(file.read(), CODE)
        self.assertNotIn("build", os.listdir(self.folder))

    def test_signal_ends_the_suite_and_removes_the_copies(self):
        begun = os.path.join(self.folder, "begun")
        copies = os.path.join(self.folder, "copies")
        os.mkdir(copies)
        self.write("tests/test_answer.c",
                   f"echo $$ > '{begun}' && exec sleep 3600\n")
        self.write("tests/mutants/some.mutants", record("m", "- unused=1"))
        with subprocess.Popen(
                [sys.executable, os.path.join(self.folder,
                                              "tests/mutants/run")],
                env={**os.environ, "TMPDIR": copies},
                stdout=subprocess.DEVNULL) as runner:
            waiting.wait_for(lambda: os.path.exists(begun)
                             and os.path.getsize(begun), "the suite")
            runner.send_signal(signal.SIGTERM)
            self.assertEqual(runner.wait(waiting.PATIENCE), 128 + 15)
        with open(begun, encoding="utf-8") as file:
            suite = int(file.read())
        waiting.wait_for(lambda: is_gone(suite), "the suite's end")
        self.assertEqual(os.listdir(copies), [])

    def test_suite_that_fails_anyway_proves_nothing(self):
        self.write("tests/test_answer.c", "false\n")
        status, said = self.run_mutants(record("mutant", "- unused=1"))
        self.assertEqual(status, 2, said)
        self.assertIn("tests/test_answer fails without a mutant", said)

    def test_record_that_does_not_apply_is_named(self):
        good = record("good", "- unused=1")
        for bad in (record("bad", "- answer=43"),
                    record("bad", "+ answer=43"),
                    record("bad", "  answer=42"),
                    record("bad", "- unused=1", suite="tests/test_nothing"),
                    record("bad", "- unused=1") * 2):
            with self.subTest(bad=bad):
                status, said = self.run_mutants(good, bad)
                self.assertEqual(status, 2, said)
                self.assertRegex(said, r"mutants: some.mutants:\d+: bad")

    def test_only_some(self):
        records = record("one", "- unused=1"), record("two", "- answer=42")
        answer = self.run_mutants(*records, options=["--list", "--only=t*"])
        self.assertEqual(answer, (0, "two: the answer (tests/test_answer)\n"))
        answer = self.run_mutants(*records, options=["--only=three"])
        self.assertEqual(answer, (2, "mutants: there is no mutant three\n"))


class Here(unittest.TestCase):
    def test_every_mutant_applies(self):
        done = subprocess.run([sys.executable, os.path.join(MUTANTS, "run"),
                               "--list"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(done.stdout, "")


class Parts(InFolder):
    def test_what_runs_too_long_is_ended(self):
        tree = trees.Tree(self.folder)
        script = "set -m; sleep 3600 & echo $! > began; wait"
        began = os.path.join(self.folder, "began")
        self.assertIsNone(tree.run(self.folder, ["sh", "-c", script], 3600,
                                   lambda: trees.contents(began)))
        self.assertIsNotNone(tree.running.returncode)
        with open(began, encoding="utf-8") as file:
            pid = int(file.read())
        waiting.wait_for(lambda: is_gone(pid), "its child's end")

    def test_what_is_being_started_is_stopped_too(self):
        tree = trees.Tree(self.folder)
        stop = threading.Thread(target=tree.stop)

        def start_slowly(*arguments, start=subprocess.Popen, **options):
            process = start(*arguments, **options)
            stop.start()
            # A stop that does not wait for the start would be over.
            stop.join(0.2)
            return process

        with mock.patch.object(trees.subprocess, "Popen", start_slowly):
            status = tree.run(self.folder, ["sleep", "3600"],
                              waiting.PATIENCE)
        self.assertEqual(status, -signal.SIGKILL)
        stop.join()
        self.assertIsNone(tree.run(self.folder, ["true"], waiting.PATIENCE))

    def test_what_has_failed_is_ended(self):
        tree = trees.Tree(self.folder)
        self.assertIsNone(tree.run(self.folder, ["sleep", "3600"], 3600,
                                   lambda: True))

    def test_lines_that_did_not_run_are_named(self):
        self.write("core/a.c", "int main(int argc, char **argv)\n{\n"
                               "    if (argc > 1)\n        return 1;\n"
                               "    return argv == 0;\n}\n")
        compiler = os.environ.get("CC", "cc").split()
        try:
            subprocess.run([*compiler, "--coverage", "core/a.c", "-o", "a"],
                           cwd=self.folder, check=True, capture_output=True)
            subprocess.run(["./a"], cwd=self.folder, check=True)
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                coverage.report(self.folder, self.folder, ["core"])
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipTest(f"no compiler with gcov: {error}")
        if not said.getvalue():
            self.skipTest("gcov can't read what this compiler's programs leave")
        self.assertRegex(said.getvalue(), r"\A *\d\d\.\d %  core/a.c, not: 4\n"
                                          r" *\d\d\.\d %  of \d lines in all\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
