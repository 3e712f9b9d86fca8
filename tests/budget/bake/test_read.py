"""Bake files as ``docker buildx bake --print`` prints them (0.29.1); the client is a stand-in that prints."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ctxsize.budget.bake.read import read_bake
from ctxsize.budget.compose.read import Composed
from ctxsize.errors import CtxsizeError

PRINTED: dict[str, Any] = {
    "group": {"default": {"targets": ["dep", "job", "web"]}},
    "target": {
        "dep": {"context": "app", "contexts": {"base": "target:web"}, "dockerfile": "Dockerfile"},
        "job": {
            "context": "tools",
            "dockerfile": "Dockerfile",
            "dockerfile-inline": "FROM scratch\nCOPY bin/tool /\n",
            "secret": [{"id": "x", "env": "X"}],
            "no-cache": True,
        },
        "web": {
            "context": "app",
            "contexts": {"shared": "./shared", "os": "docker-image://alpine:3"},
            "dockerfile": "docker/web.Dockerfile",
            "args": {"V": "1", "UNSET": None},
            "target": "run",
            "platforms": ["linux/amd64", "linux/arm64"],
        },
    },
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bake.hcl").write_text("")
    return tmp_path


def client(script: str) -> dict[str, str]:
    """An environment whose ``docker`` is this script."""
    Path("bin").mkdir(exist_ok=True)
    docker = Path("bin/docker")
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return {"PATH": f"{Path('bin').absolute()}:{os.environ['PATH']}"}


def read(printed: Any, *names: str) -> Composed:
    Path("printed").write_text(json.dumps(printed))
    return read_bake(["bake.hcl"], names, client('echo "$@" > asked; cat printed'))


def test_targets_with_their_contexts_and_what_is_left_out() -> None:
    found = read(PRINTED, "web", "all")

    assert Path("asked").read_text() == "buildx bake --print -f bake.hcl -- web all\n"
    job, web = found.builds
    assert (job.services, job.path, job.dockerfile) == (("job",), "tools", None)
    assert job.inline is not None and job.inline.text == "FROM scratch\nCOPY bin/tool /\n"
    assert (web.path, web.dockerfile, web.stage) == ("app", "app/docker/web.Dockerfile", "run")
    assert (web.platform, web.build_args) == ("linux/amd64", {"V": "1"})
    assert web.contexts == {"shared": "shared", "os": "docker-image://alpine:3"}
    assert [warning.message for warning in found.warnings] == [
        "target dep is not checked: its named context base is made by another build",
        "the secrets and ssh of target job are not passed on: --secret and --ssh are",
    ]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ({"context": "../x"}, "bake.hcl: ../x lies outside of ."),
        ({"context": ".", "contexts": {"a": "/etc"}}, "bake.hcl: /etc lies outside of ."),
        ({"context": ".", "dockerfile": "../D"}, "bake.hcl: ../D lies outside of ."),
        ({"context": 1}, "bake.hcl: target x: context is no text that can be used"),
        ({"args": []}, None),
        ({"args": ["a"]}, "bake.hcl: target x: args is no mapping"),
        (
            {"context": "https://example.com/x.git"},
            "bake.hcl: nothing to build: target x is not checked: its context is not a directory here: no"
            " ignore file applies there",
        ),
        ("x", "bake.hcl: what bake prints makes no sense"),
    ],
)
def test_what_bake_prints_is_not_believed(target: Any, error: str | None) -> None:
    if error is None:
        assert len(read({"target": {"x": target}}).builds) == 1
        return
    with pytest.raises(CtxsizeError) as raised:
        read({"target": {"x": target}})
    assert str(raised.value).startswith(error)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1", "there is no docker buildx here"),
        (
            "echo '#1 reading' >&2; echo 'ERROR: failed to find target x' >&2; exit 1",
            "failed to find target x",
        ),
        ("echo nonsense", "what bake prints makes no sense"),
        ("exit 3", "bake refuses it: no reason"),
    ],
)
def test_a_bake_that_prints_nothing_is_one_line(script: str, error: str) -> None:
    with pytest.raises(CtxsizeError) as raised:
        read_bake(["bake.hcl"], (), client(script))
    assert error in str(raised.value) and "\n" not in str(raised.value)


def test_no_docker_and_no_file() -> None:
    with pytest.raises(CtxsizeError, match="there is no docker buildx here"):
        read_bake(["bake.hcl"], (), {"PATH": str(Path("nowhere").absolute())})
    with pytest.raises(CtxsizeError, match=r"nope\.hcl: no such file"):
        read_bake(["nope.hcl"], (), {})


@pytest.mark.parametrize(
    ("platforms", "variable", "expected"),
    [
        ([], "", None),
        ([], "linux/arm64", "linux/amd64"),
        (["linux/arm64"], "", "linux/arm64"),
        (["linux/arm64/v8", "x86_64"], "linux/arm64", "linux/amd64"),
        (["linux/arm64", "linux/s390x"], "", "linux/arm64"),
    ],
)
def test_one_platform_of_a_target(
    platforms: list[str], variable: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bake heeds no DOCKER_DEFAULT_PLATFORM (0.29.1)."""
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", variable)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (build,) = read({"target": {"web": {"context": "app", "platforms": platforms}}}, "web").builds
    assert build.platform == expected
