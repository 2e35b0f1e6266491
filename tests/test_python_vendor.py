#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The module ensight_grpc_shmem, used as programs use that of the vendor."""

import os
import shutil
import subprocess
import threading
import types
import unittest

from python_under_test import BUILD, PATIENCE, SANITIZERS, SOURCE, \
    StreamTest, wait_for, without_preload
import peer_stream as ps
import ensight_grpc_shmem as vendor
import shmimage

FILE_SIZE = 25 * 1024 * 1024
BAD_ARGS = shmimage.error_string(-1)


def pattern(number):
    """The image of tests/vendor_server.cpp: width, height, pixels."""
    width, height = 17 + number % 5, 11 + number % 3
    return width, height, bytes((7 * number + i) % 256
                                for i in range(3 * width * height))


def run_server(name, images):
    """The loop of the published example: put one image after the other."""
    stream = vendor.stream_create(name, vendor.IMAGESTREAM_OPTIONS_SERVER)
    number = 0
    while number < images:
        width, height, pixels = pattern(number)
        error = vendor.stream_putframe(stream, width, height, number, pixels)
        if error == vendor.ERROR_NOERROR:
            number += 1
    return vendor.stream_destroy(stream)


def run_client(name, images):
    """The loop of the published example: poll, look, unlock."""
    stream = vendor.stream_create(name)
    got = []
    while len(got) < images:
        image = vendor.stream_lock(stream)
        if type(image) is dict:
            got.append((image["framenumber"], image["width"],
                        image["height"], image["pixeldata"]))
            vendor.stream_unlock(stream)
    vendor.stream_destroy(stream)
    return got


class VendorTest(StreamTest):
    def setUp(self):
        super().setUp()
        # As PyEnSight makes its file.
        with open(self.path, "wb") as file:
            file.write(b"\0" * FILE_SIZE)

    def create(self, options=vendor.OPTIONS_NONE):
        stream = vendor.stream_create(self.path, options)
        self.addCleanup(self.destroy, stream)
        return stream

    @staticmethod
    def destroy(stream):
        try:
            vendor.stream_destroy(stream)
        except RuntimeError:
            pass

    def assertFails(self, code, call, *arguments):
        with self.assertRaises(RuntimeError) as caught:
            call(*arguments)
        self.assertIs(type(caught.exception), RuntimeError)
        self.assertEqual(str(caught.exception), shmimage.error_string(code))
        return caught.exception


