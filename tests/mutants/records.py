# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mutants, as the files beside this one describe them.

Each record is a small edit, and the suite that has to fail with it:

    == name
    breaks: the promise, in a few words
    suite: tests/test_reader
    file: core/reader.c
      a line that stays, after two characters
    - a line that goes
    + a line that comes

"build: tsan" or "build: asan" is for one that only a sanitizer sees. The lines
that stay or go must be in the file, one after the other, in one place.
"""

import dataclasses
import glob
import os

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
KINDS = "default", "tsan", "asan"


class Wrong(Exception):
    """Nothing can be tried; the text says why."""


@dataclasses.dataclass
class Mutant:
    name: str
    where: str
    breaks: str = ""
    suite: str = ""
    file: str = ""
    build: str = "default"
    before: list = dataclasses.field(default_factory=list)
    after: list = dataclasses.field(default_factory=list)

    def add(self, line):
        key, colon, value = line.partition(": ")
        if line[:2] in ("  ", "- ", "+ "):
            if line[0] != "+":
                self.before.append(line[2:])
            if line[0] != "-":
                self.after.append(line[2:])
        elif colon and key in ("breaks", "suite", "file", "build"):
            setattr(self, key, value.strip())
        else:
            raise Wrong(f"{self.where}: '{line}' belongs to no record")

    def apply(self, text):
        """The file's text with the edit."""
        lines = text.split("\n")
        size = len(self.before)
        places = [i for i in range(len(lines))
                  if lines[i:i + size] == self.before]
        if len(places) != 1 or not size or self.before == self.after:
            raise Wrong(f"{self.where}: {self.name}: its lines are in "
                        f"{len(places)} places of {self.file}, not in one")
        end = places[0] + size
        return "\n".join(lines[:places[0]] + self.after + lines[end:])

    def check(self):
        if not self.breaks or not self.suite or self.build not in KINDS:
            raise Wrong(f"{self.where}: {self.name}: 'breaks' or 'suite' is "
                        f"missing, or 'build' is not known")
        for suite in self.suite.split():
            name = suite if is_script(suite) else suite + ".c"
            if not os.path.exists(os.path.join(TOP, name)):
                raise Wrong(f"{self.where}: {self.name}: no suite {suite}")
        self.apply(read(os.path.join(TOP, self.file)))


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Wrong(str(error)) from error


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def is_script(suite):
    return suite.endswith((".py", ".sh"))


def read_mutants():
    mutants = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.mutants"))):
        for number, line in enumerate(read(path).split("\n"), 1):
            where = f"{os.path.basename(path)}:{number}"
            if line.startswith("== "):
                mutants.append(Mutant(line[3:].strip(), where))
            elif line and line[0] != "#":
                if not mutants:
                    raise Wrong(f"{where}: a line before the first record")
                mutants[-1].add(line)
    names = [mutant.name for mutant in mutants]
    for mutant in mutants:
        mutant.check()
        if names.count(mutant.name) > 1:
            raise Wrong(f"{mutant.where}: {mutant.name} is there twice")
    return mutants
