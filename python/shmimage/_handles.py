# SPDX-License-Identifier: LGPL-2.1-or-later
"""What keeps memory of the library alive for as long as Python refers to it.

The library frees what it is told to free. So here an object owns each thing
of the library, gives it back when it is deleted itself, and is referred to by
everything that needs it: by each call that is under way, and by each view of
the pixels. Closing only drops a reference. That needs no lock; what does has to
bear that the collector runs other code in the middle of it, which may close
the same stream, so it takes one that its own thread can take again.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional

from ._errors import ERROR_ARGUMENT, ERROR_LOCKED, ArgumentError, HeldError
from ._library import lib

if TYPE_CHECKING:
    from typing_extensions import Self

#: Seconds for which a call may keep Python from acting on Ctrl-C, or on a
#: close() in another thread.
SLICE = 0.1

POINTER_BITS = 64
POINTER_MASK = (1 << POINTER_BITS) - 1

_untrack = ctypes.pythonapi.PyObject_GC_UnTrack
_untrack.argtypes = [ctypes.py_object]
_untrack.restype = None


class HeldWarning(RuntimeWarning):
    """A closed stream stays open, since views of its images were kept."""


class Owner(int):
    """A pointer of the library's, which is given back with this object.

    It has to be the last that goes. But the garbage collector calls the
    __del__ of everything in a cycle before it frees any of it, so that of
    another object could look at pixels that are gone. Hence the collector is
    told to leave this alone, and its __del__ is called only when nothing
    refers to it any more. In return it must not refer to anything: the value
    holds the pointer, and above that the process that it belongs to. What it
    stands for is not given back by a child process.
    """

    __slots__ = ()
    _give_back: Callable[[int], Any]

    @classmethod
    def take(cls, pointer: ctypes.c_void_p) -> "Self":
        """Become the owner of what a function of the library has filled in."""
        value = pointer.value or 0
        # Whoever is interrupted here must not find it a second time.
        pointer.value = None
        owner = cls(os.getpid() << POINTER_BITS | value)
        _untrack(owner)
        return owner

    @property
    def pointer(self) -> int:
        return int(self) & POINTER_MASK

    def is_foreign(self, getpid: Callable[[], int] = os.getpid) -> bool:
        """Whether it was made before this process was forked."""
        return int(self) >> POINTER_BITS != getpid()

    def __del__(self) -> None:
        if not self.is_foreign():
            self._give_back(self.pointer)


class OwnedFrame(Owner):
    __slots__ = ()
    _give_back = lib.shmimage_reader_release


class OwnedReader(Owner):
    __slots__ = ()
    _give_back = lib.shmimage_reader_close


class OwnedWriter(Owner):
    __slots__ = ()
    _give_back = lib.shmimage_writer_close


class OwnedStream(Owner):
    """Of the vendor's interface."""

    __slots__ = ()
    _give_back = lib.SharedMemoryImageStream_destroy


class Loan:
    """An image in the hands of Python code.

    Attributes:
        number: of the image.
        returned: whether the code has said that it needs the image no more.
            Views of it may be left all the same.
        turn: how many images there were before it.
    """

    def __init__(self, number: int, owner: Owner) -> None:
        self.number = number
        self.owner = owner
        self.returned = False
        self.turn = 0


class Loans:
    """The images of a stream that are still referred to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._turn = 0
        self._all: List["weakref.ref[Loan]"] = []

    def add(self, loan: Optional[Loan]) -> None:
        """Note an image; None for one that nobody can have views of."""
        with self._lock:
            self._turn += 1
            if loan is not None:
                loan.turn = self._turn
                self._all.append(weakref.ref(loan))

    def _alive(self) -> List[Loan]:
        with self._lock:
            self._all = [each for each in self._all if each() is not None]
            found = [each() for each in self._all]
        return [loan for loan in found if loan is not None]

    def _overdue(self) -> List[int]:
        """Images that are returned, and not the last, but have views."""
        return [loan.number for loan in self._alive()
                if loan.returned and loan.turn < self._turn]

    def check(self) -> None:
        """Refuse to go on while views are kept for too long.

        Those of the last image are let pass: a loop's variable still refers
        to them when the loop asks for the next one.
        """
        if self._overdue():
            gc.collect()
            overdue = self._overdue()
            if overdue:
                raise self.error(overdue)

    def error(self, numbers: Optional[List[int]] = None) -> HeldError:
        if numbers is None:
            numbers = [loan.number for loan in self._alive()]
        return HeldError(
            "%s: %s in use still; release it and drop what was made of its "
            "pixels or array, and copy() what is to be kept"
            % (self._path, _name(numbers)), ERROR_LOCKED)

    def warn(self, consequence: str, stacklevel: int) -> None:
        """Say that views outlive the stream's end."""
        if not any(loan.returned for loan in self._alive()):
            return
        gc.collect()
        numbers = [loan.number for loan in self._alive() if loan.returned]
        if numbers:
            warnings.warn(
                "%s: closed, but %s in use still by something that was made "
                "of its pixels or array; %s until that is gone"
                % (self._path, _name(numbers), consequence),
                HeldWarning, stacklevel + 1)


def _name(numbers: List[int]) -> str:
    if len(numbers) == 1:
        return "image %d is" % numbers[0]
    return "images %s are" % " and ".join(map(str, sorted(numbers)))


def expose(address: int, size: int, loan: Loan) -> "ctypes.Array[Any]":
    """Memory of the library as an object with the buffer protocol.

    All views of it refer to it, and it refers to the loan, so the memory
    stays for as long as there are any.
    """
    memory = (ctypes.c_ubyte * size).from_address(address)
    memory.loan = loan  # type: ignore[attr-defined]
    return memory


def slices(timeout: Optional[float]) -> Iterator[int]:
    """Cut a time-out in seconds, or None, into microseconds at a time.

    At least one, and each short enough for Ctrl-C.
    """
    if timeout is not None and not timeout >= 0:
        raise ArgumentError(
            "a time-out has to be None or a number of seconds from 0 on, not "
            "%r" % (timeout,), ERROR_ARGUMENT)
    end = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        left = max(0.0, min(SLICE, end - time.monotonic()))
        yield math.ceil(left * 1e6)
        if time.monotonic() >= end:
            return
