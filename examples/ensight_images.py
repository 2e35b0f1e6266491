# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ask a running EnSight for its images, in a shared file.

    with EnSight("localhost:12345", secret="...") as ensight:
        guid = str(uuid.uuid4())
        ensight.subscribe(guid, "/dev/shm/live.shm").result()
        ...  # be the client of the file
        ensight.unsubscribe(guid).result()

Needs grpc and protobuf, and a compiler for ensight.proto: on Debian
"apt install python3-grpcio protobuf-compiler", elsewhere
"pip install grpcio-tools". The messages are made from ensight.proto when the
module is used. Python files that the compiler generates would be tied to its
release, and refuse to work with another one's protobuf.
"""

import glob
import ipaddress
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.parse

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                     "ensight.proto")
SERVICE = "ensightservice.EnSightService"
# Where newer releases listen if they are not told otherwise.
USUAL_SOCKET = "/tmp/greeter.sock"
# Where others do, and those that are started with -grpc_server alone.
PORTS = (12345, 18243)
# Seconds for a port of this machine to answer.
PROBE = 5
# The file is on this machine, and so is EnSight: no proxy lies between. A
# connection without calls is kept, since its end says that EnSight is gone.
CHANNEL_OPTIONS = [("grpc.enable_http_proxy", 0),
                   ("grpc.client_idle_timeout_ms", 2**31 - 1)]


class EnSightError(Exception):
    """What is wrong, and what to do, in words for the user."""


def find_address(host=None, port=None, path=None, secret=""):
    """Where EnSight listens, from as much as the user has said of it."""
    if path:
        return "unix:" + find_socket(os.path.abspath(path))
    if not host and not port:
        found = [place for place in find_sockets() if is_listening(place)]
        if len(found) > 1:
            raise EnSightError(
                "several EnSights listen; select one with --socket:"
                + "".join("\n  " + place for place in found))
        if found:
            return "unix:" + found[0]
        if secret and os.path.lexists(USUAL_SOCKET) and \
                not belongs_to([0, os.geteuid()], USUAL_SOCKET):
            raise EnSightError(
                f"{USUAL_SOCKET}: EnSight usually listens there, but this is "
                "not a socket of yours or root's, so the secret is not sent; "
                "say by --socket or --port where your EnSight listens")
    if host:
        check_is_local(host)
    host = (host or "localhost").strip("[]")
    port = port or next(filter(lambda port: is_open(host, port), PORTS),
                        PORTS[0])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def find_socket(path):
    """EnSight adds the ending to the P of -grpc_uds_pathname P."""
    longer = path + ".sock"
    return (longer if pathlib.Path(longer).is_socket() and
            not pathlib.Path(path).is_socket() else path)


def find_sockets():
    """Those of this user's EnSights: the usual one, which may be root's, and
    those of the sessions that PyEnSight's LocalLauncher has started."""
    owner = [os.geteuid()]
    usual = [USUAL_SOCKET] if belongs_to([0, *owner], USUAL_SOCKET) else []
    found = glob.glob(glob.escape(tempfile.gettempdir()) +
                      "/pyensight_*/pyensight.sock")
    return usual + [
        path for path in sorted(found) if belongs_to(owner, path) and
        belongs_to(owner, os.path.dirname(path), stat.S_ISDIR)]


def belongs_to(owners, path, is_kind=stat.S_ISSOCK):
    """Whether it is a Unix socket of one of these: others shall not be told a
    secret. A link is not, since anybody can make one to anything."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return is_kind(found.st_mode) and found.st_uid in owners


def is_listening(path):
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
        return True
    except OSError:
        return False


def is_open(host, port):
    try:
        socket.create_connection((host, port), PROBE).close()
        return True
    except OSError:
        return False


def check_is_local(host):
    try:
        found = socket.getaddrinfo(host.strip("[]"), None,
                                   type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EnSightError(f"{host}: no such host: {error}") from error
    if not all(is_own(family, place) for family, _, _, _, place in found):
        raise EnSightError(
            f"{host}: this is another machine, and its EnSight can't draw into "
            "a file in the memory of this one: run ensight-record there")


def is_own(family, place):
    """Whether an address is one of this machine's: only those can be bound."""
    if ipaddress.ip_address(place[0]).is_loopback:
        return True
    try:
        with socket.socket(family) as probe:
            probe.bind(place)
        return True
    except OSError:
        return False


