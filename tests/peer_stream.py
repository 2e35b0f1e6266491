# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both ends of the shared memory image transport, in plain Python.

A peer for tests that shares no code with the library. It behaves as the
vendor's programs do: it wakes nobody, holds no lock on the file, and of the
word at offset 20 of a header it writes only the first byte.

What it relies on:

- A file of L bytes holds two equal parts of floor(L / 2) bytes; each is a
  header of 24 bytes and a payload. If L is odd, the second part begins at an
  odd address and the last byte of the file is unused.
- A header is, in native byte order, uint32 frame_number, width, height,
  offset, num_scanlines, then uint8 buffer_state and three unused bytes.
- Pixels are R, G, B, one byte each, top row first, without gaps.
- buffer_state says who owns a buffer: 0 free, 1 the server writes it, 2 it
  holds an image, 3 the client reads it, 4 initialised and no client yet. Only
  the owner changes it: a server 4 (at its start), 1, 2; a client 0 (from 4,
  to connect, and from 3, when it has read) and 3.
- Two images may be ready at once: the one with the smaller number is older,
  compared modulo 2^32.
- An image may come in several blocks of whole rows, which carry the same
  number, width and height; the block with offset 0 comes last.

Python has no atomic operations. One byte of a mapping is stored with one
instruction, and the interpreter puts thousands of others between the payload,
the fields and the state, which it writes in this order. That is no proof of
ordering, but enough in practice on x86 and arm64.
"""

import collections
import hashlib
import mmap
import os
import struct
import time

HEADER_SIZE = 24
STATE_OFFSET = 20
SERVER, SERVER_LOCKED, CLIENT, CLIENT_LOCKED, INIT = range(5)
STATE_NAMES = ("SERVER", "SERVER_LOCKED", "CLIENT", "CLIENT_LOCKED", "INIT")
NUMBERS = 1 << 32

INTEGERS = struct.Struct("=5I")
FIELDS = {
    "frame_number": (0, "=I"),
    "width": (4, "=I"),
    "height": (8, "=I"),
    "offset": (12, "=I"),
    "num_scanlines": (16, "=I"),
    "buffer_state": (STATE_OFFSET, "=B"),
    "state": (STATE_OFFSET, "=B"),
    "pad0": (21, "=B"),
    "pad1": (22, "=B"),
    "pad2": (23, "=B"),
}

# A prime: no two rows of an image begin at the same place of the noise, unless
# the width is a multiple of it.
NOISE_SIZE = 65521

Header = collections.namedtuple(
    "Header", "frame_number width height offset num_scanlines")
Image = collections.namedtuple("Image", "number width height pixels")


def make_pixels(seed, number, width, height):
    """The image with this number: noise in which every row is different.

    A shifted row, swapped channels, and parts of another image all show.
    """
    size = 3 * width * height
    key = "%d %d %d %d" % (seed, number, width, height)
    noise = hashlib.shake_256(key.encode()).digest(min(size, NOISE_SIZE))
    if size <= NOISE_SIZE:
        return noise
    whole, rest = divmod(size, NOISE_SIZE)
    return b"".join([noise] * whole + [noise[:rest]])


def flip(pixels, width, height):
    """The same image with its rows from bottom to top."""
    row = 3 * width
    return b"".join(pixels[y * row:(y + 1) * row]
                    for y in reversed(range(height)))


def comes_before(a, b):
    """Whether number a is older than b, where numbers wrap at 2^32."""
    return 0 < (b - a) % NUMBERS < NUMBERS // 2


def file_size(width, height):
    """The least length of a file for images of this size."""
    return 2 * (HEADER_SIZE + 3 * width * height)


def create_file(path, length, force=False):
    """Make a file of zeros, readable by its owner alone.

    With force, a file that is there is cut to nothing first, under whoever
    has it mapped, as open(path, "wb") would do.
    """
    how = os.O_TRUNC if force else os.O_EXCL
    fd = os.open(path, os.O_RDWR | os.O_CREAT | how, 0o600)
    try:
        os.ftruncate(fd, length)
    finally:
        os.close(fd)


class SharedFile:
    """The mapped file, with the fields of its two headers."""

    def __init__(self, path):
        fd = os.open(path, os.O_RDWR)
        try:
            self.length = os.fstat(fd).st_size
            if self.length < 2 * HEADER_SIZE:
                raise ValueError("%s: %d bytes cannot hold two headers"
                                 % (path, self.length))
            self.memory = mmap.mmap(fd, self.length)
        finally:
            os.close(fd)
        part = self.length // 2
        self.starts = (0, part)
        self.payload = part - HEADER_SIZE

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.memory.close()

    def state(self, buffer):
        return self.memory[self.starts[buffer] + STATE_OFFSET]

    def states(self):
        return self.state(0), self.state(1)

    def set_state(self, buffer, state):
        self.memory[self.starts[buffer] + STATE_OFFSET] = state

    def header(self, buffer):
        return Header(*INTEGERS.unpack_from(self.memory, self.starts[buffer]))

    def peek(self, buffer, field):
        at, layout = FIELDS[field]
        return struct.unpack_from(layout, self.memory,
                                  self.starts[buffer] + at)[0]

    def poke(self, buffer, field, value):
        """Write any field of a header, whoever owns it."""
        at, layout = FIELDS[field]
        struct.pack_into(layout, self.memory, self.starts[buffer] + at, value)

    def read_payload(self, buffer, size):
        begin = self.starts[buffer] + HEADER_SIZE
        return self.memory[begin:begin + size]

    def write_payload(self, buffer, pixels):
        begin = self.starts[buffer] + HEADER_SIZE
        self.memory[begin:begin + len(pixels)] = pixels


class Server(SharedFile):
    """The side that produces images. Nothing works before init()."""

    def __init__(self, path):
        super().__init__(path)
        self._next = 0

    def init(self):
        """Begin a stream, also under a client of the one before."""
        for buffer in (0, 1):
            # First the state: nobody reads the fields of a buffer in INIT.
            self.set_state(buffer, INIT)
            INTEGERS.pack_into(self.memory, self.starts[buffer], 0, 0, 0, 0, 0)
        self._next = 0

    def connected(self):
        return self.states() != (INIT, INIT)

    def idle(self):
        """Whether the client has taken and given back every image."""
        return not {CLIENT, CLIENT_LOCKED}.intersection(self.states())

    def put(self, number, width, height, pixels):
        """Send an image: 'ok', 'no_buffer' or 'unconnected'."""
        return self.put_block(number, width, height, 0, height, pixels)

    def put_block(self, number, width, height, offset, num_scanlines, pixels):
        """Send some rows of an image; those from row 0 on go last."""
        if len(pixels) != 3 * width * num_scanlines:
            raise ValueError("%d bytes are not %d rows of %d pixels"
                             % (len(pixels), num_scanlines, width))
        return self.put_unchecked(
            Header(number, width, height, offset, num_scanlines), pixels)

    def put_unchecked(self, header, pixels=b""):
        """Send a header that may lie, with whatever follows it."""
        if len(pixels) > self.payload:
            raise ValueError("a payload of %d bytes cannot hold %d"
                             % (self.payload, len(pixels)))
        for buffer in (self._next, 1 - self._next):
            if self.state(buffer) == SERVER:
                break
        else:
            return "no_buffer" if self.connected() else "unconnected"
        self.set_state(buffer, SERVER_LOCKED)
        self.write_payload(buffer, pixels)
        INTEGERS.pack_into(self.memory, self.starts[buffer], *header)
        self.set_state(buffer, CLIENT)
        self._next = 1 - buffer
        return "ok"


class Client(SharedFile):
    """The side that consumes images. Call connect() first."""

    def __init__(self, path):
        super().__init__(path)
        self.held = None
        self.refused = 0
        self._parts = {}
        self._parts_of = None

    def connect(self):
        """'ok' if a server waits for us, else 'reconnecting'."""
        fresh = INIT in self.states()
        for buffer in (0, 1):
            if self.state(buffer) in (INIT, CLIENT_LOCKED):
                self.set_state(buffer, SERVER)
        return "ok" if fresh else "reconnecting"

    def lock(self):
        """Hold the oldest block: (Header, pixels) or None. Never waits.

        A block that does not fit its image or the payload is given back and
        counted in self.refused.
        """
        if self.held is not None:
            raise RuntimeError("a buffer is held already")
        self._accept_new_server()
        while True:
            buffer, header = self._oldest()
            if buffer is None:
                return None
            self.set_state(buffer, CLIENT_LOCKED)
            self.held = buffer
            rows = self._rows(header)
            if rows:
                pixels = self.read_payload(buffer, 3 * header.width * rows)
                return header._replace(num_scanlines=rows), pixels
            self.refused += 1
            self.unlock()

    def unlock(self):
        """Give the held buffer back, unless a new server has claimed it."""
        if self.held is None:
            raise RuntimeError("no buffer is held")
        if self.state(self.held) == CLIENT_LOCKED:
            self.set_state(self.held, SERVER)
        self.held = None

    def poll(self, hold=0):
        """The next whole Image, put together if need be, or None.

        With hold it is a slow client, which keeps each buffer that long.
        """
        while True:
            block = self.lock()
            if block is None:
                return None
            time.sleep(hold)
            self.unlock()
            image = self._collect(*block)
            if image:
                return image

    def _accept_new_server(self):
        for buffer in (0, 1):
            if self.state(buffer) == INIT:
                self.set_state(buffer, SERVER)
                self._parts = {}

    def _oldest(self):
        ready = [b for b in (0, 1) if self.state(b) == CLIENT]
        if len(ready) == 1:
            # The other may have been filled between the two looks, before
            # this one was: look again, or images come out of order.
            other = 1 - ready[0]
            ready += [other] if self.state(other) == CLIENT else []
        if not ready:
            return None, None
        headers = {b: self.header(b) for b in ready}
        if len(ready) == 2 and self._older(headers[ready[1]],
                                           headers[ready[0]]):
            ready.reverse()
        return ready[0], headers[ready[0]]

    @staticmethod
    def _older(a, b):
        if a.frame_number == b.frame_number:
            return b.offset == 0
        return comes_before(a.frame_number, b.frame_number)

    def _rows(self, header):
        """How many rows a block truly has; 0 if it cannot be."""
        rows = header.num_scanlines
        if rows == 0 and header.offset == 0:
            rows = header.height
        fits = (header.offset + rows <= header.height and
                3 * header.width * rows <= self.payload)
        return rows if fits and header.width else 0

    def _collect(self, header, pixels):
        number, width, height, offset, _ = header
        image = (number, width, height)
        if self._parts and self._parts_of != image:
            self.refused += 1
            self._parts = {}
        self._parts_of = image
        self._parts[offset] = pixels
        if offset:
            return None
        parts, self._parts = self._parts, {}
        whole = b""
        if len(parts) == 1:
            whole = pixels
        elif self._adjoin(parts, 3 * width):
            whole = b"".join(parts[first] for first in sorted(parts))
        if len(whole) != 3 * width * height:
            self.refused += 1
            return None
        return Image(number, width, height, whole)

    @staticmethod
    def _adjoin(parts, row):
        end = 0
        for first in sorted(parts):
            if first * row != end:
                return False
            end += len(parts[first])
        return True
