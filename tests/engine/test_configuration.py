"""A Docker configuration that is hostile or broken ends in one line and the documented exit code, at once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ctxsize.engine.configuration import check_configuration
from ctxsize.engine.connect import connect
from ctxsize.errors import ConfigError, CtxsizeError, EngineError

SECRET = "s3cretpassword"
#: Nobody listens there.
NOWHERE = "tcp://127.0.0.1:1"
Make = Callable[[Path], object]


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Docker configuration of the test's own, and none of the user's settings."""
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def text(content: str | bytes) -> Make:
    """A file of that content."""
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


def values(content: object) -> Make:
    return text(json.dumps(content))


def refusal(kind: type[CtxsizeError]) -> str:
    """The one line in which ``connect`` refuses."""
    with pytest.raises(kind) as caught:
        connect()
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line
    return line


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100_000_000)


UNREADABLE: dict[str, tuple[Make, str]] = {
    "malformed": (text('{"auths":\n {'), ":2: not JSON: "),
    "not UTF-8": (text(b"\xff\xfe{"), "not JSON"),
    "nested": (text("[" * 100_000), "not JSON"),
    "a long number": (text("1" * 10_000), "not JSON"),
    "a directory": (Path.mkdir, "Is a directory"),
    "a pipe": (os.mkfifo, "not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "not a file"),
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), "can't be read"),
    "large": (large, "larger than 4 MiB"),
    "a list": (values([1]), "not a JSON object"),
    "a string": (values("x"), "not a JSON object"),
    "null": (values(None), "not a JSON object"),
}


@pytest.mark.parametrize(("make", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_configuration(configuration: Path, make: Make, why: str) -> None:
    make(configuration / "config.json")

    line = refusal(ConfigError)
    assert line.startswith(f"{configuration}/config.json")
    assert why in line
    assert line.endswith("(mend it, or point DOCKER_CONFIG at another directory)")


SHAPES: list[tuple[object, str]] = [
    ({"auths": [1]}, "auths must be"),
    ({"auths": SECRET}, "auths must be"),
    ({"auths": {"r": SECRET}}, "auths must be"),
    ({"auths": {"r": {"auth": 5}}}, "auths must be"),
    ({"auths": {"r": {"identitytoken": 5}}}, "auths must be"),
    ({"auths": {"r": {"auth": f"{SECRET}!"}}}, "a login in it is not Base64"),
    ({"auths": {"r": {"auth": "é"}}}, "a login in it is not Base64"),
    ({"auths": {"r": {"auth": "czNjcmV0cGFzc3dvcmQ="}}}, "a login in it is not Base64"),
    ({"auths": {"r": {"auth": "/zpz"}}}, "a login in it is not Base64"),
    ({"credsStore": 5}, "credsStore must be a string"),
    ({"credHelpers": "x"}, "credHelpers must be"),
    ({"credHelpers": {"r": 5}}, "credHelpers must be"),
    ({"proxies": []}, "proxies must be"),
    ({"proxies": {"default": 5}}, "proxies must be"),
    ({"proxies": {"default": {"httpProxy": 5}}}, "proxies must be"),
    ({"HttpHeaders": 5}, "HttpHeaders must be"),
    ({"HttpHeaders": {"auth": 5}}, "HttpHeaders must be"),
    ({"currentContext": 5}, "currentContext must be a string"),
]


@pytest.mark.parametrize(("content", "why"), SHAPES)
def test_a_value_of_a_type_that_is_not_expected(configuration: Path, content: object, why: str) -> None:
    values(content)(configuration / "config.json")

    assert why in refusal(ConfigError)


@pytest.mark.parametrize(
    "make",
    [
        text(""),
        text("{}"),
        values({"auths": {"r": {}}, "credsStore": "", "credHelpers": {}, "proxies": {}, "HttpHeaders": {}}),
        values({"auths": None, "credsStore": None, "currentContext": None}),
        values({"auths": {"r": {"auth": "dTpw"}}, "credsStore": "no-such-program", "unknown": [1]}),
        values({"HttpHeaders": {"X-Meta": "1"}, "proxies": {"default": {"httpProxy": "http://p"}}}),
    ],
)
def test_what_docker_takes_is_taken(configuration: Path, make: Make) -> None:
    make(configuration / "config.json")

    check_configuration()
    assert "Connection refused" in refusal(EngineError)


def test_a_file_of_the_old_kind_need_not_be_json(configuration: Path) -> None:
    (configuration / ".dockercfg").write_text("auth = dTpw\nemail = x\n")

    assert "Connection refused" in refusal(EngineError)


GOOD: dict[str, Any] = {"Name": "c", "Metadata": {}, "Endpoints": {"docker": {"Host": NOWHERE}}}
CONTEXTS: dict[str, Make] = {
    "malformed": text('{"Name'),
    "not UTF-8": text(b"\xff"),
    "nested": text("[" * 100_000),
    "large": large,
    "a list": values([1]),
    "empty": values({}),
    "no name": values({"Metadata": {}, "Endpoints": {}}),
    "no metadata": values({"Name": "c", "Endpoints": {}}),
    "odd metadata": values({**GOOD, "Metadata": 5}),
    "odd endpoints": values({**GOOD, "Endpoints": 5}),
    "an odd endpoint": values({**GOOD, "Endpoints": {"docker": 5}}),
    "a directory": Path.mkdir,
    "a pipe": os.mkfifo,
}


def in_context(configuration: Path, make: Make) -> None:
    """Have the current context described by what ``make`` makes."""
    values({"currentContext": "c"})(configuration / "config.json")
    folder = configuration / "contexts/meta" / hashlib.sha256(b"c").hexdigest()
    folder.mkdir(parents=True)
    make(folder / "meta.json")


@pytest.mark.parametrize("make", CONTEXTS.values(), ids=CONTEXTS)
def test_a_context_that_can_not_be_read(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, make: Make
) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    in_context(configuration, make)

    assert refusal(EngineError).startswith("the Docker context c can't be read: ")


@pytest.mark.parametrize("host", [5, "tcp://", NOWHERE])
def test_an_address_in_a_context(configuration: Path, monkeypatch: pytest.MonkeyPatch, host: object) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    in_context(configuration, values({**GOOD, "Endpoints": {"docker": {"Host": host}}}))

    assert refusal(EngineError).startswith(f"no Docker engine answers at {host}: ")


@pytest.mark.parametrize("name", ["gone", "../../x", "\x1b[31m", "é"])
def test_a_context_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", name)

    assert refusal(EngineError) == f"there is no Docker context {name} (see `docker context ls`)"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("tcp://", "tcp://: Invalid bind address format"),
        ("http://x:99999", "http://x:99999: Port out of range"),
        ("tcp://[::1", "tcp://[::1: Invalid IPv6 URL"),
        ("tcp://127.0.0.1:x", "tcp://127.0.0.1:x: Port could not be cast"),
        ("fd://", "fd://: fd protocol is not implemented"),
        ("unix:///" + "x" * 200, "unix:///xxx"),
        ("\x1b[31mx", "\x1b[31mx: "),
        ("   ", ""),
        (f"tcp://user:{SECRET}@127.0.0.1:1", "tcp://user:…@127.0.0.1:1: Invalid bind address format"),
        (f"user:{SECRET}@127.0.0.1:1", "user:…@127.0.0.1:1: Invalid bind address"),
        (f"tcp://user:a@{SECRET}/@127.0.0.1:1", "tcp://user:…@127.0.0.1:1: "),
        (f"{NOWHERE}/?token={SECRET}", f"{NOWHERE}/?…: Invalid bind address format"),
    ],
)
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, host: str, shown: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)

    assert f"no Docker engine answers at {shown}" in refusal(EngineError)


