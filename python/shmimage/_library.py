# SPDX-License-Identifier: LGPL-2.1-or-later
"""libshmimage, its functions and its structs, as shmimage.h declares them.

Nothing else in this package knows where the library is or how it is called.
Every call lets other threads run (ctypes.CDLL gives up the interpreter's lock).
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_ssize_t, \
    c_uint, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, List, Optional, Tuple

#: The name under which the loader knows the library.
SONAME = "libshmimage.so.1"

#: Environment variable with the path of the library to use instead.
VARIABLE = "SHMIMAGE_LIBRARY"

TAKE_OVER = 0x1
FLIP = 0x2
REPLACE = 0x4
NO_GUARD = 0x8
FORCE = 0x10

BUFFERS = 2


class FrameStruct(ctypes.Structure):
    """ShmImageFrame."""

    _fields_ = [
        ("number", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("session", c_uint32),
        ("pixels", c_void_p),
        ("size", c_size_t),
    ]


class ReaderStatsStruct(ctypes.Structure):
    """ShmImageReaderStats."""

    _fields_ = [
        ("delivered", c_uint64),
        ("refused", c_uint64),
        ("incomplete", c_uint64),
        ("sessions", c_uint64),
        ("initialised", c_int),
        ("refused_width", c_uint32),
        ("refused_height", c_uint32),
        ("held", c_uint32),
        ("replaced", c_uint32),
    ]


class WriterStatsStruct(ctypes.Structure):
    """ShmImageWriterStats."""

    _fields_ = [
        ("published", c_uint64),
        ("dropped", c_uint64),
        ("unconnected", c_uint64),
        ("connected", c_int),
        ("unread", c_uint64),
    ]


class BufferInfoStruct(ctypes.Structure):
    """ShmImageBufferInfo."""

    _fields_ = [
        ("number", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("offset", c_uint32),
        ("num_scanlines", c_uint32),
        ("state", c_uint8),
    ]


class FileInfoStruct(ctypes.Structure):
    """ShmImageFileInfo."""

    _fields_ = [
        ("size", c_uint64),
        ("payload", c_uint64),
        ("buffer", BufferInfoStruct * BUFFERS),
        ("server", c_int),
        ("client", c_int),
    ]


class VendorFrameStruct(ctypes.Structure):
    """struct _SharedMemoryFrame of shared_memory_image_client.h."""

    _fields_ = [
        ("iFrame", c_uint32),
        ("iWidth", c_uint32),
        ("iHeight", c_uint32),
        ("buffer", c_void_p),
    ]


VendorFramePointer = POINTER(VendorFrameStruct)

_PROTOTYPES: List[Tuple[str, Any, List[Any]]] = [
    ("shmimage_version", c_char_p, []),
    ("shmimage_error_string", c_char_p, [c_int]),
    ("shmimage_error_message", c_char_p, []),
    ("shmimage_state_name", c_char_p, [c_int]),
    ("shmimage_file_size", c_uint64, [c_uint32, c_uint32]),
    ("shmimage_file_create", c_int, [c_char_p, c_uint64, c_uint]),
    ("shmimage_file_info", c_int,
     [c_char_p, POINTER(FileInfoStruct), c_size_t]),
    ("shmimage_file_reset", c_int, [c_char_p, c_uint]),
    ("shmimage_file_wait", c_int, [c_char_p, c_int64]),
    ("shmimage_file_check_owner", c_int, [c_char_p, c_int64]),
    ("shmimage_reader_open", c_int, [c_char_p, c_uint, POINTER(c_void_p)]),
    ("shmimage_reader_acquire", c_int,
     [c_void_p, c_int64, POINTER(c_void_p)]),
    ("shmimage_frame_check", c_int, [c_void_p]),
    ("shmimage_frame_copy", c_int, [c_void_p, c_void_p, c_ssize_t]),
    ("shmimage_reader_release", None, [c_void_p]),
    ("shmimage_reader_stats", c_int,
     [c_void_p, POINTER(ReaderStatsStruct), c_size_t]),
    ("shmimage_reader_close", None, [c_void_p]),
    ("shmimage_writer_open", c_int, [c_char_p, c_uint, POINTER(c_void_p)]),
    ("shmimage_writer_put", c_int,
     [c_void_p, c_uint32, c_uint32, c_uint32, c_void_p, c_ssize_t]),
    ("shmimage_writer_begin", c_int,
     [c_void_p, c_uint32, c_uint32, c_uint32, POINTER(c_void_p)]),
    ("shmimage_writer_commit", c_int, [c_void_p]),
    ("shmimage_writer_abort", c_int, [c_void_p]),
    ("shmimage_writer_wait", c_int, [c_void_p, c_int64]),
    ("shmimage_writer_stats", c_int,
     [c_void_p, POINTER(WriterStatsStruct), c_size_t]),
    ("shmimage_writer_close", None, [c_void_p]),
    ("SharedMemoryImageStream_create", c_int,
     [c_char_p, c_uint32, POINTER(c_void_p)]),
    ("SharedMemoryImageStream_lock", c_int,
     [c_void_p, POINTER(VendorFramePointer)]),
    ("SharedMemoryImageStream_unlock", c_int, [c_void_p]),
    ("SharedMemoryImageStream_putframe", c_int,
     [c_void_p, VendorFramePointer]),
    ("SharedMemoryImageStream_destroy", c_int, [c_void_p]),
    ("SharedMemoryImageStream_errorstring", c_char_p, [c_int]),
]


def _installed_path() -> Optional[str]:
    """Where `make install` has put the library, if that installed this."""
    try:
        installed = importlib.import_module(__package__ + "._installed")
    except ImportError:
        return None
    return str(installed.LIBRARY)


def _candidates() -> List[str]:
    named = os.environ.get(VARIABLE)
    if named and not sys.flags.ignore_environment:
        return [named]
    paths = [_installed_path(), os.path.join(sys.prefix, "lib", SONAME)]
    return [path for path in paths if path and os.path.exists(path)] + [SONAME]


def _load() -> ctypes.CDLL:
    reasons = []
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
            for function, result, arguments in _PROTOTYPES:
                entry = getattr(library, function)
                entry.restype = result
                entry.argtypes = arguments
            return library
        except (OSError, AttributeError) as error:
            reasons.append(str(error))
    raise ImportError(
        "libshmimage can't be loaded (%s); install it, and where it is in a "
        "folder of your own, name that in LD_LIBRARY_PATH or the library "
        "itself in %s" % ("; ".join(reasons), VARIABLE))


lib = _load()


def encode_path(path: "os.PathLike[Any] | str | bytes") -> bytes:
    """A path as the library takes it."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError("a path can't contain a null character")
    return name
