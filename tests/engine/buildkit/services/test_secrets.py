"""--secret values are read as docker build reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.engine.buildkit import RequestError
from ctxsize.engine.buildkit.services.secrets import MAX_SECRET_BYTES, Secret, parse_secret
from ctxsize.engine.buildkit.services.sshforward import parse_ssh

ENVIRON = {"TOKEN": "t0ken", "SSH_AUTH_SOCK": ""}


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("value\n")
    Path("a,b").write_text("comma\n")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("id=x,src=file", Secret("x", path="file")),
        ("id=x,source=file", Secret("x", path="file")),
        ("type=file,id=x,src=file", Secret("x", path="file")),
        ('id=x,"src=a,b"', Secret("x", path="a,b")),
        ("id=x,env=TOKEN", Secret("x", env="TOKEN")),
        ("id=x,type=env,src=TOKEN", Secret("x", env="TOKEN")),
        ("id=TOKEN", Secret("TOKEN", env="TOKEN")),
        ("id=file", Secret("file", path="file")),
    ],
)
def test_secrets(spec: str, expected: Secret) -> None:
    assert parse_secret(spec, ENVIRON) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "needs an id="),
        ("src=file", "needs an id="),
        ("id=x,src=missing", "secret x: no such file: missing"),
        ("id=x,what=ever", "takes id="),
        ("id=x,type=sock", "file or env"),
        ("id=x,src=file,env=TOKEN", "not both"),
    ],
)
def test_malformed_secrets(spec: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_secret(spec, ENVIRON)


def test_values() -> None:
    assert Secret("x", path="file").read({}) == b"value\n"
    assert Secret("x", env="TOKEN").read(ENVIRON) == b"t0ken"
    assert Secret("x", env="UNSET").read(ENVIRON) is None
    Path("big").write_bytes(bytes(MAX_SECRET_BYTES + 1))
    with pytest.raises(RequestError, match="too big"):
        Secret("x", path="big").read({})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("default", "SSH_AUTH_SOCK is not set"),
        ("default=missing", "missing: No such file"),
        ("key=file", "load the key with ssh-add"),
    ],
)
def test_ssh_agents_that_can_not_be_had(spec: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_ssh(spec, ENVIRON)
