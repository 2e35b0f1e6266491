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


def run_main(*arguments):
    """Status and output, without the start of another Python."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            status = load_recorder().main(list(arguments))
        except SystemExit as end:
            status = end.code
    return status, said.getvalue()


def run_alone(*arguments, python=(), **environment):
    return subprocess.run([sys.executable, *python, RECORD, *arguments],
                          capture_output=True, text=True, timeout=SECONDS,
                          env={**ENVIRONMENT, **environment})


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
                status, said = run_main(*arguments)
                self.assertEqual(status, USAGE)
                self.assertIn(words, said.splitlines()[-1])

    def test_help_and_version(self):
        done = run_alone("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("before there\nwas an image", "session.secret_key",
                      'session._grpc_uds_pathname + ".sock"'):
            self.assertIn(words, done.stdout)
        done = run_alone("--version")
        version = subprocess.run([SHMIMAGE, "--version"], text=True,
                                 capture_output=True, timeout=SECONDS).stdout
        self.assertEqual(done.stdout, f"ensight-record ({version.strip()})\n")

    def test_python_without_grpc(self):
        done = run_alone("--help", python=["-S"])
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
        self.assertEqual(ensight_images.PORTS, (12345, 18243))
        for method in methods.values():
            answer = ensight_images.message_class(method.output_type)
            self.assertEqual(answer(str="s").SerializeToString(), b"\n\1s")

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


class Addresses(EnSightTest):
    """Where EnSight is looked for. Each test has places of its own for that,
    since other programs may listen at the usual ones."""

    def setUp(self):
        super().setUp()
        self.usual = self.file("usual.sock")
        self.patch(ensight_images, "USUAL_SOCKET", self.usual)
        self.patch(ensight_images.tempfile, "tempdir", self.folder)
        self.ports = [self.bind(("127.0.0.1", 0)) for _ in range(2)]
        self.default, self.other = (port.getsockname()[1]
                                    for port in self.ports)
        self.patch(ensight_images, "PORTS", (self.default, self.other))

    def patch(self, place, name, value):
        patch = unittest.mock.patch.object(place, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def bind(self, place):
        server = socket.socket(
            socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
        self.addCleanup(server.close)
        server.bind(place)
        return server

    def listen(self, path):
        server = self.bind(path)
        server.listen()
        return server

    def session(self, name):
        """Where that session of PyEnSight listens."""
        os.mkdir(self.file("pyensight_" + name))
        return self.file(f"pyensight_{name}/pyensight.sock")

    def give_away(self, path):
        """Have it belong to another user."""
        if os.geteuid() == 0:
            os.chown(path, 65534, -1, follow_symlinks=False)
        else:
            look = os.lstat

            def look_at_other(other):
                found = list(look(other))
                found[4] += other == path
                return os.stat_result(found)
            self.patch(os, "lstat", look_at_other)

    def assert_found(self, address, **known):
        self.assertEqual(ensight_images.find_address(**known), address)

    def assert_port(self, **known):
        self.assert_found(f"localhost:{self.default}", **known)

    def test_what_is_named(self):
        self.assert_port(host="localhost")
        # All of this machine's addresses, such as those of its network.
        self.assert_found(f"0.0.0.0:{self.default}", host="0.0.0.0")
        self.assert_found("localhost:5", port=5)
        self.assert_found("[::1]:5", host="::1", port=5)
        self.assert_found("unix:/a/b", path="/a/b")

    def test_address_of_another_machine(self):
        for host, words in (("192.0.2.1", "another machine"),
                            ("2001:db8::1", "another machine"),
                            ("a..b", "no such host")):
            with self.assertRaisesRegex(ensight_images.EnSightError,
                                        f"^{host}: .*{words}"):
                ensight_images.find_address(host=host)

    def test_ports(self):
        self.assert_port()
        self.ports[1].listen()
        self.assert_found(f"localhost:{self.other}")
        self.assert_found(f"127.0.0.1:{self.other}", host="127.0.0.1")
        self.ports[0].listen()
        self.assert_port()

    def test_name_that_ensight_was_given_for_its_socket(self):
        name = self.file("name")
        self.assert_found("unix:" + name, path=name)
        os.mkdir(name)
        self.listen(name + ".sock")
        self.assert_found(f"unix:{name}.sock", path=name)
        self.assert_found(f"unix:{name}.sock", path=name + ".sock")
        os.rmdir(name)
        self.listen(name)
        self.assert_found("unix:" + name, path=name)

    def test_where_ensight_usually_listens(self):
        server = self.listen(self.usual)
        self.assert_found("unix:" + self.usual, secret="xyzzy")
        self.assert_found("localhost:5", port=5)
        server.close()
        self.assert_port(secret="xyzzy")
        os.unlink(self.usual)
        self.assert_port(secret="xyzzy")

    def assert_secret_stays(self):
        find = ensight_images.find_address
        with self.assertRaisesRegex(ensight_images.EnSightError,
                                    f"{self.usual}: .*--socket or --port"):
            find(secret="xyzzy")
        self.assert_port()
        self.assert_found("localhost:5", port=5, secret="xyzzy")
        self.assert_found("unix:" + self.usual, path=self.usual,
                          secret="xyzzy")
        session = self.session("mine")
        self.listen(session)
        self.assert_found("unix:" + session, secret="xyzzy")

    def test_link_to_a_socket(self):
        self.listen(self.file("another.sock"))
        os.symlink(self.file("another.sock"), self.usual)
        self.assert_secret_stays()

    def test_socket_of_another_user(self):
        self.listen(self.usual)
        self.give_away(self.usual)
        self.assert_secret_stays()

    def test_session_of_pyensight(self):
        session = self.session("a")
        self.assert_port()
        server = self.listen(session)
        self.assert_found("unix:" + session)
        self.bind(self.session("b"))
        self.assert_found("unix:" + session)
        server.close()
        self.assert_port()

    def test_several(self):
        several = [self.usual, self.session("a"), self.session("b")]
        for path in several:
            self.listen(path)
        self.bind(self.session("c"))
        with self.assertRaisesRegex(
                ensight_images.EnSightError, "several .*--socket:\n  " +
                "\n  ".join(map(re.escape, several)) + "$"):
            ensight_images.find_address()
        self.assert_found("localhost:5", port=5)
        self.assert_found("unix:" + several[2], path=several[2])

    def test_sessions_that_are_not_ours(self):
        for name in "folder", "socket":
            self.listen(self.session(name))
        self.give_away(self.file("pyensight_folder"))
        self.give_away(self.file("pyensight_socket/pyensight.sock"))
        os.mkdir(self.file("elsewhere"))
        target = self.file("elsewhere/pyensight.sock")
        self.listen(target)
        os.symlink(self.file("elsewhere"), self.file("pyensight_linked"))
        os.symlink(target, self.session("link"))
        open(self.session("file"), "w").close()
        self.assertEqual(ensight_images.find_sockets(), [])

    def test_list(self):
        self.assertIn("no EnSight of yours", run_main("--list")[1])
        paths = [self.session("a"), self.session("b")]
        self.listen(paths[0])
        self.bind(paths[1])
        said = [f"{paths[0]}: somebody listens", f"{paths[1]}: nobody listens"]
        self.assertEqual(run_main("--list"), (DONE, "\n".join([*said, ""])))
        # Of itself, without what was patched here.
        done = run_alone("--list", TMPDIR=self.folder)
        self.assertEqual(done.returncode, DONE)
        self.assertEqual(done.stdout.splitlines()[-2:], said)


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
