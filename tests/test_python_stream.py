#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package against the Python peers, which share no code with it.

Contents in both directions, sizes, numbers, time-outs and errors.
"""

import array
import contextlib
import os
import subprocess
import sys
import threading
import unittest

from python_under_test import PATIENCE, StreamTest, needs_numpy, numpy, \
    wait_for, with_locks
import peer_stream as ps
import shmimage

SIZES = ((1, 1), (3, 5), (17, 1), (1, 13), (1919, 1079), (3840, 2160))
LEAST_FILE = 20_000_001
ODD_4K_FILE = 50_000_001


def image(number, width, height, seed=1):
    return ps.Image(number, width, height,
                    ps.make_pixels(seed, number, width, height))


class Peers(StreamTest):
    def open_server(self, length=LEAST_FILE):
        ps.create_file(self.path, length)
        server = ps.Server(self.path)
        self.addCleanup(server.close)
        server.init()
        return server

    def open_client(self, **options):
        out = shmimage.Writer(self.path, **options)
        self.addCleanup(out.close)
        client = ps.Client(self.path)
        self.addCleanup(client.close)
        self.assertEqual(client.connect(), "ok")
        return out, client


class FromPeer(Peers):
    def test_reader_gets_every_size_bit_for_bit(self):
        server = self.open_server(ODD_4K_FILE)
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        for number, (width, height) in enumerate(SIZES):
            sent = image(number, width, height)
            self.assertEqual(server.put(*sent), "ok")
            with reader.acquire() as frame:
                self.assertEqual((frame.number, frame.width, frame.height),
                                 sent[:3])
                self.assertEqual(frame.pixels.shape, (height, width, 3))
                self.assertTrue(frame.pixels.readonly)
                self.assertTrue(frame.tobytes() == sent.pixels, "bytes differ")
                self.assertTrue(frame.pixels.cast("B") == sent.pixels,
                                "pixels differ")
                copy = frame.copy()
            self.assertTrue(copy.tobytes() == sent.pixels, "the copy differs")
            copy.pixels[0, 0, 0] = 1
            self.assertEqual((copy.number, copy.width, copy.height), sent[:3])

    @needs_numpy
    def test_array_is_the_same_and_no_copy(self):
        server = self.open_server()
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        sent = image(3, 31, 17)
        server.put(*sent)
        with reader.acquire() as frame:
            self.assertEqual(frame.array.shape, (17, 31, 3))
            self.assertEqual(frame.array.dtype, numpy.uint8)
            self.assertFalse(frame.array.flags.writeable)
            self.assertTrue(frame.array.tobytes() == sent.pixels)
            self.assertIs(numpy.asarray(frame), frame.array)
            self.assertFalse(numpy.shares_memory(frame.__array__(copy=True),
                                                 frame.array))
            server.write_payload(0, b"\xaa\x55\xaa")
            self.assertEqual(list(frame.array[0, 0]), [0xaa, 0x55, 0xaa])
            copy = frame.copy().array
        self.assertTrue(copy.flags.writeable)
        self.assertEqual(list(copy[0, 0]), [0xaa, 0x55, 0xaa])

    def test_image_in_blocks_is_put_together(self):
        server = self.open_server()
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        sent = image(3, 8, 6)
        half = len(sent.pixels) // 2
        server.put_block(3, 8, 6, 3, 3, sent.pixels[half:])
        with self.assertRaises(shmimage.Timeout):
            reader.acquire(0)
        server.put_block(3, 8, 6, 0, 3, sent.pixels[:half])
        with reader.acquire() as frame:
            self.assertEqual(frame.tobytes(), sent.pixels)
            frame.check()

    def test_lying_header_is_refused_and_counted(self):
        server = self.open_server()
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        server.put_unchecked(ps.Header(1, 60000, 60000, 0, 60000))
        with self.assertRaises(shmimage.Timeout):
            reader.acquire(0)
        stats = reader.stats
        self.assertEqual((stats.refused, stats.refused_width,
                          stats.refused_height), (1, 60000, 60000))

    def test_session_goes_up_when_a_server_starts_again(self):
        ps.create_file(self.path, LEAST_FILE)
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        self.assertFalse(reader.stats.initialised)
        server = ps.Server(self.path)
        self.addCleanup(server.close)
        sessions = []
        for count in (1, 2):
            server.init()
            with self.assertRaises(shmimage.Timeout):
                reader.acquire(0)
            stats = reader.stats
            self.assertEqual((stats.initialised, stats.sessions),
                             (True, count))
            self.assertEqual(server.put(*image(7, 4, 4)), "ok")
            with reader.acquire() as frame:
                self.assertEqual(frame.copy().session, frame.session)
                self.assertEqual(frame.copy().copy().session, frame.session)
                sessions.append(frame.session)
        self.assertGreater(sessions[1], sessions[0])

    def test_two_are_held_and_a_third_is_an_error_that_names_them(self):
        server = self.open_server()
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        sent = [image(n, 4, 4) for n in (5, 6, 7)]
        frames = []
        for each in sent[:2]:
            server.put(*each)
            frames.append(reader.acquire())
        self.assertEqual(reader.stats.held, 2)
        self.assertEqual(server.put(*sent[2]), "no_buffer")
        with self.assertRaises(shmimage.HeldError) as caught:
            reader.acquire()
        self.assertEqual(caught.exception.code, -11)
        for word in (self.path, "5 and 6"):
            self.assertIn(word, str(caught.exception))
        for each, frame in zip(sent, frames):
            self.assertEqual(frame.tobytes(), each.pixels)
            frame.release()
        self.assertEqual(server.put(*sent[2]), "ok")
        with reader.acquire() as frame:
            self.assertEqual(frame.number, 7)


class ToPeer(Peers):
    def check_arrival(self, client, sent):
        came = wait_for(client.poll, "no image comes")
        self.assertEqual(came[:3], sent[:3])
        self.assertTrue(came.pixels == sent.pixels, "pixels differ")
        self.assertEqual(client.refused, 0)

    def test_put_bytes_of_every_size_arrive_bit_for_bit(self):
        out, client = self.open_client(size=(3840, 2160))
        for number, (width, height) in enumerate(SIZES):
            sent = image(number, width, height)
            self.assertTrue(out.put(sent.pixels, width, height))
            self.check_arrival(client, sent)

    def test_put_takes_all_kinds_of_buffers(self):
        out, client = self.open_client(size=(4, 2))
        pixels = bytes(range(24))
        shaped = memoryview(pixels).cast("B", (2, 4, 3))
        kinds = (pixels, bytearray(pixels), memoryview(pixels),
                 array.array("B", pixels), shaped)
        for number, kind in enumerate(kinds):
            self.assertTrue(out.put(kind, 4, 2))
            self.check_arrival(client, ps.Image(number, 4, 2, pixels))
        self.assertTrue(out.put(shaped))
        self.check_arrival(client, ps.Image(len(kinds), 4, 2, pixels))

    @needs_numpy
    def test_put_arrays_of_every_stride_arrive_bit_for_bit(self):
        out, client = self.open_client(size=(64, 64))
        noise = numpy.frombuffer(ps.make_pixels(1, 0, 64, 64), numpy.uint8)
        noise = noise.reshape(64, 64, 3)
        four = numpy.zeros((9, 11, 4), numpy.uint8)
        four[:, :, :3] = noise[:9, :11]
        row = noise[:1, :7]
        for number, pixels in enumerate((
                noise, noise[::-1], noise[:, ::-1], noise[:, :, ::-1],
                noise[5:20, 7:12], noise[::3], noise[:, ::2], four[:, :, :3],
                noise[:1], noise[:, :1], noise[:1, :1],
                noise.transpose(1, 0, 2), numpy.asfortranarray(noise),
                numpy.broadcast_to(row, (5, 7, 3)),
                numpy.broadcast_to(noise[:1, :1, :1], (5, 7, 3)))):
            with self.subTest(number=number, strides=pixels.strides):
                self.assertTrue(out.put(pixels))
                height, width = pixels.shape[:2]
                self.check_arrival(client, ps.Image(
                    number, width, height, pixels.tobytes()))

    def test_flipped_images_arrive_upside_down_unless_drawn(self):
        out, client = self.open_client(size=(4, 4), flip=True)
        sent = image(0, 5, 3)
        out.put(sent.pixels, 5, 3)
        self.check_arrival(client, sent._replace(
            pixels=ps.flip(sent.pixels, 5, 3)))
        with out.frame(5, 3) as drawing:
            drawing.pixels.cast("B")[:] = sent.pixels
        self.check_arrival(client, sent._replace(number=1))

    def test_drawn_image_arrives_bit_for_bit(self):
        out, client = self.open_client(size=(1919, 1079))
        sent = image(0, 1919, 1079)
        with out.frame() as drawing:
            self.assertEqual((drawing.width, drawing.height), (1919, 1079))
            self.assertEqual(drawing.pixels.shape, (1079, 1919, 3))
            drawing.pixels.cast("B")[:] = sent.pixels
            self.assertIsNone(client.poll())
        self.assertTrue(drawing.published)
        self.check_arrival(client, sent)

    def test_drawn_pixel_is_where_it_belongs(self):
        out, client = self.open_client(size=(8, 4))
        expected = bytearray(8 * 4 * 3)
        expected[(2 * 8 + 5) * 3 + 1] = 200
        with out.frame(8, 4) as pixels:
            pixels.pixels.cast("B")[:] = bytes(len(expected))
            pixels[2, 5, 1] = 200
            self.assertEqual(pixels[2, 5, 1], 200)
        self.check_arrival(client, ps.Image(0, 8, 4, bytes(expected)))

    @needs_numpy
    def test_drawing_is_an_array_to_numpy(self):
        out, client = self.open_client(size=(8, 4))
        with out.frame() as pixels:
            pixels[...] = 7
            pixels.array[1:3] += 1
            numpy.asarray(pixels)[0, 0] = (1, 2, 3)
            expected = pixels.array.tobytes()
            self.assertEqual(numpy.asarray(pixels, float).dtype, float)
        self.check_arrival(client, ps.Image(0, 8, 4, expected))
        self.assertEqual(expected[:3], b"\1\2\3")
        self.assertEqual(expected[-3:], b"\7\7\7")

    def test_drawing_that_fails_is_dropped(self):
        out, client = self.open_client(size=(8, 4))
        with self.assertRaises(ZeroDivisionError):
            with out.frame() as drawing:
                1 / 0
        self.assertFalse(drawing.published)
        self.assertIsNone(client.poll())
        self.assertEqual(client.states(), (ps.SERVER, ps.SERVER))
        sent = image(0, 8, 4)
        out.put(sent.pixels, 8, 4)
        self.check_arrival(client, sent)

    def test_one_image_at_a_time_is_drawn(self):
        out, client = self.open_client(size=(8, 4))
        with out.frame():
            for other in (lambda: out.frame().__enter__(),
                          lambda: out.put(bytes(3), 1, 1),
                          lambda: out.wait(0)):
                with self.assertRaises(shmimage.HeldError) as caught:
                    other()
                self.assertIn(self.path, str(caught.exception))
        self.assertTrue(out.put(bytes(3), 1, 1))


class Numbers(Peers):
    def numbers_of(self, client):
        return wait_for(client.poll, "no image comes").number

    def test_images_are_counted_dropped_ones_too(self):
        out, client = self.open_client(size=(1, 1))
        for number, put in enumerate((True, True, False, False)):
            self.assertEqual(out.number, number)
            self.assertEqual(out.put(b"abc", 1, 1), put)
        with out.frame() as drawing:
            self.assertEqual(drawing.number, 4)
        self.assertFalse(drawing.published)
        self.assertEqual([self.numbers_of(client) for _ in "ab"], [0, 1])
        out.put(b"abc", 1, 1)
        self.assertEqual(self.numbers_of(client), 5)
        self.assertEqual(out.stats, shmimage.WriterStats(3, 3, 0, True, 0))

    def test_given_numbers_are_taken_and_counted_on_from(self):
        out, client = self.open_client(size=(1, 1))
        out.put(b"abc", 1, 1, number=77)
        self.assertEqual(self.numbers_of(client), 77)
        with out.frame(number=0xffffffff):
            pass
        self.assertEqual(out.number, 0)
        out.put(b"abc", 1, 1)
        self.assertEqual([self.numbers_of(client) for _ in "ab"],
                         [0xffffffff, 0])
        out.put(b"abc", 1, 1, number=(1 << 32) + 9)
        self.assertEqual(self.numbers_of(client), 9)
        with out.frame(number=(1 << 32) + 11) as drawing:
            self.assertEqual(drawing.number, 11)
        self.assertEqual(self.numbers_of(client), 11)

    def test_drawing_that_fails_does_not_count(self):
        out, client = self.open_client(size=(1, 1))
        with self.assertRaises(ZeroDivisionError):
            with out.frame():
                1 / 0
        self.assertEqual(out.number, 0)
        out.put(b"abc", 1, 1)
        self.assertEqual(self.numbers_of(client), 0)

    def test_image_that_loses_its_room_does_not_count(self):
        class Hasty(shmimage.Writer):
            """One for whom the buffer that is free is gone again."""

            def _look(self, microseconds):
                return 0

        with Hasty(self.path, size=(1, 1)) as out:
            with self.assertRaises(shmimage.Timeout):
                out.put(b"abc", 1, 1, block=True, timeout=0)
            self.assertEqual(out.number, 0)

    def test_dropped_drawing_takes_no_number_back(self):
        out, client = self.open_client(size=(1, 1))
        for _ in "ab":
            out.put(b"abc", 1, 1)
        with out.frame():
            self.assertEqual([self.numbers_of(client) for _ in "ab"], [0, 1])
            for _ in "ab":
                self.assertTrue(out.put(b"abc", 1, 1))
        self.assertEqual([self.numbers_of(client) for _ in "ab"], [2, 3])
        self.assertTrue(out.put(b"abc", 1, 1))
        self.assertEqual(self.numbers_of(client), 4)

    def test_threads_never_publish_the_same_number(self):
        out, client = self.open_client(size=(1, 1))
        each = 2000

        def publish():
            for _ in range(each):
                # The other one is drawing.
                with contextlib.suppress(shmimage.HeldError):
                    out.put(b"abc", 1, 1)
                    with out.frame():
                        pass

        interval = sys.getswitchinterval()
        self.addCleanup(sys.setswitchinterval, interval)
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=publish) for _ in "ab"]
        numbers = []
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            came = client.poll()
            if came:
                numbers.append(came.number)
        for thread in threads:
            thread.join()
        self.assertGreater(len(numbers), 2)
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_without_a_client_images_are_dropped_and_counted_apart(self):
        with shmimage.Writer(self.path, size=(1, 1)) as out:
            self.assertFalse(out.put(b"abc", 1, 1))
            with out.frame() as drawing:
                drawing.pixels[0, 0, 0] = 1
            self.assertFalse(drawing.published)
            self.assertEqual(out.stats, shmimage.WriterStats(0, 0, 2, False, 0))


class Arguments(Peers):
    def check_refused(self, name, *calls):
        for call in calls:
            with self.assertRaisesRegex(TypeError, "^%s has to be " % name):
                call()

    def test_wrong_types_are_errors_that_name_the_argument(self):
        self.check_refused(
            "size", *(lambda end=end, size=size: end(self.path, size=size)
                      for end in (shmimage.Writer, shmimage.Reader,
                                  shmimage.create)
                      for size in ("64x48", "64", b"64", 64, (1, 2, 3))))
        self.assertFalse(os.path.exists(self.path))
        out, client = self.open_client(size=(1, 1))
        self.check_refused(
            "width", lambda: shmimage.Writer(self.path, size=(64 / 1, 48)),
            lambda: shmimage.Reader(self.path, size=("64", 48)),
            lambda: shmimage.create(self.path, (64.0, 48)),
            lambda: shmimage.file_size(64.0, 48),
            lambda: out.put(b"abc", 1.0, 1), lambda: out.frame(1.0, 1))
        self.check_refused(
            "height", lambda: shmimage.Writer(self.path, size=(64, 48.0)),
            lambda: shmimage.file_size(64, None),
            lambda: out.put(b"abc", 1, 1.0), lambda: out.frame(1, 1.0))
        self.check_refused(
            "number", lambda: out.put(b"abc", 1, 1, number=6.0),
            lambda: out.frame(number="6"))
        self.check_refused(
            "bytes", lambda: shmimage.create(self.path, bytes=2e7))
        self.assertEqual((out.number, out.stats.published), (0, 0))

    @needs_numpy
    def test_whole_numbers_of_other_types_do(self):
        one = numpy.int64(1)
        self.assertEqual(shmimage.file_size(one, one),
                         shmimage.file_size(1, 1))
        out, client = self.open_client(size=(one, numpy.uint8(1)))
        out.put(b"abc", one, one, number=numpy.uint32(6))
        with out.frame() as drawing:
            drawing.pixels.cast("B")[:] = b"def"
        self.assertEqual([client.poll() for _ in "ab"],
                         [ps.Image(6, 1, 1, b"abc"),
                          ps.Image(7, 1, 1, b"def")])


class Waiting(Peers):
    def test_reader_times_out_and_says_so(self):
        self.open_server()
        reader = shmimage.Reader(self.path, timeout=0.01)
        for take in (reader.acquire, lambda: reader.acquire(0),
                     lambda: next(iter(reader))):
            with self.assertRaises(shmimage.Timeout) as caught:
                take()
            self.assertIsInstance(caught.exception, TimeoutError)
            self.assertEqual(caught.exception.code, 2)
            self.assertIn(self.path, str(caught.exception))

    def test_wrong_timeouts_are_refused(self):
        with shmimage.Writer(self.path, size=(1, 1)) as out:
            reader = shmimage.Reader(self.path)
            for wrong in (-1, float("nan")):
                for call in (reader.acquire, out.wait):
                    with self.assertRaises(shmimage.ArgumentError):
                        call(wrong)
            with self.assertRaises(shmimage.ArgumentError):
                out.put(b"abc", 1, 1, timeout=1)

    def test_block_times_out_with_the_reason(self):
        out = shmimage.Writer(self.path, size=(1, 1))
        self.addCleanup(out.close)
        self.assertFalse(out.wait(0))
        with self.assertRaises(shmimage.Timeout) as caught:
            out.put(b"abc", 1, 1, block=True, timeout=0.01)
        self.assertEqual(caught.exception.code, 4)
        reader = shmimage.Reader(self.path)
        self.assertTrue(out.wait(PATIENCE))
        for _ in "ab":
            self.assertTrue(out.put(b"abc", 1, 1, block=True, timeout=0.01))
        with self.assertRaises(shmimage.Timeout) as caught:
            with out.frame(block=True, timeout=0.01):
                self.fail("there is no buffer to draw in")
        self.assertEqual(caught.exception.code, 1)
        self.assertIn(self.path, str(caught.exception))
        # What failed has not been an image.
        self.assertEqual(out.number, 2)
        self.assertEqual(out.stats.dropped, 0)
        reader.close()

    def test_blocking_writer_loses_nothing(self):
        count = 300

        def serve():
            with shmimage.Writer(self.path, size=(64, 64)) as out:
                ready.set()
                for n in range(0, count, 2):
                    out.put(image(n, 9, 7).pixels, 9, 7, block=True)
                    with out.frame(9, 7, block=True) as drawing:
                        drawing.pixels.cast("B")[:] = image(n + 1, 9, 7).pixels
                wait_for(lambda: received == list(range(count)),
                         "not all images arrive")

        received = []
        ready = threading.Event()
        server = threading.Thread(target=serve)
        server.start()
        self.addCleanup(server.join)
        ready.wait(PATIENCE)
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        while len(received) < count:
            with reader.acquire() as frame:
                self.assertEqual(frame.tobytes(),
                                 image(frame.number, 9, 7).pixels)
                received.append(frame.number)
        self.assertEqual(received, list(range(count)))

    def test_close_ends_a_wait_in_another_thread(self):
        out = shmimage.Writer(self.path, size=(1, 1))
        reader = shmimage.Reader(self.path)
        for stream, wait in ((reader, reader.acquire),
                             (out, lambda: (out.put(b"abc", 1, 1),
                                            out.put(b"abc", 1, 1),
                                            out.wait()))):
            errors = []

            def run():
                try:
                    wait()
                except shmimage.ClosedError as error:
                    errors.append(error)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            stream.close()
            thread.join(PATIENCE)
            self.assertEqual(len(errors), 1)
            self.assertTrue(stream.closed)

    def test_interrupt_ends_a_wait(self):
        process = self.start_python("""
