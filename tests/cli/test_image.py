"""``ctxsize image`` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "image-1.json").read_text())
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY --chmod=644 files /files
# Nobody but app.
RUN chown -R 7:7 /files
"""
FIXED = """\
ARG BASE
FROM ${BASE}
COPY --chown=7:7 --chmod=644 files /files
# Nobody but app.
"""

Ctxsize = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ctxsize(tmp_path: Path) -> Ctxsize:
    """``ctxsize("image", name)``: run the program, as a process of its own with a home of its own."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ctxsize", *map(str, words)]
        environment = {**os.environ, **state, "PYTHONPATH": str(ROOT), **variables}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "files").mkdir(parents=True)
    (folder / "files/large").write_bytes(b"x" * 50_000)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.mark.docker
def test_a_proven_fix_is_written_and_nothing_is_left(
    ctxsize: Ctxsize, project: Path, base_image: Callable[[str], str], api: docker.APIClient
) -> None:
    images = {each["Id"] for each in api.images(all=True)}
    base = f"BASE={base_image('busybox:1.36')}"

    done = ctxsize("image", project, "--build-arg", base, "--prove", "--write", "--format", "json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["written"] and report["proof"]["same"]
    assert report["proof"]["bytes"] == report["proof"]["expected_bytes"] == 50_000
    assert report["totals"]["live_bytes"] + report["totals"]["wasted_bytes"] == report["totals"]["bytes"]
    assert report["totals"]["bytes"] == sum(step["bytes"] for step in report["steps"])
    (waste,) = report["wasted"]
    steps = {step["number"]: step["line"] for step in report["steps"]}
    assert (waste["path"], waste["cause"], waste["changed"]) == ("/files/large", "same-content", ["owner"])
    assert (steps[waste["stored_by"]], steps[waste["buried_by"]]) == (3, 5)
    assert (project / "Dockerfile").read_text() == FIXED
    assert "the Dockerfile has the fixes now" in done.stderr
    assert {each["Id"] for each in api.images(all=True)} == images


@pytest.mark.docker
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such-image:1",), "the engine has no such image"),
        (("X:Y:Z",), "no image can have that name"),
        (("{base}", "--layer", "99"), "there is no layer 99 in it"),
        (("{base}", "--by", "context"), "name the project's directory"),
        (("{base}", "--prove"), "only a project's Dockerfile can be fixed"),
        (("{base}", "--platform", "linux/s390x"), "it is for linux/amd64, not for linux/s390x"),
        (("shop", "--base", "x"), "the base image of a project is known"),
        (("shop", "--verify", " "), "--verify needs a command"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(
    words: tuple[str, ...], said: str, ctxsize: Ctxsize, project: Path, base_image: Callable[[str], str]
) -> None:
    base = base_image("busybox:1.36")
    done = ctxsize("image", *(word.format(base=base) for word in words))

    assert done.returncode == 2
    assert said in done.stderr and not done.stdout
    assert len(done.stderr.splitlines()) == (4 if "needs a command" in said else 1)


@pytest.mark.docker
def test_where_the_base_ends_can_be_said(ctxsize: Ctxsize, base_image: Callable[[str], str]) -> None:
    base = base_image("busybox:1.36")

    plain = ctxsize("image", base, "--hide-base", "--by", "dir")
    named = ctxsize("image", base, "--hide-base", "--by", "dir", "--base", base)

    assert "which layers are the base image's is not known" in plain.stdout
    assert "/bin" in plain.stdout and "/bin" not in named.stdout
    assert "1 layer, 1 of the base image" in named.stdout