class Module(VendorTest):
    def test_names_and_values_are_those_of_the_vendors_module(self):
        published = {
            "version": "1.0", "OPTIONS_NONE": 0, "OPTIONS_SERVER": 3,
            "OPTIONS_FLIPVERTICAL": 256, "IMAGESTREAM_OPTIONS_SERVER": 3,
            "ERROR_NOERROR": 0, "ERROR_NO_BUFFERAVAILABLE": 1,
            "ERROR_NO_FRAMEAVAILABLE": 2, "ERROR_RECONNECTING": 3,
            "ERROR_UNCONNECTED": 4}
        functions = {"stream_create", "stream_lock", "stream_unlock",
                     "stream_putframe", "stream_destroy"}
        for name, value in published.items():
            self.assertEqual(getattr(vendor, name), value, name)
        self.assertEqual(set(vendor.__all__), set(published) | functions)
        for name in functions:
            self.assertTrue(callable(getattr(vendor, name)))

    def test_every_answer_of_a_client_is_as_published(self):
        server = self.create(vendor.OPTIONS_SERVER)
        self.assertEqual(vendor.stream_putframe(server, 2, 1, 5, b"abcdef"),
                         vendor.ERROR_UNCONNECTED)
        client = self.create()
        self.assertEqual(vendor.stream_lock(client),
                         vendor.ERROR_NO_FRAMEAVAILABLE)
        for answer in (0, 0, vendor.ERROR_NO_BUFFERAVAILABLE):
            self.assertEqual(
                vendor.stream_putframe(server, 2, 1, 6, b"abcdef"), answer)
        image = vendor.stream_lock(client)
        self.assertIs(type(image), dict)
        self.assertEqual(image, {"width": 2, "height": 1, "framenumber": 6,
                                 "pixeldata": b"abcdef"})
        self.assertIs(type(image["pixeldata"]), bytes)
        self.assertFails(-11, vendor.stream_lock, client)
        self.assertEqual(vendor.stream_unlock(client), vendor.ERROR_NOERROR)
        self.assertFails(-2, vendor.stream_unlock, client)
        self.assertFails(-9, vendor.stream_putframe, client, 1, 1, 1, b"abc")
        self.assertFails(-8, vendor.stream_lock, server)
        self.assertFails(-8, vendor.stream_unlock, server)
        for stream in (client, server):
            self.assertEqual(vendor.stream_destroy(stream),
                             vendor.ERROR_NOERROR)
            for use in (vendor.stream_lock, vendor.stream_unlock,
                        vendor.stream_destroy):
                self.assertFails(-1, use, stream)

    def test_options_and_arguments_may_be_named(self):
        server = vendor.stream_create(
            filename=self.path,
            options=vendor.OPTIONS_SERVER | vendor.OPTIONS_FLIPVERTICAL)
        self.addCleanup(self.destroy, server)
        client = vendor.stream_create(os.fsencode(self.path))
        self.addCleanup(self.destroy, client)
        for name in "stream_id", "id":
            of_server, of_client = {name: server}, {name: client}
            vendor.stream_putframe(**of_server, width=1, height=2,
                                   framenumber=0,
                                   pixeldata=bytearray(b"abcdef"))
            self.assertEqual(vendor.stream_lock(**of_client)["pixeldata"],
                             b"defabc")
            vendor.stream_unlock(**of_client)
        with self.assertRaises(TypeError):
            vendor.stream_lock(id=client, stream_id=client)
        other = vendor.stream_create(self.path)
        self.assertEqual(vendor.stream_destroy(id=other),
                         vendor.ERROR_NOERROR)

    def test_ids_are_true_new_and_no_codes(self):
        ids = [self.create(vendor.OPTIONS_SERVER)]
        # Used before, by a server and by another client: a condition that
        # the C interface reports by a positive code.
        ids += [self.create() for _ in range(5)]
        for stream in ids:
            self.assertIs(type(stream), int)
            self.assertGreater(stream, vendor.ERROR_UNCONNECTED)
        self.assertEqual(len(set(ids)), len(ids))
        first = self.run_python(
            "import ensight_grpc_shmem, sys\n"
            "print(ensight_grpc_shmem.stream_create(sys.argv[1]))")
        self.assertGreater(int(first), vendor.ERROR_UNCONNECTED)
        vendor.stream_putframe(ids[0], 1, 1, 3, b"abc")
        self.assertEqual(vendor.stream_lock(ids[-1])["framenumber"], 3)

    def test_errors_have_the_text_and_the_reason(self):
        missing = self.path + "x"
        error = self.assertFails(-3, vendor.stream_create, missing)
        self.assertIn(missing, str(error.__cause__))
        self.assertFails(-4, vendor.stream_create, self.folder)
        self.assertFails(-1, vendor.stream_create, self.path, 0x40)
        for options in (-1, 1 << 32):
            self.assertFails(-1, vendor.stream_create, self.path, options)
        server = self.create(vendor.OPTIONS_SERVER)
        put = vendor.stream_putframe
        self.assertFails(-1, put, server, 2, 2, 0, b"too short")
        self.assertFails(-1, put, server, 1, 1, 0, memoryview(b"a-b-c-")[::2])
        self.assertFails(-1, put, server, -1, -1, 0, b"abc")
        self.assertFails(-1, put, server, 0, 0, 0, b"")
        self.assertFails(-10, put, server, 3000, 2000, 0,
                         bytes(3 * 3000 * 2000))
        for unknown in (0, -1, 3, None):
            self.assertFails(-1, vendor.stream_lock, unknown)

    def test_child_can_not_use_its_parents_stream(self):
        self.assertEqual(self.run_python("""
import ensight_grpc_shmem as vendor, os, sys
server = vendor.stream_create(sys.argv[1], vendor.OPTIONS_SERVER)
client = vendor.stream_create(sys.argv[1])
child = os.fork()
if not child:
    for use in (lambda: vendor.stream_lock(client),
                lambda: vendor.stream_destroy(client),
                lambda: vendor.stream_putframe(server, 1, 1, 0, b"abc")):
        try:
            use()
        except RuntimeError:
            print("refused", flush=True)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(vendor.stream_putframe(server, 1, 1, 0, b"abc"),
      vendor.stream_lock(client)["pixeldata"])
"""), "refused\n" * 3 + "0 b'abc'\n")

    def test_destroy_gives_back_what_is_locked(self):
        server = self.create(vendor.OPTIONS_SERVER)
        first = self.create()
        vendor.stream_putframe(server, 1, 1, 0, b"abc")
        self.assertIs(type(vendor.stream_lock(first)), dict)
        vendor.stream_destroy(first)
        with ps.SharedFile(self.path) as shared:
            self.assertEqual(shared.states(), (ps.SERVER, ps.SERVER))

    def test_destroy_under_a_polling_thread_ends_it(self):
        client = self.create()
        errors = []

        def poll():
            try:
                while True:
                    vendor.stream_lock(client)
            except RuntimeError as error:
                errors.append(str(error))

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        vendor.stream_destroy(client)
        thread.join(PATIENCE)
        self.assertEqual(errors, [BAD_ARGS])


