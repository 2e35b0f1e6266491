#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A matplotlib animation, published live: waves in a box, and a probe in it.

Usage: matplotlib-server.py [FILE]      ends with Ctrl-C
"""

import sys

import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import shmimage

SIZE = WIDTH, HEIGHT = 640, 360
CELLS = 160
PROBE = CELLS // 2, CELLS // 2
PAST = 200


class Waves:
    """The wave equation on a square, with a source that goes round in it."""

    def __init__(self):
        self.now = np.zeros((CELLS, CELLS))
        self.before = self.now
        self.time = 0
        self.y, self.x = np.mgrid[:CELLS, :CELLS]

    def step(self):
        u = self.now
        curvature = np.zeros_like(u)
        curvature[1:-1, 1:-1] = (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] +
                                 u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        angle = .006 * self.time
        x = CELLS * (.5 + .3 * np.cos(angle))
        y = CELLS * (.5 + .3 * np.sin(angle))
        source = np.exp(-((self.x - x) ** 2 + (self.y - y) ** 2) / 8)
        self.now = (u + .992 * (u - self.before) + .25 * curvature +
                    .15 * source * np.sin(.2 * self.time))
        self.before = u
        self.time += 1


class Picture:
    """A figure whose canvas has as many pixels as the images."""

    def __init__(self):
        plt.style.use("dark_background")
        self.figure, (field, probe) = plt.subplots(
            1, 2, figsize=(WIDTH / 100, HEIGHT / 100), dpi=100,
            layout="constrained")
        colours = matplotlib.colors.LinearSegmentedColormap.from_list(
            "waves", ["#b0f4ff", "#1487d4", "#0a0e1c", "#e0541a", "#ffe29a"])
        self.field = field.imshow(np.zeros((CELLS, CELLS)), cmap=colours,
                                  vmin=-1, vmax=1, interpolation="bilinear")
        field.plot(*PROBE, "o", mfc="none", color="white")
        field.set(title="pressure", xticks=[], yticks=[])
        self.line, = probe.plot([], [], color="#ff9d4d")
        probe.set(title="at the probe", xlim=(-PAST, 0), ylim=(-1, 1))
        probe.grid(alpha=.3)
        self.past = []
        self.figure.canvas.draw()
        self.figure.set_layout_engine("none")   # once is enough, and quicker

    def draw(self, waves):
        self.past = self.past[-PAST:] + [waves.now[PROBE]]
        self.line.set_data(range(1 - len(self.past), 1), self.past)
        self.field.set_data(waves.now)
        self.figure.canvas.draw()
        return np.asarray(self.figure.canvas.buffer_rgba())[..., :3]


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/dev/shm/live.shm"
    waves, picture = Waves(), Picture()
    with shmimage.Writer(path, size=SIZE) as out:
        while True:
            for _ in range(4):
                waves.step()
            out.put(picture.draw(waves), block=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
