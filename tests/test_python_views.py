#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python package: views of the pixels that are kept for too long.

An error, a warning, or an image that stays as it was; never a crash, and
never other pixels.
"""

import contextlib
import ctypes
import gc
import os
import random
import signal
import threading
import unittest
import warnings
from unittest import mock

from python_under_test import PATIENCE, StreamTest, needs_numpy, with_locks
import peer_stream as ps
import shmimage
from shmimage import _handles, _reader

LEAST_FILE = 20_000_001


class Views(StreamTest):
    """A server that can look at the states, and a reader."""

    def setUp(self):
        super().setUp()
        ps.create_file(self.path, LEAST_FILE)
        self.server = ps.Server(self.path)
        self.addCleanup(self.server.close)
        self.server.init()
        self.reader = shmimage.Reader(self.path, timeout=PATIENCE)
        self.addCleanup(self.reader.close)
        self.number = 0

    def put(self):
        pixels = ps.make_pixels(1, self.number, 8, 6)
        answer = self.server.put(self.number, 8, 6, pixels)
        self.number += 1
        return answer

    def take(self):
        self.assertEqual(self.put(), "ok")
        return self.reader.acquire()

    def is_image(self, view, number):
        return bytes(view) == ps.make_pixels(1, number, 8, 6)

    def is_free(self):
        return self.server.states() == (ps.SERVER, ps.SERVER)


class OfAReader(Views):
    def test_released_frame_refuses_its_pixels(self):
        with self.take() as frame:
            pixels = frame.pixels
        self.assertTrue(self.is_free())
        for use in (lambda: frame.pixels, lambda: frame.array, frame.copy,
                    frame.tobytes, frame.check, lambda: pixels[0, 0, 0],
                    lambda: bytes(pixels)):
            with self.assertRaises(ValueError):
                use()
        with self.assertRaisesRegex(shmimage.ClosedError, "image 0 .*copy"):
            frame.pixels
        frame.release()

    def test_copy_is_independent_of_the_stream(self):
        with self.take() as frame:
            copies = [frame.copy()]
        copies.append(copies[0].copy())
        self.assertTrue(self.is_free())
        copies[0].pixels[0, 0, 0] ^= 0xff
        for _ in range(3):
            self.take().release()
        self.assertFalse(self.is_image(copies[0].pixels, 0))
        self.assertTrue(self.is_image(copies[1].pixels, 0))

    def test_slice_keeps_the_buffer_and_its_content(self):
        with self.take() as frame:
            kept = frame.pixels.cast("B")[10:20]
        expected = ps.make_pixels(1, 0, 8, 6)[10:20]
        self.assertFalse(self.is_free())
        self.take().release()
        self.assertEqual(bytes(kept), expected)
        kept.release()
        self.assertTrue(self.is_free())

    @needs_numpy
    def test_array_keeps_the_buffer_and_its_content(self):
        with self.take() as frame:
            kept = frame.array[::2, 1:]
        before = kept.tobytes()
        for _ in range(3):
            self.assertEqual(self.put(), "ok")
            self.assertEqual(self.put(), "no_buffer")
            with self.assertRaises(shmimage.HeldError):
                for _ in range(2):
                    self.reader.acquire().release()
            self.assertEqual(kept.tobytes(), before)
            break
        del kept
        self.assertEqual(self.put(), "ok")

    @needs_numpy
    def test_loop_with_a_variable_for_the_array_goes_on(self):
        seen = []
        self.put()
        for frame in self.reader:
            array = frame.array
            self.assertTrue(self.is_image(array, frame.number))
            seen.append(frame.number)
            if len(seen) == 10:
                break
            self.assertEqual(self.put(), "ok")
        self.assertEqual(seen, list(range(10)))
        del array
        self.assertTrue(self.is_free())

    @needs_numpy
    def test_loop_that_keeps_every_array_ends_with_an_error(self):
        kept = []
        self.put()
        with self.assertRaises(shmimage.HeldError) as caught:
            for frame in self.reader:
                kept.append(frame.array)
                self.put()
        self.assertEqual(len(kept), 2)
        self.assertEqual(caught.exception.code, -11)
        for word in (self.path, "image 0 ", "copy()"):
            self.assertIn(word, str(caught.exception))
        for number, array in enumerate(kept):
            self.assertTrue(self.is_image(array, number))
        # Whoever lets go of them can go on.
        kept.clear()
        self.put()
        self.reader.acquire().release()

    def test_waiting_in_vain_is_not_the_next_image(self):
        with self.take() as frame:
            kept = frame.pixels.cast("B")
        for _ in range(5):
            with self.assertRaises(shmimage.Timeout):
                self.reader.acquire(0)
        del kept
        self.take().release()

    def test_views_in_garbage_are_no_error(self):
        with self.take() as frame:
            ring = [frame.pixels.cast("B")]
        ring.append(ring)
        del ring
        gc.disable()
        self.addCleanup(gc.enable)
        self.take().release()
        self.take().release()
        self.assertTrue(self.is_free())

    def test_frame_that_is_forgotten_is_released(self):
        self.take()
        self.assertTrue(self.is_free())
        view = self.take().pixels
        self.assertFalse(self.is_free())
        self.assertTrue(self.is_image(view, 1))
        del view
        self.assertTrue(self.is_free())

    def test_image_that_comes_with_an_interrupt_is_given_back(self):
        class Interrupted(shmimage.Reader):
            def _look(self, *arguments):
                super()._look(*arguments)
                raise KeyboardInterrupt

        with Interrupted(self.path, take_over=True) as reader:
            self.put()
            with self.assertRaises(KeyboardInterrupt):
                reader.acquire()
            self.assertEqual(reader.stats.delivered, 1)
            self.assertTrue(self.is_free())

    def test_frame_outlives_its_reader(self):
        with shmimage.Reader(self.path, PATIENCE, take_over=True) as reader:
            self.put()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                frame = reader.acquire()
                reader.close()
        self.assertTrue(self.is_image(frame.pixels, 0))
        frame.release()
        self.assertTrue(self.is_free())
        with self.assertRaises(shmimage.ClosedError):
            reader.acquire()

    def test_views_outlive_the_reader_and_a_warning_says_so(self):
        with self.take() as frame:
            kept = frame.pixels.cast("B")
        with self.assertWarns(shmimage.HeldWarning) as caught:
            self.reader.close()
        self.assertIn("image 0 ", str(caught.warning))
        self.assertIn(self.path, str(caught.warning))
        self.assertEqual(caught.filename, __file__)
        self.assertTrue(self.is_image(kept, 0))
        self.assertFalse(self.is_free())
        del kept
        self.assertTrue(self.is_free())

    @with_locks
    def test_lock_goes_with_the_last_view(self):
        with self.take() as frame:
            kept = frame.pixels.cast("B")
        with self.assertWarns(shmimage.HeldWarning):
            self.reader.close()
        self.assertTrue(shmimage.info(self.path).client)
        del kept
        self.assertFalse(shmimage.info(self.path).client)

    def test_frames_may_be_released_by_any_thread(self):
        threads = [threading.Thread(target=self.take().release)
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertTrue(self.is_free())


class OfAWriter(StreamTest):
    def setUp(self):
        super().setUp()
        self.out = shmimage.Writer(self.path, size=(8, 6))
        self.addCleanup(self.out.close)
        self.client = ps.Client(self.path)
        self.addCleanup(self.client.close)
        self.client.connect()

    def draw(self):
        with self.out.frame() as drawing:
            drawing.pixels.cast("B")[:] = bytes(8 * 6 * 3)
        return drawing

    def test_drawing_refuses_its_pixels_when_it_is_done(self):
        with self.out.frame() as drawing:
            pixels = drawing.pixels
        for use in (lambda: drawing.pixels, lambda: drawing.array,
                    lambda: drawing[0, 0, 0], lambda: pixels[0, 0, 0]):
            with self.assertRaises(ValueError):
                use()
        with self.assertRaises(ValueError):
            pixels[0, 0, 0] = 1
        with self.assertRaises(shmimage.ArgumentError):
            drawing.__enter__()

    @needs_numpy
    def test_array_is_read_only_when_it_is_done(self):
        with self.out.frame() as drawing:
            array = drawing.array
            array[...] = 9
        with self.assertRaises(ValueError):
            array[0, 0, 0] = 1
        self.assertEqual(self.client.poll().pixels, b"\x09" * (8 * 6 * 3))

    def test_kept_views_are_an_error_at_the_image_after_the_next(self):
        with self.out.frame() as drawing:
            kept = drawing.pixels.cast("B")
        for later in (self.draw, lambda: self.out.put(b"abc", 1, 1)):
            later()
            with self.assertRaises(shmimage.HeldError) as caught:
                later()
            self.assertIn("image 0 ", str(caught.exception))
            self.assertIn(self.path, str(caught.exception))
            self.client.poll()
            if later == self.draw:
                del kept
                with self.out.frame(number=0) as drawing:
                    kept = drawing.pixels.cast("B")
        del kept
        self.draw()

    def test_drawing_that_starts_with_an_interrupt_is_dropped(self):
        class Interrupted(shmimage.Drawing):
            def _begin(self, address):
                super()._begin(address)
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            with Interrupted(self.out, 8, 6, None, False, None):
                self.fail("it was interrupted before")
        self.assertEqual(self.client.states(), (ps.SERVER, ps.SERVER))
        self.assertTrue(self.draw().published)

    def test_views_outlive_the_writer_and_a_warning_says_so(self):
        with self.out.frame() as drawing:
            kept = drawing.pixels.cast("B")
        with self.assertWarns(shmimage.HeldWarning):
            self.out.close()
        kept[:] = b"\x05" * len(kept)
        self.assertEqual(kept[7], 5)
        del kept

    @with_locks
    def test_lock_goes_with_the_last_view(self):
        with self.out.frame() as drawing:
            kept = drawing.pixels.cast("B")
        with self.assertWarns(shmimage.HeldWarning):
            self.out.close()
        self.assertTrue(shmimage.info(self.path).server)
        del kept
        self.assertFalse(shmimage.info(self.path).server)

    def test_closing_drops_what_is_being_drawn(self):
        with self.out.frame() as drawing:
            self.out.close()
            drawing.pixels[0, 0, 0] = 1
        self.assertFalse(drawing.published)
        self.assertIsNone(self.client.poll())
        self.assertEqual(self.client.states(), (ps.SERVER, ps.SERVER))

    def test_dropped_drawing_has_memory_of_its_own(self):
        first = [self.draw() for _ in "abc"]
        self.assertEqual([each.published for each in first],
                         [True, True, False])
        states = self.client.states()
        with self.out.frame() as drawing:
            drawing.pixels.cast("B")[:] = b"\xff" * (8 * 6 * 3)
            self.assertEqual(self.client.states(), states)
        for _ in "ab":
            self.assertEqual(self.client.poll().pixels, bytes(8 * 6 * 3))


class ShortenedFiles(StreamTest):
    """In processes of their own: what fails here ends them."""

    READ = """
