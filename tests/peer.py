#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server and a client of the shared memory image transport, for tests.

The command line of peer_stream.py, which says what the peers rely on. They
are independent of the library and take part in none of its additions: no
wake-ups and no locks on the file.

Every wait has a deadline. A line `ready` on standard output means that the
file is initialised (server) or connected to (client), so that whoever starts
this program needs no pause. Each image is a function of the seed, its number
and its size alone; a manifest lists those that were sent, or that came.
"""

import argparse
import hashlib
import json
import os
import signal
import struct
import sys
import time

from peer_stream import (FIELDS, NUMBERS, STATE_NAMES, Client, Header, Image,
                         Server, SharedFile, create_file, file_size,
                         make_pixels)

POLL_SECONDS = 0.0002


class Stopped(Exception):
    """Somebody asked the program to end."""


class Patience:
    """The deadline of a whole run, and a request to stop before it."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds
        self._stop = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)

    def _request(self, *unused):
        self._stop = True

    def wait(self, condition, seconds, what):
        """What the condition answers as soon as that is true."""
        end = min(self._end, time.monotonic() + seconds)
        while True:
            if self._stop:
                raise Stopped
            if time.monotonic() > self._end:
                raise TimeoutError("the run took longer than --deadline: "
                                   + what)
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(POLL_SECONDS)


class Manifest:
    """A text file with a line for each image, there as soon as written."""

    def __init__(self, path):
        self._file = open(path, "w", buffering=1) if path else None

    def add(self, number, width, height, pixels):
        if self._file:
            md5 = hashlib.md5(pixels).hexdigest()
            self._file.write("%d %d %d %s\n" % (number, width, height, md5))


