# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images, and their pixels as memoryviews and numpy arrays."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Type

from ._buffers import CHANNELS, address_of
from ._errors import ERROR_NOT_LOCKED, ClosedError, check
from ._handles import Loan, OwnedFrame, Owner, expose
from ._library import FrameStruct, lib

if TYPE_CHECKING:
    import numpy
    import numpy.typing


def make_array(view: memoryview) -> "numpy.typing.NDArray[numpy.uint8]":
    try:
        import numpy
    except ImportError as error:
        raise ImportError(
            "an array needs numpy (on Debian: apt install python3-numpy); "
            "pixels does without") from error
    return numpy.asarray(view)


class Views:
    """Pixels as a memoryview and as an array, made when they are asked for.

    Attributes:
        number: of the image, 0 to 2^32 - 1.
        width: pixels.
        height: pixels.
    """

    _read_only = False

    def __init__(self, number: int, width: int, height: int) -> None:
        self.number = number
        self.width = width
        self.height = height
        self._memory: Any = None
        self._pixels: Optional[memoryview] = None
        self._array: Optional["numpy.typing.NDArray[numpy.uint8]"] = None

    def _make_view(self) -> memoryview:
        if self._memory is None:
            raise self._gone()
        view = memoryview(self._memory).cast("B").cast(
            "B", (self.height, self.width, CHANNELS))
        return view.toreadonly() if self._read_only else view

    def _gone(self) -> ClosedError:
        return ClosedError(
            "image %d was given back; copy() an image that is to be kept for "
            "longer" % self.number, ERROR_NOT_LOCKED)

    @property
    def pixels(self) -> memoryview:
        """The pixels themselves, not a copy: shape (height, width, 3), 'B'.

        Top row first; the three values are red, green and blue.
        """
        if self._pixels is None:
            self._pixels = self._make_view()
        return self._pixels

    @property
    def array(self) -> "numpy.typing.NDArray[numpy.uint8]":
        """The same as a numpy array of uint8, shape (height, width, 3).

        Not a copy either. ImportError without numpy.
        """
        if self._array is None:
            self._array = make_array(self._make_view())
        return self._array

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None
                  ) -> "numpy.typing.NDArray[Any]":
        array = self.array
        if dtype is not None and dtype != array.dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def tobytes(self) -> bytes:
        """A copy of the pixels: 3 * width * height bytes, top row first."""
        with self._make_view() as view:
            return view.tobytes()

    def _forget(self) -> None:
        """Drop all that is ours; what others have made of it stays valid."""
        pixels, self._pixels = self._pixels, None
        self._array = None
        self._memory = None
        if pixels is not None:
            try:
                pixels.release()
            except BufferError:
                pass


class Image(Views):
    """An image with pixels of its own: what `Frame.copy()` makes.

    Its `pixels` and `array` may be written to, and kept for ever.

    Attributes:
        session: goes up when the server was started anew; numbers of
            different sessions do not compare.
    """

    def __init__(self, memory: Any, number: int, width: int, height: int,
                 session: int) -> None:
        super().__init__(number, width, height)
        self._memory = memory
        self.session = session

    def __repr__(self) -> str:
        return "<%s %d, %dx%d%s>" % (
            type(self).__name__, self.number, self.width, self.height,
            ", given back" if self._memory is None else "")

    def copy(self) -> "Image":
        """A copy that is independent of the stream."""
        with self._make_view() as view:
            memory = bytearray(view.cast("B"))
        return Image(memory, self.number, self.width, self.height,
                     self.session)


class Frame(Image):
    """An image of a `Reader`, where it lies in the shared memory.

    Read-only. Give it back soon, with `release()`, by a `with` block, or by
    going on in a `for` loop: until then the server has one buffer less.
    After that `pixels` and `array` raise ClosedError, and so does the
    memoryview that was `pixels`.

    What was made of the two, such as the array, a slice, or another array,
    can't be taken away. It stays valid and unchanged, and the server does
    not get the buffer, until the last of it is gone. A loop's variable may
    outlive its image by one image so; one that does by two makes the reader
    raise HeldError.
    """

    _read_only = True

    def __init__(self, owner: OwnedFrame) -> None:
        frame = FrameStruct.from_address(owner.pointer)
        loan = Loan(frame.number, owner)
        super().__init__(expose(frame.pixels, frame.size, loan), frame.number,
                         frame.width, frame.height, frame.session)
        self._loan: Optional[Loan] = loan

    def copy(self) -> Image:
        """A copy that is independent of the stream, and may be written to.

        Raises:
            TruncatedError: the file was shortened meanwhile, so that pixels
                may be missing.
        """
        owner = self._held()
        memory = bytearray(CHANNELS * self.width * self.height)
        with memoryview(memory) as view, address_of(view) as address:
            check(lib.shmimage_frame_copy(owner.pointer, address, 0))
        return Image(memory, self.number, self.width, self.height,
                     self.session)

    def check(self) -> None:
        """Ask, after using the pixels, whether they were all there.

        Raises:
            TruncatedError: the file was shortened meanwhile; some of them
                may have been zeros.
            ClosedError: the image was given back.
        """
        owner = self._held()
        check(lib.shmimage_frame_check(owner.pointer))

    def _held(self) -> Owner:
        loan = self._loan
        if loan is None:
            raise self._gone()
        return loan.owner

    def release(self) -> None:
        """Give the image back. May be called again, and from any thread."""
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.returned = True
        self._forget()

    def __enter__(self) -> "Frame":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]],
                 error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.release()
