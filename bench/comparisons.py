# SPDX-License-Identifier: LGPL-2.1-or-later
"""All comparisons, and how large they are."""

import dataclasses

import cost
import latency
import loss
import throughput


@dataclasses.dataclass
class Scale:
    """Sizes, counts of images, and seconds."""

    hd: str = "1920x1080"
    uhd: str = "3840x2160"
    #: sizes, and images of each
    throughput: tuple = (("1280x720", 600), ("1920x1080", 300),
                         ("3840x2160", 80), ("7680x4320", 24))
    #: sizes, and images of each, where their pixels are moved
    growth: tuple = (("64x64", 10000), ("640x360", 2000), ("1280x720", 600),
                     ("1920x1080", 300), ("3840x2160", 80),
                     ("7680x4320", 20))
    handover_images: int = 10000  # where they are not
    warm: int = 8                 # images, before those that count
    latency_images: int = 201
    window: float = 1.5           # of watching a receiver
    settle: float = 0.4           # before that
    idle: float = 4
    loss_images: int = 240
    loss_settle: float = 1


FULL = Scale()
QUICK = Scale(
    hd="64x64", uhd="128x72", throughput=(("64x64", 60), ("128x72", 60)),
    growth=(("64x64", 60), ("128x72", 60)), handover_images=60,
    latency_images=13, window=0.3, settle=0.3, idle=0.3, loss_images=30,
    loss_settle=0.2)

#: By their names, in the order of the report.
ALL = {kind.name: kind for module in (throughput, latency, cost, loss)
       for kind in module.COMPARISONS}
