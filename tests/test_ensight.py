#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/ensight-record takes the images of a stand-in for EnSight.

See ensight_case.py for the environment.
"""

import contextlib
import glob
import os
import shutil
import signal
import sys
import uuid

from ensight_case import (DONE, FAILED, FFPLAY, GONE, RECORD, USAGE,
                          EnSightTest)
from ffmpeg_harness import main, read_text, wait_for
from record_harness import CTRL_C, Typing, has_ended

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
        self.assertIn(self.movie + ": finishing", recorder.err())
        self.assertRegex(recorder.err(), self.movie + r": \d+ images?, ")
        self.assert_nothing_left()
        subscribed = self.events("subscribed")[0]
        self.assertEqual(
            subscribed, {"subscribed": subscribed["subscribed"], "type": 1,
                         "flip": False, "options": {"filename": path}})
        uuid.UUID(subscribed["subscribed"])
        self.assertEqual(self.said("unsubscribed"), subscribed["subscribed"])
        self.assertLessEqual(set(self.assert_recorded()), set(self.sent()))
        film = self.probe(self.movie)
        self.assertEqual([film[name] for name in (
            "color_range", "color_space", "color_transfer",
            "color_primaries")], ["tv", "bt709", "bt709", "bt709"])

    def sent(self):
        return self.said("sent")

    def test_ctrl_c_in_a_terminal(self):
        """There it reaches every program that was started in it."""
        self.start_ensight()
        recorder = Typing(self, "recorder", [sys.executable, RECORD,
                                             *self.where, self.movie])
        self.wait_for_growth(recorder)
        recorder.type(CTRL_C)
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assertEqual(recorder.err().count("finishing"), 1)
        self.assert_recorded()
        self.assert_nothing_left()

    def test_every_image_over_a_unix_socket(self):
        # Characters that mean something where gRPC reads an address.
        self.start_ensight("--socket", self.file("a %41#b?c=é.sock"))
        recorder = self.record(*self.own_ffmpeg(output=["-frames:v", "20"]))
        self.assertEqual(recorder.end(), DONE, recorder.err())
        numbers = self.assert_recorded(20)
        first = self.sent().index(numbers[0])
        self.assertEqual(numbers, self.sent()[first:first + 20])
        self.assert_nothing_left()

    def test_flip_turns_the_images_upside_down(self):
        self.start_ensight()
        recorder = self.record(self.movie, "--flip", "--frames", "5")
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assertTrue(self.events("subscribed")[0]["flip"])
        self.assert_recorded(flipped=True)
        with self.assertRaisesRegex(ValueError, "upside down"):
            self.numbers()

    def test_options_of_record_and_of_ffmpeg(self):
        self.start_ensight()
        recorder = self.record(self.movie, "--frames", "5", "--quiet", "--",
                               "-vf", "scale=160:90")
        self.assertEqual(recorder.end(), DONE, recorder.err())
        self.assertNotIn("never came", recorder.err())
        film = self.probe(self.movie)
        self.assertEqual((film["width"], film["height"]), (160, 90))
        # The last image may be there once more, to last as long as it did.
        self.assertIn(int(film["nb_read_frames"]), (5, 6))

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
        recorder.wait_until(lambda: self.look_at_file()["client"], "its start")
        self.interrupt(recorder, FAILED)
        self.assertIn("ended before the first image", recorder.err())
        self.assertEqual(self.names(), [])
        self.assert_nothing_left()

    def test_ctrl_c_before_record_catches_it(self):
        self.start_ensight()
        recorder = self.record(self.movie, SHMIMAGE=self.tool(
            "test $1 = record && exec sleep 999"))
        self.interrupt(recorder, FAILED)
        self.assertIn("ended before it had begun", recorder.err())
        self.assert_nothing_left()

    def test_ctrl_c_is_for_record_alone(self):
        """It may be about to start a program that would die of it."""
        self.start_ensight()
        child = self.file("child")
        recorder = self.record(self.movie, SHMIMAGE=self.tool(
            f"test $1 = record && env --default-signal=INT sleep 999 & "
            f"echo $! >{child}"))
        self.wait_for_growth(recorder)
        pid = int(read_text(child))
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.interrupt(recorder)
        self.assertFalse(has_ended(pid))

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
        self.wait_until_taken(recorder, 60)
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
        self.assert_recorded()

    def test_movie_is_finished_when_the_recorder_is_killed(self):
        self.start_ensight("--plain")
        recorder = self.record(self.movie)
        self.wait_for_growth(recorder)
        recorder.process.kill()
        wait_for(lambda: os.path.exists(self.movie), recorder.err)
        self.assert_recorded()

    def test_recorder_is_killed_before_the_first_image(self):
        self.start_ensight("--plain", "--rate", "0.001")
        recorder = self.record(self.movie)
        recorder.wait_until(lambda: self.look_at_file()["client"], "its start")
        self.assertEqual(self.names(), ["film.mp4.part"])
        recorder.process.kill()
        wait_for(lambda: not self.names(), recorder.err)


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

    def test_of_an_idle_one_a_movie_has_every_image(self):
        self.start_ensight("--plain", "--images", "10")
        recorder = self.record(self.movie)
        self.said("last")
        self.kill(recorder)
        self.assert_recorded(10)

    def test_before_the_first_image(self):
        self.start_ensight("--plain", "--rate", "0.001")
        recorder = self.record(self.movie)
        self.kill(recorder)
        self.assertEqual(self.names(), [])

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
                          ["--preview", "--player", "mpv", "--", "--vo=null"],
                          ["--", FFPLAY, "-f", "shmimage", "{}"]):
            with self.subTest(arguments=arguments):
                if "mpv" in arguments and not shutil.which("mpv"):
                    self.skipTest("mpv is not installed")
                recorder = self.record(*arguments)
                self.wait_until_taken(recorder)
                recorder.process.send_signal(signal.SIGTERM)
                self.assertEqual(recorder.end(), DONE, recorder.err())
                self.assert_nothing_left()

    def test_options_of_view_and_of_its_player(self):
        self.start_ensight()
        words = self.file("words")
        player = self.script("ffplay", f'echo "$@" > {words}\n'
                             f'exec {FFPLAY} "$@"\n')
        recorder = self.record("--preview", "--player", player, "--",
                               "-volume", "7")
        self.wait_until_taken(recorder)
        self.interrupt(recorder)
        self.assertIn("-volume 7", read_text(words))

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

    def test_record_that_fails(self):
        self.start_ensight()
        for arguments, status, words in (
                ([self.file("movie.none")], USAGE, "unknown kind of film"),
                ([self.movie, "--preset", "none"], FAILED, "ffmpeg failed")):
            self.assertIn(words, self.fail_record(*arguments, status=status))
            self.assertEqual(self.names(), [])


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
        recorder, has_ended = self.record_with_pipe(SHMIMAGE=self.tool(
            f"test $1 = info && test -e {trouble} && exec echo what"))
        open(trouble, "w").close()
        self.interrupt(recorder, FAILED)
        self.assertIn("JSONDecodeError", recorder.err())
        self.assertTrue(has_ended())
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
