# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that are drawn straight into the shared memory."""

from __future__ import annotations

import ctypes
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, Type

from ._buffers import CHANNELS, wrong
from ._errors import NO_BUFFER, OK, UNCONNECTED, check
from ._handles import Loan, expose
from ._images import Views
from ._library import lib

if TYPE_CHECKING:
    from ._writer import Writer

NUMBERS = 1 << 32


class Drawing(Views):
    """An image that is being drawn in place: what `Writer.frame()` makes.

    The pixels have old content, so draw all of them. `drawing[...]` is
    `drawing.array[...]` where there is numpy, otherwise `drawing.pixels[...]`,
    and numpy.asarray(drawing) is its array.

    When the block ends, `pixels` and `array` are taken back: they raise
    ClosedError, the memoryview that was `pixels` as well, and what was
    `array` can't be written to any more. Slices of it that are kept can;
    what they show from then on is undefined. They never point at memory that
    is gone, and an image whose views are kept for longer than the next one
    takes makes the writer raise HeldError.

    Attributes:
        published: after the block, whether the image was published or
            dropped; None before.
    """

    def __init__(self, writer: "Writer", width: int, height: int,
                 number: Optional[int], block: bool,
                 timeout: Optional[float]) -> None:
        super().__init__(0, width, height)
        self._writer = writer
        self._given = number
        self._block = block
        self._timeout = timeout
        self._loan: Optional[Loan] = None
        self.published: Optional[bool] = None

    def __enter__(self) -> "Drawing":
        writer = self._writer
        if self._memory is not None or self.published is not None:
            raise wrong("%s: a frame can be drawn once only", writer.path)
        writer._loans.check()
        address = ctypes.c_void_p()
        try:
            writer._send(lambda: self._begin(address), self._block,
                         self._timeout)
            self._show(address.value)
        except BaseException:
            # Maybe Ctrl-C, which is acted on when begin has returned.
            if address.value:
                self._leave(lib.shmimage_writer_abort)
            self._loan = None
            raise
        return self

    def _begin(self, address: ctypes.c_void_p) -> int:
        owner = self._writer._use()
        with self._writer._numbering:
            self.number = self._writer._next(self._given)
            self._loan = Loan(self.number, owner)
            return int(lib.shmimage_writer_begin(
                owner.pointer, self.number, self.width, self.height,
                ctypes.byref(address)))

    def _show(self, address: Optional[int]) -> None:
        size = CHANNELS * self.width * self.height
        if self._loan is None or address is None:
            self._loan = None
            self._memory = bytearray(size)
        else:
            self._memory = expose(address, size, self._loan)
        self._writer._loans.add(self._loan)

    def _leave(self, end: Callable[[Any], int]) -> int:
        """Take the pixels back, and commit or abort the image."""
        if self._array is not None:
            self._array.setflags(write=False)
        self._forget()
        loan, self._loan = self._loan, None
        if loan is None:
            return NO_BUFFER
        loan.returned = True
        if self._writer.closed:
            lib.shmimage_writer_abort(loan.owner.pointer)
            return UNCONNECTED
        return int(end(loan.owner.pointer))

    def __exit__(self, kind: Optional[Type[BaseException]],
                 problem: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.published = False
        if kind is not None:
            self._leave(lib.shmimage_writer_abort)
            return
        with self._writer._numbering:
            # While one in memory of its own was drawn, other threads may
            # have counted on.
            if self.number == self._writer._next(self._given):
                self._writer._advance(self.number)
            status = self._leave(lib.shmimage_writer_commit)
        self.published = check(status) == OK

    def _indexed(self) -> Any:
        try:
            return self.array
        except ImportError:
            return self.pixels

    def __getitem__(self, index: Any) -> Any:
        return self._indexed()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._indexed()[index] = value
