#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs for the vendor's library and module, with what is installed.

Not part of make check: debian/tests runs it, where the packages are installed.
"""

import sys
import unittest

sys.dont_write_bytecode = True
from documents import blocks  # noqa: E402
from installed import STREAM, TOP, Installed  # noqa: E402

FLAGS = "$(pkg-config --cflags --libs libshmimage)"

# As the module is used: a server loop, and a client loop with lock and unlock.
SERVER = """
import sys
import ensight_grpc_shmem as shmem
stream = shmem.stream_create(sys.argv[1], shmem.IMAGESTREAM_OPTIONS_SERVER)
for number in range(int(sys.argv[2])):
    pixels = bytes([number % 256]) * (3 * 16 * 9)
    while shmem.stream_putframe(stream, 16, 9, number, pixels) != \\
            shmem.ERROR_NOERROR:
        pass
shmem.stream_destroy(stream)
"""
CLIENT = """
import sys
import ensight_grpc_shmem as shmem
stream = shmem.stream_create(sys.argv[1])
number = 0
while number < int(sys.argv[2]):
    image = shmem.stream_lock(stream)
    if not isinstance(image, dict):
        assert image == shmem.ERROR_NO_FRAMEAVAILABLE, image
        continue
    assert image["framenumber"] == number, image["framenumber"]
    assert (image["width"], image["height"]) == (16, 9), image
    assert image["pixeldata"] == bytes([number % 256]) * (3 * 16 * 9)
    assert shmem.stream_unlock(stream) == shmem.ERROR_NOERROR
    number += 1
assert shmem.stream_destroy(stream) == shmem.ERROR_NOERROR
"""


class Vendor(Installed):
    def test_programs(self):
        self.run_line(f"cc {TOP}/tests/vendor_client.c -o client {FLAGS} && "
                      f"c++ {TOP}/tests/vendor_server.cpp -o server {FLAGS}")
        self.exchange("./server", "./client")

    def test_python_module(self):
        for name, text in ("server.py", SERVER), ("client.py", CLIENT):
            self.write(name, text)
        self.exchange("python3 server.py", "python3 client.py")

    def exchange(self, server, client):
        """All images of the one arrive at the other, and both end well."""
        with open(STREAM, "wb") as stream:
            stream.truncate(26214400)
        server = self.start(f"{server} {STREAM} 300")
        self.run_line(f"{client} {STREAM} 300")
        self.assertEqual(server.ended(), 0, server.said())


class Linking(Installed):
    def test_example_client(self):
        """What the README of the examples says of the client."""
        self.run_line("cp /usr/share/doc/libshmimage-dev/examples/client.c . &&"
                      f" cc -O2 client.c -o client {FLAGS}")
        self.run_line(f"shmimage create --size 8x4 {STREAM}")
        self.start(f"shmimage send --size 8x4 {STREAM}")
        self.run_line(f"./client {STREAM} 3 > images.ppm")
        with open(self.path_of("images.ppm"), "rb") as images:
            self.assertEqual(images.read().count(b"P6\n8 4\n255\n"), 3)

    def test_static_library(self):
        self.write("server.c", blocks("README.md", "c")[0])
        self.run_line("cc server.c $(pkg-config --cflags libshmimage) "
                      "-Wl,-Bstatic $(pkg-config --static --libs libshmimage) "
                      "-Wl,-Bdynamic && ! ldd ./a.out | grep shmimage")

    def test_versions_of_symbols(self):
        """A program notes the version of each function, and the SONAME."""
        self.write("server.c", blocks("README.md", "c")[0])
        said = self.run_line(f"cc server.c {FLAGS} && objdump -p -T a.out")
        self.assertRegex(said, r"NEEDED +libshmimage\.so\.1\n")
        self.assertRegex(said, r"\(SHMIMAGE_1\) +shmimage_writer_open\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
