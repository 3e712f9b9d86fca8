"""Credential helpers that are not there, hang, fail or babble: an error in one line, and no secret shows."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpclib
import pytest

from ctxsize.engine.buildkit import SolveError
from ctxsize.engine.buildkit.services import helpers
from ctxsize.engine.buildkit.services.auth import Auth
from ctxsize.engine.buildkit.services.helpers import Logins
from tests.engine.buildkit.conftest import Build
from tests.support.waiting import GIVE_UP_SECONDS, must_end

SECRET = "s3cretpassword"
Install = Callable[[str], Logins]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """``install(script)``: the logins of a configuration whose helper is that shell script."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(helpers, "HELPER_TIMEOUT", 2.0 * GIVE_UP_SECONDS)

    def install(script: str) -> Logins:
        if script:
            program = folder / "docker-credential-test"
            program.write_text(script)
            program.chmod(0o755)
        (folder / "config.json").write_text(json.dumps({"credsStore": "test"}))
        loaded: Logins = Logins.load_config(None, None)
        return loaded

    return install


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *lines, ""])


def says(answer: object, *lines: str) -> str:
    """A script that takes the request and prints ``answer``."""
    return script("cat >/dev/null", f"echo '{json.dumps(answer)}'", *lines)


LOGIN = {"Username": "me", "Secret": SECRET}
FAILING: dict[str, tuple[str, str]] = {
    "not there": ("", "there is no program docker-credential-test"),
    "not a program": ("\x7fELF" + SECRET, "docker-credential-test can't be run: "),
    "hangs": (script("exec sleep 1000"), "did not answer for 1 seconds"),
    "hangs in what it started": (script("sleep 1000"), "did not answer for 1 seconds"),
    "hangs with its output closed": (script("exec >&- 2>&-", "exec sleep 1000"), "did not answer for 1"),
    "fails with the secret": (says(LOGIN, "exit 3"), "ended with exit code 3"),
    "is killed": (script("kill -9 $$"), "ended with exit code -9"),
    "fails with escapes": (script(r"printf '\033[2J'; exit 1"), "ended with exit code 1"),
    "says nothing": (script(), "makes no sense"),
    "says garbage": (script(r"printf '\377\033'"), "makes no sense"),
    "says a list": (says([SECRET]), "makes no sense"),
    "says numbers": (says({"Username": "me", "Secret": 5}), "makes no sense"),
    "says half": (says({"Username": SECRET}), "makes no sense"),
    "says it deep": (script("head -c 100000 /dev/zero | tr '\\0' '['"), "makes no sense"),
    "never ends": (script("exec yes"), "answered more than 1 MiB"),
}


def give_up_soon(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """On what hangs: all others have the time that they take on a busy machine."""
    if "did not answer" in why:
        monkeypatch.setattr(helpers, "HELPER_TIMEOUT", 1.0)


@pytest.mark.parametrize(("program", "why"), FAILING.values(), ids=FAILING)
def test_a_helper_that_fails(
    install: Install,
    program: str,
    why: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_up_soon(monkeypatch, why)
    noisy = program.replace("#!/bin/sh\n", f"#!/bin/sh\nprintf '\\033[2J{SECRET}' >&2\n")
    with must_end(), pytest.raises(grpclib.GRPCError) as caught:
        Auth(install(noisy)).login("registry.example")

    message = str(caught.value.message)
    assert message.startswith("the credential helper for registry.example failed: ")
    assert why in message
    assert SECRET not in message
    assert "\x1b" not in message
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "program",
    [
        script("echo credentials not found in native keychain; exit 1"),
        says({"Username": "", "Secret": ""}),
    ],
)
def test_a_helper_that_has_no_login(install: Install, program: str) -> None:
    assert Auth(install(program)).login("registry.example") == ("", "")


def test_a_helper_that_has_one(install: Install) -> None:
    """Also when something that it started goes on, with its output."""
    for program in (says(LOGIN), script("sleep 30 &", f"echo '{json.dumps(LOGIN)}'")):
        assert Auth(install(program)).login("registry.example") == ("me", SECRET)
    token = {"Username": "<token>", "Secret": SECRET}
    assert Auth(install(says(token))).login("registry.example") == ("", SECRET)


def test_no_helper_is_taken_from_the_current_directory(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's own client refuses what Go calls ErrDot."""
    logins = install(says(LOGIN))
    monkeypatch.chdir(tmp_path / "docker")
    for path in (".", "", ":/usr/bin", "../docker"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(grpclib.GRPCError, match="there is no program docker-credential-test"):
            Auth(logins).login("registry.example")


def test_a_name_that_is_none_is_not_asked_for(install: Install) -> None:
    assert Auth(install(says(LOGIN))).login("x" * 100_000) == ("", "")


def test_a_helper_ends_with_the_build(install: Install) -> None:
    logins = install(script("sleep 1000"))
    threading.Timer(0.3, logins.close).start()
    for _ in range(2):  # at work when the build ends, and begun after it
        with must_end(), pytest.raises(grpclib.GRPCError, match="ended with exit code -9"):
            Auth(logins).login("registry.example")


class _Private(http.server.BaseHTTPRequestHandler):
    """A registry that lets nobody in without a login."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="private"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def private() -> Iterator[str]:
    """The host of such a registry."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Private) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.docker
@pytest.mark.parametrize("why", ["hangs", "fails with the secret"])
def test_a_build_that_needs_such_a_login_fails(
    install: Install,
    build_here: Build,
    private: str,
    tmp_path: Path,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, words = FAILING[why]
    give_up_soon(monkeypatch, words)
    install(program)
    (tmp_path / "Dockerfile").write_text(f"FROM {private}/image\n")
    with must_end(), pytest.raises(SolveError) as caught:
        build_here()

    assert f"the credential helper for {private} failed: docker-credential-test {words}" in str(caught.value)
    assert SECRET not in str(caught.value)
