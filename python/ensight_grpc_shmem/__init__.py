# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shared memory image streams as EnSight's own Python module has them.

The functions and constants of the module that Ansys ships with EnSight, on
top of libshmimage, so that programs written for that one, such as PyEnSight,
run unchanged. New programs may prefer the package shmimage, which waits
instead of being polled, and does not copy.

A server:

    stream = ensight_grpc_shmem.stream_create(
        "live.shm", ensight_grpc_shmem.OPTIONS_SERVER)
    ensight_grpc_shmem.stream_putframe(stream, 640, 480, 0, pixels)
    ensight_grpc_shmem.stream_destroy(stream)

A client polls `stream_lock()`, and unlocks after each image. No function
waits. A positive code reports a condition; for a negative one, RuntimeError
is raised with its text, and the library's own message is its cause. Any
thread may call any of them.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import threading
from typing import Any, Callable, Dict, TypeVar, Union

from shmimage._buffers import address_of
from shmimage._errors import Error, error
from shmimage._handles import OwnedStream
from shmimage._library import VendorFramePointer, VendorFrameStruct, \
    encode_path, lib

__all__ = [
    "ERROR_NOERROR", "ERROR_NO_BUFFERAVAILABLE", "ERROR_NO_FRAMEAVAILABLE",
    "ERROR_RECONNECTING", "ERROR_UNCONNECTED", "IMAGESTREAM_OPTIONS_SERVER",
    "OPTIONS_FLIPVERTICAL", "OPTIONS_NONE", "OPTIONS_SERVER",
    "stream_create", "stream_destroy", "stream_lock", "stream_putframe",
    "stream_unlock", "version",
]

#: Version of the interface.
version = "1.0"

OPTIONS_NONE = 0x0
OPTIONS_SERVER = 0x1 | 0x2
OPTIONS_FLIPVERTICAL = 0x100
#: Another name, which the published example uses.
IMAGESTREAM_OPTIONS_SERVER = OPTIONS_SERVER

ERROR_NOERROR = 0
ERROR_NO_BUFFERAVAILABLE = 1
ERROR_NO_FRAMEAVAILABLE = 2
ERROR_RECONNECTING = 3
ERROR_UNCONNECTED = 4

_BAD_ARGS = -1
_CHANNELS = 3
_MOST = 0xffffffff

_Result = TypeVar("_Result")

# From a number on that can't be taken for a code, as programs do that hold
# whatever stream_create() returns for a stream.
_ids = itertools.count(1001)


class _Stream:
    def __init__(self, owner: OwnedStream) -> None:
        self.owner = owner
        # An unlock must not take the image away that a lock copies.
        self.mutex = threading.RLock()


_streams: Dict[int, _Stream] = {}


def _check(code: int) -> int:
    if code < 0:
        text = lib.SharedMemoryImageStream_errorstring(code).decode()
        raise RuntimeError(text) from error(code)
    return code


def _bad_args(reason: str) -> RuntimeError:
    text = lib.SharedMemoryImageStream_errorstring(_BAD_ARGS).decode()
    problem = RuntimeError(text)
    problem.__cause__ = Error(reason, _BAD_ARGS)
    return problem


def _find(stream: int) -> _Stream:
    found = _streams.get(stream)
    if found is None or found.owner.is_foreign():
        raise _bad_args("there is no stream %r in this process" % (stream,))
    return found


def _takes_id(function: "Callable[..., _Result]") -> "Callable[..., _Result]":
    """Take the keyword id for stream_id: Ansys documents that name, and its own
    module takes the other one."""
    @functools.wraps(function)
    def wrapped(*args: Any, **keywords: Any) -> _Result:
        if "id" in keywords and "stream_id" not in keywords:
            keywords["stream_id"] = keywords.pop("id")
        return function(*args, **keywords)
    return wrapped


def stream_create(filename: "Union[str, bytes, os.PathLike[Any]]",
                  options: int = OPTIONS_NONE) -> int:
    """Open one end of a stream.

    Args:
        filename: an existing file of at least 10,000,000 bytes.
        options: OPTIONS_NONE: be the client. OPTIONS_SERVER: be the server;
            with OPTIONS_FLIPVERTICAL, turn each image upside down.

    Returns:
        The stream's id, which is never 0; also if the file has carried a
        stream before, or another client is connected.
    """
    if not 0 <= options <= _MOST:
        raise _bad_args("there are no options %r" % (options,))
    owner = OwnedStream.make()
    _check(lib.SharedMemoryImageStream_create(
        encode_path(filename), options, ctypes.byref(owner)))
    stream = next(_ids)
    _streams[stream] = _Stream(owner)
    return stream


@_takes_id
def stream_lock(stream_id: int) -> "Union[Dict[str, Any], int]":
    """Client: look for an image, and keep its buffer until it is unlocked.

    Returns:
        A dict: width and height in pixels, framenumber, and pixeldata, which
        is a copy: bytes of red, green, blue, top row first. Or
        ERROR_NO_FRAMEAVAILABLE.
    """
    found = _find(stream_id)
    frame = VendorFramePointer()
    with found.mutex:
        code = _check(lib.SharedMemoryImageStream_lock(
            found.owner.pointer, ctypes.byref(frame)))
        if code != ERROR_NOERROR:
            return code
        image = frame.contents
        size = _CHANNELS * image.iWidth * image.iHeight
        return {
            "width": image.iWidth,
            "height": image.iHeight,
            "framenumber": image.iFrame,
            "pixeldata": ctypes.string_at(image.buffer, size),
        }


@_takes_id
def stream_unlock(stream_id: int) -> int:
    """Client: give the locked image's buffer back to the server.

    Returns:
        ERROR_NOERROR.
    """
    found = _find(stream_id)
    with found.mutex:
        return _check(lib.SharedMemoryImageStream_unlock(found.owner.pointer))


@_takes_id
def stream_putframe(stream_id: int, width: int, height: int,
                    framenumber: int, pixeldata: Any) -> int:
    """Server: publish an image by copying it.

    Args:
        width: pixels.
        height: pixels.
        framenumber: should go up from one image to the next.
        pixeldata: 3 * width * height bytes of red, green, blue, the top row
            first (the bottom row with OPTIONS_FLIPVERTICAL).

    Returns:
        ERROR_NOERROR: queued. ERROR_NO_BUFFERAVAILABLE: dropped, the client
        is slower. ERROR_UNCONNECTED: dropped, no client has connected yet.
    """
    found = _find(stream_id)
    view = memoryview(pixeldata)
    if not (0 <= width <= _MOST and 0 <= height <= _MOST and
            view.c_contiguous and view.nbytes >= _CHANNELS * width * height):
        raise _bad_args("%d bytes are no image of %dx%d"
                        % (view.nbytes, width, height))
    with address_of(view) as address:
        frame = VendorFrameStruct(framenumber & _MOST, width, height, address)
        return _check(lib.SharedMemoryImageStream_putframe(
            found.owner.pointer, ctypes.byref(frame)))


@_takes_id
def stream_destroy(stream_id: int) -> int:
    """Close either end of a stream; its id is no longer valid.

    Returns:
        ERROR_NOERROR.
    """
    _find(stream_id)
    if _streams.pop(stream_id, None) is None:
        raise _bad_args("there is no stream %r in this process"
                        % (stream_id,))
    return ERROR_NOERROR
