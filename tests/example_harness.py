# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the examples share.

Environment: EXAMPLES, those that can be tried by what configure has found;
SHMIMAGE, SHMIMAGE_BUILDDIR and SHMIMAGE_SRCDIR, the tool and the folders; CC
and SANITIZE_CFLAGS, how to compile.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import documents
import peer_stream as ps
import take_signals  # noqa: F401, it acts when it is imported

SECONDS = 90
SHMIMAGE = os.path.abspath(os.environ.get("SHMIMAGE") or "shmimage")
BUILD = os.path.abspath(os.environ.get("SHMIMAGE_BUILDDIR") or ".")
SOURCE = os.environ.get("SHMIMAGE_SRCDIR") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))
SANITIZE = os.environ.get("SANITIZE_CFLAGS") or ""
CC = (os.environ.get("CC") or "cc") + " " + SANITIZE
WARNINGS = "-std=c11 -pedantic -Wall -Wextra -Werror"


def main(name, sanitized):
    """Run the tests of an example, or say why not.

    :param sanitized: whether it can be tried with a sanitizer
    """
    if name not in os.environ.get("EXAMPLES", name).split():
        print(f"configure has not found what the example with {name} needs; "
              "examples/README.md says what that is")
        sys.exit(77)
    if SANITIZE and not sanitized:
        print("what it is built on was built without the sanitizer")
        sys.exit(77)
    unittest.main(verbosity=2)


class ExampleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "live.shm")
        self.environment = {
            **{name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")},
            "PATH": os.path.dirname(SHMIMAGE) + os.pathsep +
                    os.environ["PATH"],
            "LD_LIBRARY_PATH": os.path.join(BUILD, ".libs"),
        }
        self.install()

    def run_to_end(self, *command, **options):
        return subprocess.run(command, cwd=self.folder, env=self.environment,
                              stdout=subprocess.PIPE, timeout=SECONDS,
                              check=True, **options).stdout

    def install(self):
        """Put the examples into the folder as "make install" does."""
        self.run_to_end("make", "-s", "-C", BUILD, "install-dist_examplesDATA",
                        "install-dist_examplesSCRIPTS",
                        "examplesdir=" + self.folder)

    def command(self, words):
        """The command of README.md with these words, on one line."""
        lines = documents.of_markdown(os.path.join(self.folder, "README.md"))
        return documents.choose(lines, words).replace("/dev/shm/live.shm",
                                                      self.path)

    def compile(self, source):
        """As README.md says, with libshmimage where it was built."""
        if not shutil.which("pkg-config"):
            self.skipTest("pkg-config is not installed")
        places = {"libdir": os.path.join(BUILD, ".libs"),
                  "includedir": os.path.join(SOURCE, "core")}
        with open(os.path.join(BUILD, "core", "libshmimage.pc")) as file:
            text = file.read()
        for name, place in places.items():
            text = re.sub(rf"(?m)^{name}=.*", f"{name}={place}", text)
        # Where only a static library was built, all that this needs, too.
        text = text.replace("-lshmimage", "-lshmimage -pthread")
        with open(os.path.join(self.folder, "libshmimage.pc"), "w") as file:
            file.write(text)
        self.environment["PKG_CONFIG_PATH"] = os.pathsep.join(filter(None, (
            self.folder, os.environ.get("PKG_CONFIG_PATH"))))
        self.run_to_end("sh", "-c", f'cc() {{ {CC} {WARNINGS} "$@"; }}\n' +
                        self.command("cc -O2 " + source))

    def start(self, *command, **options):
        process = subprocess.Popen(command, cwd=self.folder,
                                   env=self.environment, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def wait_for(self, condition, process):
        """What the condition answers, once that is true."""
        end = time.monotonic() + SECONDS
        while True:
            answer = condition()
            if answer:
                return answer
            self.assertIsNone(process.poll(), "it has ended")
            self.assertLess(time.monotonic(), end, "in vain")
            time.sleep(0.001)

    def receive(self, server, count):
        """Its next images."""
        self.wait_for(lambda: os.path.exists(self.path) and
                      os.path.getsize(self.path), server)
        with ps.Client(self.path) as client:
            client.connect()
            return [self.wait_for(client.poll, server) for _ in range(count)]


def pixel(image, x, y):
    at = 3 * (y * image.width + x)
    return tuple(image.pixels[at:at + 3])