def test_what_is_no_socket(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (configuration / "file").touch()
    for path in (configuration / "file", configuration):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        assert f"at unix://{path}: Connection refused" in refusal(EngineError)


def test_ssh_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctxsize.engine.connect.find_spec", lambda _name: None)
    for host, shown in (("ssh://", "ssh://"), ("ssh://me@host", "ssh://me@host")):
        monkeypatch.setenv("DOCKER_HOST", host)
        assert refusal(EngineError) == f"{shown} needs the extra for SSH (pip install 'ctxsize[ssh]')"


@pytest.fixture
def listening() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("verify", ["1", None])
@pytest.mark.parametrize("make", [None, text("garbage"), text(""), Path.mkdir, os.mkfifo])
def test_certificates_that_are_missing_or_broken(
    configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
    listening: str,
    make: Make | None,
    verify: str | None,
) -> None:
    folder = configuration / "certificates"
    folder.mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem") if make else ():
        assert make
        make(folder / name)
    monkeypatch.setenv("DOCKER_HOST", listening)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    if verify:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", verify)

    assert refusal(EngineError).startswith(f"no Docker engine answers at {listening}: ")


@pytest.mark.parametrize(
    "content",
    [
        {"auths": {"r": {"auth": ""}}},
        {"auths": {"r": {"auth": None, "email": ""}}},
        {"auths": {"r": None}, "credHelpers": None},
        {"proxies": None, "HttpHeaders": None},
        {"proxies": {"default": None}, "credHelpers": {"r": None}},
    ],
)
def test_what_the_official_client_takes_is_taken(configuration: Path, content: object) -> None:
    values(content)(configuration / "config.json")

    assert "no Docker engine answers" in refusal(EngineError)  # it was looked for


def test_a_helper_that_fails_keeps_no_build_from_its_other_logins(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctxsize.engine.clients import Client

    monkeypatch.setenv("PATH", str(configuration))
    login = {"auth": base64.b64encode(b"user:word").decode()}
    values({"auths": {"r": login}, "credsStore": "missing", "credHelpers": {"other": "missing"}})(
        configuration / "config.json"
    )
    headers: dict[str, str] = {}
    Client("tcp://127.0.0.1:1", version="1.41")._set_auth_headers(headers)

    sent = json.loads(base64.urlsafe_b64decode(headers["X-Registry-Config"]))
    assert sent["r"]["username"] == "user"
    assert "other" not in sent