def say(text):
    """A line for whoever drives this program, if they still listen."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wait_for_file(patience, args):
    patience.wait(lambda: os.path.exists(args.file), args.wait_file,
                  "%s: no such file; create it first" % args.file)


class Sending:
    """A run of `peer.py server`."""

    def __init__(self, args, server, patience):
        self.args = args
        self.server = server
        self.patience = patience
        self.manifest = Manifest(args.manifest)
        self.counts = {"ok": 0, "no_buffer": 0, "unconnected": 0}
        self.index = 0

    def run(self):
        self._begin("ready")
        began = time.monotonic()
        while not self.args.frames or self.index < self.args.frames:
            if self.args.restart_after and \
                    self.index == self.args.restart_after:
                self._restart()
            self._lie()
            due = began
            if self.args.rate:
                due += self.index / self.args.rate
            image = make_image(self.args, self.index)
            self.patience.wait(lambda: time.monotonic() >= due,
                               float("inf"), "the image's time never came")
            self._send(image)
            self.index += 1
        self._drain(self.args.drain)

    def _begin(self, word):
        self.server.init()
        say(word)
        if self.args.wait_client:
            self.patience.wait(self.server.connected, self.args.wait_client,
                               "%s: no client connected" % self.args.file)
            say("connected")

    def _restart(self):
        if self.args.lossless:
            self._drain(self.args.stall)
        self._begin("restarted")

    def _drain(self, seconds):
        if seconds:
            self.patience.wait(self.server.idle, seconds,
                               "%s: the client left images" % self.args.file)

    def _send(self, image):
        number, width, height, pixels = image
        blocks = split_rows(height, self.args.blocks)
        first = True
        for offset, rows in reversed(blocks):
            part = memoryview(pixels)[3 * width * offset:
                                      3 * width * (offset + rows)]
            answer = self._put(not first or self.args.lossless, number,
                               width, height, offset, rows, part)
            if answer != "ok":
                break
            first = False
        self.counts[answer] += 1
        if answer == "ok":
            self.manifest.add(*image)

    def _put(self, insist, *block):
        """An image that has begun is finished; others may be dropped."""
        answer = self.server.put_block(*block)
        if answer != "ok" and insist:
            self.patience.wait(
                lambda: self.server.put_block(*block) == "ok",
                self.args.stall, "%s: no free buffer" % self.args.file)
            answer = "ok"
        return answer

    def _lie(self):
        for index, fields in self.args.lie:
            if index != self.index:
                continue
            number, width, height = plan_image(self.args, self.index)
            header = Header(number, width, height, 0, height)
            header = header._replace(**fields)
            self.patience.wait(
                lambda: self.server.put_unchecked(header) == "ok",
                self.args.stall, "%s: no free buffer" % self.args.file)


def plan_image(args, index):
    """Number, width and height of the image with this index in the run."""
    every = args.size_every or -(-max(args.frames, 1) // len(args.sizes))
    width, height = args.sizes[index // every % len(args.sizes)]
    start = args.start
    if args.restart_after and index >= args.restart_after:
        index -= args.restart_after
        start = args.start if args.restart_start is None \
            else args.restart_start
    return (start + index * args.step) % NUMBERS, width, height


def make_image(args, index):
    plan = plan_image(args, index)
    return Image(*plan, make_pixels(args.seed, *plan))


def split_rows(height, count):
    """(first row, rows) of each block, as equal as can be."""
    count = min(count, height)
    edges = [height * i // count for i in range(count + 1)]
    return [(a, b - a) for a, b in zip(edges, edges[1:])]


def run_server(args):
    patience = Patience(args.deadline)
    wait_for_file(patience, args)
    with Server(args.file) as server:
        check_fit(args, server)
        sending = Sending(args, server, patience)
        try:
            sending.run()
        except Stopped:
            pass
        finally:
            say("done sent %d dropped %d unconnected %d"
                % tuple(sending.counts.values()))


def check_fit(args, server):
    for width, height in args.sizes:
        rows = max(rows for _, rows in split_rows(height, args.blocks))
        if 3 * width * rows > server.payload:
            raise ValueError(
                "%s: %dx%d does not fit; a file of %d bytes is needed, or "
                "more blocks" % (args.file, width, height,
                                 file_size(width, rows)))


def run_client(args):
    patience = Patience(args.deadline)
    wait_for_file(patience, args)
    manifest = Manifest(args.manifest)
    taken = 0
    with Client(args.file) as client:
        client.connect()
        say("ready")
        try:
            while not args.frames or taken < args.frames:
                manifest.add(*next_image(args, client, patience))
                taken += 1
        except Stopped:
            pass
        except TimeoutError:
            if args.frames:
                raise
        finally:
            say("done received %d refused %d" % (taken, client.refused))


def next_image(args, client, patience):
    image = patience.wait(lambda: client.poll(args.hold), args.timeout,
                          "%s: no image came in time" % args.file)
    if args.seed is not None and \
            image.pixels != make_pixels(args.seed, *image[:3]):
        raise ValueError("%s: image %d (%dx%d) is not what was sent"
                         % (args.file, *image[:3]))
    return image


def run_create(args):
    create_file(args.file, args.bytes, args.force)


def run_info(args):
    with SharedFile(args.file) as shared:
        buffers = []
        for buffer in (0, 1):
            state = shared.state(buffer)
            known = state < len(STATE_NAMES)
            buffers.append({
                "start": shared.starts[buffer],
                **shared.header(buffer)._asdict(),
                "buffer_state": state,
                "state_name": STATE_NAMES[state] if known else "unknown",
                "pad": [shared.peek(buffer, "pad%d" % i) for i in range(3)],
            })
        print(json.dumps({"length": shared.length, "payload": shared.payload,
                          "buffers": buffers}, indent=2))


def run_poke(args):
    patience = Patience(args.deadline)
    with SharedFile(args.file) as shared:
        if args.wait_state is not None:
            patience.wait(
                lambda: shared.state(args.buffer) == args.wait_state,
                args.deadline, "%s: buffer %d never came to state %d" % (
                    args.file, args.buffer, args.wait_state))
        for field, value in zip(args.field, args.value):
            shared.poke(args.buffer, field, value)


def run_images(args):
    manifest = Manifest(args.manifest)
    for index in range(args.frames):
        image = make_image(args, index)
        sys.stdout.buffer.write(image.pixels)
        manifest.add(*image)
    sys.stdout.buffer.flush()


def size(text):
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()
            and int(width) and int(height)):
        raise argparse.ArgumentTypeError("%r is not a size like 640x480"
                                         % text)
    return int(width), int(height)


def sizes(text):
    return [size(part) for part in text.split(",")]


def at_least(least):
    def count(text):
        value = int(text, 0)
        if value < least:
            raise argparse.ArgumentTypeError("%d is below %d" % (value, least))
        return value
    return count


def lie(text):
    index, _, pairs = text.partition(":")
    fields = {}
    for pair in pairs.split(","):
        field, _, value = pair.partition("=")
        if field not in Header._fields:
            raise argparse.ArgumentTypeError("%r is none of %s" % (
                field, ", ".join(Header._fields)))
        fields[field] = int(value, 0) % NUMBERS
    return int(index, 0), fields


def add_plan(parser, frames):
    """Which images: what server and images have in common."""
    add = parser.add_argument
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--size", dest="sizes", type=lambda t: [size(t)],
                       metavar="WxH", help="the size of all images")
    which.add_argument("--sizes", type=sizes, metavar="WxH,WxH...",
                       help="these sizes in turn; see --size-every")
    add("--size-every", type=at_least(1), metavar="N",
        help="change the size after N images and go round "
        "(default: once through all sizes, in equal runs)")
    add("--frames", type=at_least(frames), default=10, metavar="N",
        help="how many images (default: 10%s)"
        % ("" if frames else "; 0: until SIGTERM or --deadline"))
    add("--start", type=at_least(0), default=0, metavar="N",
        help="number of the first image (default: 0)")
    add("--step", type=at_least(1), default=1, metavar="K",
        help="the numbers grow by K, modulo 2^32 (default: 1)")
    add("--seed", type=int, default=0, metavar="S",
        help="other pixels for each S (default: 0)")
    add("--manifest", metavar="OUT",
        help="write 'number width height md5' of each image that was sent; "
        "md5 is of its 3*width*height bytes, as ffmpeg's framemd5 has it")
    parser.set_defaults(restart_after=0, restart_start=None)


def add_run(parser, function):
    add = parser.add_argument
    parser.set_defaults(run=function)
    add("file", metavar="FILE")
    add("--deadline", type=float, default=600, metavar="SECS",
        help="fail if the whole run takes longer (default: 600)")


def add_waiting(parser):
    parser.add_argument("--wait-file", type=float, default=0, metavar="SECS",
                        help="wait so long until FILE exists (default: 0)")


def add_server(commands):
    parser = commands.add_parser(
        "server", help="initialise FILE and send images",
        description="Initialise FILE, which must exist, say 'ready', and send "
        "images. Says 'connected' when a client it waited for is there, "
        "'restarted' after a restart, and at the end 'done sent N dropped N "
        "unconnected N'. SIGTERM ends it like --frames does.")
    add = parser.add_argument
    add_run(parser, run_server)
    add_waiting(parser)
    add_plan(parser, 0)
    add("--rate", type=float, default=0, metavar="R",
        help="images a second (default: 0, as fast as possible)")
    add("--blocks", type=at_least(1), default=1, metavar="K",
        help="send each image in K blocks, the top one last (default: 1)")
    add("--wait-client", type=float, default=0, metavar="SECS",
        help="after each initialisation, wait so long for a client and fail "
        "if none comes (default: 0, send at once)")
    add("--lossless", action="store_true",
        help="wait for a free buffer instead of dropping the image")
    add("--stall", type=float, default=60, metavar="SECS",
        help="fail if no buffer becomes free in this time where one is "
        "waited for (default: 60)")
    add("--drain", type=float, default=0, metavar="SECS",
        help="at the end, wait so long until the client has taken every "
        "image and fail if it does not (default: 0, leave them in FILE)")
    add("--restart-after", type=at_least(0), default=0, metavar="N",
        help="initialise FILE again after N images, as a server that was "
        "started again; with --lossless, when the client has taken them")
    add("--restart-start", type=at_least(0), metavar="N",
        help="number of the first image after that (default: --start)")
    add("--lie", type=lie, action="append", default=[],
        metavar="N:FIELD=VALUE,...",
        help="before image N of the run (from 0), send a block with its "
        "header changed like this; it is not in the manifest and not counted; "
        "can be repeated; fields: " + ", ".join(Header._fields))


def add_client(commands):
    parser = commands.add_parser(
        "client", help="connect to FILE and receive images",
        description="Connect, say 'ready', and receive images; says at the "
        "end 'done received N refused N'.")
    add = parser.add_argument
    add_run(parser, run_client)
    add_waiting(parser)
    add("--frames", type=at_least(0), default=10, metavar="N",
        help="end after N images (default: 10; 0: when none comes for "
        "--timeout, or at SIGTERM)")
    add("--timeout", type=float, default=60, metavar="S",
        help="wait so long for each image, and fail unless --frames is 0 "
        "(default: 60)")
    add("--hold", type=float, default=0, metavar="SECS",
        help="be slow: keep each buffer locked for so long (default: 0)")
    add("--seed", type=int, metavar="S",
        help="fail if an image is not the one of `server --seed S`")
    add("--manifest", metavar="OUT",
        help="write 'number width height md5' of each image that came")


def add_small_commands(commands):
    parser = commands.add_parser("create", help="make FILE, full of zeros")
    parser.set_defaults(run=run_create)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--bytes", type=at_least(0), required=True,
                        metavar="L", help="its length")
    parser.add_argument("--force", action="store_true",
                        help="also if it exists: it is cut to nothing first, "
                        "even if others have it mapped")
    parser = commands.add_parser("info", help="show both headers as JSON")
    parser.set_defaults(run=run_info)
    parser.add_argument("file", metavar="FILE")
    parser = commands.add_parser(
        "images", help="write the images of a server's run to standard output",
        description="Raw rgb24 on standard output, the same images that "
        "`server` would send.")
    parser.set_defaults(run=run_images)
    add_plan(parser, 1)


def add_poke(commands):
    parser = commands.add_parser(
        "poke", help="write fields of a header, whoever owns it",
        description="The fields are written in the order given.")
    add = parser.add_argument
    add_run(parser, run_poke)
    add("--buffer", type=int, choices=(0, 1), required=True)
    add("--field", choices=sorted(FIELDS), action="append", required=True)
    add("--value", type=lambda text: int(text, 0), action="append",
        required=True, help="one for each --field")
    add("--wait-state", type=int, metavar="V",
        help="first wait until the buffer is in this state")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="peer.py", description=__doc__.split("\n\n")[0],
        epilog="`peer.py COMMAND --help` shows its options. Exit codes: 0 "
        "done, 1 failed (standard error says why), 2 wrong usage.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND",
                                     required=True)
    add_server(commands)
    add_client(commands)
    add_small_commands(commands)
    add_poke(commands)
    args = parser.parse_args(arguments)
    if args.command == "poke" and len(args.field) != len(args.value):
        parser.error("each --field needs one --value")
    return args


def main(arguments=None):
    args = parse(arguments)
    try:
        args.run(args)
    except (OSError, ValueError, struct.error) as error:
        print("peer.py: %s" % error, file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
