#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shmimage-device(7) says of the devices' options what FFmpeg says of them."""

import re
import subprocess
import sys
import unittest

import ffmpeg_harness as fh
import mdoc

# How the manual names the values of FFmpeg's types.
VALUES = {"video_rate": "RATE", "duration": "DURATION", "boolean": "BOOL"}


def options_of_ffmpeg(device):
    """{option: (its values, the default)}"""
    text = subprocess.run(
        fh.COMMAND + ["-hide_banner", "-h", f"{device}=shmimage"], check=True,
        capture_output=True, text=True, timeout=fh.SECONDS).stdout
    text = text.split(" AVOptions:\n")[1]
    found = {}
    for line in text.splitlines():
        option = re.match(r" {1,3}-(\w+) +<(\w+)>.*\(default (.*)\)$", line)
        if option:
            name, kind, default = option.groups()
            found[name] = ([VALUES[kind]] if kind in VALUES else [],
                           {"true": "1", "false": "0"}.get(
                               default, default.strip('"')))
        elif line.startswith("     "):
            found[name][0].append(line.split()[0])
        else:
            break
    for values, _ in found.values():
        if not values:
            values.append("NUMBER")
    return found


def options_of_manual(title):
    """The same. A default is told in one of four ways."""
    found = {}
    lines = mdoc.subsections("shmimage-device.7")[title]
    for line in lines:
        if line.startswith(".It Fl "):
            name, _, *values = mdoc.arguments(line)[1:]
            found[name] = [value for value in values if value != "|"], None
        elif line.startswith(".It Cm "):
            value = mdoc.arguments(line)[1]
        else:
            default = re.search(r"\b(\d+)(?:, the default| if not given)|"
                                r"^The default is (\\?-?\d+)[.,]", line)
            if default:
                value = default[1] or default[2].lstrip("\\")
            if default or line == "This is the default.":
                found[name] = found[name][0], value
    return found


class DeviceTest(unittest.TestCase):
    maxDiff = None

    def test_input(self):
        options = options_of_ffmpeg("demuxer")
        self.assertGreaterEqual(len(options), 8)
        self.assertEqual(options_of_manual("Input"), options)

    def test_output(self):
        options = options_of_ffmpeg("muxer")
        self.assertGreaterEqual(len(options), 3)
        self.assertEqual(options_of_manual("Output"), options)


if __name__ == "__main__":
    reason = fh.reason_to_skip()
    if reason:
        print(reason)
        sys.exit(77)
    unittest.main(verbosity=2)
