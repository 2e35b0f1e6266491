# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pip calls to make a wheel of this folder (PEP 517, PEP 427).

There is nothing to compile, so a wheel is a zip archive of the packages with
three files that describe it. Any backend that is not here would have to be
fetched by pip, or be there in the right environment already: by default, pip
hides those of the system, and an environment of Python 3.12 has none.
"""

import base64
import hashlib
import io
import os
import re
import tarfile
import time
import zipfile

PACKAGES = ("ensight_grpc_shmem", "shmimage")
HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def version():
    text = read("shmimage/__init__.py").decode()
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


def licence():
    """The file COPYING: of an archive of this folder, or of the project.

    None where there is this folder alone.
    """
    for name in ("COPYING", "../COPYING"):
        try:
            text = read(name)
        except FileNotFoundError:
            continue
        # Whatever lies beside a copy of the folder may be of something else.
        if b"GNU LESSER GENERAL PUBLIC LICENSE" in text:
            return text
    return None


def metadata():
    return ("Metadata-Version: 2.4\n"
            "Name: shmimage\n"
            "Version: %s\n"
            "Summary: Live images between processes through a mapped file\n"
            "License-Expression: LGPL-2.1-or-later\n"
            "%s"
            "Requires-Python: >=3.8\n"
            % (version(), "License-File: COPYING\n" if licence() else "")
            ).encode()


def sources():
    """What belongs into a wheel; `make install` has written the rest."""
    for package in PACKAGES:
        for name in sorted(os.listdir(os.path.join(HERE, package))):
            if name.endswith((".py", ".typed")) and name != "_installed.py":
                yield "%s/%s" % (package, name)


def digest(content):
    sha256 = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(sha256).rstrip(b"=").decode()


def build_wheel(wheel_directory, config_settings=None,
                metadata_directory=None):
    info = "shmimage-%s.dist-info" % version()
    files = {name: read(name) for name in sources()}
    files[info + "/METADATA"] = metadata()
    files[info + "/WHEEL"] = (b"Wheel-Version: 1.0\nGenerator: shmimage\n"
                              b"Root-Is-Purelib: true\nTag: py3-none-any\n")
    if licence():
        files[info + "/licenses/COPYING"] = licence()
    record = ["%s,sha256=%s,%d" % (name, digest(content), len(content))
              for name, content in files.items()]
    record.append(info + "/RECORD,,")
    files[info + "/RECORD"] = "\n".join(record + [""]).encode()
    wheel = "shmimage-%s-py3-none-any.whl" % version()
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w",
                         zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    root = "shmimage-%s" % version()
    files = {name: read(name)
             for name in ["backend.py", "pyproject.toml", *sources()]}
    files["PKG-INFO"] = metadata()
    if licence():
        files["COPYING"] = licence()
    with tarfile.open(os.path.join(sdist_directory, root + ".tar.gz"),
                      "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo("%s/%s" % (root, name))
            entry.size = len(content)
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return root + ".tar.gz"