import os, shmimage, sys
path = sys.argv[1]
with shmimage.Writer(path, size=(800, 600)) as out:
    reader = shmimage.Reader(path, timeout=60)
    assert out.put(bytes(range(256)) * 5625, 800, 600)
    frame = reader.acquire()
    frame.check()
    kept = frame.pixels.cast("B")[::7]
    os.truncate(path, 4096)
    print(sum(frame.pixels.cast("B")[8192:]), sum(kept) > 0)
    for use in (frame.check, frame.copy, reader.acquire,
                lambda: out.put(b"abc", 1, 1)):
        try:
            use()
        except shmimage.TruncatedError as error:
            assert error.code == -18 and path in str(error)
            print("truncated")
"""

    def test_views_of_a_shortened_file_read_as_zeros(self):
        self.assertEqual(self.run_python(self.READ).split(),
                         ["0", "True"] + 4 * ["truncated"])

    DRAW = """
import os, shmimage, sys
path = sys.argv[1]
out = shmimage.Writer(path, size=(800, 600))
reader = shmimage.Reader(path)
try:
    with out.frame() as drawing:
        os.truncate(path, 0)
        drawing.pixels.cast("B")[:] = bytes(3 * 800 * 600)
except shmimage.TruncatedError:
    print("truncated", drawing.published)
