#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs in README.md that are written in Python."""

import os
import re
import unittest

from python_under_test import PATIENCE, SOURCE, StreamTest, needs_numpy, \
    wait_for, with_locks
import shmimage

FILE = '"/dev/shm/live.shm"'


class Readme(StreamTest):
    def programs(self):
        with open(os.path.join(SOURCE, "README.md")) as file:
            found = re.findall(r"^```python\n(.*?)^```$", file.read(),
                               re.DOTALL | re.MULTILINE)
        for program in found:
            self.assertIn(FILE, program)
        return [program.replace(FILE, repr(self.path)) for program in found]

    def has_server(self):
        try:
            return shmimage.info(self.path).server
        except shmimage.Error:
            return False

    @needs_numpy
    @with_locks
    def test_one_program_receives_what_the_other_sends(self):
        writer, reader = self.programs()
        server = self.start_python(writer)
        wait_for(self.has_server, "there is no server")
        client = self.start_python(reader)
        out, err = client.communicate(timeout=PATIENCE)
        self.assertEqual(client.returncode, 0, err)
        self.finish(server)
        lines = [line.split() for line in out.splitlines()]
        self.assertEqual([int(number) for number, _ in lines],
                         list(range(600)))
        for number, mean in lines:
            self.assertAlmostEqual(float(mean),
                                   255 * (int(number) + 1) / 640)


if __name__ == "__main__":
    unittest.main(verbosity=2)
