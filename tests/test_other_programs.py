#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the commands of docs/other-programs.md for OBS Studio, VLC, melt and
GStreamer, and read the numbers or colours in what they show and record.

See preview_harness.py for the environment.
"""

import glob
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess

import documents
from features import shows
from ffmpeg_harness import FFMPEG, SECONDS, SHMIMAGE, Running, main
from library_harness import other_ffmpeg
from preview_harness import Display, Preview
from record_harness import SIZE, NumberServer, RecordTest, draw_number
from test_film import NEAR

LINES = documents.of_markdown("docs/other-programs.md")
TOOLS = os.path.dirname(os.path.abspath(shutil.which(SHMIMAGE) or SHMIMAGE))
# VLC refuses to run as root. In a user namespace it has another user ID.
NOBODY = "unshare --user " if os.geteuid() == 0 else ""
# For streams that must not end on a busy machine.
PATIENTLY = {"timeout=5": f"timeout={SECONDS}"}


def start_line(test, words, display="", name="program", **replaced):
    """Start the documented command that contains these words, in the test's
    directory and with its stream."""
    line = documents.choose(LINES, words)
    for old, new in (("/dev/shm/", test.folder + "/"),
                     ("shmimage exec cvlc", NOBODY + "shmimage exec cvlc"),
                     *replaced.items()):
        line = line.replace(old, new)
    env = {**os.environ, "PATH": TOOLS + os.pathsep + os.environ["PATH"],
           "DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1",
           "SDL_AUDIODRIVER": "dummy", "SDL_VIDEODRIVER": "x11",
           "HOME": test.folder, "XDG_CONFIG_HOME": test.folder,
           "XDG_RUNTIME_DIR": test.folder}
    return Running(test, name, ["bash", "-c", f"exec {line}"],
                   cwd=test.folder, env=env)


# The parts of these programs that are linked with FFmpeg.
PLUGINS = {"cvlc": "vlc/plugins/demux/libavformat_plugin.so",
           "melt": "mlt-7/libmltavformat.so",
           "obs": "obs-plugins/obs-ffmpeg.so"}


def skip_without(test, program):
    plugins = glob.glob("/usr/lib/*/" + PLUGINS.get(program, ""))
    if not shutil.which(program) or not plugins:
        test.skipTest(f"{program} is not installed")
    if program in PLUGINS and other_ffmpeg(plugins[0]):
        test.skipTest(other_ffmpeg(plugins[0]))


def skip_without_vlc(test):
    skip_without(test, "cvlc")
    if NOBODY and subprocess.run([*NOBODY.split(), "true"],
                                 stderr=subprocess.DEVNULL).returncode:
        test.skipTest("VLC does not run as root, and unshare --user is not "
                      "permitted")


class Window(Preview):
    def setUp(self):
        Display.setUp(self)
        self.make_file("640x480")

    def assert_window(self, words):
        self.start_server()
        self.viewer = start_line(self, words, display=self.display,
                                 **PATIENTLY)
        self.assert_live()


@shows("vlc")
class VLC(Window):
    VIEWER = "VLC"

    def setUp(self):
        skip_without_vlc(self)
        super().setUp()

    def test_window_shows_the_live_stream(self):
        self.assert_window("--vout xcb_x11")


@shows("melt")
class Melt(Window):
    VIEWER = "melt"

    def setUp(self):
        skip_without(self, "melt")
        super().setUp()

    def test_window_shows_the_live_stream(self):
        self.assert_window("-consumer sdl2")


class Recording(RecordTest):
    def serve(self, count):
        """Start a server that sends so many images, drops none, and ends."""
        images = self.file("images")
        with open(images, "wb") as out:
            for number in range(count):
                out.write(draw_number(number, SIZE))
        self.make_file("640x480")
        self.send("server", "{}x{}".format(*SIZE), "--rate", 30, "--wait",
                  "--input", images)

    def assert_images(self, name, count):
        """The film has at least so many images, without a gap. The first few
        may be missing: the program reads them to detect the format."""
        found = self.numbers(self.file(name))
        self.assertLess(found[0], 5)
        self.assertGreaterEqual(len(found), count)
        self.assertEqual(found, list(range(found[0], found[0] + len(found))))

    @shows("melt")
    def test_melt_records_image_for_image(self):
        skip_without(self, "melt")
        self.serve(100)
        program = start_line(self, "melt.mkv", **PATIENTLY,
                             **{"out=299": "out=29"})
        self.assertEqual(program.end(), 0, program.err())
        self.assert_images("melt.mkv", 30)

    @shows("melt")
    def test_melt_repeats_the_last_image_after_the_timeout(self):
        """It completes its film although the server has become idle."""
        skip_without(self, "melt")
        NumberServer(self).start(range(10), 60)
        program = start_line(self, "melt.mkv", **{"out=299": "out=29"})
        self.assertEqual(program.end(), 0, program.err())
        found = self.numbers(self.file("melt.mkv"))
        self.assertEqual(found, sorted(found))
        self.assertEqual(found[-10:], 10 * found[-1:])

    @shows("vlc")
    def test_vlc_records_image_for_image(self):
        skip_without_vlc(self)
        self.serve(40)
        program = start_line(self, "vlc.mp4")
        self.assertEqual(program.end(), 0, program.err())
        self.assert_images("vlc.mp4", 35)

    @shows("vlc")
    def test_vlc_ends_with_an_ffmpeg_whose_server_is_idle(self):
        skip_without_vlc(self)
        self.make_file("640x480")
        server = self.send("server", "{}x{}".format(*SIZE))
        relayed, film = self.file("relay.shm"), self.file("vlc.mp4")
        relay = start_line(self, "relay.shm", name="relay")
        relay.wait_until(lambda: os.path.exists(relayed) and
                         os.path.getsize(relayed), "the second stream")
        program = start_line(self, "vlc.mp4", **{"live.shm": "relay.shm"})
        program.wait_until(lambda: os.path.exists(film) and
                           os.path.getsize(film), "the film")
        server.process.send_signal(signal.SIGSTOP)
        self.assertEqual(program.end(), 0, program.err())
        self.assertEqual(self.probe(film)["codec_name"], "h264")

    @shows("vlc")
    def test_vlc_serves_rtsp(self):
        skip_without_vlc(self)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = NumberServer(self)
        program = start_line(self, "rtsp://", **{":8554": f":{port}"})
        server.start(itertools.count(), 60)
        film = self.file("film.mkv")
        viewer = [FFMPEG, "-nostdin", "-v", "error", "-y", "-i",
                  f"rtsp://127.0.0.1:{port}/live", "-frames:v", "20", "-c",
                  "copy", film]
        # VLC accepts viewers before it has a stream to give them.
        program.wait_until(lambda: subprocess.run(
            viewer, stderr=subprocess.DEVNULL,
            timeout=SECONDS).returncode == 0, "a viewer's film")
        found = self.numbers(film)
        self.assertGreater(len(found), 1)
        self.assertEqual(found, sorted(set(found)))

    @shows("gstreamer")
    def test_gstreamer_gets_each_image_through_a_pipe(self):
        skip_without(self, "gst-launch-1.0")
        self.serve(20)
        program = start_line(self, "gst-launch-1.0")
        self.assertEqual(program.end(), 0, program.err())
        pixels = self.decode("rgb24", self.file("frame_%05d.png"))
        self.assertEqual(pixels, b"".join(draw_number(number, SIZE)
                                          for number in range(20)))


def settings(folder):
    """OBS's configuration files: one scene collection, and a recording as raw
    video, whose colours lose nothing but resolution."""
    return {
        "global.ini": """[General]