"""

    def test_drawing_into_a_shortened_file_is_an_error(self):
        self.assertEqual(self.run_python(self.DRAW), "truncated False\n")

    @unittest.skipIf("SANITIZER_PRELOADED" in os.environ,
                     "the sanitizer handles the signal itself")
    def test_without_a_guard_a_shortened_file_ends_the_process(self):
        for code, guarded in ((self.READ, "timeout=60"),
                              (self.DRAW, "size=(800, 600)")):
            process = self.start_python(code.replace(
                guarded, guarded + ", no_guard=True"))
            process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, -7)
            os.unlink(self.path)


def interrupt_after(place, name):
    """Ctrl-C, acted on when a function of the package has returned."""
    real = getattr(place, name)

    def interrupted(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    return mock.patch.object(place, name, interrupted)


class Raising(_handles.Owner):
    """Where it is given back, Ctrl-C comes."""

    __slots__ = ()
    _give_back = getattr(ctypes.CDLL(None), "raise")
    _give_back.argtypes = [ctypes.c_void_p]


class Interrupts(StreamTest):
    ROUNDS = 200

    def test_interrupt_while_something_is_given_back_is_not_lost(self):
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        owner = Raising.make()
        owner.value = signal.SIGINT
        with mock.patch("sys.unraisablehook") as lost:
            with self.assertRaises(KeyboardInterrupt):
                del owner
                # Where it is acted on at the latest.
                for _ in range(1000):
                    pass
        self.assertFalse(lost.called)

    def interrupt(self, number, frame):
        self.interrupted = True
        raise KeyboardInterrupt

    def loop(self, out, reader):
        self.interrupted = False
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-3))
        while not self.interrupted:
            out.put(b"abc", 1, 1)
            reader.acquire(0).release()

    def test_each_interrupt_of_a_busy_loop_arrives_and_leaves_nothing(self):
        before = signal.signal(signal.SIGALRM, self.interrupt)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        out = shmimage.Writer(self.path, size=(1, 1))
        self.addCleanup(out.close)
        reader = shmimage.Reader(self.path)
        self.addCleanup(reader.close)
        with mock.patch("sys.unraisablehook") as lost:
            for _ in range(self.ROUNDS):
                with self.assertRaises(KeyboardInterrupt):
                    self.loop(out, reader)
                self.assertEqual(reader.stats.held, 0)
                # One that was put when the loop was left.
                with contextlib.suppress(shmimage.Timeout):
                    reader.acquire(0).release()
        self.assertFalse(lost.called)

    def test_image_that_comes_with_an_interrupt_goes_back_at_once(self):
        out = shmimage.Writer(self.path, size=(1, 1))
        self.addCleanup(out.close)
        for place in ((shmimage.Reader, "_look"), (_reader, "Frame"),
                      (_handles.Loans, "add")):
            reader = shmimage.Reader(self.path)
            out.put(b"abc", 1, 1)
            with self.subTest(place=place), interrupt_after(*place):
                try:
                    reader.acquire(0)
                except KeyboardInterrupt as problem:
                    self.assertIsNotNone(problem.__traceback__)
                    self.assertEqual(reader.stats.held, 0)
                else:
                    self.fail("it was not interrupted")
            reader.close()

    def test_collector_is_told_only_of_what_it_knows(self):
        for known in (True, False):
            with mock.patch.object(_handles, "_untrack") as untrack, \
                    mock.patch("gc.is_tracked", return_value=known):
                _handles.OwnedFrame.make()
            self.assertEqual(untrack.called, known)


class Ends(StreamTest):
    def test_kept_views_do_not_crash_the_end_of_a_process(self):
        self.assertEqual(self.run_python("""
