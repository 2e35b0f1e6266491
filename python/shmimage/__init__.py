# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live images from one process to another through a file both have mapped.

This is libshmimage for Python: both ends of the shared memory image stream of
Ansys EnSight. One process, the server, publishes images with a `Writer`; one
other, the client, takes them with a `Reader`, or records them with FFmpeg.

    import shmimage

    with shmimage.Writer("/dev/shm/live.shm", size=(640, 480)) as out:
        for n in range(600):
            out.put(render(n), block=True)      # uint8, shape (480, 640, 3)

    for frame in shmimage.Reader("/dev/shm/live.shm"):
        show(frame.array)                       # the same, not a copy

Pixels are red, green and blue, 8 bits each; images have the shape
(height, width, 3), their top row first. Times are in seconds. Nothing but
Python's standard library is needed; numpy is used where it is there, and
imported when it is first needed.

Errors are `Error`, with the library's code in `code`, and what the built-in
exceptions have a name for is one of those as well: NotFoundError is a
FileNotFoundError.

Threads: all may be called from any thread. Other threads run while a call
waits or copies, and Ctrl-C ends a wait.

Processes: fork() gives the child readers and writers that it can't use, and
while it lives without starting another program, the other side believes that
they are there. Open them after the fork, or start processes by "spawn".
"""

from __future__ import annotations

from ._drawing import Drawing
from ._errors import AccessError, ArgumentError, BusyError, ClosedError, \
    Disconnected, Error, ExistsError, FileSizeError, HeldError, \
    NoSpaceError, NotAStreamError, NotFoundError, NotRegularError, \
    OutOfMemoryError, Timeout, TooLargeError, TruncatedError, error_string
from ._files import BufferInfo, FileInfo, check_owner, create, file_size, \
    info, reset, wait_for_file
from ._handles import HeldWarning
from ._images import Frame, Image
from ._library import lib as _lib
from ._reader import Reader, ReaderStats
from ._writer import Writer, WriterStats

#: Version of this package, "major.minor.micro".
__version__ = "0.1.0"


def library_version() -> str:
    """The version of the libshmimage that was loaded."""
    return str(_lib.shmimage_version().decode())


__all__ = [
    "AccessError", "ArgumentError", "BufferInfo", "BusyError", "ClosedError",
    "Disconnected", "Drawing", "Error", "ExistsError", "FileInfo",
    "FileSizeError", "Frame", "HeldError", "HeldWarning", "Image",
    "NoSpaceError", "NotAStreamError", "NotFoundError", "NotRegularError",
    "OutOfMemoryError", "Reader", "ReaderStats", "Timeout", "TooLargeError",
    "TruncatedError", "Writer", "WriterStats", "check_owner", "create",
    "error_string", "file_size", "info", "library_version", "reset",
    "wait_for_file",
]
