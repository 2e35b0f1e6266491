# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command lines that the documents show, to be run by tests."""

import glob
import os
import re
import subprocess

TOP = os.environ.get("SHMIMAGE_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("SHMIMAGE") or "shmimage"
COMMANDS = "record", "view", "create", "info", "send", "reset", "exec"
SCRIPTS = "build-ffmpeg", "demo"
FFMPEG = re.compile(r"(^|[ |])ff(mpeg|play) -")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def blocks(path, language):
    """Of a Markdown file, without an indentation that they have in a list."""
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
            for indent, text in re.findall(
                rf"^( *)```{language}\n(.*?)^ *```$", read(path),
                re.MULTILINE | re.DOTALL)]


def join(text):
    """Each command as one line, without comments."""
    text = re.sub(r"(^| {2,})#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\\n", "", text)
    text = re.sub(r"(&&|\|)\s*\n", r"\1 ", text)
    text = re.sub(r"^\w+=\(.*?\)$", lambda found: found[0].replace("\n", " "),
                  text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(line.split()) for line in text.splitlines()
            if line.strip()]


def of_markdown(path):
    return [line for text in blocks(path, "sh") for line in join(text)]


def of_manual(path):
    text = read(path)
    for escape, meaning in (r"\e", "\\"), (r"\(dq", '"'), (r"\-", "-"):
        text = text.replace(escape, meaning)
    shown = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text,
                       re.MULTILINE | re.DOTALL)
    shown += re.findall(r"^\.Dl (.*)$", text, re.MULTILINE)
    return [line for part in shown for line in join(part)]


def of_texinfo(path):
    shown = re.findall(r"^@example\n(.*?)^@end example$", read(path),
                       re.MULTILINE | re.DOTALL)
    return [line for part in shown for line in join(part)]


def of_help(*command):
    done = subprocess.run([*command, "--help"], check=True, timeout=90,
                          stdout=subprocess.PIPE, text=True)
    return join(done.stdout)


def ffmpeg_lines():
    """Those with ffmpeg or ffplay, of all documents. FFmpeg's manual is for an
    FFmpeg with the device; so all are here without "shmimage exec"."""
    found = []
    for pattern, look in (
            ("*.md", of_markdown), ("*/*.md", of_markdown),
            ("man/*.[137]", of_manual),
            ("patches/edits/common/*.texi", of_texinfo)):
        for path in glob.glob(os.path.join(TOP, pattern)):
            found += look(path)
    for name in COMMANDS:
        found += of_help(TOOL, name)
    for name in SCRIPTS:
        found += of_help(os.path.join(TOP, "scripts", name))
    return {line.replace("shmimage exec ", "") for line in found
            if FFMPEG.search(line)}


def choose(lines, words):
    """The one that has these words, if it has not more."""
    found = {line for line in lines if words in line}
    if words in found:
        return words
    if len(found) != 1:
        raise AssertionError(f"{len(found)} lines have these words: {words}")
    return found.pop()
