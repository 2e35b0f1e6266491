# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of PyAV do, for test_pyav.py.

    use_pyav.py read STREAM COUNT PIXELS
    use_pyav.py again STREAM COUNT PIXELS TIMEOUT
    use_pyav.py hold STREAM COUNT PIXELS
    use_pyav.py send STREAM COUNT WIDTH HEIGHT

COUNT images are read; 0 is for all until the stream ends. A line with number,
width and height is printed for each, and its pixels are added to a file. When
none comes for TIMEOUT seconds, "again" says so and then reads as many once
more. "hold" keeps the first image and shows it when all else is closed.
"""

import fractions
import itertools
import sys

import av
import numpy

from peer_stream import make_pixels

PATIENCE = 90


def show(frame, pixels):
    print(frame.pts, frame.width, frame.height, flush=True)
    pixels.write(frame.to_ndarray().tobytes())


def read(path, count, pixels):
    with av.open(path, format="shmimage", timeout=PATIENCE) as stream, \
            open(pixels, "wb") as out:
        frames = stream.decode(video=0)
        for frame in itertools.islice(frames, int(count) or None):
            show(frame, out)


def again(path, count, pixels, timeout):
    with av.open(path, format="shmimage",
                 timeout=(PATIENCE, float(timeout))) as stream, \
            open(pixels, "wb") as out:
        try:
            for frame in stream.decode(video=0):
                show(frame, out)
        except av.error.ExitError as error:
            print(error, file=sys.stderr, flush=True)
        left = int(count)
        while left:
            try:
                for frame in itertools.islice(stream.decode(video=0), left):
                    show(frame, out)
                    left -= 1
            except av.error.ExitError:
                pass


def hold(path, count, pixels):
    stream = av.open(path, format="shmimage", timeout=PATIENCE)
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
            "on_full": "block", "wait_client": str(PATIENCE)}) as container:
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
    commands = {"read": read, "again": again, "hold": hold, "send": send}
    commands[sys.argv[1]](*sys.argv[2:])
