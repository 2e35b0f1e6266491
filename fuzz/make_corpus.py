#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the seeds in corpus/: a file for each, named after what it is.

The formats stand at the top of headers.c, script.h (peer and race), command.c
and program.c. What a fuzzer has found lies beside the seeds, under a name that
begins with "found-", and is left alone here.

    make_corpus.py            writes the seeds
    make_corpus.py --check    fails when a seed is not what it would write
"""

import os
import struct
import sys

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")

SMALLEST = 10000000
USUAL = 20000000
PYENSIGHT = 26214400
UHD = 49766448

SERVER, SERVER_LOCKED, CLIENT, CLIENT_LOCKED, INIT = range(5)

# What the reader does in a round of the target "headers": images to ask for,
# and to give back before and after that.
LOOK, LOOK_TWICE, LOOK_THRICE = 1, 2, 3
BACK_BEFORE, BACK_AFTER, BOTH_BACK_AFTER = 1 << 2, 1 << 4, 2 << 4
KEEP_0, KEEP_1 = 0x40, 0x80


def header(number=0, width=0, height=0, state=SERVER, offset=0, rows=None):
    if rows is None:
        rows = height
    return struct.pack("<5IB3x", number, width, height, offset, rows, state)


def headers(size, *rounds, published=False):
    return struct.pack("<IB", size, published) + b"".join(
        first + second + bytes([actions])
        for first, second, actions in rounds)


NOTHING = header()
STARTED = header(state=INIT)


def one(size, image, **options):
    """The server starts, and puts one image into buffer 0."""
    return headers(size, (STARTED, STARTED, LOOK),
                   (image, NOTHING, LOOK | BACK_AFTER | KEEP_1), **options)


def blocks(width, height, rows, number=7, skip=None):
    """An image in blocks, from its last rows up to its first."""
    rounds = [(STARTED, STARTED, LOOK)]
    for i, offset in enumerate(reversed(range(0, height, rows))):
        if offset == skip:
            continue
        block = header(number, width, height, CLIENT, offset,
                       min(rows, height - offset))
        pair = (NOTHING, block) if i % 2 else (block, NOTHING)
        rounds.append(pair + (LOOK | BACK_AFTER | (KEEP_1, KEEP_0)[i % 2],))
    return headers(USUAL, *rounds)


def largest(size):
    """The pixels that fit, in one row."""
    return (size // 2 - 24) // 3


def seeds_headers():
    image = header(1, 8, 4, CLIENT)
    later = header(2, 5, 3, CLIENT)
    yield "new-file", headers(USUAL, (NOTHING, NOTHING, LOOK))
    yield "too-small-file", headers(SMALLEST - 1)
    yield "empty-file", headers(0)
    yield "file-of-47-bytes", headers(47)
    yield "smallest-file", one(SMALLEST, image)
    yield "odd-file", one(SMALLEST + 1, image)
    yield "half-is-odd", one(SMALLEST + 2, image)
    yield "header-on-two-pages", one(2 * (4096 * 1300 - 20), image)
    yield "pyensight-file", one(PYENSIGHT, header(1, 1280, 720, CLIENT))
    yield "uhd-file", one(UHD, header(1, 3840, 2160, CLIENT))
    yield "published-interface", one(USUAL, image, published=True)
    yield "two-images", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (image, later, LOOK_THRICE | BOTH_BACK_AFTER))
    yield "second-buffer-first", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (later, image, LOOK_TWICE | BOTH_BACK_AFTER))
    yield "numbers-wrap", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(0, 8, 4, CLIENT), header(2**32 - 1, 8, 4, CLIENT),
         LOOK_TWICE | BOTH_BACK_AFTER))
    yield "numbers-half-a-turn-apart", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(2**31, 8, 4, CLIENT), header(0, 5, 3, CLIENT),
         LOOK_TWICE | BOTH_BACK_AFTER))
    yield "predecessor-left-locks", headers(
        USUAL, (header(1, 8, 4, CLIENT_LOCKED), image, LOOK))
    yield "restart-while-held", headers(
        USUAL, (STARTED, STARTED, LOOK), (image, later, LOOK_TWICE),
        (STARTED, STARTED, LOOK), (image, NOTHING, LOOK | BACK_BEFORE))
    for state in (SERVER_LOCKED, 5, 255):
        yield "state-%d" % state, one(USUAL, header(1, 8, 4, state))
    yield "no-width", one(USUAL, header(1, 0, 4, CLIENT))
    yield "no-height", one(USUAL, header(1, 8, 0, CLIENT))
    yield "no-rows-means-all", one(USUAL, header(1, 8, 4, CLIENT, 0, 0))
    yield "no-rows-in-a-block", one(USUAL, header(1, 8, 4, CLIENT, 2, 0))
    yield "product-overflows", one(
        USUAL, header(1, 0x40000008, 4, CLIENT))
    yield "all-ones", one(USUAL, b"\xff" * 20 + bytes([CLIENT]) + b"\xff" * 3)
    yield "largest-that-fits", one(
        SMALLEST, header(1, largest(SMALLEST), 1, CLIENT))
    yield "one-pixel-too-large", one(
        SMALLEST, header(1, 1, largest(SMALLEST) + 1, CLIENT))
    yield "more-than-a-gib", one(
        USUAL, header(1, 32768, 32768, CLIENT, 0, 1))
    yield "more-rows-than-the-image", one(
        USUAL, header(1, 8, 4, CLIENT, 0, 5))
    yield "block-ends-behind-the-image", one(
        USUAL, header(1, 8, 4, CLIENT, 3, 2))
    yield "block-wraps", one(
        USUAL, header(1, 8, 4, CLIENT, 2, 2**32 - 1))
    yield "blocks", blocks(6, 9, 3)
    yield "blocks-one-missing", blocks(6, 9, 3, skip=3)
    yield "blocks-of-400-mib", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(3, 16384, 8192, CLIENT, 99, 1), NOTHING, LOOK | KEEP_1),
        (header(3, 16384, 8192, CLIENT, 0, 98), NOTHING, LOOK | KEEP_1))
    yield "blocks-overlap", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(3, 6, 9, CLIENT, 2, 7), NOTHING, LOOK | KEEP_1),
        (NOTHING, header(3, 6, 9, CLIENT, 1, 4), LOOK | KEEP_0),
        (header(3, 6, 9, CLIENT, 0, 3), NOTHING, LOOK | BACK_AFTER | KEEP_1))
    yield "blocks-of-another-size", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(3, 6, 9, CLIENT, 5, 4), NOTHING, LOOK | KEEP_1),
        (NOTHING, header(3, 9, 6, CLIENT, 0, 5), LOOK | KEEP_0))
    yield "blocks-and-a-restart", headers(
        USUAL, (STARTED, STARTED, LOOK),
        (header(3, 6, 9, CLIENT, 5, 4), NOTHING, LOOK | KEEP_1),
        (STARTED, STARTED, LOOK),
        (header(3, 6, 9, CLIENT, 0, 5), NOTHING, LOOK | KEEP_1))


(OPEN_READER, ACQUIRE, RELEASE_OLDEST, RELEASE_NEWEST, CLOSE_READER,
 READER_STATS, OPEN_WRITER, PUT, BEGIN, COMMIT, ABORT, WAIT, WRITER_STATS,
 CLOSE_WRITER, INFO, RESET) = range(16)

FIELDS = {"number": 0, "width": 1, "height": 2, "offset": 3, "rows": 4}
STATE, BYTE, PUBLISH, UNLOCK, LOCK = 5, 6, 7, 8, 9


def call(which, argument=0):
    return which | argument << 4


def step(delay, buffer, kind, value):
    return struct.pack("<BBI", delay, buffer | kind << 1, value)


def image(number, width, height):
    return number << 16 | height << 8 | width


def script(size, calls, *steps):
    return struct.pack("<IB", size, len(calls)) + bytes(calls) + b"".join(steps)


def seeds_peer():
    read = [OPEN_READER] + [ACQUIRE, RELEASE_OLDEST] * 3 + [READER_STATS]
    small = call(PUT, 1)
    write = [OPEN_WRITER, small, small, call(BEGIN, 1), COMMIT, small,
             WRITER_STATS]
    publish = [step(2, 0, PUBLISH, image(1, 8, 4)),
               step(2, 1, PUBLISH, image(2, 5, 3))]

    yield "reader", script(USUAL, read, *publish)
    yield "reader-odd-file", script(SMALLEST + 1, read, *publish)
    yield "reader-header-on-two-pages", script(
        2 * (4096 * 1300 - 10), read, *publish)
    for name, kind in FIELDS.items():
        yield "reader-%s-grows" % name, script(
            USUAL, read, publish[0],
            *(step(delay, 0, kind, 2**32 - 1 - delay)
              for delay in (9, 10, 11, 12)))
    yield "reader-loses-a-state-while-it-connects", script(
        USUAL, read, step(0, 0, STATE, INIT), step(1, 0, STATE, 255))
    yield "reader-restarts-in-the-copy", script(
        USUAL, read, publish[0], step(30, 0, STATE, INIT),
        step(12, 0, PUBLISH, image(9, 2, 2)))
    yield "reader-states-at-random", script(
        USUAL, read, *publish,
        *(step(3 + i, i % 2, STATE, state) for i, state in
          enumerate((3, 2, 4, 2, 0, 1, 2, 5, 255, 2, 4, 4, 2))))
    yield "reader-holds-both", script(
        USUAL, [OPEN_READER, ACQUIRE, ACQUIRE, ACQUIRE, RELEASE_NEWEST,
                RELEASE_NEWEST, ACQUIRE, CLOSE_READER, RELEASE_OLDEST],
        *publish, step(40, 0, PUBLISH, image(3, 4, 4)),
        step(0, 1, PUBLISH, image(4, 4, 4)))
    yield "reader-blocks", script(
        USUAL, read, step(2, 0, PUBLISH, image(1, 8, 4)),
        step(0, 0, FIELDS["offset"], 2), step(0, 0, FIELDS["rows"], 2),
        step(60, 1, PUBLISH, image(1, 8, 4)),
        step(0, 1, FIELDS["rows"], 2))
    yield "writer", script(
        USUAL, write, step(80, 0, STATE, SERVER), step(0, 1, STATE, SERVER))
    yield "writer-state-is-taken-away", script(
        USUAL, write, step(60, 0, STATE, SERVER), step(20, 0, STATE, CLIENT),
        step(10, 0, STATE, SERVER), step(10, 0, STATE, SERVER_LOCKED))
    yield "writer-client-comes-and-goes", script(
        USUAL, write + [small, WRITER_STATS], step(9, 0, LOCK, 1),
        step(40, 0, STATE, SERVER), step(0, 1, STATE, SERVER),
        step(90, 0, UNLOCK, 1))
    yield "writer-too-large-images", script(
        USUAL, [OPEN_WRITER] + [call(PUT, n) for n in range(4, 9)] +
        [call(BEGIN, n) for n in range(4, 9)] + [ABORT, WAIT, WRITER_STATS],
        step(60, 0, STATE, SERVER), step(0, 1, STATE, SERVER))
    yield "both", script(
        USUAL, [OPEN_WRITER, OPEN_READER, small, ACQUIRE, small, ACQUIRE,
                RELEASE_OLDEST, INFO, call(RESET, 1), ACQUIRE, small,
                CLOSE_WRITER, ACQUIRE, WRITER_STATS, READER_STATS],
        step(50, 0, BYTE, 20 << 8 | 2), step(50, 1, BYTE, 4 << 8 | 255))


def seeds_race():
    for name, data in seeds_peer():
        if name in ("both", "reader-states-at-random", "reader-blocks",
                    "writer-client-comes-and-goes"):
            yield name, data
    yield "waiting", script(
        USUAL, [OPEN_READER, OPEN_WRITER] +
        [call(WAIT, 2), call(PUT, 1), call(ACQUIRE, 3), RELEASE_OLDEST] * 4,
        step(255, 0, STATE, SERVER), step(255, 1, STATE, INIT),
        step(255, 0, PUBLISH, image(1, 8, 4)))


def tool(*arguments, data=b"", chunk=0, looks=60):
    return bytes([chunk // 4 | looks // 4 << 4]) + \
        "\n".join(arguments).encode() + b"\xff" + data


def seeds_command():
    raw = bytes(range(1, 49))
    send = ("send", "--size", "4x2", "--input", "-")

    yield "nothing", tool("")
    yield "help", tool("--help")
    yield "unknown-command", tool("nonsense", "live")
    for name in ("record", "view", "create", "info", "send", "reset", "exec"):
        yield name + "-help", tool(name, "--help")
    yield "create-by-size", tool("create", "--size", "640x480", "new")
    yield "create-by-bytes", tool("create", "--bytes", "20M", "new")
    yield "create-again", tool("create", "--bytes", "20000001", "--force",
                               "live")
    yield "create-no-room", tool("create", "--size", "15360x8640", "new")
    yield "create-too-large", tool("create", "--size",
                                   "4294967295x4294967295", "new")
    yield "info", tool("info", "live")
    yield "info-json", tool("info", "--json", "live")
    yield "info-of-no-stream", tool("info", "raw", data=b"short")
    yield "info-watch", tool("info", "--watch", "--count", "3", "live")
    yield "info-watch-json", tool("info", "--watch", "--json", "--interval",
                                  "0.125", "live", looks=40)
    yield "info-watch-nothing", tool("info", "--watch", "gone")
    yield "info-odd-name", tool("info", "--json", "\u00e9\x01\"\\\x7f")
    yield "record", tool("record", "--frames", "3", "live", "a.mp4")
    yield "record-swapped", tool("record", "a.mp4", "live")
    yield "record-creates", tool("record", "--create", "64x48", "new", "a.gif")
    yield "record-prints", tool(
        "record", "--print", "--rate", "30000/1001", "--duration", "2.5",
        "--crf", "18", "--preset", "slow", "live", "it's.mkv", "--", "-vf",
        "hflip", "-pix_fmt", "yuv444p")
    yield "record-prints-lossless", tool("record", "--print", "--lossless",
                                         "live", "frame_%05d.png")
    yield "view", tool("view", "--on-disconnect", "wait", "--player", "mpv",
                       "live", "--", "--fs")
    yield "view-waits", tool("view", "--wait-file", "--owner", "1", "gone",
                             "--", "--fs")
    yield "reset", tool("reset", "--force", "live")
    yield "exec", tool("exec", "--module", "raw", "live", "-i", "x")
    yield "send-card", tool("send", "--size", "64x48", "--frames", "3",
                            "live")
    yield "send-small-cards", tool(
        "send", "--size", "8x8,16x9,1x1,65x33", "--size-every", "2", "--rate",
        "0", "--start", "4294967294", "--flip", "live")
    yield "send-creates", tool("send", "--create", "--take-over", "--quiet",
                               "--size", "80x64", "--rate", "30000/1001",
                               "new")
    yield "send-raw", tool(*send, "live", data=raw)
    yield "send-raw-piecewise", tool(*send, "--wait", "live", data=raw,
                                     chunk=8)
    yield "send-raw-file", tool("send", "--size=2x4", "--input=raw", "--flip",
                                "--rate", "59.94", "live", data=raw)
    yield "send-raw-short", tool(*send, "live", data=raw[:-1])
    yield "send-raw-nothing", tool(*send, "live")
    yield "send-raw-as-fast-as-it-comes", tool(*send, "--rate", "0", "live",
                                               data=raw * 4)
    yield "send-slowly", tool(*send, "--rate", "1/60", "live", data=raw * 2)
    yield "send-too-large", tool("send", "--size", "32768x10922", "live")
    yield "send-wrong-values", tool("send", "--rate", "1/0", "live")


def program(bits, entries, count=None, size=None, offset=None):
    """An ELF file with program headers of these types."""
    ehdr, phdr = {64: (64, 56), 32: (52, 32)}[bits]
    count = len(entries) if count is None else count
    size = phdr if size is None else size
    offset = ehdr if offset is None else offset
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    if bits == 64:
        rest = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, offset, 0, 0, ehdr,
                           size, count, 0, 0, 0)
    else:
        rest = struct.pack("<HHIIIIIHHHHHH", 3, 3, 1, 0, offset, 0, 0, ehdr,
                           size, count, 0, 0, 0)
    return ident + rest + b"".join(
        struct.pack("<I", entry) + bytes(phdr - 4) for entry in entries)


def seeds_program():
    load, dynamic, interpreter = 1, 2, 3

    for bits in (32, 64):
        yield "dynamic-%d" % bits, program(bits, [load, interpreter])
        yield "static-%d" % bits, program(bits, [load, dynamic])
        yield "headers-cut-off-%d" % bits, program(bits, [load], count=9)
        yield "no-headers-%d" % bits, program(bits, [])
    yield "headers-far-away", program(64, [load], offset=2**64 - 1)
    yield "headers-of-no-size", program(64, [load], count=65535, size=0)
    yield "headers-of-64-kib", program(64, [load], count=65535, size=65535)
    yield "script", b"#!/bin/sh\n"
    yield "only-the-magic", b"\x7fELF"
    yield "unknown-class", b"\x7fELF\x03" + bytes(60)


TARGETS = {
    "headers": seeds_headers,
    "peer": seeds_peer,
    "race": seeds_race,
    "command": seeds_command,
    "program": seeds_program,
}


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def is_same(path, data):
    try:
        with open(path, "rb") as file:
            return file.read() == data
    except FileNotFoundError:
        return False


def main():
    check = sys.argv[1:] == ["--check"]
    wrong = []
    for target, seeds in TARGETS.items():
        folder = os.path.join(CORPUS, target)
        os.makedirs(folder, exist_ok=True)
        written = dict(seeds())
        for name, data in written.items():
            path = os.path.join(folder, name)
            if not check:
                write(path, data)
            elif not is_same(path, data):
                wrong.append(path)
        wrong += [os.path.join(folder, name) for name in os.listdir(folder)
                  if name not in written and not name.startswith("found-")]
    for path in wrong:
        print("%s: is not what make_corpus.py makes" % path, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
