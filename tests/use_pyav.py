# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of PyAV do, for test_pyav.py.

    use_pyav.py read STREAM COUNT PIXELS TIMEOUT
    use_pyav.py hold STREAM COUNT PIXELS
    use_pyav.py send STREAM COUNT WIDTH HEIGHT

COUNT images are read; 0 is for all until the stream ends. A line with number,
width and height is printed for each, and its pixels are added to a file. With
TIMEOUT, in seconds, each has to come within that time. "hold" keeps the first
image and shows it when everything else is closed.
"""

import fractions
import itertools
import sys

import av
import numpy

from peer_stream import make_pixels


def show(frame, pixels):
    print(frame.pts, frame.width, frame.height)
    pixels.write(frame.to_ndarray().tobytes())


def read(path, count, pixels, timeout="90"):
    with av.open(path, format="shmimage", timeout=float(timeout)) as stream, \
            open(pixels, "wb") as out:
        frames = stream.decode(video=0)
        for frame in itertools.islice(frames, int(count) or None):
            show(frame, out)


def hold(path, count, pixels):
    stream = av.open(path, format="shmimage", timeout=90)
    frames = stream.decode(video=0)
    first = next(frames)
    for _ in itertools.islice(frames, int(count) - 1):
        pass
    stream.close()
    del frames, stream
    with open(pixels, "wb") as out:
        show(first, out)


def send(path, count, width, height):
    width, height = int(width), int(height)
    with av.open(path, "w", format="shmimage", options={
            "on_full": "block", "wait_client": "90"}) as container:
        stream = container.add_stream("rawvideo", rate=60)
        stream.width, stream.height = width, height
        stream.pix_fmt = "rgb24"
        for number in range(int(count)):
            image = make_pixels(0, number, width, height)
            frame = av.VideoFrame.from_ndarray(
                numpy.frombuffer(image, numpy.uint8).reshape(height, width, 3))
            frame.pts, frame.time_base = number, fractions.Fraction(1, 60)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    {"read": read, "hold": hold, "send": send}[sys.argv[1]](*sys.argv[2:])
