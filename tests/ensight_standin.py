#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands in for EnSight where its images are asked for: a gRPC server that
draws a moving scene into the shared file.

It draws through the vendor's interface of libshmimage or, with --plain,
through peer_stream.py, which takes no locks, like EnSight. On standard output
it says in lines of JSON what happens. Needs the same Python packages as
examples/ensight-record.

Environment: SHMIMAGE_BUILDDIR (where the library was built), SHMIMAGE_SRCDIR.
"""

import argparse
import concurrent.futures
import ctypes
import json
import os
import signal
import sys
import threading
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.environ.get("SHMIMAGE_SRCDIR") or os.path.dirname(HERE)
EXAMPLES = os.path.join(SOURCES, "examples")
sys.path.append(EXAMPLES)

import grpc  # noqa: E402
import ensight_images  # noqa: E402
import peer_stream  # noqa: E402

OPTIONS_SERVER, OPTIONS_FLIPVERTICAL = 0x3, 0x100
NO_ERROR = 0
# The scene: cells at the top with the image's number, a bar that moves over a
# shade, and red at the bottom.
CELLS = 16
PARTS = 9


def draw(number, width, height):
    part = height // PARTS
    cells = b"".join(
        (b"\xff" if number >> (CELLS - 1 - cell) & 1 else b"\0") *
        (3 * ((cell + 1) * width // CELLS - cell * width // CELLS))
        for cell in range(CELLS))
    shade = bytearray(b"".join(bytes((0, x * 200 // width, 100))
                               for x in range(width)))
    bar = number * 4 % width
    shade[3 * bar:3 * (bar + 8)] = b"\xff\xff\0" * min(8, width - bar)
    bottom = b"\xd0\0\0" * width
    return cells * part + bytes(shade) * (height - 2 * part) + bottom * part


def read_number(pixels, width, height):
    """The number in a scene, of which a codec may have changed the colours."""
    def pixel(x, y):
        at = 3 * (y * width + x)
        return pixels[at:at + 3]

    part = height // PARTS
    red, green, blue = pixel(width // 2, height - part // 2)
    if red < 150 or green > 80 or blue > 80:
        raise ValueError("no scene, or it is upside down")
    number = 0
    for cell in range(CELLS):
        light = sum(pixel((2 * cell + 1) * width // (2 * CELLS), part // 2))
        number = number << 1 | (light > 384)
    return number


def say(**what):
    print(json.dumps(what), flush=True)


class Frame(ctypes.Structure):
    _fields_ = [("iFrame", ctypes.c_uint32), ("iWidth", ctypes.c_uint32),
                ("iHeight", ctypes.c_uint32), ("buffer", ctypes.c_char_p)]


class CoreStream:
    """The server's end, as the vendor's header has it."""

    def __init__(self, path, flip):
        build = os.environ.get("SHMIMAGE_BUILDDIR") or "."
        self.library = ctypes.CDLL(
            os.path.join(build, ".libs", "libshmimage.so"))
        for name, arguments in (
                ("create", (ctypes.c_char_p, ctypes.c_uint32,
                            ctypes.POINTER(ctypes.c_void_p))),
                ("putframe", (ctypes.c_void_p, ctypes.POINTER(Frame))),
                ("destroy", (ctypes.c_void_p,))):
            self.function(name).argtypes = arguments
        self.handle = ctypes.c_void_p()
        status = self.function("create")(
            os.fsencode(path),
            OPTIONS_SERVER | (OPTIONS_FLIPVERTICAL if flip else 0),
            self.handle)
        if status < 0:
            text = self.function("errorstring")
            text.restype = ctypes.c_char_p
            raise OSError(text(status).decode())

    def function(self, name):
        return getattr(self.library, "SharedMemoryImageStream_" + name)

    def put(self, number, width, height, pixels):
        frame = Frame(number, width, height, pixels)
        return self.function("putframe")(self.handle, frame) == NO_ERROR

    def close(self):
        self.function("destroy")(self.handle)


class PlainStream:
    """The same for a server that takes no part in the library's additions."""

    def __init__(self, path, flip):
        self.server = peer_stream.Server(path)
        self.flip = flip
        self.server.init()

    def put(self, number, width, height, pixels):
        if self.flip:
            pixels = peer_stream.flip(pixels, width, height)
        return self.server.put(number, width, height, pixels) == "ok"

    def close(self):
        self.server.close()


