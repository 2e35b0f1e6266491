# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of OpenCV do, for test_opencv.py.

    use_opencv.py read STREAM COUNT PIXELS TIMEOUT
    use_opencv.py again STREAM COUNT PIXELS TIMEOUT FILE
    use_opencv.py write STREAM

COUNT images are read, or fewer if one fails. A line with number, width and
height is printed for each, where the first one counts as 0, and its pixels are
added to a file, in the order R, G, B. TIMEOUT is in seconds. "again" is "read"
until that fails, and once more when FILE is there, which has to fail too.
"write" prints whether OpenCV can write STREAM.avi, and STREAM.
"""

import os
import sys
import time

import cv2

RATE = 60
PATIENCE = 90

os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "input_format;shmimage")


def open_stream(path, timeout):
    stream = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * PATIENCE,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * int(timeout)])
    if not stream.isOpened():
        sys.exit(f"OpenCV can't open {path}")
    return stream


def read_from(stream, count, pixels):
    with open(pixels, "wb") as out:
        for _ in range(int(count)):
            good, image = stream.read()
            if not good:
                break
            number = stream.get(cv2.CAP_PROP_POS_MSEC) * RATE / 1000
            print(round(number), image.shape[1], image.shape[0], flush=True)
            out.write(image[:, :, ::-1].tobytes())


def read(path, count, pixels, timeout=PATIENCE):
    read_from(open_stream(path, timeout), count, pixels)


def again(path, count, pixels, timeout, file):
    stream = open_stream(path, timeout)
    read_from(stream, count, pixels)
    print("failed", file=sys.stderr, flush=True)
    while not os.path.exists(file):
        time.sleep(0.01)
    if stream.read()[0]:
        sys.exit("OpenCV goes on after a failure")


def can_write(path):
    return cv2.VideoWriter(path, cv2.CAP_FFMPEG,
                           cv2.VideoWriter_fourcc(*"MJPG"), RATE,
                           (64, 36)).isOpened()


def write(path):
    print(can_write(path + ".avi"), can_write(path))


if __name__ == "__main__":
    {"read": read, "again": again, "write": write}[sys.argv[1]](*sys.argv[2:])
