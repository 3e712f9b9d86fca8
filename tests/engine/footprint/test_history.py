"""A newer engine remembers builds, with the values of their build arguments: of ours it does not.

``pytest -m reference`` with CTXSIZE_REFERENCE_HOST: the address of such an engine.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import BuildKitError, Control, connect
from tests.support.proxy import Fault, Proxy

pytestmark = pytest.mark.reference

#: The value of a build argument, by which the builds of this process are told.
TOKEN = uuid.uuid4().hex


@functools.cache
def control(api: docker.APIClient) -> Control:
    """Its BuildKit."""
    return connect(api)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> docker.APIClient:
    """An engine with a history."""
    monkeypatch.setenv("DOCKER_HOST", os.environ["CTXSIZE_REFERENCE_HOST"])
    api = docker.from_env(timeout=300).api
    if not control(api).past_builds():
        build(api, "FROM scratch\nLABEL a=b\n")
    assert control(api).past_builds(), "it has a history"
    return api


def build(api: docker.APIClient, dockerfile: str) -> None:
    """Somebody else's build."""
    subprocess.run(
        ["docker", "build", "-q", "-"],
        input=dockerfile,
        text=True,
        check=True,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        stdout=subprocess.DEVNULL,
    )


@pytest.fixture
def start(tmp_path: Path, newer: docker.APIClient) -> Callable[..., subprocess.Popen[str]]:
    """``start(builder)``: a comparison; with more variables, if any are named."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".dockerignore").write_text("log\n")
    (project / "log").write_bytes(bytes(100_000))
    (project / "Dockerfile").write_text("FROM scratch\nARG TOKEN\nLABEL token=$TOKEN\nCOPY . /\n")

    def start(builder: str, **more: str) -> subprocess.Popen[str]:
        words = [
            "compare",
            str(project),
            "--builder",
            builder,
            "--repeat",
            "1",
            "--build-arg",
            f"TOKEN={TOKEN}",
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "ctxsize", *words],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ours(api: docker.APIClient) -> dict[str, dict[str, str]]:
    """The builds of this test's runs, with their options."""
    return {ref: options for ref, options in control(api).past_builds().items() if TOKEN in options.values()}


def test_builds_are_not_remembered_while_they_run_nor_later(
    newer: docker.APIClient, start: Callable[..., subprocess.Popen[str]]
) -> None:
    running = start("buildkit")
    seen: dict[str, dict[str, str]] = {}
    while running.poll() is None:
        seen |= ours(newer)
        time.sleep(0.05)

    assert running.returncode == 0, running.communicate()[1]
    assert seen == {}


def clean(tmp_path: Path, host: str) -> subprocess.CompletedProcess[str]:
    """``ctxsize clean`` of what `start` makes."""
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "DOCKER_HOST": host}
    words = [sys.executable, "-m", "ctxsize", "clean"]
    return subprocess.run(words, env=environment, capture_output=True, text=True)


def test_a_proxy_that_does_not_let_us_forget(
    newer: docker.APIClient, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """As socket proxies are set up: /build and /session are let through, /grpc is not."""
    host = os.environ["DOCKER_HOST"]
    proxy = Proxy(host, tmp_path / "p.sock", Fault("POST /(v[0-9.]+/)?grpc", "refuse", nth=None))
    try:
        measured = start("buildkit", DOCKER_HOST=proxy.url)
        said = "".join(measured.communicate())
        tried = clean(tmp_path, proxy.url)
    finally:
        proxy.close()

    assert measured.returncode == 0, said
    assert "history of builds may still have those of this run" in said
    assert "403" in said
    assert ours(newer), "they stay"
    assert list((tmp_path / "state").rglob("*.jsonl")), "and so does the journal"
    assert tried.returncode == 1, tried.stdout + tried.stderr
    assert "403" in tried.stdout + tried.stderr

    let_in = clean(tmp_path, host)
    assert (let_in.returncode, ours(newer)) == (0, {}), let_in.stdout + let_in.stderr


def test_a_build_that_is_not_there_can_not_be_forgotten(newer: docker.APIClient) -> None:
    with pytest.raises(BuildKitError):
        control(newer).forget("no-such-build")
