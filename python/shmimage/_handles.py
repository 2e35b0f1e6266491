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
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, \
    Optional, Type

from ._errors import ERROR_ARGUMENT, ERROR_LOCKED, ArgumentError, HeldError
from ._library import lib

if TYPE_CHECKING:
    from typing_extensions import Self

#: Seconds for which a call may keep Python from acting on Ctrl-C, or on a
#: close() in another thread.
SLICE = 0.1

_untrack = ctypes.pythonapi.PyObject_GC_UnTrack
_untrack.argtypes = [ctypes.py_object]
_untrack.restype = None

# Makes a method of a function that is not Python's.
_method = ctypes.pythonapi.PyInstanceMethod_New
_method.argtypes = [ctypes.py_object]
_method.restype = ctypes.py_object


class HeldWarning(RuntimeWarning):
    """A closed stream stays open, since views of its images were kept."""


class Owner(ctypes.c_void_p):
    """A pointer of the library's, which is given back with this object.

    A function of the library fills it in, so there is no moment in which
    what it has made has no owner, or two. While it is empty, nothing is given
    back.

    It has to be the last that goes. But the garbage collector calls the
    __del__ of everything in a cycle before it frees any of it, so that of
    another object could look at pixels that are gone. Hence the collector is
    told to leave this alone, and its __del__ is called only when nothing
    refers to it any more. In return it must not refer to anything.

    Its __del__ is the library's function itself: an exception in a __del__
    is lost, and so would be a Ctrl-C that Python acts on in code of its own.
    After a function of C it is left to the code around. That function can't
    look whether this is a child process, in which nothing of its parent's is
    given back. So each process has classes of its own.
    """

    __slots__ = ()
    #: The process that it belongs to.
    process: int
    _give_back: Callable[..., Any]

    @classmethod
    def make(cls) -> "Self":
        """An empty one, of this process."""
        owner: "Self" = _kind_of(cls)()
        # It has no place for the collector's notes if that never knew it.
        if gc.is_tracked(owner):
            _untrack(owner)
        return owner

    @property
    def pointer(self) -> int:
        return self.value or 0

    def is_foreign(self) -> bool:
        """Whether it was made before this process was forked."""
        return self.process != os.getpid()


_kinds: Dict[Type[Owner], Any] = {}


def _kind_of(base: Type[Owner]) -> Any:
    """The class of this process's objects."""
    kind = _kinds.get(base)
    if kind is None:
        metaclass: Any = type(base)
        kind = metaclass(base.__name__, (base,), {
            "__slots__": (), "process": os.getpid(),
            "__del__": _method(base._give_back)})
        kind = _kinds.setdefault(base, kind)
    return kind


def _leave_to_parent() -> None:
    for kind in _kinds.values():
        # Something of C that does nothing.
        kind.__del__ = object.__hash__
    _kinds.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


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
