# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for what a test has asked for."""

import time

PATIENCE = 60  # seconds after which something never comes


def wait_for(condition, what):
    """What the condition answers, once that is true."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("in vain: " + what)
        time.sleep(0.001)


def is_bound(protocol, port):
    """Whether a socket of this machine, tcp or udp, has the port."""
    with open(f"/proc/net/{protocol}", encoding="ascii") as sockets:
        return any(line.split()[1].endswith(f":{port:04X}")
                   for line in list(sockets)[1:])