class Loops(VendorTest):
    IMAGES = 300

    def check(self, got):
        self.assertEqual(len(got), self.IMAGES)
        for number, image in enumerate(got):
            self.assertTrue(image == (number, *pattern(number)),
                            "image %d differs" % number)

    def test_published_loops_understand_one_another(self):
        server = threading.Thread(target=run_server,
                                  args=(self.path, self.IMAGES), daemon=True)
        server.start()
        self.check(run_client(self.path, self.IMAGES))
        server.join(PATIENCE)

    def test_client_like_pyensight_shows_every_image(self):
        """A thread polls as long as the session lives, and keeps the last."""
        server = vendor.stream_create(self.path,
                                      vendor.IMAGESTREAM_OPTIONS_SERVER)
        session = types.SimpleNamespace(
            stream=vendor.stream_create(self.path), image=None, live=True)
        self.assertTrue(session.stream)

        def poll():
            while session.live:
                if session.stream:
                    image = vendor.stream_lock(session.stream)
                    if type(image) is dict:
                        session.image = dict(
                            pixels=image["pixeldata"], width=image["width"],
                            height=image["height"])
                        vendor.stream_unlock(session.stream)

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        for number in range(20):
            width, height, pixels = pattern(number)
            expected = dict(pixels=pixels, width=width, height=height)
            self.assertEqual(vendor.stream_putframe(
                server, width, height, number, pixels), vendor.ERROR_NOERROR)
            wait_for(lambda: session.image == expected, "no image comes")
        session.live = False
        thread.join(PATIENCE)
        vendor.stream_destroy(session.stream)
        vendor.stream_destroy(server)

    def build(self, compiler, tag, standard, source):
        """A program of the vendor's interface, with the built library."""
        program = os.path.join(self.folder, source.split(".")[0])
        flags = SANITIZERS.split()
        subprocess.run(
            [*compiler.split(), "-std=" + standard, *flags,
             "-I" + os.path.join(SOURCE, "core"), "-c",
             os.path.join(SOURCE, "tests", source), "-o", program + ".o"],
            check=True, env=without_preload())
        subprocess.run(
            [os.path.join(BUILD, "libtool"), "--silent", "--tag=" + tag,
             "--mode=link", *compiler.split(), *flags, "-no-install",
             program + ".o", os.path.join(BUILD, "libshmimage.la"),
             "-o", program], check=True, env=without_preload())
        return program

    def start_built(self, program):
        return self.start(program, self.path, self.IMAGES,
                          env=without_preload())

    def test_server_loop_serves_a_client_in_c(self):
        client = self.start_built(self.build(
            os.environ.get("CC", "cc"), "CC", "gnu99", "vendor_client.c"))
        self.assertEqual(run_server(self.path, self.IMAGES), 0)
        self.finish(client)

    @unittest.skipUnless(shutil.which(os.environ.get("CXX", "c++").split()[0]),
                         "there is no C++ compiler")
    def test_client_loop_reads_from_a_server_in_cpp(self):
        server = self.start_built(self.build(
            os.environ.get("CXX", "c++"), "CXX", "c++11",
            "vendor_server.cpp"))
        self.check(run_client(self.path, self.IMAGES))
        self.finish(server)


if __name__ == "__main__":
    unittest.main(verbosity=2)