FirstRun=true
[Basic]
Profile=p
ProfileDir=p
SceneCollection=s
SceneCollectionFile=s
""",
        "basic/profiles/p/basic.ini": f"""[General]
Name=p
[Video]
BaseCX={OBS_SIZE[0]}
BaseCY={OBS_SIZE[1]}
OutputCX={OBS_SIZE[0]}
OutputCY={OBS_SIZE[1]}
FPSType=0
FPSCommon=30
[Output]
Mode=Advanced
[AdvOut]
RecType=FFmpeg
FFOutputToFile=true
FFFilePath={folder}
FFExtension=nut
FFFormat=nut
FFVEncoder=rawvideo
FFVEncoderId=13
FFAEncoder=pcm_s16le
FFAEncoderId=65536
"""}


OBS_SIZE = 64, 36
OBS_COLOURS = (200, 100, 50), (30, 170, 220), (120, 210, 40)


@shows("obs")
class OBS(Display):
    # OBS's window does not get smaller than about this.
    SCREEN = 1280, 800

    def setUp(self):
        skip_without(self, "obs")
        super().setUp()
        self.make_file("640x480")

    def write(self, path, text):
        path = os.path.join(self.folder, "obs-studio", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self):
        for path, text in settings(self.file("films")).items():
            self.write(path, text)
        os.mkdir(self.file("films"))
        media = {"is_local_file": False, "input": self.stream,
                 "input_format": "shmimage", "reconnect_delay_sec": 1,
                 "ffmpeg_options": "framerate=1000",
                 "clear_on_media_end": False}
        item = {"name": "Live", "id": 1, "visible": True, "align": 5,
                "pos": {"x": 0, "y": 0}, "scale": {"x": 1, "y": 1}}
        self.write("basic/scenes/s.json", json.dumps({
            "name": "s", "current_scene": "Scene",
            "current_program_scene": "Scene",
            "scene_order": [{"name": "Scene"}], "sources": [
                {"id": "scene", "name": "Scene", "settings": {
                    "id_counter": 1, "items": [item]}},
                {"id": "ffmpeg_source", "name": "Live", "settings": media}]}))

    def serve(self, name, colour):
        images = self.file(name)
        with open(images, "wb") as out:
            out.write(bytes(colour) * (OBS_SIZE[0] * OBS_SIZE[1] * 30 *
                                       SECONDS))
        return self.send(name, "{}x{}".format(*OBS_SIZE), "--rate", 30,
                         "--input", images)

    def is_recorded(self, colour):
        """Whether the film so far has an image of about this colour. It is
        in BT.709, OBS's default, but not tagged so."""
        film, = glob.glob(self.file("films/*"))
        pixels = subprocess.run(
            [FFMPEG, "-v", "fatal", "-nostdin", "-i", film, "-map", "0:v",
             "-vf", "crop=2:2,scale=in_color_matrix=bt709:in_range=tv", "-f",
             "rawvideo", "-pix_fmt", "rgb24", "-"],
            stdout=subprocess.PIPE, timeout=SECONDS).stdout
        seen = {tuple(pixels[at:at + 3]) for at in range(0, len(pixels), 3)}
        return any(max(abs(a - b) for a, b in zip(colour, one)) <= NEAR
                   for one in seen)

    def test_shows_and_records_also_after_a_restart_of_the_server(self):
        self.configure()
        program = start_line(
            self, "shmimage exec obs", self.display,
            **{"exec obs": "exec obs --multi --startrecording"})
        for number, colour in enumerate(OBS_COLOURS):
            server = self.serve(f"server-{number}", colour)
            program.wait_until(
                lambda: self.take_screenshot().count(bytes(colour)) > 10_000,
                f"the colour {colour}")
            program.wait_until(lambda: self.is_recorded(colour),
                               f"the colour {colour} in the film")
            server.process.kill()
            server.end()


if __name__ == "__main__":
    main()
