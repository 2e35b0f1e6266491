#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measure shmimage beside what people would use instead.

Every comparison runs its peers in turn, again and again; what is reported is
the median of the rounds and their spread, and of ratios the median of those
within one round. What can't be run is reported as not measured.
"""

import argparse
import json
import os
import sys
import tempfile
import time

import machine
import plot
import report
from comparisons import ALL, FULL, QUICK
from results import NotMeasured
from runs import Failed, Programs


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_case(table, row, columns, measure):
    """Whether it went as it should; to be not measured is not a failure."""
    try:
        table.add(row, measure())
        return True
    except NotMeasured as error:
        table.refuse(row, columns, error)
        return True
    except Failed as error:
        table.refuse(row, columns, f"it failed: {error}")
        say(f"{table.name}, {row}: {error}")
        return False


def run_all(comparisons, rounds):
    """How many cases have failed."""
    failures = 0
    for number in range(rounds):
        for comparison in comparisons:
            start = time.monotonic()
            for case in comparison.run_round():
                failures += not run_case(comparison.table, *case)
            say(f"round {number + 1} of {rounds}: {comparison.name}, "
                f"{time.monotonic() - start:.1f} s")
    for comparison in comparisons:
        getattr(comparison, "finish", lambda: None)()
    return failures


def write(path, text):
    with open(path, "w") as out:
        out.write(text)
    say(f"wrote {path}")


def picture_of(results, path):
    """Its name, or None if there is none."""
    try:
        plot.draw(results, path)
        say(f"wrote {path}")
        return os.path.basename(path)
    except NotMeasured as error:
        say(f"no picture: {error}")
        return None


def write_results(results, folder, name):
    path = os.path.join(folder, name)
    write(f"{path}.json", json.dumps(results, indent=1, ensure_ascii=False)
          + "\n")
    return report.markdown(results, picture_of(results, f"{path}.svg"))


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="bench.py", description=__doc__.split("\n\n")[0],
        epilog="Exit codes: 0 done, 1 something failed, 2 wrong usage.")
    add = parser.add_argument
    add("names", nargs="*", metavar="COMPARISON",
        help="one of " + ", ".join(ALL) + " (default: all)")
    add("--rounds", type=int, default=5, metavar="N",
        help="how often to repeat (default: 5)")
    add("--quick", action="store_true",
        help="tiny images and two rounds, to see that all of it works")
    add("--build", default=os.environ.get("SHMIMAGE_BUILDDIR") or ".",
        metavar="DIR", help="where shmimage was built (default: "
        "SHMIMAGE_BUILDDIR, or this folder)")
    add("--out", metavar="DIR",
        help="where results.json, .md and .svg go (default: bench in the "
        "build)")
    add("--doc", metavar="DIR",
        help="also put the results into performance.md there")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.names if name not in ALL]
    if unknown:
        parser.error(f"there is no comparison {unknown[0]}; there are "
                     + ", ".join(ALL))
    if args.rounds < 1:
        parser.error("at least one round is needed")
    args.rounds = min(args.rounds, 2) if args.quick else args.rounds
    return args


def measure(args):
    """The results as they go into the file, and the number of failures."""
    scale = QUICK if args.quick else FULL
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="shmimage-bench-",
                                     dir=memory) as folder:
        programs = Programs(os.path.abspath(args.build), folder)
        about = machine.describe(programs, machine.now())
        chosen = [kind(programs, scale) for name, kind in ALL.items()
                  if not args.names or name in args.names]
        failures = run_all(chosen, args.rounds)
    return {"machine": about, "rounds": args.rounds, "quick": args.quick,
            "comparisons": [one.table.as_json() for one in chosen]}, failures


def main(arguments=None):
    args = parse(arguments)
    results, failures = measure(args)
    out = args.out or os.path.join(args.build, "bench")
    lines = write_results(results, out, "results")
    write(os.path.join(out, "results.md"), "\n".join(lines) + "\n")
    print("\n".join(lines))
    if args.doc:
        lines = write_results(results, args.doc, "performance")
        report.replace_generated(os.path.join(args.doc, "performance.md"),
                                 lines)
    if failures:
        say(f"{failures} runs have failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
