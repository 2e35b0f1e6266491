#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What examples/ensight-record says of what is wrong, and what it is told.

See ensight_case.py for the environment.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import unittest.mock

from ensight_case import (DONE, ENVIRONMENT, FAILED, RECORD, USAGE,
                          EnSightTest)
from ensight_standin import EXAMPLES, ensight_images
from ffmpeg_harness import SECONDS, SHMIMAGE, main


def load_recorder():
    """The program as a module; it wants Ctrl-C for itself."""
    handler = signal.getsignal(signal.SIGINT)
    loader = importlib.machinery.SourceFileLoader("ensight_record", RECORD)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    signal.signal(signal.SIGINT, handler)
    return module


class Refusals(EnSightTest):
    def test_secret(self):
        self.start_ensight("--secret", "xyzzy")
        secret = self.file("secret")
        with open(secret, "w") as file:
            file.write("xyzzy\n")
        for arguments in ([], ["--secret", "plugh"]):
            said = self.fail_record(self.movie, *arguments)
            self.assertIn("EnSight refuses the secret", said)
        recorder = self.record(self.movie, "--secret-file", secret,
                               "--frames", "1")
        self.assertEqual(recorder.end(), DONE, recorder.err())

    def test_secret_that_can_not_be_one(self):
        self.start_ensight()
        empty = self.file("empty")
        open(empty, "w").close()
        for arguments, words in (
                (["--secret", "a\nb"], "only printable ASCII"),
                (["--secret-file", empty], "no secret in it"),
                (["--secret-file", self.shared + "/none"], "can't read")):
            self.assertIn(words, self.fail_record(self.movie, *arguments))

    def test_nothing_listens(self):
        self.start_ensight()
        self.ensight.stop()
        said = self.fail_record(self.movie)
        self.assertIn("no EnSight answers there", said)
        self.assertIn(self.where[1], said)
        self.where = ["--socket", self.file("none"), "--folder", self.shared]
        said = self.fail_record(self.movie)
        self.assertIn("no EnSight answers there", said)

    def test_old_release(self):
        self.start_ensight("--old")
        self.assertIn("its release is too old", self.fail_record(self.movie))

    def test_ensight_elsewhere(self):
        """On another machine, that is: its /dev/shm is another one."""
        self.start_ensight("--elsewhere", self.folder)
        self.assertIn("has to run on this machine",
                      self.fail_record(self.movie))

    def test_file_that_is_not_touched(self):
        self.start_ensight("--careless")
        said = self.fail_record(self.movie)
        self.assertIn("has not touched " + self.shared, said)

    def test_no_answer(self):
        self.start_ensight("--silent")
        self.assertIn("not answered in time",
                      self.fail_record(self.movie, "--wait", "0.5"))

    def test_ctrl_c_reaches_no_helper(self):
        """In a terminal it would, and that would be a compiler's failure."""
        self.start_ensight()
        self.script("protoc", "kill -s INT -- -$PPID\n"
                    f'exec {shutil.which("protoc")} "$@"\n')
        said = self.fail_record(
            self.movie, before=["setsid"],
            PATH=self.folder + os.pathsep + os.environ["PATH"])
        self.assertIn("ended before EnSight had answered", said)


