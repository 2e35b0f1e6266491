#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server with OpenGL of examples/: what it draws, arrives."""

import example_harness as harness
import peer_stream as ps

GROUND = (13, 15, 25)
SIZE = (640, 360)
INSET = 4


def is_ground(colour):
    return all(abs(a - b) <= 1 for a, b in zip(colour, GROUND))


class OpenGL(harness.ExampleTest):
    def setUp(self):
        super().setUp()
        self.compile("opengl-server.c")

    def test_images(self):
        self.run_to_end("sh", "-c", self.command("shmimage create"))
        server = self.start(
            *self.command("./opengl-server").split())
        images = self.receive(server, 12)
        self.assertEqual([image.number for image in images], list(range(12)))
        for image in images:
            self.assertEqual((image.width, image.height), SIZE)
            self.check_scene(image)
        self.assertEqual(len({image.pixels for image in images}), 12)

    def check_scene(self, image):
        width, height = SIZE
        for x, y in ((0, 0), (width - 1, 0), (0, height - 1),
                     (width - 1, height - 1)):
            self.assertTrue(is_ground(harness.pixel(image, x, y)))
        tops, bottoms, drawn = 0, 0, 0
        for x in range(0, width, 8):
            rows = [y for y in range(height)
                    if not is_ground(harness.pixel(image, x, y))]
            drawn += len(rows)
            if len(rows) > 2 * INSET:
                tops += sum(harness.pixel(image, x, rows[INSET]))
                bottoms += sum(harness.pixel(image, x, rows[-INSET]))
        self.assertGreater(drawn, width // 8 * height * 0.1)
        # The light comes from above.
        self.assertGreater(tops, 1.5 * bottoms)

    def test_missing_file_is_said(self):
        server = self.start("./opengl-server", self.path, stderr=-1, text=True)
        error = server.communicate(timeout=harness.SECONDS)[1]
        self.assertEqual(server.returncode, 1)
        self.assertIn(self.path + ": can't open it", error)

    def test_it_waits_for_its_client(self):
        self.run_to_end("sh", "-c", self.command("shmimage create"))
        server = self.start(
            *self.command("./opengl-server").split())
        with ps.Client(self.path) as client:
            self.wait_for(lambda: ps.INIT in client.states(), server)
            client.connect()
            self.wait_for(lambda: client.states() == (ps.CLIENT, ps.CLIENT),
                          server)
            numbers = [self.wait_for(client.poll, server).number
                       for _ in range(4)]
        self.assertEqual(numbers, [0, 1, 2, 3])


if __name__ == "__main__":
    harness.main("opengl", sanitized=False)
