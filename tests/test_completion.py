#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash completes on shmimage's command line.

SHMIMAGE names the tool, SHMIMAGE_SRCDIR and SHMIMAGE_BUILDDIR the folders.
Without bash and bash-completion this program ends with 77, for a test that is
skipped.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = os.environ.get("SHMIMAGE") or "shmimage"
SOURCE = os.environ.get("SHMIMAGE_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..")
BUILD = os.environ.get("SHMIMAGE_BUILDDIR")
LIBRARY = "/usr/share/bash-completion/bash_completion"
SECONDS = 60

# Sets what bash sets before it calls a completion function, calls the one that
# is registered, and prints what it found. Nobody types here, so there is no
# completion whose display compopt could change.
CALL = r"""
. "$1" || exit
shift
compopt() { :; }
[ -z "$SETUP" ] || eval "$SETUP"
function=$(complete -p shmimage) || exit
function=${function#* -F } && function=${function%% *}
COMP_LINE=$1
COMP_POINT=${#COMP_LINE}
COMP_TYPE=9
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$function" shmimage "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def words_of(line):
    """As bash splits it: = and : are words of their own."""
    words = re.findall(r"[=:]+|[^\s=:]+", line)
    return words + [""] if line[-1] in " =:" else words


def run_tool(*arguments):
    return subprocess.run([TOOL, *arguments], check=True, text=True,
                          capture_output=True, timeout=SECONDS).stdout


class CompletionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.load = ". " + os.path.join(os.path.abspath(SOURCE), "completions",
                                        "shmimage")

    def complete(self, line, setup="", **environment):
        answer = subprocess.run(
            ["bash", "--norc", "-c", CALL, "bash", LIBRARY, line,
             *words_of(line)],
            cwd=self.folder, text=True, capture_output=True, timeout=SECONDS,
            env={**os.environ, "SETUP": f"{self.load}\n{setup}",
                 **environment})
        self.assertEqual(answer.stderr, "")
        self.assertEqual(answer.returncode, 0)
        return sorted(set(answer.stdout.split()))

    def write(self, *names):
        for name in names:
            with open(os.path.join(self.folder, name), "w"):
                pass

    def test_commands(self):
        listed = re.findall(r"^  ([a-z]+)  ", run_tool("--help").split(
            "Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
        self.assertGreaterEqual(len(listed), 5)
        self.assertEqual(self.complete("shmimage "), sorted(listed))
        self.assertEqual(self.complete("shmimage se"), ["send"])

    def test_options(self):
        for command in [""] + self.complete("shmimage "):
            with self.subTest(command=command):
                text = run_tool(*command.split(), "--help")
                listed = re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text,
                                    re.MULTILINE)
                self.assertGreaterEqual(len(listed), 2)
                self.assertEqual(self.complete(f"shmimage {command} -"),
                                 sorted(listed))

    def test_sizes(self):
        for line in ("create --size 19", "create --size=19", "send --size 19"):
            self.assertEqual(self.complete("shmimage " + line), ["1920x1080"])
        self.assertEqual(self.complete("shmimage send --size 640x360,19"),
                         ["640x360,1920x1080"])

    def test_values_are_taken(self):
        """The tool complains of the file, and not of a value."""
        for option, known in (("--size", "640x480"), ("--rate", "60")):
            values = self.complete(f"shmimage send {option} ")
            self.assertIn(known, values)
            for value in values:
                answer = subprocess.run(
                    [TOOL, "send", option, value, "no-such-file"],
                    cwd=self.folder, text=True, capture_output=True,
                    timeout=SECONDS)
                self.assertIn("there is no such file", answer.stderr)

    def test_values_that_nobody_knows(self):
        self.write("a.shm")
        for option in ("create --bytes ", "send --frames ", "send --start ",
                       "send --size-every ", "send --frames=",
                       "send --owner ", "record --owner ", "view --owner "):
            self.assertEqual(self.complete("shmimage " + option), [])

    def test_files(self):
        self.write("a.shm", "b.shm", "film.mp4", "module.so")
        os.mkdir(os.path.join(self.folder, "folder"))
        for command in ("create --force", "info", "info --json", "send",
                        "send --size 640x480", "reset"):
            self.assertEqual(self.complete(f"shmimage {command} "),
                             ["a.shm", "b.shm", "folder"])
        self.assertEqual(self.complete("shmimage info b"), ["b.shm"])
        self.assertEqual(self.complete("shmimage info f"),
                         ["film.mp4", "folder"])

    def test_files_of_options(self):
        self.write("a.shm", "film.rgb", "module.so")
        self.assertEqual(self.complete("shmimage send --input "),
                         ["a.shm", "film.rgb", "module.so"])
        for line in ("exec --module ", "exec --module="):
            self.assertEqual(self.complete("shmimage " + line), ["module.so"])

    def test_programs(self):
        for name in ("shmplay", "shmprobe"):
            path = os.path.join(self.folder, name)
            self.write(name)
            os.chmod(path, 0o755)
        path = self.folder + os.pathsep + os.environ["PATH"]
        for line in ("", "--module=x.so ", "--mod x.so ", "-- "):
            self.assertEqual(
                self.complete(f"shmimage exec {line}shmp", PATH=path),
                ["shmplay", "shmprobe"])

    def test_arguments_of_programs(self):
        """They are left to the program's own completion."""
        setup = """
        _player() {
            mapfile -t COMPREPLY < <(compgen -W \
                "-framerate -f ${COMP_WORDS[0]}:$COMP_CWORD:$3" -- "$2")
        }
        complete -F _player player
        """
        for line in ("", "--module=x.so ", "--module x.so ", "-- "):
            start = f"shmimage exec {line}player "
            self.assertEqual(self.complete(start + "-fr", setup),
                             ["-framerate"])
            self.assertEqual(self.complete(start + "-x pl", setup),
                             ["player:2:-x"])
        self.assertEqual(self.complete("shmimage exec player --mod", setup),
                         [])

    def test_installed(self):
        """bash finds it where "make install" puts it."""
        if not BUILD or not shutil.which("make"):
            self.skipTest("make and a build are needed")
        data = os.path.join(self.folder, "share")
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        answer = subprocess.run(
            ["make", "-C", BUILD, "install-dist_bashcompletionDATA",
             "datadir=" + data], env=environment, text=True,
            capture_output=True, timeout=SECONDS)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.load = "_completion_loader shmimage || :"
        self.assertEqual(self.complete("shmimage se", XDG_DATA_DIRS=data),
                         ["send"])


if __name__ == "__main__":
    for needed in ("bash", TOOL):
        if not shutil.which(needed):
            print(f"{needed} is not installed")
            sys.exit(77)
    if not os.path.exists(LIBRARY):
        print("bash-completion is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
