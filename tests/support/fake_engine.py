"""What answers as an engine does, as far as ctxsize asks, and then anything that a test has it answer.

Only for what a real engine can't be made to say. A build of it makes one image, of a single small layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import socket
import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

CONTAINER = "c" * 64


def _image() -> tuple[str, bytes]:
    """The id of the image, and what ``docker save`` writes of it."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = 1000
        tar.addfile(entry, io.BytesIO(b"x" * 1000))
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {"Env": ["A=b"], "Labels": None},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created_by": "COPY . /"}],
        }
    ).encode()
    name = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{name}.json", "RepoTags": None, "Layers": [f"{digest}/layer.tar"]}]
    saved = io.BytesIO()
    files = {f"{digest}/layer.tar": layer.getvalue(), f"{name}.json": config}
    with tarfile.open(fileobj=saved, mode="w") as tar:
        for path, data in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return f"sha256:{name}", saved.getvalue()


IMAGE, SAVED = _image()
_FRAME = b"\x01\0\0\0\0\0\0\x06" + b"hello\n"
_INSPECTED = {
    "Id": IMAGE,
    "RepoTags": [],
    "Created": "2026-01-01T00:00:00.000000000Z",
    "Size": 1000,
    "Parent": "",
    "Config": {"Labels": None, "Env": ["A=b"], "OnBuild": None, "WorkingDir": "", "Shell": None},
    "RootFS": {"Type": "layers", "Layers": ["sha256:" + "1" * 64]},
}
_BUILT = (
    {"stream": "Step 1/2 : FROM scratch\n"},
    {"stream": " ---> \n"},
    {"stream": "Step 2/2 : COPY . /\n"},
    {"stream": f" ---> {IMAGE[7:19]}\n"},
    {"aux": {"ID": IMAGE}},
)

#: What is answered to the request whose first line, without the version of the API, the pattern matches.
SANE: dict[str, Any] = {
    r"GET /version": {"Version": "28.5.2", "ApiVersion": "1.44", "Os": "linux", "Arch": "amd64"},
    r"GET /info": {
        "ID": "fake",
        "Driver": "overlay2",
        "DriverStatus": [["a", "b"]],
        "SystemTime": "2026-01-01T00:00:00.000000000Z",
    },
    r"GET /_ping": b"OK",
    r"GET /images/json": [],
    r"GET /images/get": SAVED,
    r"GET /images/[^ ]*/json": _INSPECTED,
    r"DELETE /images/": [{"Deleted": IMAGE}],
    r"GET /containers/json": [],
    r"POST /containers/create": {"Id": CONTAINER, "Warnings": []},
    r"POST /containers/[^ ]*/start": b"",
    r"POST /containers/[^ ]*/wait": {"StatusCode": 0},
    r"GET /containers/[^ ]*/logs": _FRAME,
    r"GET /containers/[^ ]*/json": {"Id": CONTAINER, "Config": {"Tty": False, "Labels": {}}},
    r"DELETE /containers/": b"",
    r"GET /networks": [],
    r"GET /system/df": {"BuildCache": []},
    r"POST /build/prune": {"CachesDeleted": [], "SpaceReclaimed": 0},
    r"POST /build/cancel": b"",
    r"POST /build\?": b"".join(json.dumps(each).encode() + b"\r\n" for each in _BUILT),
}
#: What is taken over for HTTP/2, and then says nothing. No /grpc: BuildKit is spoken to by the rest.
UPGRADED = r"POST /session"
UPGRADE = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

#: Given a request's first line, the bytes of the whole answer; None for the sane one. Other than bytes it may
#: write on the connection itself, which ends then.
Answer = Callable[[str], "bytes | Callable[[socket.socket], None] | None"]


class FakeEngine:
    """Listens at ``url``. ``asked`` are the first lines of the requests so far, without the API's version."""

    def __init__(self, path: Path, answer: Answer = lambda _line: None) -> None:
        self.url = f"unix://{path}"
        self.answer = answer
        self.asked: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as reader:
            while line := reader.readline(1 << 20):
                method, _, rest = line.decode("latin-1").partition(" ")
                asked = f"{method} {re.sub(r'^/v[0-9.]+', '', rest).strip()}"
                self._take_request(reader)
                self.asked.append(asked)
                answer = self.answer(asked)
                if callable(answer):
                    answer(connection)
                    return
                if answer is None and re.match(UPGRADED, asked):
                    connection.sendall(UPGRADE)
                    while reader.read(1):  # until the session ends
                        pass
                    return
                connection.sendall(sane(asked) if answer is None else answer)
                if answer is not None:
                    return

    def _take_request(self, reader: Any) -> None:
        size, chunked = 0, False
        while header := reader.readline(1 << 20).strip().lower():
            name, _, value = header.partition(b":")
            size = int(value) if name == b"content-length" else size
            chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
        reader.read(size)
        while chunked and (length := int(reader.readline().split(b";")[0], 16)) >= 0:
            reader.read(length + 2)
            chunked = length > 0


def grpc(answers: Mapping[str, Callable[[], Sequence[bytes] | int]]) -> Callable[[socket.socket], None]:
    """What answers on POST /grpc: to each method of the Control API with these messages, or with this status
    and none; to others with no message."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(UPGRADE)
        http = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=False))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        methods: dict[int, str] = {}
        while data := connection.recv(1 << 16):
            for event in http.receive_data(data):
                if isinstance(event, RequestReceived):
                    path = dict(event.headers)[b":path"].decode()
                    methods[event.stream_id] = path.rpartition("/")[2]
                elif isinstance(event, StreamEnded):
                    head = [(":status", "200"), ("content-type", "application/grpc")]
                    http.send_headers(event.stream_id, head)
                    said = answers.get(methods[event.stream_id], list)()
                    for message in () if isinstance(said, int) else said:
                        http.send_data(event.stream_id, b"\0" + len(message).to_bytes(4, "big") + message)
                    status = str(said) if isinstance(said, int) else "0"
                    http.send_headers(event.stream_id, [("grpc-status", status)], end_stream=True)
            connection.sendall(http.data_to_send())

    return answer


def sane(asked: str) -> bytes:
    """The whole answer of an engine to such a request."""
    for pattern, body in SANE.items():
        if re.match(pattern, asked):
            # An engine says in chunks what it does not know the end of: the events of a build.
            made = chunked if pattern.startswith("POST /build") else whole
            return made(body if isinstance(body, bytes) else json.dumps(body).encode())
    return whole(b'{"message": "page not found"}', "404 Not Found")


def whole(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with that body."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(body: bytes, status: str = "200 OK") -> bytes:
    """An answer with that body, in one chunk."""
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()
    return head + body + b"\r\n0\r\n\r\n"
