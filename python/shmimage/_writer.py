# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sending end of a stream."""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, Optional, Type

from ._buffers import Rows, address_of, check_pair, check_size, rows_of, \
    whole, wrong
from ._drawing import NUMBERS, Drawing
from ._errors import ERROR_ARGUMENT, ERROR_LOCKED, NO_BUFFER, OK, \
    UNCONNECTED, ClosedError, check, error
from ._files import Path, Size, provide
from ._handles import Loans, OwnedWriter, slices
from ._library import FLIP, NO_GUARD, TAKE_OVER, WriterStatsStruct, \
    encode_path, lib


@dataclass(frozen=True)
class WriterStats:
    """What a writer has done since it was opened.

    Attributes:
        published: images given to the reader.
        dropped: images that found no free buffer, or whose file was shortened.
        unconnected: images that came while no reader was there.
        connected: whether a reader has connected, and is not known to be
            gone.
        unread: of the published ones, those that a reader left and nobody has
            read.
    """

    published: int
    dropped: int
    unconnected: int
    connected: bool
    unread: int


def check_number(number: Any) -> Optional[int]:
    return None if number is None else whole(number, "number") % NUMBERS


class Writer:
    """The server of a stream: publishes images.

        with shmimage.Writer("/dev/shm/live.shm", size=(640, 480)) as out:
            while True:
                out.put(render())

    Never waits for its reader unless it is told to: an image that finds no
    free buffer is dropped, so a slow reader does not hold up the program.

    Args:
        path: the file.
        size: (width, height) of the largest image, in pixels: make the file
            if there is none; refuse one that is too small. Without it, there
            has to be a file.
        replace: with a size, put a new file in the place of one that is too
            small, unless a server of this library is there. A `Reader`
            follows to it; other clients do not.
        flip: turn each image of `put()` upside down; those of `frame()`
            are drawn in place and stay as they are.
        take_over: become the server although another one is there; with
            replace, leave that with the old file.
        no_guard: install no handler of SIGBUS: a file that is shortened then
            ends the process. See shmimage.h.

    Raises:
        NotFoundError, NotRegularError, NotAStreamError, AccessError,
        NoSpaceError
        FileSizeError: the file is too small.
        BusyError: another server is there.
        TruncatedError: the file system has no space for the file's pages.
        Error: the file can't be mapped, or the like.

    Any thread may use it; only one image at a time can be drawn in place. A
    child process can't use a writer that its parent has opened before the
    fork: calls raise ClosedError. While such a child lives, the reader
    believes that the server does.
    """

    def __init__(self, path: Path, size: Optional[Size] = None, *,
                 replace: bool = False, flip: bool = False,
                 take_over: bool = False, no_guard: bool = False) -> None:
        self._handle: Optional[OwnedWriter] = None
        #: The path, as text.
        self.path = os.fsdecode(path)
        #: (width, height) as it was given, or None.
        self.size = None if size is None else check_pair(size)
        #: Number that the next image gets: one more than the last one's.
        self.number = 0
        # Held from the look at the number until the next one is known.
        self._numbering = threading.RLock()
        self._loans = Loans(self.path)
        if self.size is not None:
            provide(path, self.size, replace, take_over)
        elif replace:
            raise wrong("only a writer with a size can replace the file")
        flags = (FLIP if flip else 0) | (TAKE_OVER if take_over else 0) | \
            (NO_GUARD if no_guard else 0)
        handle = OwnedWriter.make()
        check(lib.shmimage_writer_open(encode_path(path), flags,
                                       ctypes.byref(handle)))
        self._handle = handle

    def _use(self) -> OwnedWriter:
        handle = self._handle
        if handle is None:
            raise ClosedError("%s: this writer is closed" % self.path,
                              ERROR_ARGUMENT)
        if handle.is_foreign():
            raise ClosedError(
                "%s: this writer belongs to the parent process; open one "
                "after the fork" % self.path, ERROR_ARGUMENT)
        return handle

    def _look(self, microseconds: int) -> int:
        handle = self._use()
        return self._check(int(lib.shmimage_writer_wait(handle.pointer,
                                                        microseconds)))

    def _check(self, code: int) -> int:
        if code == ERROR_LOCKED:
            raise error(code, "%s: an image is being drawn; leave its with "
                        "block first" % self.path)
        return check(code)

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Wait until the next image would find a free buffer.

        That is: until a client has connected, and has given one back.

        Args:
            timeout: seconds to wait at the most; 0: look once; None: for
                ever.

        Returns:
            True: there is one. False: not in time.

        Raises:
            TruncatedError: the file was shortened; open a new writer.
            HeldError: an image is being drawn in place.
        """
        return any(self._look(each) == OK for each in slices(timeout))

    def _send(self, action: Callable[[], int], block: bool,
              timeout: Optional[float]) -> int:
        """Run what finds a buffer, again and again while it has to wait."""
        if not block:
            if timeout is not None:
                raise wrong("a time-out needs block=True")
            return self._check(action())
        status = NO_BUFFER
        for microseconds in slices(timeout):
            status = self._look(microseconds)
            if status == OK:
                status = self._check(action())
            if status == OK:
                return OK
        raise error(status, "%s: %s within %g s" % (
            self.path, "no client has connected" if status == UNCONNECTED
            else "the client has not given a buffer back", timeout or 0))

    def _next(self, given: Optional[int]) -> int:
        return self.number if given is None else given

    def _advance(self, number: int) -> None:
        self.number = (number + 1) % NUMBERS

    def _copy(self, rows: Rows, address: Optional[int], given: Optional[int],
              block: bool) -> int:
        handle = self._use()
        with self._numbering:
            number = self._next(given)
            status = int(lib.shmimage_writer_put(
                handle.pointer, number, rows.width, rows.height, address,
                rows.stride))
            # One that is refused is no image; one that waits will be.
            if status == OK or status > OK and not block:
                self._advance(number)
        return status

    def put(self, image: Any, width: Optional[int] = None,
            height: Optional[int] = None, *, number: Optional[int] = None,
            block: bool = False, timeout: Optional[float] = None) -> bool:
        """Publish an image by copying it.

        Args:
            image: a numpy array of uint8 and shape (height, width, 3), or
                any other object with such a buffer: red, green, blue, top
                row first. Rows may have gaps or lie backwards. Or, with
                width and height, 3 * width * height bytes.
            width: pixels, if image is just bytes.
            height: pixels, if image is just bytes.
            number: of the image, modulo 2^32; if left out, one more than the
                last one's. Images that are dropped count, too; those for
                which an exception is raised do not.
            block: wait for a client, and for a free buffer.
            timeout: with block, seconds to wait at the most; None: for ever.

        Returns:
            True: published. False: dropped, as the client is slower or none
            is there; `stats` tells which.

        Raises:
            Timeout: with block, not in time; its code says why.
            TooLargeError: the file is too small for the image.
            TruncatedError: the file was shortened; open a new writer.
            HeldError: an image is being drawn in place, or an earlier one's
                views are kept.
            ArgumentError, TypeError: the image is none.
        """
        if (width is None) != (height is None):
            raise wrong("width and height go together")
        size = None
        if width is not None and height is not None:
            size = (width, height)
        rows = rows_of(image, size)
        given = check_number(number)
        self._loans.check()
        with address_of(rows.view) as address:
            status = self._send(
                lambda: self._copy(rows, address, given, block), block,
                timeout)
        self._loans.add(None)
        return status == OK

    def frame(self, width: Optional[int] = None, height: Optional[int] = None,
              *, number: Optional[int] = None, block: bool = False,
              timeout: Optional[float] = None) -> Drawing:
        """An image to be drawn in place, in a `with` block.

            with out.frame(640, 480) as pixels:
                pixels[...] = 0
                pixels[10, 20] = (255, 128, 0)      # with numpy

        It is published at the end of the block. An image that finds no free
        buffer is drawn into memory of its own, and dropped; it counts, as
        with `put()`. If the block ends with an exception, the image is
        dropped and does not count: the next one gets its number.

        Args:
            width: pixels; if left out, those of the writer's size.
            height: pixels.
            number, block, timeout: as those of `put()`.

        Raises (at the start of the block, but for the last):
            Timeout, TooLargeError, HeldError, ArgumentError: as `put()`.
            TruncatedError: the file was shortened, also at the end.
        """
        if (width is None) != (height is None):
            raise wrong("width and height go together")
        if width is None or height is None:
            if self.size is None:
                raise wrong("a writer without a size needs that of the image")
            width, height = self.size
        width, height = check_size(width, height)
        return Drawing(self, width, height, check_number(number), block,
                       timeout)

    @property
    def stats(self) -> WriterStats:
        """What the writer has done so far."""
        handle = self._use()
        now = WriterStatsStruct()
        check(lib.shmimage_writer_stats(handle.pointer, ctypes.byref(now),
                                        ctypes.sizeof(now)))
        return WriterStats(now.published, now.dropped, now.unconnected,
                           bool(now.connected), now.unread)

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handle is None

    def close(self) -> None:
        """Stop being the server. May be called again, and from any thread.

        An image that is being drawn is dropped; those that were published
        can still be read. Calls that wait in other threads end with
        ClosedError. If views of a drawn image are left, the file stays
        mapped, and the reader believes that the server is there; a
        HeldWarning says so.
        """
        if self._handle is None:
            return
        self._handle = None
        self._loans.warn("its client believes that the server is there", 2)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 problem: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()
