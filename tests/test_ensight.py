#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/ensight-record takes the images of a stand-in for EnSight.

See ensight_case.py for the environment.
"""

import contextlib
import glob
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import uuid

from ensight_case import (DONE, ENVIRONMENT, FAILED, FFPLAY, GONE, RECORD,
                          EnSightTest)
from ffmpeg_harness import (FFMPEG, SECONDS, SHMIMAGE, find_ffprobe, main,
                            wait_for)

# Starts what follows as nohup does, and a script's "&".
IGNORING = ["sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"]


class Recording(EnSightTest):
    def test_movie_until_ctrl_c(self):
        self.start_ensight("--secret", "xyzzy", "--session", "two words")
        recorder = self.record(self.movie, "--session", "two words",
                               ENSIGHT_SECURITY_TOKEN="xyzzy")
        path = self.events("subscribed")[0]["options"]["filename"]
        self.assertEqual(glob.glob(self.shared + "/*"), [path])
        self.wait_for_growth(recorder)
        self.interrupt(recorder)
        self.assertIn("recorded " + self.movie, recorder.err())
        self.assert_nothing_left()
        subscribed = self.events("subscribed")[0]
        self.assertEqual(
            subscribed, {"subscribed": subscribed["subscribed"], "type": 1,
                         "flip": False, "options": {"filename": path}})
        uuid.UUID(subscribed["subscribed"])
        self.assertEqual(self.said("unsubscribed"), subscribed["subscribed"])
        self.assertLessEqual(set(self.assert_recorded()), set(self.sent()))

    def sent(self):
        return self.said("sent")

    def test_ctrl_c_in_a_terminal(self):
        """There it reaches every program that was started in it."""
        self.start_ensight()
        child, terminal = pty.fork()
        if child == 0:
            os.execve(sys.executable, [sys.executable, RECORD, *self.where,
                                       self.movie], ENVIRONMENT)
        self.addCleanup(os.close, terminal)
        self.addCleanup(self.reap, child)
        said = bytearray()
        end = threading.Thread(target=self.read_all, args=(terminal, said),
                               daemon=True)
        end.start()
        wait_for(lambda: os.path.exists(self.movie) and
                 os.path.getsize(self.movie) > 0, said.decode)
        os.write(terminal, b"\3")
        end.join(SECONDS)
        self.assertFalse(end.is_alive(), said)
        self.assertEqual(os.waitpid(child, 0)[1], 0, said)
        self.assertIn(b"recorded", said)
        self.assert_recorded()

    @staticmethod
    def reap(child):
        with contextlib.suppress(ChildProcessError):  # it is reaped already
            if os.waitpid(child, os.WNOHANG)[0] == 0:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)

    @staticmethod
    def read_all(terminal, said):
        with contextlib.suppress(OSError):  # nobody has it open any more
            while True:
                said += os.read(terminal, 4096)

    def test_every_image_over_a_unix_socket(self):
        self.start_ensight("--socket", self.file("ensight.sock"))
        recorder = self.record(*self.own_ffmpeg(output=["-frames:v", "20"]))
        self.assertEqual(recorder.end(), DONE, recorder.err())
        numbers = self.assert_recorded(20)
        first = self.sent().index(numbers[0])
        self.assertEqual(numbers, self.sent()[first:first + 20])
        self.assert_nothing_left()

    def test_seconds_end_the_movie(self):
        self.start_ensight()
        recorder = self.record(self.movie, "--seconds", "0.5")
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assertIn("recorded " + self.movie, recorder.err())
        self.assert_recorded()
        # The first image that is later than that is not in it.
        self.assertLess(max(self.stamps()), 0.5)

    def stamps(self):
        """When the images of the movie are shown, in seconds."""
        done = subprocess.run(
            [find_ffprobe(), "-v", "error", "-show_entries",
             "packet=pts_time", "-of", "csv=p=0", self.movie], text=True,
            capture_output=True, timeout=SECONDS, check=True)
        return [float(line.strip(",")) for line in done.stdout.split()]

    def test_flip_turns_the_images_upside_down(self):
        self.start_ensight()
        recorder = self.record(self.movie, "--flip", "--seconds", "0.3")
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assertTrue(self.events("subscribed")[0]["flip"])
        self.assert_recorded(flipped=True)
        with self.assertRaisesRegex(ValueError, "upside down"):
            self.numbers()

    def test_ctrl_c_when_ensight_is_idle(self):
        """The last image has come, and ffmpeg alone would wait for more."""
        self.start_ensight("--plain", "--images", "10")
        recorder = self.record(*self.own_ffmpeg())
        self.wait_for_images(recorder, 10)
        self.interrupt(recorder)
        self.assertEqual(self.assert_recorded(10), self.sent())

    def test_ctrl_c_before_the_first_image(self):
        self.start_ensight("--rate", "0.001")
        recorder = self.record(self.movie)
        self.interrupt(recorder, FAILED)
        self.assertIn("EnSight sent no image", recorder.err())
        self.assertFalse(os.path.exists(self.movie))
        self.assert_nothing_left()

    def test_ctrl_c_before_ensight_has_answered(self):
        self.start_ensight("--silent")
        recorder = self.start_recorder(self.movie)
        wait_for(lambda: self.events("subscribed"), self.ensight.out)
        self.interrupt(recorder, FAILED)
        self.assertIn("before EnSight had answered", recorder.err())
        self.assert_nothing_left()
        self.said("unsubscribed")

    def test_goes_on_when_its_terminal_closes(self):
        self.start_ensight()
        recorder = self.record(self.movie, before=IGNORING)
        self.wait_until_taken(recorder)
        for number in (signal.SIGHUP, signal.SIGINT):
            recorder.process.send_signal(number)
        # More than are drawn while one that heeds them ends.
        self.wait_until_taken(recorder, 200)
        self.assertIsNone(recorder.process.poll())
        recorder.process.terminate()
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assert_recorded()

    def test_shared_file_that_somebody_removes(self):
        self.start_ensight()
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        os.unlink(self.events("subscribed")[0]["options"]["filename"])
        self.interrupt(recorder)
        self.assertIn("recorded " + self.movie, recorder.err())
        self.assert_recorded()

    def test_movie_is_finished_when_the_recorder_is_killed(self):
        self.start_ensight("--plain")
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        recorder.process.kill()
        wait_for(lambda: b"moov" in self.bytes_of_movie(), recorder.err)
        wait_for(self.is_whole, recorder.err)
        self.assert_recorded()

    def bytes_of_movie(self):
        with open(self.movie, "rb") as movie:
            return movie.read()

    def is_whole(self):
        return subprocess.run([FFMPEG, "-v", "error", "-i", self.movie, "-f",
                               "null", "-"], capture_output=True,
                              timeout=SECONDS).stderr == b""


class Vanishing(EnSightTest):
    """EnSight is killed in the middle."""

    def kill(self, recorder):
        self.ensight.process.kill()
        self.assertEqual(recorder.end(), GONE, recorder.err())
        self.assertIn("EnSight is gone", recorder.err())
        self.assert_nothing_left()

    def test_with_locks(self):
        self.start_ensight()
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        self.kill(recorder)
        self.assertIn("the movie ends there", recorder.err())
        self.assert_recorded()

    def test_without_locks_over_a_unix_socket(self):
        self.start_ensight("--plain", "--socket", self.file("ensight.sock"))
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        self.kill(recorder)
        self.assert_recorded()

    def test_of_an_idle_one_a_command_keeps_every_image(self):
        self.start_ensight("--plain", "--images", "10")
        recorder = self.record(*self.own_ffmpeg())
        self.wait_for_images(recorder, 10)
        self.kill(recorder)
        self.assert_recorded(10)

    def test_before_the_first_image(self):
        self.start_ensight("--plain", "--rate", "0.001")
        recorder = self.record(self.movie)
        self.kill(recorder)
        self.assertFalse(os.path.exists(self.movie))

    def test_when_it_ends_by_itself(self):
        self.start_ensight("--plain")
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        self.ensight.process.terminate()
        self.assertEqual(recorder.end(), GONE, recorder.err())
        self.assert_recorded()


class Commands(EnSightTest):
    def test_preview_takes_images_until_it_is_ended(self):
        self.start_ensight()
        for arguments in (["--preview"],
                          ["--", FFPLAY, "-f", "shmimage", "{}"]):
            with self.subTest(arguments=arguments):
                recorder = self.record(*arguments)
                self.wait_until_taken(recorder)
                recorder.process.send_signal(signal.SIGTERM)
                self.assertEqual(recorder.end(), DONE, recorder.err())
                self.assert_nothing_left()

    def test_status_of_a_command_is_passed_on(self):
        self.start_ensight()
        said = self.fail_record("--", "sh", "-c", "test -s '{}' && exit 7",
                                status=7)
        self.assertIn("failed with status 7", said)

    def test_command_that_does_not_end(self):
        self.start_ensight()
        recorder = self.record(
            "--", "sh", "-c", "trap '' INT; : {}; echo ready; exec sleep 999")
        recorder.wait_until(lambda: "ready" in recorder.out(), "the command")
        for words in ("finishing", "asked", "killed"):
            recorder.process.send_signal(signal.SIGINT)
            recorder.wait_until(lambda: words in recorder.err(), words)
        self.assertEqual(recorder.end(), 128 + signal.SIGKILL, recorder.err())
        self.assert_nothing_left()

    def test_command_is_asked_by_a_signal_that_is_ignored(self):
        self.start_ensight()
        recorder = self.record("--", "sh", "-c", ": {}; exec sleep 999",
                               before=IGNORING)
        recorder.process.terminate()
        self.assertEqual(recorder.end(), DONE, recorder.err())

    def test_command_that_is_not_there(self):
        self.start_ensight()
        self.assertIn("no such command", self.fail_record("--", "none", "{}"))
        self.assertIn("install ffmpeg", self.fail_record(
            "--", self.file("none/ffmpeg"), "{}"))

    def test_ffmpeg_that_fails(self):
        self.start_ensight()
        recorder = self.record(self.file("movie.none"))
        status = recorder.end()
        # Which one depends on the release.
        self.assertNotIn(status, (DONE, GONE))
        self.assertIn(f"the command failed with status {status}: ",
                      recorder.err())
        self.assert_nothing_left()


class Leftovers(EnSightTest):
    """A command that would never end by itself does not outlive it."""

    def record_with_pipe(self, **environment):
        """A recorder whose command keeps a pipe open as long as it lives, and
        whether it has ended."""
        pipe = self.file("pipe")
        os.mkfifo(pipe)
        end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, end)
        recorder = self.record(
            "--", "sh", "-c", f": {{}}; exec >{pipe}; echo $$; exec sleep 999",
            **environment)
        said = bytearray()

        def has_begun():
            said.extend(self.read(end) or b"")
            return said

        def has_ended():
            return self.read(end) == b""

        recorder.wait_until(has_begun, "the command")
        self.addCleanup(lambda: has_ended() or
                        os.killpg(int(said), signal.SIGKILL))
        return recorder, has_ended

    @staticmethod
    def read(pipe):
        """None where somebody might still write."""
        with contextlib.suppress(BlockingIOError):
            return os.read(pipe, 100)

    def test_killed_before_the_first_image_is_taken(self):
        self.start_ensight()
        recorder, has_ended = self.record_with_pipe()
        recorder.process.kill()
        recorder.end()
        wait_for(has_ended, recorder.err)

    def test_what_nobody_has_foreseen(self):
        self.start_ensight()
        trouble = self.file("trouble")
        tool = shlex.quote(os.path.abspath(shutil.which(SHMIMAGE)))
        recorder, has_ended = self.record_with_pipe(SHMIMAGE=self.script(
            "tool", f"test $1 = info && test -e {trouble} && exec echo what\n"
            f'exec {tool} "$@"\n'))
        open(trouble, "w").close()
        self.interrupt(recorder, FAILED)
        self.assertIn("JSONDecodeError", recorder.err())
        self.assertTrue(has_ended())
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
