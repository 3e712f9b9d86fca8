"""A registry on a loopback port that serves what a test gives it, truthfully or not."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD, TOKEN = "tester", "s3cret & more", "a-token"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Answer:
    """What is answered: instead of the truth, where a test wants it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Registry(http.server.ThreadingHTTPServer):
    """Has the repository ``a/b``. ``login`` is none, ``basic`` or ``bearer``; ``lies`` are answers by path
    (``manifests/latest``), or functions of the handler that give them; ``asked`` are the paths that were."""

    daemon_threads = True

    def __init__(self, login: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.login = login
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.lies: dict[str, Answer | Callable[[_Handler], Answer]] = {}
        self.asked: list[tuple[str, str | None]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def name(self, tag: str = "latest") -> str:
        return f"registry://{self.host}/a/b:{tag}"

    def blob(self, data: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return {"digest": digest, "size": len(data)}

    def document(self, content: object, kind: str = MANIFEST, tag: str | None = None) -> dict[str, object]:
        """A manifest or an index, under its digest and its tag."""
        data = json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        for name in filter(None, (digest, tag)):
            self.manifests[name] = kind, data
        return {"digest": digest, "size": len(data), "mediaType": kind}

    def image(
        self, *layers: bytes, tag: str | None = "latest", arch: str = "amd64", steps: list[dict] | None = None
    ) -> dict[str, object]:
        config = {
            "os": "linux",
            "architecture": arch,
            "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]},
            "history": steps or [{"created_by": f"COPY {number}"} for number in range(len(layers))],
        }
        blobs = [self.blob(each) for each in layers]
        named = self.blob(json.dumps(config).encode())
        return self.document({"schemaVersion": 2, "config": named, "layers": blobs}, tag=tag)

    def index(self, tag: str = "latest", **images: dict[str, object]) -> dict[str, object]:
        """An index of images by architecture."""
        entries = [
            {**image, "platform": {"os": "linux", "architecture": arch}} for arch, image in images.items()
        ]
        return self.document({"schemaVersion": 2, "manifests": entries}, INDEX, tag)

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away: it prints a traceback, for which Python parses the source,
        which two threads can't do at once."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._token(form.get("username", [""])[0], form.get("password", [""])[0])

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append((parts.path, self.headers.get("Authorization")))
        if parts.path == "/token":
            basic = self.headers.get("Authorization", "").removeprefix("Basic ")
            user, _, password = base64.b64decode(basic).decode().partition(":")
            self._token(user, password)
        elif not self._allowed():
            challenge = {
                "basic": 'Basic realm="tests"',
                "bearer": f'Bearer realm="http://{self.server.host}/token",service="tests",'
                'scope="repository:a/b:pull"',
            }[self.server.login]
            self._send(Answer(401, b"{}", {"WWW-Authenticate": challenge}))
        else:
            self._send(self._truth(parts.path.removeprefix("/v2/a/b/")))

    def _truth(self, path: str) -> Answer:
        lie = self.server.lies.get(path)
        if lie is not None:
            return lie(self) if callable(lie) else lie
        kind, _, name = path.partition("/")
        if kind == "manifests" and name in self.server.manifests:
            media, data = self.server.manifests[name]
            return Answer(200, data, {"Content-Type": media})
        if kind == "blobs" and name in self.server.blobs:
            return Answer(200, self.server.blobs[name])
        return Answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')

    def _allowed(self) -> bool:
        said = self.headers.get("Authorization")
        wanted = {
            "": said,
            "basic": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            "bearer": f"Bearer {TOKEN}",
        }[self.server.login]
        return said == wanted

    def _token(self, user: str, password: str) -> None:
        if (user, password) == (USER, PASSWORD):
            self._send(Answer(200, json.dumps({"access_token": TOKEN}).encode()))
        else:
            self._send(Answer(401, b"{}"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        pass
