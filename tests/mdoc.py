# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading the manual pages, which are in mdoc."""

import os
import re
import shlex

SOURCE = os.environ.get("SHMIMAGE_SRCDIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..")
FOLDER = os.path.join(SOURCE, "man")


def page_names(section=None):
    return sorted(name for name in os.listdir(FOLDER)
                  if re.search(r"\.[137]$", name) and
                  (section is None or name.endswith(f".{section}")))


def lines_of(page):
    """Its lines; one that is continued on the next is one with that."""
    with open(os.path.join(FOLDER, page)) as file:
        return file.read().replace("\\\n", "").splitlines()


def cut(lines, macro):
    """The parts that begin with a line ".MACRO TITLE", as {title: lines}."""
    parts = {}
    title = None
    for line in lines:
        if line.startswith(f".{macro} "):
            title = line.split(" ", 1)[1]
            parts[title] = []
        elif title is not None:
            parts[title].append(line)
    return parts


def section(page, title):
    return cut(lines_of(page), "Sh")[title]


def subsections(page, title="DESCRIPTION"):
    return cut(section(page, title), "Ss")


def arguments(line):
    """What follows the macro, as words."""
    return shlex.split(line)[1:]


def items(lines, macro):
    """For each item that begins with this macro, the words behind it."""
    start = f".It {macro} "
    return [arguments(line)[1:] for line in lines if line.startswith(start)]


def item_texts(lines, macro):
    """(words behind the macro, text up to the next item) for each of them."""
    found = []
    for line in lines:
        if line.startswith((".It ", ".El")):
            found.append((arguments(line)[1:] if line.startswith(
                f".It {macro} ") else None, []))
        elif found:
            found[-1][1].append(line)
    return [(words, "\n".join(text)) for words, text in found if words]


def prototypes(page):
    """{name: (type, [parameter])} of the functions of a SYNOPSIS."""
    found = {}
    lines = iter(section(page, "SYNOPSIS"))
    for line in lines:
        words = arguments(line)
        if line.startswith(".Ft "):
            kind = " ".join(words)
        elif line.startswith(".Fn "):
            found[words[0]] = (kind, words[1:])
        elif line.startswith(".Fo "):
            name = words[0]
            found[name] = (kind, [])
            for line in iter(lambda: next(lines), ".Fc"):
                found[name][1].extend(arguments(line))
    return found


def literals(page):
    """The displays of a page, as they are printed."""
    text = "\n".join(lines_of(page))
    return [display.replace("\\e", "\\") for display in
            re.findall(r"^\.Bd -literal.*?\n(.*?)\n\.Ed$", text, re.S | re.M)]
