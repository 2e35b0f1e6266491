# SPDX-License-Identifier: LGPL-2.1-or-later
"""The address of any object with the buffer protocol, read-only or not.

ctypes itself gives only that of writable ones.
"""

from __future__ import annotations

import contextlib
import ctypes
import operator
import sys
from typing import Any, Iterator, NamedTuple, Optional, Tuple

from ._errors import ERROR_ARGUMENT, ArgumentError

#: Bytes of a pixel: red, green and blue.
CHANNELS = 3
MOST = 0xffffffff

# PyBUF_STRIDES and PyBUF_FORMAT of Python's C API.
WITH_STRIDES_AND_FORMAT = 0x18 | 0x4


class PyBuffer(ctypes.Structure):
    """Py_buffer of Python's C API, the same in every version."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = [ctypes.py_object, ctypes.POINTER(PyBuffer), ctypes.c_int]
_get.restype = ctypes.c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = [ctypes.POINTER(PyBuffer)]
_release.restype = None


@contextlib.contextmanager
def address_of(view: memoryview) -> Iterator[Optional[int]]:
    """The address of its first item, which stays valid inside the block."""
    buffer = PyBuffer()
    _get(view, ctypes.byref(buffer), WITH_STRIDES_AND_FORMAT)
    try:
        yield buffer.buf
    finally:
        _release(ctypes.byref(buffer))


class Rows(NamedTuple):
    """Pixels as the library takes them."""

    view: memoryview
    width: int
    height: int
    stride: int


def wrong(text: str, *details: Any) -> ArgumentError:
    return ArgumentError(text % details, ERROR_ARGUMENT)


def whole(value: Any, name: str) -> int:
    """An argument that has to be of type int, or of one such as numpy's."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError("%s has to be a whole number, such as an int, not %r"
                        % (name, value)) from None


def check_size(width: Any, height: Any) -> Tuple[int, int]:
    """The two as the library takes them."""
    width, height = whole(width, "width"), whole(height, "height")
    if not (1 <= width <= MOST and 1 <= height <= MOST):
        raise wrong("an image of %dx%d is none", width, height)
    return width, height


def check_pair(size: Any) -> Tuple[int, int]:
    """The same for an argument with both."""
    try:
        if isinstance(size, (str, bytes)):
            raise ValueError
        width, height = size
    except (TypeError, ValueError):
        raise TypeError("size has to be (width, height) in pixels, such as "
                        "(640, 480), not %r" % (size,)) from None
    return check_size(width, height)


def rows_of(image: Any, size: Optional[Tuple[int, int]]) -> Rows:
    """Find out how the pixels of an object with a buffer lie in memory.

    With a size they follow one another; without, the object has the shape
    (height, width, 3).
    """
    try:
        view = memoryview(image)
    except TypeError:
        raise TypeError(
            "an image has to be a numpy array or another object with the "
            "buffer protocol, not %s" % type(image).__name__) from None
    if size is not None:
        return _flat(view, *size)
    if view.ndim != 3 or view.shape is None or view.shape[2] != CHANNELS:
        raise wrong("an image has to have the shape (height, width, 3), not "
                    "%r; for bytes, give width and height", view.shape)
    if view.itemsize != 1 or view.format.lstrip("@=<>!") != "B":
        raise wrong("the pixels have to be of type uint8 (format 'B'), not "
                    "of format %r", view.format)
    height, width = view.shape[:2]
    check_size(width, height)
    assert view.strides is not None
    down, right, deep = view.strides
    if deep != 1 or right != CHANNELS or down == 0:
        return _flat(_compact(view), width, height)
    return Rows(view, width, height, down)


def _flat(view: memoryview, width: int, height: int) -> Rows:
    width, height = check_size(width, height)
    if view.nbytes != CHANNELS * width * height:
        raise wrong("an image of %dx%d has %d bytes, and here are %d", width,
                    height, CHANNELS * width * height, view.nbytes)
    if not view.c_contiguous:
        view = _compact(view)
    return Rows(view, width, height, 0)


def _compact(view: memoryview) -> memoryview:
    """A copy without gaps; much faster by numpy, where that is in use."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        return memoryview(numpy.ascontiguousarray(numpy.asarray(view)))
    return memoryview(view.tobytes())
