# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can go wrong, as exceptions that carry the library's code."""

from __future__ import annotations

import errno
from typing import Any, Dict, Optional, Tuple, Type

from ._library import lib

OK = 0
NO_BUFFER = 1
NO_FRAME = 2
RECONNECTING = 3
UNCONNECTED = 4
DISCONNECTED = 5
ERROR_ARGUMENT = -1
ERROR_NOT_LOCKED = -2
ERROR_FILE_SIZE = -3
ERROR_MEMORY = -6
ERROR_TOO_LARGE = -10
ERROR_LOCKED = -11
ERROR_NOT_FOUND = -12
ERROR_NOT_REGULAR = -13
ERROR_PERMISSION = -14
ERROR_BUSY = -15
ERROR_EXISTS = -16
ERROR_NO_SPACE = -17
ERROR_TRUNCATED = -18
ERROR_NOT_A_STREAM = -19


class Error(Exception):
    """An error of libshmimage, or the base of one.

    Attributes:
        code: the library's code, SHMIMAGE_ERROR_* of shmimage.h. Negative,
            but in `Timeout` and `Disconnected`.

    The text names the file, what is wrong, and what to do about it.
    """

    code: int

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self.code)


class ArgumentError(Error, ValueError):
    """An argument is out of range."""


class FileSizeError(Error):
    """The file is too small: make a larger one with `create()`."""


class TooLargeError(Error, ValueError):
    """The image does not fit into half of the file: make a larger one."""


class HeldError(Error, BufferError):
    """Earlier images are in use still: release them, drop their views.

    `copy()` what is to be kept.
    """


class NotFoundError(Error, FileNotFoundError):
    """There is no such file: make it with `create()`, or give a size."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.errno = errno.ENOENT


class NotRegularError(Error):
    """A directory, FIFO, socket or device; a stream needs a regular file."""


class NotAStreamError(Error):
    """What is in the file can't be a stream: it is probably another file."""


class AccessError(Error, PermissionError):
    """Reading and writing the file are both needed, and not permitted."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.errno = errno.EACCES


class BusyError(Error):
    """Another reader, or writer, is open on the file."""


class ExistsError(Error, FileExistsError):
    """`create()`: there is such a file already."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.errno = errno.EEXIST


class NoSpaceError(Error, OSError):
    """The file system has no room for the file."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.errno = errno.ENOSPC


class OutOfMemoryError(Error, MemoryError):
    """No memory."""


class TruncatedError(Error):
    """The file was shortened while it was in use.

    A reader waits for a new file when it is asked again; a writer has to be
    closed and opened anew.
    """


class Timeout(Error, TimeoutError):
    """What was waited for did not come in time.

    Attributes:
        code: why. Reader: 2, no image. Writer: 1, the reader has given no
            buffer back, or 4, there is no reader.
    """


class Disconnected(Error, EOFError):
    """The server was there and is gone, and no image of it is left.

    Raised once for each server that goes; iterating over a `Reader` just ends
    then. Asked again, the reader waits for the next server.
    """


class ClosedError(Error, ValueError):
    """The reader or writer is closed, or was opened by another process."""


_CLASSES: Dict[int, Type[Error]] = {
    ERROR_ARGUMENT: ArgumentError,
    ERROR_FILE_SIZE: FileSizeError,
    ERROR_MEMORY: OutOfMemoryError,
    ERROR_TOO_LARGE: TooLargeError,
    ERROR_LOCKED: HeldError,
    ERROR_NOT_FOUND: NotFoundError,
    ERROR_NOT_REGULAR: NotRegularError,
    ERROR_PERMISSION: AccessError,
    ERROR_BUSY: BusyError,
    ERROR_EXISTS: ExistsError,
    ERROR_NO_SPACE: NoSpaceError,
    ERROR_TRUNCATED: TruncatedError,
    ERROR_NOT_A_STREAM: NotAStreamError,
    DISCONNECTED: Disconnected,
    NO_BUFFER: Timeout,
    NO_FRAME: Timeout,
    UNCONNECTED: Timeout,
}


def error_string(code: int) -> str:
    """Put any code of the library into words, without details."""
    text: bytes = lib.shmimage_error_string(code)
    return text.decode("utf-8", "replace")


def error(code: int, message: Optional[str] = None) -> Error:
    """The exception for a code; without a message, for the last call's."""
    if message is None:
        message = lib.shmimage_error_message().decode("utf-8", "replace")
    return _CLASSES.get(code, Error)(message or error_string(code), code)


def check(code: int) -> int:
    """The code, unless it is an error's."""
    if code < 0:
        raise error(code)
    return code