def compile_proto(path=PROTO):
    """The description of a .proto file, as a FileDescriptorSet."""
    compiler = [shutil.which("protoc")]
    if not compiler[0]:
        compiler = [sys.executable, "-m", "grpc_tools.protoc"]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "descriptors")
        done = subprocess.run(
            [*compiler, "-I" + os.path.dirname(path),
             "--descriptor_set_out=" + out, path],
            capture_output=True, text=True, errors="replace",
            start_new_session=True)  # a Ctrl-C is not for it
        if done.returncode:
            raise EnSightError(
                f"{path}: can't be compiled: {done.stderr.strip()}; install "
                "protoc: apt install protobuf-compiler, or pip install "
                "grpcio-tools")
        with open(out, "rb") as result:
            return descriptor_pb2.FileDescriptorSet.FromString(result.read())


def find_service():
    """The service of ensight.proto, with its methods and their messages."""
    pool = descriptor_pool.DescriptorPool()
    for description in compile_proto().file:
        pool.AddSerializedFile(description.SerializeToString())
    return pool.FindServiceByName(SERVICE)


def message_class(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    # protobuf before 4.22
    return message_factory.MessageFactory(
        descriptor.file.pool).GetPrototype(descriptor)


def metadata_of(secret, session):
    pairs = {"shared_secret": secret, "session_name": session}
    for key, value in pairs.items():
        if value and not (value.isascii() and value.isprintable()):
            raise EnSightError(f"the {key.replace('_', ' ')} may have only "
                               "printable ASCII characters")
    return [(key, value) for key, value in pairs.items() if value]


class EnSight:
    """A connection to one EnSight.

    The address is "HOST:PORT", or "unix:PATH" for a Unix socket, with any
    characters in the path. Secret and session name are left out where they are
    empty.
    """

    def __init__(self, address, secret="", session=""):
        self.address = address
        self.metadata = metadata_of(secret, session)
        options = list(CHANNEL_OPTIONS)
        target = address
        if address.startswith("unix:"):
            # For gRPC it is a URI.
            path = os.fsencode(address[len("unix:"):])
            target = "unix:" + urllib.parse.quote(path)
            # Some servers refuse the socket's path as the host's name.
            options.append(("grpc.default_authority", "localhost"))
        self.channel = grpc.insecure_channel(target, options)
        self.methods = {method.name: method
                        for method in find_service().methods}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.channel.close()

    def call(self, name, timeout, **fields):
        """Start a call: a grpc.Future, whose result is the message."""
        method = self.methods[name]
        request = message_class(method.input_type)(**fields)
        start = self.channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=message_class(
                method.output_type).FromString)
        return start.future(request, timeout=timeout, metadata=self.metadata)

    def subscribe(self, guid, path, flip=False, timeout=None):
        """Have EnSight draw into the file of that path, from now on.

        Its answer means that the file is initialised. flip has the images
        upside down. The time-out is in seconds.
        """
        # Keywords of constructors take the names of enumerators, too.
        return self.call("SubscribeImages", timeout, prefix=guid,
                         type="SHARED_MEM", flip_vertical=flip,
                         options={"filename": os.path.abspath(path)})

    def unsubscribe(self, guid, timeout=None):
        return self.call("Unsubscribe", timeout, prefix=guid)

    def watch(self, lost):
        """Call lost(), from another thread, when the connection has ended.

        Begin after a call that was answered. lost() may be called twice.
        """
        def changed(state):
            if state != grpc.ChannelConnectivity.READY:
                lost()
        self.channel.subscribe(changed)

    def explain(self, error, path):
        """The EnSightError that says in words what a call ended with."""
        code, details = error.code(), (error.details() or "").strip()
        said = f"{code.name}: {details}" if details else code.name
        advice = {
            grpc.StatusCode.UNAVAILABLE:
                "no EnSight answers there. Is it running, with its gRPC "
                "server on (ensight -grpc_server PORT)? Newer releases listen "
                "on a Unix socket, or with TLS, unless started with "
                "-grpc_use_tcp_sockets -grpc_disable_tls; ensight-record "
                "--list shows your EnSights' sockets",
            grpc.StatusCode.UNIMPLEMENTED:
                "what listens there does not know the call; if it is EnSight, "
                "its release is too old: update it",
            grpc.StatusCode.UNAUTHENTICATED: "EnSight refuses the secret; "
                "give the one that it was started with",
            grpc.StatusCode.DEADLINE_EXCEEDED:
                "EnSight has not answered in time; is it busy, or does it "
                "wait for somebody to answer a question?",
        }
        advice[grpc.StatusCode.PERMISSION_DENIED] = \
            advice[grpc.StatusCode.UNAUTHENTICATED]
        text = advice.get(code, f"EnSight refuses to draw into {path}. It has "
                          "to run on this machine, see the file under this "
                          "name, and be permitted to read and write it")
        return EnSightError(f"{self.address}: {text} ({said})")
