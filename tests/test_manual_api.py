#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Section 3 of the manual, and shmimage(7), say what the public headers say.

CC names the compiler, SHMIMAGE_SRCDIR the sources.
"""

import os
import re
import shlex
import subprocess
import unittest

import mdoc

CC = shlex.split(os.environ.get("CC") or "cc")
CORE = os.path.join(mdoc.SOURCE, "core")
HEADERS = ("shmimage.h", "shared_memory_image_client.h",
           "shared_memory_image_client_priv.h")
FUNCTION = r"\b(shmimage_\w+|SharedMemoryImageStream_\w+)\("
CONSTANT = r"(?:SHMIMAGE|IMAGESTREAM)_\w+"
SECONDS = 60


def read(*path):
    with open(os.path.join(mdoc.SOURCE, *path)) as file:
        return file.read()


def compile_text(text, *options):
    return subprocess.run([*CC, f"-I{CORE}", "-x", "c", *options, "-"],
                          input=text, capture_output=True, text=True,
                          timeout=SECONDS, check=True).stdout


def words(text):
    """The text with one space between words, and none beside * and ( and )."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r" ?(\*+|[(){};,]) ?", r" \1", " ".join(text.split())).strip()


def includes(names):
    return "".join(f'#include "{name}"\n' for name in names)


def header_prototypes():
    """{name: (type, [parameter])}"""
    text = " ".join(compile_text(includes(HEADERS), "-E", "-P").split())
    found = re.findall(r"(?<=[;}{]) ?([\w *]+?)" + FUNCTION + r"([^)]*)\) ?;", text)
    return {name: (words(kind), [words(one) for one in parameters.split(",")])
            for kind, name, parameters in found}


def header_constants():
    """{name: value} of the enums and of the macros."""
    text = compile_text(includes(HEADERS), "-E", "-P")
    values = {name: int(value) for name, value in re.findall(
        rf"\b({CONSTANT})\s*=\s*(-?\d+)", text)}
    names = re.findall(rf"^#define ({CONSTANT}) ", compile_text(
        includes(HEADERS), "-E", "-dM"), re.MULTILINE)
    expanded = compile_text(includes(HEADERS) + "".join(
        f"{name[:1]} @ {name[1:]} @ {name}\n" for name in names), "-E", "-P")
    for first, rest, value in re.findall(r"^(\w) @ (\w+) @ (.+)$", expanded,
                                         re.MULTILINE):
        if re.fullmatch(r"[-0-9a-fxA-F|() ]+", value):
            values[first + rest] = eval(value)
    return values


def header_statuses():
    """{function: the constants that its @return names}"""
    known = header_constants()
    promised = {}
    text = "".join(read("core", name) for name in HEADERS)
    for comment, name in re.findall(
            r"/\*\*((?:(?!\*/).)*)\*/\n(?:[\w *]|\n)*?" + FUNCTION, text,
            re.S):
        part = re.search(r"@return(.*?)(@since|$)", comment, re.S)
        promised[name] = part[1] if part else ""
    return {name: statuses_of(promise, promised, known)
            for name, promise in promised.items()}


def statuses_of(promise, promised, known):
    found = set()
    for prefix in ("SHMIMAGE_ERROR", "IMAGESTREAM"):
        for word in re.findall(r"(?<!\w)\w*_[A-Z_]+", promise):
            found.add(prefix + word if word.startswith("_") else word)
    other = re.search(r"\bas (shmimage_\w+)\(", promise)
    if other:
        found |= statuses_of(promised[other[1]], promised, known)
    return found & known.keys()


def structs(text):
    return {name: words(body) for body, name in re.findall(
        r"typedef struct (?:\w+ )?\{(.*?)\} \*?(\w+);", text, re.S)}


class ManualTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.pages = mdoc.page_names(3)

    def descriptions(self):
        """{function: (its page, the lines on it)}"""
        found = {}
        for page in self.pages:
            for title, lines in mdoc.subsections(page).items():
                if re.fullmatch(FUNCTION[:-2], title):
                    found[title] = page, lines
        return found

    def test_prototypes(self):
        shown = {}
        for page in self.pages:
            for name, (kind, parameters) in mdoc.prototypes(page).items():
                shown[name] = words(kind), [words(one) for one in parameters]
        self.assertEqual(shown, header_prototypes())

    def test_functions(self):
        exported = re.findall(r"^    (\w+);$", read("core", "libshmimage.sym"),
                              re.MULTILINE)
        self.assertGreater(len(exported), 20)
        names = []
        for page in self.pages:
            shown = mdoc.prototypes(page)
            named = [mdoc.arguments(line)[0] for line in
                     mdoc.section(page, "NAME") if line.startswith(".Nm ")]
            if page == "shmimage.3":
                named.remove("shmimage")
            self.assertEqual(sorted(named), sorted(shown))
            names += named
        self.assertEqual(sorted(names), sorted(exported))

    def test_parameters(self):
        described = self.descriptions()
        for name, (_, parameters) in header_prototypes().items():
            expected = [re.search(r"\w+$", one)[0] for one in parameters]
            if name in mdoc.prototypes("shmimage.3"):
                continue
            if name == "shmimage_state_name":
                self.assertEqual(expected, ["state"])
                continue
            shown = [word for item in mdoc.items(described[name][1], "Fa")
                     for word in item if word != ","]
            self.assertEqual((name, shown), (name, expected))

    def test_statuses(self):
        described = self.descriptions()
        statuses = header_statuses()
        self.assertEqual(statuses.keys(), header_prototypes().keys())
        self.assertIn("SHMIMAGE_ERROR_TRUNCATED",
                      statuses["shmimage_file_reset"])
        for name, expected in statuses.items():
            shown = {word for item in
                     mdoc.items(described.get(name, (0, []))[1], "Dv")
                     if "Pq" not in item for word in item if word != ","}
            self.assertEqual((name, shown), (name, expected))

    def test_each_status_has_advice(self):
        for page in self.pages:
            for names, text in mdoc.item_texts(mdoc.lines_of(page), "Dv"):
                self.assertTrue(text.strip(), (page, names))

    def test_values(self):
        shown = {}
        for page in self.pages:
            for item in mdoc.items(mdoc.lines_of(page), "Dv"):
                if "Pq" in item:
                    self.assertNotIn(item[0], shown)
                    shown[item[0]] = int(item[2], 0)
        for line in mdoc.subsections("shmimage.7")["States"]:
            row = re.fullmatch(r"\.It (\d) Ta [a-z-]+ Ta Dv (\w+)", line)
            if row:
                shown[row[2]] = int(row[1])
        self.assertEqual(shown, header_constants())

    def test_structs(self):
        declared = structs("".join(read("core", name) for name in HEADERS))
        shown = {}
        for page in self.pages:
            shown.update(structs("\n".join(mdoc.literals(page))))
        self.assertGreaterEqual(len(shown), 6)
        self.assertEqual(declared.keys() - shown.keys(), {"BufferHeader"})
        for name, body in shown.items():
            self.assertEqual((name, body), (name, declared[name]))

    def test_layout(self):
        """The table in shmimage(7) is the header that programs can include."""
        declared = structs(read("core", HEADERS[2]))["BufferHeader"]
        fields = re.findall(r"(u?int\d+)_t (\w+)(\[\d+\])?", declared)
        rows = re.findall(r"^ (\d+) +(uint\d+)(\[\d+\])? +(\w+) ",
                          "\n".join(mdoc.literals("shmimage.7")), re.MULTILINE)
        self.assertEqual([(kind, name, count) for _, kind, count, name in rows],
                         fields)
        program = includes(HEADERS[2:]) + "#include <stddef.h>\n" + "".join(
            f"_Static_assert(offsetof(BufferHeader, {name}) == {offset}, "
            f'"{name}");\n' for offset, _, _, name in rows)
        compile_text(program, "-fsyntax-only")

    def test_states(self):
        """The diagram in shmimage(7) has every state."""
        diagram = next(text for text in mdoc.literals("shmimage.7")
                       if "the server starts" in text)
        for name, value in header_constants().items():
            if name.startswith("SHMIMAGE_STATE_"):
                owner, *locked = name[len("SHMIMAGE_STATE_"):].lower().split(
                    "_")
                self.assertRegex(diagram, rf"\| {value}  {owner} +\|")
        self.assertEqual(diagram.count("locked"), 2)

    def test_examples_compile(self):
        programs = [text for page in self.pages
                    for text in mdoc.literals(page) if "int main(" in text]
        self.assertGreaterEqual(len(programs), 3)
        for text in programs:
            answer = subprocess.run(
                [*CC, f"-I{CORE}", "-Wall", "-Wextra", "-Werror", "-x", "c",
                 "-fsyntax-only", "-"], input=text, text=True,
                capture_output=True, timeout=SECONDS)
            self.assertEqual(answer.returncode, 0, answer.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
