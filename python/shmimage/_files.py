# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making, examining and resetting the files that carry a stream."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any, Optional, Tuple, Union

from ._buffers import CHANNELS, check_pair, check_size, whole, wrong
from ._errors import ERROR_BUSY, ERROR_FILE_SIZE, ERROR_NOT_FOUND, \
    BusyError, ExistsError, FileSizeError, check
from ._handles import slices
from ._library import BUFFERS, FORCE, REPLACE, TAKE_OVER, \
    FileInfoStruct, encode_path, lib

Path = Union[str, bytes, "os.PathLike[Any]"]
Size = Tuple[int, int]


@dataclass(frozen=True)
class BufferInfo:
    """One of the two buffers of a file.

    Attributes:
        number: of its image.
        width: of the whole image, pixels.
        height: of the whole image, pixels.
        offset: first row of the block, counted from the top.
        num_scanlines: rows of the block.
        state: who owns it, 0 to 4, or garbage.
        state_name: the same in words, such as "client-locked".
    """

    number: int
    width: int
    height: int
    offset: int
    num_scanlines: int
    state: int
    state_name: str


@dataclass(frozen=True)
class FileInfo:
    """What is known of a file.

    Attributes:
        size: bytes of the whole file.
        payload: bytes of pixels that one buffer can hold.
        buffers: the two of them.
        server: whether a server that uses this library is there. Others, such
            as EnSight, can't be seen.
        client: whether a client that uses this library is there.
    """

    size: int
    payload: int
    buffers: Tuple[BufferInfo, BufferInfo]
    server: bool
    client: bool


def file_size(width: int, height: int) -> int:
    """Bytes that a file needs for images of a size in pixels.

    At least 20,000,000.

    Raises:
        ArgumentError: the size is not positive, or an image would have more
            than 1 GiB.
    """
    width, height = check_size(width, height)
    size = int(lib.shmimage_file_size(width, height))
    if not size:
        raise wrong("an image of %dx%d is larger than a stream can carry",
                    width, height)
    return size


def create(path: Path, size: Optional[Size] = None, *,
           bytes: Optional[int] = None, replace: bool = False,
           take_over: bool = False) -> None:
    """Make a file for a stream: of zeros, mode 0600, its space reserved.

    Args:
        path: where; /dev/shm/NAME is memory.
        size: (width, height) of the largest image, in pixels.
        bytes: the file's length, instead of size; less than 20,000,000
            counts as that.
        replace: put it in the place of a file that is there. Who has that
            open keeps it; a `Reader` follows to the new one.
        take_over: with replace, also while a server or reader of this library
            is using that file: its reader is lost to its server.

    Raises:
        ExistsError: there is a file, and replace is false.
        BusyError: a server or reader of this library is using that file.
        NotFoundError, AccessError, NoSpaceError, NotRegularError, Error
    """
    if (size is None) == (bytes is None):
        raise wrong("a file needs either a size or a number of bytes")
    if size is not None:
        length = file_size(*check_pair(size))
    else:
        length = whole(bytes, "bytes")
    if not 0 <= length < 1 << 63:
        raise wrong("a file can't have %d bytes", length)
    check(lib.shmimage_file_create(encode_path(path), length,
                                   (REPLACE if replace else 0) |
                                   (TAKE_OVER if take_over else 0)))


def info(path: Path) -> FileInfo:
    """Look at a file without taking part in the stream.

    Raises:
        NotFoundError, NotRegularError, AccessError, FileSizeError, Error
    """
    found = FileInfoStruct()
    check(lib.shmimage_file_info(encode_path(path), ctypes.byref(found),
                                 ctypes.sizeof(found)))
    first, second = (
        BufferInfo(each.number, each.width, each.height, each.offset,
                   each.num_scanlines, each.state,
                   lib.shmimage_state_name(each.state).decode())
        for each in (found.buffer[i] for i in range(BUFFERS)))
    return FileInfo(found.size, found.payload, (first, second),
                    bool(found.server), bool(found.client))


def wait_for_file(path: Path, timeout: Optional[float] = None) -> None:
    """Wait for a file that can carry a stream.

    So a reader or writer may be started before whoever creates the file.

    Args:
        timeout: seconds to wait at the most; 0: look once; None: for ever.

    Raises:
        NotFoundError, FileSizeError: not in time.
        NotRegularError, AccessError, Error: at once.
    """
    for microseconds in slices(timeout):
        status = lib.shmimage_file_wait(encode_path(path), microseconds)
        if status not in (ERROR_NOT_FOUND, ERROR_FILE_SIZE):
            break
    check(status)


def check_owner(path: Path, owner: int = -1) -> None:
    """Check whose file it is where everybody may create files.

    In a directory with the sticky bit, such as /dev/shm, a stranger may have
    created the file to see the images.

    Args:
        owner: the number of a user who is trusted beside the caller and root.

    Raises:
        AccessError: the file belongs to somebody else.
        NotFoundError, Error
    """
    check(lib.shmimage_file_check_owner(encode_path(path),
                                        whole(owner, "owner")))


def reset(path: Path, *, take_over: bool = False,
          force: bool = False) -> None:
    """Get a stream going again that a killed program left locked.

    Args:
        take_over: also while a server of this library is there.
        force: also if the file is not a stream, whose content this damages.

    Raises:
        BusyError: a server of this library is there.
        NotAStreamError: the file is probably another one than was meant.
        NotFoundError, NotRegularError, AccessError, FileSizeError, Error
    """
    check(lib.shmimage_file_reset(encode_path(path),
                                  (TAKE_OVER if take_over else 0) |
                                  (FORCE if force else 0)))


def provide(path: Path, size: Size, replace: bool = False,
            take_over: bool = False) -> None:
    """See to it that there is a file for images of a size."""
    size = width, height = check_pair(size)
    try:
        create(path, size)
        return
    except ExistsError:
        pass
    found = info(path) if not replace else _info_if_any(path)
    if found is not None and found.payload >= CHANNELS * width * height:
        return
    if not replace:
        assert found is not None
        raise FileSizeError(
            "%s: the file has %d bytes, and images of %dx%d need %d; give "
            "replace=True to put a new file in its place, or make one with "
            "'shmimage create --force --size %dx%d FILE'"
            % (os.fsdecode(path), found.size, width, height,
               file_size(width, height), width, height), ERROR_FILE_SIZE)
    if found is not None and found.server and not take_over:
        raise BusyError(
            "%s: the file is too small, but a server is there, and would go "
            "on with it unseen if another took its place; end that server, or "
            "give take_over=True" % os.fsdecode(path), ERROR_BUSY)
    create(path, size, replace=True, take_over=True)


def _info_if_any(path: Path) -> Optional[FileInfo]:
    """What info() finds, or None if the file is too small for a stream."""
    try:
        return info(path)
    except FileSizeError:
        return None