class Drawing(threading.Thread):
    """Draws at a pace, and nothing more after so many images."""

    def __init__(self, stream, args):
        super().__init__(daemon=True)
        self.stream = stream
        self.args = args
        self.ended = threading.Event()
        self.sent = []

    def run(self):
        number = 0
        while not self.ended.wait(1 / self.args.rate):
            if self.args.images and len(self.sent) >= self.args.images:
                continue
            number += 1
            if self.stream.put(number, *self.args.size,
                               draw(number, *self.args.size)):
                self.sent.append(number)
                if len(self.sent) == self.args.images:
                    say(last=number)

    def end(self):
        self.ended.set()
        self.join()
        self.stream.close()


class StandIn:
    def __init__(self, args):
        self.args = args
        self.drawings = {}

    def check(self, context):
        """Refuse a caller that does not know the secret or the session."""
        metadata = dict(context.invocation_metadata())
        if metadata.get("shared_secret", "") != self.args.secret:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong secret")
        if metadata.get("session_name", "") != self.args.session:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such session")

    def subscribe(self, request, context):
        self.check(context)
        say(subscribed=request.prefix, type=request.type,
            flip=request.flip_vertical, options=dict(request.options))
        if self.args.silent:
            threading.Event().wait()
        if not self.args.careless:
            self.begin(request, context)
        return self.answer("OK")

    def begin(self, request, context):
        path = request.options["filename"]
        if self.args.elsewhere:
            path = os.path.join(self.args.elsewhere, path.lstrip("/"))
        kind = PlainStream if self.args.plain else CoreStream
        try:
            stream = kind(path, request.flip_vertical)
        except OSError as error:
            context.abort(grpc.StatusCode.INTERNAL, str(error))
        self.drawings[request.prefix] = Drawing(stream, self.args)
        self.drawings[request.prefix].start()

    def unsubscribe(self, request, context):
        self.check(context)
        drawing = self.drawings.pop(request.prefix, None)
        if drawing:
            drawing.end()
        say(unsubscribed=request.prefix, sent=drawing and drawing.sent)
        return self.answer("OK")

    def answer(self, text):
        return self.response(str=text)

    def handlers(self):
        methods = {}
        functions = {"SubscribeImages": self.subscribe,
                     "Unsubscribe": self.unsubscribe}
        for method in ensight_images.find_service().methods:
            request = ensight_images.message_class(method.input_type)
            self.response = ensight_images.message_class(method.output_type)
            methods[method.name] = grpc.unary_unary_rpc_method_handler(
                functions[method.name],
                request_deserializer=request.FromString,
                response_serializer=self.response.SerializeToString)
        if self.args.old:
            methods = {}
        return grpc.method_handlers_generic_handler(
            "ensightservice.EnSightService", methods)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--socket", help="listen there, and not on a free port")
    add("--secret", default="")
    add("--session", default="")
    add("--size", default=(320, 180), metavar="WxH",
        type=lambda text: tuple(map(int, text.split("x"))))
    add("--rate", type=float, default=30, help="images a second")
    add("--images", type=int, default=0, help="be idle after so many")
    add("--plain", action="store_true", help="take no locks")
    add("--old", action="store_true", help="do not know the calls")
    add("--silent", action="store_true", help="do not answer")
    add("--careless", action="store_true",
        help="answer without touching the file")
    add("--elsewhere", metavar="DIR", help="see no files but those in there")
    return parser.parse_args()


def main():
    args = parse()
    # It is waited for below; no other thread shall take it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([StandIn(args).handlers()])
    port = server.add_insecure_port(
        "unix:" + urllib.parse.quote(args.socket) if args.socket
        else "127.0.0.1:0")
    server.start()
    say(port=port)
    signal.sigwait([signal.SIGTERM])
    server.stop(None)
    os._exit(0)  # a call that shall stay without an answer may hang


if __name__ == "__main__":
    main()