import atexit, shmimage, sys
path = sys.argv[1]
out = shmimage.Writer(path, size=(800, 600))
reader = shmimage.Reader(path, timeout=60)
out.put(b"abc", 1, 1)
out.put(b"def", 1, 1)
view = reader.acquire().pixels
frame = reader.acquire()
other = shmimage.Writer(path + "2", size=(800, 600))
client = shmimage.Reader(path + "2")
with other.frame(1, 1) as drawing:
    kept = drawing.pixels.cast("B")
    kept[:] = b"ghi"
assert drawing.published
class Late:
    def __del__(self):
        print(*map(bytes, self.views))
late = Late()
late.views = [view, frame.pixels, kept]
atexit.register(lambda: print(*map(bytes, late.views)))
"""), "b'abc' b'def' b'ghi'\n" * 2)

    def test_views_in_garbage_can_be_looked_at_by_its_finalizers(self):
        # The collector calls them in the order in which objects were made.
        self.assertEqual(self.run_python("""
import gc, os, shmimage, sys
path = sys.argv[1]
class Late:
    def __del__(self):
        print(bytes(self.view), bytes(self.drawn))
out = shmimage.Writer(path, size=(800, 600))
reader = shmimage.Reader(path, timeout=60)
out.put(b"abc", 1, 1)
drawing = out.frame(1, 1)
late = Late()
with drawing:
    late.drawn = drawing.pixels.cast("B")
    late.drawn[:] = b"def"
late.view = reader.acquire().pixels
last = Late()
last.__dict__.update(late.__dict__)
late.ring, last.ring = last, late
gc.collect()
del late, last, reader, out, drawing
gc.collect()
assert os.path.basename(path) not in open("/proc/self/maps").read()
"""), "b'abc' b'def'\n" * 2)

    def test_child_can_not_use_what_its_parent_has_opened(self):
        self.assertEqual(self.run_python("""
import os, shmimage, sys
path = sys.argv[1]
out = shmimage.Writer(path, size=(800, 600))
reader = shmimage.Reader(path, timeout=60)
out.put(b"abc", 1, 1)
frame = reader.acquire()
child = os.fork()
if not child:
    for use in (reader.acquire, lambda: out.put(b"x" * 3, 1, 1),
                lambda: out.stats, lambda: reader.stats):
        try:
            use()
        except shmimage.ClosedError as error:
            assert "fork" in str(error), error
            print("refused", flush=True)
    # It can open its own.
    with shmimage.Writer(path + "2", size=(1, 1)) as own:
        other = shmimage.Reader(path + "2")
        own.put(b"abc", 1, 1)
        other.acquire(0).release()
        assert other.stats.held == 0
        other.close()
    info = shmimage.info(path + "2")
    assert not info.client and not info.server
    # What the child lets go of stays the parent's.
    del frame
    reader.close()
    out.close()
    del reader, out
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert shmimage.info(path).buffers[0].state_name == "client-locked"
assert frame.tobytes() == b"abc"
frame.release()
assert out.put(b"def", 1, 1)
print(reader.acquire().tobytes())
"""), "refused\n" * 4 + "b'def'\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
