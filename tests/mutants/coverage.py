# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which lines have run in a build with --coverage, as gcov tells."""

import collections
import json
import os
import subprocess


def gcov(build):
    """What gcov says of each object's counts."""
    for folder, _, names in os.walk(build):
        for name in names:
            if not name.endswith(".gcda"):
                continue
            said = subprocess.run(
                ["gcov", "--json-format", "--stdout",
                 os.path.join(folder, name)], cwd=build, check=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            yield from map(json.loads, said.splitlines())


def lines_of(build, top, folders):
    """By file and line, how often it ran. Several programs may have compiled
    the same file."""
    counts = collections.defaultdict(collections.Counter)
    for part in gcov(build):
        for file in part["files"]:
            path = os.path.relpath(os.path.join(
                part["current_working_directory"], file["file"]), top)
            if path.split(os.sep)[0] not in folders:
                continue
            for line in file["lines"]:
                counts[path][line["line_number"]] += line["count"]
    return counts


def report(build, top, folders):
    """Print the share of lines that ran, for each file and for all."""
    ran = total = 0
    for path, lines in sorted(lines_of(build, top, folders).items()):
        missed = sorted(number for number, count in lines.items() if not count)
        ran += len(lines) - len(missed)
        total += len(lines)
        share = 100 * (len(lines) - len(missed)) / len(lines)
        print(f"{share:6.1f} %  {path}"
              + (f", not: {' '.join(map(str, missed))}" if missed else ""))
    if total:
        print(f"{100 * ran / total:6.1f} %  of {total} lines in all")
