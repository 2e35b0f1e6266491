#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual pages: that they are well-formed, that they can be found, and
that shmimage(1) says what the tool's help says.

SHMIMAGE names the tool, SHMIMAGE_SRCDIR and SHMIMAGE_BUILDDIR the folders.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import mdoc

TOOL = os.environ.get("SHMIMAGE") or "shmimage"
BUILD = os.environ.get("SHMIMAGE_BUILDDIR")
SECONDS = 60


def run(*command, **options):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, **options)


class FolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")

    def install(self):
        """What "make install" makes of the pages, as a folder of manuals."""
        self.need("make")
        if not BUILD:
            self.skipTest("SHMIMAGE_BUILDDIR is not set")
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        answer = run("make", "-C", BUILD, "install-man",
                     "mandir=" + self.folder, env=environment)
        self.assertEqual(answer.returncode, 0, answer.stdout)
        return self.folder


class PagesTest(FolderTest):
    def lint(self, folder, *names):
        """What mandoc complains of. Other pages are looked for in the folder.

        It may also say that its index of the system's manuals is old.
        """
        said = run("mandoc", "-T", "lint", *names, cwd=folder).stdout
        return [line for line in said.splitlines()
                if re.search(r"\.[137]:\d", line)]

    def test_mandoc_lint(self):
        self.need("mandoc")
        manuals = self.install()
        flat = os.path.join(manuals, "flat")
        os.mkdir(flat)
        for number in "137":
            folder = os.path.join(manuals, "man" + number)
            for name in os.listdir(folder):
                shutil.copy(os.path.join(folder, name), flat)
        self.assertEqual(self.lint(flat, *mdoc.page_names()), [])
        with open(os.path.join(flat, "wrong.7"), "w") as page:
            page.write("\n".join(mdoc.lines_of("shmimage.7")) +
                       "\n.Xr shmimage_nothing 3\n")
        self.assertEqual(len(self.lint(flat, "wrong.7")), 1)

    def test_groff(self):
        self.need("groff")
        for name in mdoc.page_names():
            for device in ("utf8", "ascii", "ps"):
                answer = run("groff", "-mdoc", "-ww", "-z", "-T" + device,
                             os.path.join(mdoc.FOLDER, name))
                self.assertEqual((name, answer.stdout), (name, ""))
                self.assertEqual(answer.returncode, 0)

    def test_names_are_found(self):
        self.need("man")
        manuals = self.install()
        names = [(name, page[-1]) for page in mdoc.page_names()
                 for name in self.names_of(page)]
        self.assertGreater(len(names), 30)
        answer = run("man", "-w", *(f"{name}.{number}" for name, number
                                    in names),
                     env={**os.environ, "MANPATH": manuals})
        self.assertEqual(answer.returncode, 0, answer.stdout)
        paths = answer.stdout.split()
        self.assertEqual(len(paths), len(names))
        for (name, number), path in zip(names, paths):
            page = os.path.relpath(path, manuals)
            self.assertRegex(page, rf"^man{number}/")
            self.assertIn(name, self.names_of(os.path.basename(page)))

    def names_of(self, page):
        return [word for line in mdoc.section(page, "NAME")
                if line.startswith(".Nm ")
                for word in mdoc.arguments(line) if word != ","]

    def test_date_and_licence(self):
        for name in mdoc.page_names():
            lines = mdoc.lines_of(name)
            self.assertIn("SPDX-License-Identifier: LGPL-2.1-or-later",
                          lines[0])
            self.assertRegex(lines[1], r"^\.Dd [A-Z][a-z]+ \d+, \d{4}$")


def options_of_help(text):
    """{option: (short one, name of its value)}"""
    rows = re.findall(r"^  (?:-(\w), )?(--[a-z-]+)(?: ([A-Za-z]+))?(?:  +\S|$)",
                      text, re.MULTILINE)
    return {option: (short, value) for short, option, value in rows}


def options_of_manual(lines):
    found = {}
    for words in mdoc.items(lines, "Fl"):
        short = words[0] if words[1:3] == [",", "Fl"] else ""
        rest = words[3:] if short else words
        found["-" + rest[0]] = (short, rest[2] if rest[1:] else "")
    return found