import shmimage, sys
reader = shmimage.Reader(sys.argv[1], size=(1, 1))
try:
    print("waits", flush=True)
    reader.acquire()
except KeyboardInterrupt:
    print("interrupted")
""")
        self.assertEqual(process.stdout.readline(), "waits\n")
        process.send_signal(2)
        self.assertEqual(self.finish(process), "interrupted\n")


class TheEnd(Peers):
    @with_locks
    def test_iteration_ends_with_the_server_and_goes_on_with_the_next(self):
        reader = shmimage.Reader(self.path, timeout=PATIENCE, size=(1, 1))
        for first in (10, 20):
            with shmimage.Writer(self.path) as out:
                wait_for(lambda: out.put(b"abc", 1, 1, number=first)
                         or not self.answer(reader), "no client")
                out.put(b"def", 1, 1)
            self.assertEqual([frame.number for frame in reader],
                             [first, first + 1])
        with self.assertRaises(shmimage.Timeout):
            reader.acquire(0)

    def answer(self, reader):
        """Let a reader find a server that has started."""
        try:
            reader.acquire(0).release()
        except (shmimage.Timeout, shmimage.Disconnected):
            pass
        return True

    @with_locks
    def test_acquire_says_that_the_server_is_gone(self):
        with shmimage.Writer(self.path, size=(1, 1)):
            reader = shmimage.Reader(self.path)
        with self.assertRaises(shmimage.Disconnected) as caught:
            reader.acquire(PATIENCE)
        self.assertEqual(caught.exception.code, 5)
        self.assertIsInstance(caught.exception, EOFError)
        self.assertIn(self.path, str(caught.exception))

    def test_break_gives_the_image_back(self):
        server = self.open_server()
        reader = shmimage.Reader(self.path, timeout=PATIENCE)
        server.put(*image(0, 4, 4))
        for frame in reader:
            self.assertEqual(reader.stats.held, 1)
            break
        self.assertEqual(reader.stats.held, 0)
        self.assertRaises(shmimage.ClosedError, lambda: frame.pixels)


class WithoutNumpy(StreamTest):
    @needs_numpy
    def test_all_of_this_passes_without_numpy(self):
        done = subprocess.run(
            [sys.executable, os.path.abspath(__file__)],
            env=dict(os.environ, WITHOUT_NUMPY="1"), stderr=subprocess.PIPE,
            text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"OK \(skipped=[0-9]+\)")

    def test_array_says_that_it_needs_numpy(self):
        self.assertIn("needs numpy", self.run_python("""
import sys
sys.modules["numpy"] = None
import shmimage
try:
    shmimage.Image(b"abc", 0, 1, 1, 0).array
except ImportError as error:
    print(error)
"""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
