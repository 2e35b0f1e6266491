# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was measured on."""

import datetime
import os
import platform
import re
import subprocess


def read(path):
    try:
        with open(path) as text:
            return text.read()
    except OSError:
        return ""


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=60)
    except OSError:
        return "not installed"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def short(version):
    """Without the copyright that some programs add."""
    return re.sub(r"\s+Copyright.*", "", version)


def processor():
    found = re.search(r"^model name\s*:\s*(.*)$", read("/proc/cpuinfo"), re.M)
    return found.group(1) if found else platform.machine()


def memory():
    found = re.search(r"^MemTotal:\s+(\d+) kB", read("/proc/meminfo"), re.M)
    return f"{int(found.group(1)) / 2**20:.0f} GiB" if found else "unknown"


def is_virtual():
    return bool(re.search(r"^flags.*\bhypervisor\b", read("/proc/cpuinfo"),
                          re.M))


def huge_pages():
    """How tmpfs uses them: the word in brackets."""
    setting = read("/sys/kernel/mm/transparent_hugepage/shmem_enabled")
    found = re.search(r"\[(\w+)\]", setting)
    return found.group(1) if found else "unknown"


def describe(programs, stamp):
    """Pairs of what and how much; the version is the tool's."""
    cores = f"{len(os.sched_getaffinity(0))} cores"
    if is_virtual():
        cores += ", virtual"
    return {
        "date": stamp.strftime("%Y-%m-%d"),
        "shmimage": first_line([programs.shmimage, "--version"]),
        "processor": f"{processor()}, {cores}",
        "memory": memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "huge pages for shared memory": huge_pages(),
        "FFmpeg": short(first_line([programs.ffmpeg, "-version"])),
        "GStreamer": first_line(["gst-launch-1.0", "--version"]),
        "hyperfine": first_line(["hyperfine", "--version"]),
        "load of the machine at the start":
            "%.2f, %.2f, %.2f" % os.getloadavg(),
    }


def now():
    return datetime.datetime.now()
