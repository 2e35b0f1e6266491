# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether `make install` has made a package that works.

    installed.py PACKAGES LIBRARIES

Python finds it in the one folder, and it the library in the other.
"""

import os
import sys
import tempfile

import ensight_grpc_shmem
import shmimage


def loaded_libraries():
    with open("/proc/self/maps") as maps:
        return {os.path.dirname(line.split()[-1]) for line in maps
                if "/libshmimage.so" in line}


def main(packages, libraries):
    for module in (shmimage, ensight_grpc_shmem):
        found = os.path.dirname(os.path.dirname(module.__file__))
        if not os.path.samefile(found, packages):
            sys.exit("%s is that of %s" % (module.__name__, found))
    found = loaded_libraries()
    if {os.path.realpath(folder) for folder in found} != {
            os.path.realpath(libraries)}:
        sys.exit("libshmimage was loaded from %s, not from %s"
                 % (", ".join(found) or "nowhere", libraries))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "stream.shm")
        with shmimage.Writer(path, size=(2, 1)) as out:
            reader = shmimage.Reader(path, timeout=60)
            out.put(b"abcdef", 2, 1)
            with reader.acquire() as frame:
                if frame.tobytes() != b"abcdef":
                    sys.exit("an image has arrived as another")
    print("ok: the Python package of %s" % packages)


if __name__ == "__main__":
    main(*sys.argv[1:])