def synopsis_of_manual(command):
    """As the tool's help writes it."""
    lines = mdoc.section("shmimage.1", "SYNOPSIS")
    start = lines.index(f".Cm {command}") + 1
    end = lines.index(".Nm shmimage", start)
    return " ".join(synopsis_line(line) for line in lines[start:end])


def synopsis_line(line):
    macro, text = line[1:].split(" ", 1)
    text = re.sub(r"\b(Ar|Fl) ", lambda m: "-" if m[1] == "Fl" else "",
                  macro + " " + text if macro in ("Ar", "Fl") else text)
    text = {"Op": "[{}]", "Pq": "({})"}.get(macro, "{}").format(text)
    return text.replace(" Ns ", "").replace(" ...]", "]...")


class ToolTest(unittest.TestCase):
    def test_commands(self):
        listed = re.search(r"Commands:\n(.*?)\n\n", run(TOOL, "--help").stdout,
                           re.S)[1]
        self.assertEqual(list(mdoc.subsections("shmimage.1")),
                         re.findall(r"^  (\w+) ", listed, re.MULTILINE))

    def test_options_of_all(self):
        before = mdoc.section("shmimage.1", "DESCRIPTION")
        before = before[:before.index(".Ss record")]
        self.assertEqual(options_of_manual(before),
                         options_of_help(run(TOOL, "--help").stdout))

    def test_options(self):
        common = options_of_help(run(TOOL, "--help").stdout)
        self.assertEqual(len(common), 2)
        for command, lines in mdoc.subsections("shmimage.1").items():
            with self.subTest(command=command):
                options = options_of_manual(lines)
                self.assertGreaterEqual(len(options), 1)
                self.assertEqual(
                    {**options, **common},
                    options_of_help(run(TOOL, command, "--help").stdout))
                self.assertFalse(options.keys() & common.keys())

    def test_synopsis(self):
        for command in mdoc.subsections("shmimage.1"):
            usage = run(TOOL, command, "--help").stdout.splitlines()[0]
            self.assertEqual(
                f"Usage: shmimage {command} {synopsis_of_manual(command)}",
                usage)

    def test_members_of_json(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "a.shm")
            run(TOOL, "create", "--size", "640x480", file, check=True)
            text = run(TOOL, "info", "--json", file).stdout
        members = json.loads(text)
        items = mdoc.items(mdoc.section("shmimage.1", "The JSON object"), "Li")
        self.assertEqual(
            [word for item in items for word in item if word != ","],
            [*members, *members["buffers"][0]])

    def test_members_of_what_is_watched(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "a.shm")
            run(TOOL, "create", "--size", "640x480", file, check=True)
            text = subprocess.run(
                [TOOL, "info", "--watch", "--json", "--count", "1",
                 "--interval", "0.1", file], stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, timeout=SECONDS).stdout
        items = mdoc.items(mdoc.section("shmimage.1", "What is watched"), "Li")
        self.assertEqual([word for item in items for word in item
                          if word != ","], [*json.loads(text)])

    def test_states(self):
        lines = mdoc.subsections("shmimage.1")["info"]
        states = [words[0] for words in mdoc.items(lines, "Li")]
        self.assertEqual(states, re.findall(
            r'return "([a-z-]+)";', source("core", "error.c"))[:5])

    def test_exit_status(self):
        said = re.search(r"Exit codes: (.*)\.", run(TOOL, "--help").stdout)[1]
        text = "\n".join(mdoc.section("shmimage.1", "EXIT STATUS"))
        for number, meaning in re.findall(r"(\d) ([a-z ]+)", said):
            self.assertIn(f".It {number}\n{meaning}", text)


def source(*path):
    with open(os.path.join(mdoc.SOURCE, *path)) as file:
        return file.read()


if __name__ == "__main__":
    if not shutil.which(TOOL):
        print(f"{TOOL} is not there")
        sys.exit(77)
    unittest.main(verbosity=2)
