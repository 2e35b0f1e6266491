#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package as it is built: by pip, with the C headers, by mypy."""

import ctypes
import email
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile

from python_under_test import BUILD, PACKAGES, SOURCE, StreamTest, \
    without_preload
import shmimage
from shmimage import _library

STRUCTS = {
    "ShmImageFrame": _library.FrameStruct,
    "ShmImageReaderStats": _library.ReaderStatsStruct,
    "ShmImageWriterStats": _library.WriterStatsStruct,
    "ShmImageBufferInfo": _library.BufferInfoStruct,
    "ShmImageFileInfo": _library.FileInfoStruct,
    "struct _SharedMemoryFrame": _library.VendorFrameStruct,
}


def in_environment():
    """The environment of a Python that knows nothing of the source tree."""
    return {name: value for name, value in os.environ.items()
            if name != "PYTHONPATH"}


class Agreement(StreamTest):
    def test_structs_are_those_of_the_headers(self):
        lines, expected = [], []
        for name, struct in STRUCTS.items():
            lines.append('printf("%%zu", sizeof(%s));' % name)
            expected.append(str(ctypes.sizeof(struct)))
            for field, *_ in struct._fields_:
                lines.append('printf(" %%zu", offsetof(%s, %s));'
                             % (name, field))
                expected[-1] += " %d" % getattr(struct, field).offset
            lines.append('puts("");')
        source = os.path.join(self.folder, "structs.c")
        with open(source, "w") as file:
            file.write("#include <shmimage.h>\n"
                       "#include <shared_memory_image_client.h>\n"
                       "#include <stddef.h>\n#include <stdio.h>\n"
                       "int main(void)\n{\n%s\nreturn 0;\n}\n"
                       % "\n".join(lines))
        program = os.path.join(self.folder, "structs")
        subprocess.run([*os.environ.get("CC", "cc").split(),
                        "-I" + os.path.join(SOURCE, "core"), source,
                        "-o", program], check=True, env=without_preload())
        found = subprocess.run([program], check=True, text=True,
                               stdout=subprocess.PIPE, env=without_preload())
        self.assertEqual(found.stdout.splitlines(), expected)

    def test_flags_and_codes_are_those_of_the_header(self):
        with open(os.path.join(SOURCE, "core", "shmimage.h")) as file:
            header = file.read()
        values = {name: int(value, 0) for name, value in re.findall(
            r"^(?:#define |    )SHMIMAGE_(\w+) +=? *(-?\w+),?(?: |$)",
            header, re.MULTILINE) if re.match(r"-?(0x)?\d", value)}
        for name in ("TAKE_OVER", "FLIP", "REPLACE", "NO_GUARD", "FORCE"):
            self.assertEqual(getattr(_library, name), values[name], name)
        codes = {name: value for name, value in vars(shmimage._errors).items()
                 if name.isupper() and type(value) is int}
        self.assertGreater(len(codes), 10)
        for name, value in codes.items():
            self.assertEqual(value, values[name], name)

    def test_every_function_of_the_library_is_declared(self):
        with open(os.path.join(SOURCE, "core", "libshmimage.sym")) as file:
            exported = re.findall(r"^    (\w+);$", file.read(), re.MULTILINE)
        self.assertEqual({name for name, *_ in _library._PROTOTYPES},
                         set(exported))

    def test_versions_and_the_librarys_name_agree(self):
        self.assertEqual(shmimage.__version__, shmimage.library_version())
        with open(os.path.join(BUILD, "libshmimage.la")) as file:
            name = re.search("^dlname='(.+)'$", file.read(), re.MULTILINE)
        self.assertEqual(_library.SONAME, name.group(1))

    def test_library_that_is_missing_is_named(self):
        missing = os.path.join(self.folder, "libshmimage.so")
        done = subprocess.run(
            [sys.executable, "-c", "import shmimage"], text=True,
            env=dict(os.environ, SHMIMAGE_LIBRARY=missing),
            stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        for word in ("ImportError", missing, "SHMIMAGE_LIBRARY"):
            self.assertIn(word, done.stderr)


class Pip(StreamTest):
    """In an environment of its own, and in a copy of the folder, which may be
    read-only."""

    def install(self, *options):
        home = os.path.join(self.folder, "environment")
        source = os.path.join(self.folder, "python")
        shutil.copytree(PACKAGES, source)
        subprocess.run(
            [sys.executable, "-m", "venv", "--system-site-packages",
             "--without-pip", home], check=True, env=in_environment())
        self.python = os.path.join(home, "bin", "python3")
        done = subprocess.run(
            [self.python, "-m", "pip", "install", "--no-index",
             "--disable-pip-version-check", *options, source],
            env=in_environment(), text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def check_installed(self):
        out = subprocess.run(
            [self.python, "-c", """
import os, ensight_grpc_shmem, shmimage, importlib.metadata, sys
for module in (ensight_grpc_shmem, shmimage):
    print(os.path.relpath(module.__file__, sys.prefix))
    assert os.path.exists(os.path.join(os.path.dirname(module.__file__),
                                       "py.typed"))
print(importlib.metadata.version("shmimage"), shmimage.library_version())
"""], check=True, env=in_environment(), text=True, stdout=subprocess.PIPE)
        lines = out.stdout.split()
        for line in lines[:2]:
            self.assertTrue(line.startswith("lib"), line)
        self.assertEqual(lines[2:], [shmimage.__version__] * 2)
        out = subprocess.run(
            [self.python, "-m", "pip", "uninstall", "--yes", "shmimage"],
            env=in_environment(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(out.returncode, 0, out.stdout)
        found = subprocess.run([self.python, "-c", "import shmimage"],
                               env=in_environment(), stderr=subprocess.PIPE)
        self.assertIn(b"ModuleNotFoundError", found.stderr)

    @unittest.skipUnless(importlib.util.find_spec("pip"),
                         "pip is not installed")
    def test_pip_installs_without_a_network(self):
        for options in ((), ("--no-build-isolation",)):
            with self.subTest(options=options):
                self.install(*options)
                self.check_installed()
                self.doCleanups()
                self.setUp()


class Archives(StreamTest):
    """What the backend makes, and of it again."""

    def build(self, what, source):
        """The archive's contents by name, without its top folder."""
        out = os.path.join(self.folder, what)
        os.makedirs(out)
        done = subprocess.run(
            [sys.executable, "-B", "-c", "import backend, sys; "
             "print(getattr(backend, sys.argv[1])(sys.argv[2]))", what, out],
            check=True, text=True, stdout=subprocess.PIPE,
            env=dict(os.environ, PYTHONPATH=source))
        return os.path.join(out, done.stdout.strip())

    def unpack(self, sdist):
        with tarfile.open(sdist) as archive:
            archive.extractall(self.folder)
        return os.path.join(self.folder, "shmimage-" + shmimage.__version__)

    def read_wheel(self, wheel):
        with zipfile.ZipFile(wheel) as archive:
            return {re.sub(r"^shmimage-[^/]+\.dist-info/", "", name):
                    archive.read(name) for name in archive.namelist()}

    def copy_alone(self):
        return shutil.copytree(PACKAGES, os.path.join(self.folder, "alone"))

    def check_wheel(self, files):
        with open(os.path.join(SOURCE, "COPYING"), "rb") as file:
            self.assertEqual(files["licenses/COPYING"], file.read())
        self.assertIn(b"/licenses/COPYING,sha256=", files["RECORD"])
        told = email.message_from_bytes(files["METADATA"])
        self.assertEqual(told["License-File"], "COPYING")
        self.assertEqual(told["License-Expression"], "LGPL-2.1-or-later")

    def test_archives_have_licence_and_metadata_from_tree_and_sdist(self):
        unpacked = self.unpack(self.build("build_sdist", PACKAGES))
        first = self.read_wheel(self.build("build_wheel", PACKAGES))
        self.check_wheel(first)
        with open(os.path.join(unpacked, "PKG-INFO"), "rb") as file:
            self.assertEqual(file.read(), first["METADATA"])
        shutil.rmtree(os.path.join(self.folder, "build_wheel"))
        self.assertEqual(
            self.read_wheel(self.build("build_wheel", unpacked)), first)

    def test_folder_alone_promises_no_licence_it_has_not(self):
        with open(os.path.join(self.folder, "COPYING"), "w") as file:
            file.write("of another project\n")
        files = self.read_wheel(self.build("build_wheel", self.copy_alone()))
        self.assertNotIn("licenses/COPYING", files)
        self.assertNotIn(b"License-File", files["METADATA"])


class Types(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mypy"), "mypy is not installed")
    def test_type_hints_are_complete_and_right(self):
        done = subprocess.run(
            ["mypy", "--strict", "--cache-dir=" + os.devnull, "shmimage",
             "ensight_grpc_shmem"], cwd=PACKAGES, env=without_preload(),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