class Usage(EnSightTest):
    def run_alone(self, *arguments, python=()):
        return subprocess.run([sys.executable, *python, RECORD, *arguments],
                              capture_output=True, text=True, timeout=SECONDS,
                              env=ENVIRONMENT)

    def call_main(self, *arguments):
        """Status and standard error, without the start of another Python."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                status = load_recorder().main(list(arguments))
            except SystemExit as end:
                status = end.code
        return status, said.getvalue()

    def test_mistakes(self):
        for arguments, words in (
                ([], "MOVIE"),
                ([self.movie, "--preview"], "MOVIE"),
                (["--", "ffplay"], "{}"),
                (["--duration", "10", self.movie],
                 "--duration is none of its options; those of 'shmimage "
                 "record' come after the MOVIE"),
                ([self.movie, "--port", "1", "--socket", "x"], "--socket"),
                ([self.movie, "--secret", "a", "--secret-file", "b"],
                 "--secret"),
                ([self.movie, "--wait", "0"], "above 0"),
                ([self.movie, "--size", "0x9"], "--size")):
            with self.subTest(arguments=arguments):
                status, said = self.call_main(*arguments)
                self.assertEqual(status, USAGE)
                self.assertIn(words, said.splitlines()[-1])

    def test_help_and_version(self):
        done = self.run_alone("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("before there\nwas an image", done.stdout)
        done = self.run_alone("--version")
        version = subprocess.run([SHMIMAGE, "--version"], text=True,
                                 capture_output=True, timeout=SECONDS).stdout
        self.assertEqual(done.stdout, f"ensight-record ({version.strip()})\n")

    def test_python_without_grpc(self):
        done = self.run_alone("--help", python=["-S"])
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("apt install python3-grpcio", done.stderr)

    def test_messages_have_the_published_numbers(self):
        methods = ensight_images.find_service().methods_by_name
        options = ensight_images.message_class(
            methods["SubscribeImages"].input_type)
        self.assertEqual(
            options(prefix="p", type="SHARED_MEM", flip_vertical=True,
                    chunk=True, options={"filename": "f"})
            .SerializeToString(),
            b"\n\1p\x10\1\x18\1\x20\1*\r\n\x08filename\x12\1f")
        prefix = ensight_images.message_class(
            methods["Unsubscribe"].input_type)
        self.assertEqual(prefix(prefix="p").SerializeToString(), b"\n\1p")
        for method in methods.values():
            answer = ensight_images.message_class(method.output_type)
            self.assertEqual(answer(str="s").SerializeToString(), b"\n\1s")

    def test_address(self):
        find = ensight_images.find_address
        self.assertEqual(find(host="localhost"), "localhost:12345")
        # All of this machine's addresses, such as those of its network.
        self.assertEqual(find(host="0.0.0.0"), "0.0.0.0:12345")
        self.assertEqual(find(port=5), "localhost:5")
        self.assertEqual(find(host="::1", port=5), "[::1]:5")
        self.assertEqual(find(path="/a/b"), "unix:/a/b")

    def test_address_of_another_machine(self):
        for host, words in (("192.0.2.1", "another machine"),
                            ("2001:db8::1", "another machine"),
                            ("a..b", "no such host")):
            with self.assertRaisesRegex(ensight_images.EnSightError,
                                        f"^{host}: .*{words}"):
                ensight_images.find_address(host=host)

    def listen(self, name):
        """Where EnSight usually does."""
        usual = self.file("usual.sock")
        patch = unittest.mock.patch.object(ensight_images, "USUAL_SOCKET",
                                           usual)
        patch.start()
        self.addCleanup(patch.stop)
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(self.file(name))
        server.listen()
        return usual, server

    def test_address_where_ensight_usually_listens(self):
        usual, server = self.listen("usual.sock")
        find = ensight_images.find_address
        self.assertEqual(find(secret="xyzzy"), "unix:" + usual)
        self.assertEqual(find(port=5), "localhost:5")
        server.close()
        self.assertEqual(find(secret="xyzzy"), "localhost:12345")
        os.unlink(usual)
        self.assertEqual(find(secret="xyzzy"), "localhost:12345")

    def assert_secret_stays(self, usual):
        find = ensight_images.find_address
        with self.assertRaisesRegex(ensight_images.EnSightError,
                                    f"{usual}: .*--socket or --port"):
            find(secret="xyzzy")
        self.assertEqual(find(), "localhost:12345")
        self.assertEqual(find(port=5, secret="xyzzy"), "localhost:5")
        self.assertEqual(find(path=usual, secret="xyzzy"), "unix:" + usual)

    def test_link_to_a_socket(self):
        usual, _ = self.listen("another.sock")
        os.symlink(self.file("another.sock"), usual)
        self.assert_secret_stays(usual)

    def test_socket_of_another_user(self):
        usual, _ = self.listen("usual.sock")
        if os.geteuid() == 0:
            os.chown(usual, 65534, -1)
            self.assert_secret_stays(usual)
        else:
            with unittest.mock.patch.object(os, "geteuid",
                                            return_value=os.geteuid() + 1):
                self.assert_secret_stays(usual)

    def test_only_tools_of_ffmpeg_are_asked(self):
        recorder = load_recorder()
        for name, is_asked in (
                ("ffmpeg", True), ("ffplay7", True), ("ffprobe-7.1", True),
                ("ffwd", False), ("ffmpeg-all", False), ("myffmpeg", False)):
            with self.subTest(name=name):
                tool = self.script(name, "echo Demuxer shmimage\n")
                self.assertEqual(recorder.knows_device(tool), is_asked)

    def test_tool_that_does_not_answer(self):
        recorder = load_recorder()
        recorder.HELP = 0.1
        tool = self.script("ffmpeg", "exec sleep 999\n")
        with self.assertRaisesRegex(recorder.EnSightError, tool):
            recorder.knows_device(tool)


class ReadMe(EnSightTest):
    def lines(self):
        with open(os.path.join(os.path.dirname(EXAMPLES),
                               "README.md")) as text:
            return [shlex.split(line, comments=True)[1:] for line in text
                    if line.startswith("ensight-record ")]

    def test_lines_do_what_they_say(self):
        self.start_ensight()
        lines = self.lines()
        self.assertGreaterEqual(len(lines), 4)
        for arguments in lines:
            with self.subTest(arguments=arguments):
                recorder = self.record(*arguments, cwd=self.folder)
                self.wait_until_taken(recorder)
                self.interrupt(recorder)
                for movie in re.findall(r"\w+\.m\w+", " ".join(arguments)):
                    self.movie = self.file(movie)
                    self.assertGreater(len(self.numbers()), 0)


if __name__ == "__main__":
    main()
