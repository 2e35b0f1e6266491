# SPDX-License-Identifier: LGPL-2.1-or-later
"""The receiving end of a stream."""

from __future__ import annotations

import ctypes
import enum
import gc
import os
from dataclasses import dataclass
from types import TracebackType
from typing import Iterator, Optional, Type, Union

from ._errors import DISCONNECTED, ERROR_ARGUMENT, ERROR_LOCKED, NO_FRAME, \
    OK, ClosedError, Disconnected, check, error
from ._files import Path, Size, provide
from ._handles import Loans, OwnedFrame, OwnedReader, slices
from ._images import Frame
from ._library import NO_GUARD, TAKE_OVER, ReaderStatsStruct, encode_path, lib


class _Default(enum.Enum):
    TIMEOUT = 0


@dataclass(frozen=True)
class ReaderStats:
    """What a reader has met since it was opened.

    Attributes:
        delivered: images that were handed out.
        refused: buffers whose header did not fit the file.
        incomplete: images in blocks of which a block never came.
        sessions: times that a server initialised the file.
        initialised: False while there is no trace of a server yet.
        refused_width: of the image refused last, pixels.
        refused_height: of the image refused last, pixels.
        held: buffers that are in Python's hands; two make the server drop.
        replaced: times that another file took the name.
    """

    delivered: int
    refused: int
    incomplete: int
    sessions: int
    initialised: bool
    refused_width: int
    refused_height: int
    held: int
    replaced: int


class Reader:
    """The client of a stream: takes the images that a server publishes.

        for frame in shmimage.Reader("/dev/shm/live.shm"):
            print(frame.number, frame.width, frame.height, frame.array.mean())

    Iterating waits for each image, lends it for one turn of the loop, and
    ends when the server goes. Iterated over again, it waits for the next
    server. `acquire()` takes one image.

    The server need not be there yet, and may start again at any time. That it
    has gone shows if it uses this library; of others, such as EnSight,
    nothing tells whether they are gone or idle, and there a time-out decides.

    Args:
        path: an existing file, see `create()`.
        timeout: seconds that `acquire()` and each turn of a loop wait for an
            image; None: for ever.
        size: (width, height) in pixels: make the file for images of that size
            if there is none.
        take_over: connect although another reader is connected. The two
            compete for the images.
        no_guard: install no handler of SIGBUS: a file that is shortened then
            ends the process. See shmimage.h.

    Raises:
        NotFoundError, NotRegularError, NotAStreamError, AccessError,
        FileSizeError
        BusyError: another reader is connected.
        Error: the file can't be mapped, or the like.

    Any thread may use it; each image goes to one of them. A child process
    can't use a reader that its parent has opened before the fork: calls
    raise ClosedError.
    """

    def __init__(self, path: Path, timeout: Optional[float] = None, *,
                 size: Optional[Size] = None, take_over: bool = False,
                 no_guard: bool = False) -> None:
        self._handle: Optional[OwnedReader] = None
        #: The path, as text.
        self.path = os.fsdecode(path)
        #: Seconds to wait for an image; None: for ever.
        self.timeout = timeout
        self._loans = Loans(self.path)
        if size is not None:
            provide(path, size)
        flags = (TAKE_OVER if take_over else 0) | (NO_GUARD if no_guard else 0)
        handle = OwnedReader.make()
        check(lib.shmimage_reader_open(encode_path(path), flags,
                                       ctypes.byref(handle)))
        self._handle = handle

    def _use(self) -> OwnedReader:
        handle = self._handle
        if handle is None:
            raise ClosedError("%s: this reader is closed" % self.path,
                              ERROR_ARGUMENT)
        if handle.is_foreign():
            raise ClosedError(
                "%s: this reader belongs to the parent process; open one "
                "after the fork" % self.path, ERROR_ARGUMENT)
        return handle

    def _look(self, microseconds: int, frame: OwnedFrame) -> int:
        handle = self._use()
        return int(lib.shmimage_reader_acquire(
            handle.pointer, microseconds, ctypes.byref(frame)))

    def acquire(self, timeout: Union[float, None, _Default] = _Default.TIMEOUT
                ) -> Frame:
        """Take the next image, and wait for it.

        Two may be held at a time; while they are, the server has to drop
        what it draws.

        Args:
            timeout: seconds to wait at the most; 0: look once; None: for
                ever; left out: the reader's own.

        Returns:
            The image, to be given back by `Frame.release()` or a `with` block.

        Raises:
            Timeout: no image came in time.
            Disconnected: the server is gone, and it had published nothing
                more. Once for each server; ask again to wait for the next.
            TruncatedError: the file was shortened. Once for each file; ask
                again to wait for a new one.
            HeldError: earlier images are in use still.
            OutOfMemoryError: for an image in blocks, which is lost.
            ClosedError: the reader is closed, maybe meanwhile.
        """
        if isinstance(timeout, _Default):
            timeout = self.timeout
        self._loans.check()
        owner = OwnedFrame.make()
        try:
            status = self._wait(timeout, owner)
            if status == ERROR_LOCKED:
                # Some of it may be garbage that nobody has collected yet.
                gc.collect()
                status = self._wait(timeout, owner)
            if status == OK:
                frame = Frame(owner)
                self._loans.add(frame._loan)
                return frame
        except BaseException as problem:
            # Ctrl-C is acted on when the library's function has returned, and
            # that may well have found an image. It goes back now, and not
            # when nobody looks at the traceback any more.
            owner = frame = None  # type: ignore[assignment]
            raise problem.with_traceback(None)
        if status == ERROR_LOCKED:
            raise self._loans.error()
        if status == NO_FRAME:
            raise error(status, "%s: no image within %g s; look with "
                        "'shmimage info' whether its server is there"
                        % (self.path, timeout or 0))
        if status == DISCONNECTED:
            raise error(status, "%s: the server is gone" % self.path)
        raise error(status)

    def _wait(self, timeout: Optional[float], frame: OwnedFrame) -> int:
        status = NO_FRAME
        for microseconds in slices(timeout):
            status = self._look(microseconds, frame)
            if status != NO_FRAME:
                break
        return status

    def __iter__(self) -> Iterator[Frame]:
        while True:
            try:
                frame = self.acquire()
            except Disconnected:
                return
            with frame:
                yield frame

    @property
    def stats(self) -> ReaderStats:
        """What the reader has met so far."""
        handle = self._use()
        now = ReaderStatsStruct()
        check(lib.shmimage_reader_stats(handle.pointer, ctypes.byref(now),
                                        ctypes.sizeof(now)))
        return ReaderStats(now.delivered, now.refused, now.incomplete,
                           now.sessions, bool(now.initialised),
                           now.refused_width, now.refused_height, now.held,
                           now.replaced)

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handle is None

    def close(self) -> None:
        """Disconnect. May be called again, and from any thread.

        An `acquire()` that waits in another thread ends with ClosedError
        within a tenth of a second. Images that are held stay valid until
        they are released, and the server believes that long that the reader
        is there. A HeldWarning says so if one was released, but views of it
        are left.
        """
        if self._handle is None:
            return
        self._handle = None
        self._loans.warn("its server believes that the client is there", 2)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 problem: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()
