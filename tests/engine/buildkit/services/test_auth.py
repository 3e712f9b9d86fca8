"""Pulls through the session: anonymous, with a login, with a token, and with a wrong password."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import LoginRefused, SolveError
from tests.engine.buildkit.conftest import Build
from tests.support.waiting import GIVE_UP_SECONDS, wait_until

pytestmark = pytest.mark.docker
USER, PASSWORD = "tester", "s3cret & more"


class Registry:
    """Debian's docker-registry on a loopback port of its own."""

    def __init__(self, folder: Path, auth: str = "") -> None:
        port = _free_port()
        self.host = f"localhost:{port}"
        config = folder / "config.yml"
        config.write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n{auth}"
        )
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)

        def answers() -> bool:
            try:
                urllib.request.urlopen(f"http://{self.host}/", timeout=GIVE_UP_SECONDS).close()
            except OSError as error:
                raise AssertionError((folder / "log").read_text()) from error
            return True

        wait_until("its answer", answers)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(GIVE_UP_SECONDS)


class TokenService(http.server.ThreadingHTTPServer):
    """Gives out registry tokens signed with a throw-away key; remembers who asked, and how."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.folder = folder
        self.requests: list[tuple[str, str]] = []
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=tokens",
                "-days",
                "2",
                "-keyout",
                folder / "key.pem",
                "-out",
                folder / "cert.pem",
            ],
            check=True,
            capture_output=True,
        )
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def auth(self) -> str:
        realm = f"http://127.0.0.1:{self.server_port}/token"
        return (
            f"auth: {{token: {{realm: '{realm}', service: tests, issuer: tests, "
            f"rootcertbundle: {self.folder}/cert.pem}}}}\n"
        )

    def token(self, scopes: list[str]) -> str:
        access = []
        for scope in " ".join(scopes).split():
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        pem = (self.folder / "cert.pem").read_text()
        der = "".join(line for line in pem.splitlines() if "-----" not in line)
        now = int(time.time())
        claims = {"iss": "tests", "aud": "tests", "sub": "x", "exp": now + 300, "nbf": now - 60, "iat": now}
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [der]}, claims | {"jti": "1", "access": access}]
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "key.pem")]
        done = subprocess.run(command, input=signed.encode(), check=True, capture_output=True)
        return f"{signed}.{_base64(done.stdout)}"


class _TokenHandler(http.server.BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        self._answer(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))

    def do_POST(self) -> None:
        self._answer(urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def _answer(self, query: dict[str, list[str]]) -> None:
        login = (query.get("username", [""])[0], query.get("password", [""])[0])
        if basic := self.headers.get("Authorization", ""):
            user, _, password = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
            login = (user, password)
        self.server.requests.append((self.command, self.headers.get("User-Agent", "")))
        allowed = login == (USER, PASSWORD)
        body = json.dumps({"access_token": self.server.token(query.get("scope", []))} if allowed else {})
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Registry]]:
    """``registry(auth="…")`` starts a registry; ``auth`` is a section of its configuration."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs docker-registry")
    started: list[Registry] = []

    def start(auth: str = "") -> Registry:
        started.append(Registry(tmp_path_factory.mktemp("registry"), auth))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def pushed(
    api: docker.APIClient, base: str, new_tag: Callable[[], str], tmp_path: Path
) -> Iterator[Callable[[Registry], str]]:
    """``pushed(registry)``: push an image no one has locally, and build from it in the test's folder."""
    names: list[str] = []

    def push(registry: Registry) -> str:
        name = f"{registry.host}/group/image"
        names.append(name)
        api.tag(base, name, "latest")
        said = api.push(name, auth_config={"username": USER, "password": PASSWORD})
        assert "error" not in said, said
        api.remove_image(name)
        (tmp_path / "Dockerfile").write_text(f"FROM {name}\nCOPY Dockerfile /x\n")
        return name

    yield push
    for name in names:
        with contextlib.suppress(docker.errors.ImageNotFound):
            api.remove_image(name, force=True)


@pytest.fixture
def log_in(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """``log_in(host, password)``: a Docker configuration of the test's own that holds this login only."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    def write(host: str, password: str) -> None:
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))

    return write


def _htpasswd(folder: Path) -> str:
    (folder / "htpasswd").write_bytes(
        subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True).stdout
    )
    return f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}\n"


@pytest.fixture
def htpasswd(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("htpasswd") is None:
        pytest.skip("needs htpasswd")
    return _htpasswd(tmp_path_factory.mktemp("htpasswd"))


@pytest.fixture
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenService]:
    service = TokenService(tmp_path_factory.mktemp("tokens"))
    yield service
    service.shutdown()
    service.server_close()


def test_an_anonymous_pull(
    registry: Callable[..., Registry], pushed: Callable[[Registry], str], build_here: Build, log_in: object
) -> None:
    pushed(registry())
    assert build_here().image_id


def test_a_pull_with_a_login(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: Callable[[str, str], None],
    htpasswd: str,
) -> None:
    private = registry(htpasswd)
    pushed(private)
    log_in(private.host, PASSWORD)
    assert build_here().image_id


def test_a_wrong_password_names_registry_and_user(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: Callable[[str, str], None],
    htpasswd: str,
) -> None:
    private = registry(htpasswd)
    pushed(private)
    log_in(private.host, "wrong")
    with pytest.raises(
        LoginRefused, match=f"{private.host} refused the login of {USER} from the Docker conf"
    ):
        build_here()


def test_no_login_where_one_is_needed(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: object,
    htpasswd: str,
) -> None:
    pushed(registry(htpasswd))
    with pytest.raises(SolveError, match=r"auth|401|denied"):
        build_here()


def test_a_login_from_a_credential_helper(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: object,
    htpasswd: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    private = registry(htpasswd)
    pushed(private)
    folder = tmp_path_factory.mktemp("bin")
    helper = folder / "docker-credential-ctxsizetest"
    stored = json.dumps({"ServerURL": private.host, "Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{stored}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    config = {"credHelpers": {private.host: "ctxsizetest"}}
    Path(os.environ["DOCKER_CONFIG"], "config.json").write_text(json.dumps(config))
    assert build_here().image_id


def test_tokens_are_fetched_here_so_that_the_engine_never_has_the_password(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: Callable[[str, str], None],
    tokens: TokenService,
) -> None:
    private = registry(tokens.auth)
    pushed(private)
    tokens.requests.clear()
    log_in(private.host, PASSWORD)
    assert build_here().image_id
    assert tokens.requests
    assert {(method, agent.split("/")[0]) for method, agent in tokens.requests} == {
        ("POST", "python-requests")
    }


def test_a_token_refused_names_registry_and_user(
    registry: Callable[..., Registry],
    pushed: Callable[[Registry], str],
    build_here: Build,
    log_in: Callable[[str, str], None],
    tokens: TokenService,
) -> None:
    private = registry(tokens.auth)
    pushed(private)
    log_in(private.host, "wrong")
    with pytest.raises(LoginRefused, match=f"refused the login of {USER}"):
        build_here()
