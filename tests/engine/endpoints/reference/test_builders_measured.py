"""Measured through every endpoint; and what is left on the builder and on the engine: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from ctxsize.engine.buildkit import Control
from ctxsize.engine.buildkit.engine import upgrading
from tests.support.builders import CONTAINER, NAMES, Builders
from tests.support.dial_stdio import Relay
from tests.support.waiting import GIVE_UP_SECONDS

pytestmark = pytest.mark.reference
Left = dict[str, list[str]]


@pytest.fixture
def project(tmp_path: Path, their_base: str) -> Path:
    """A project whose build takes a moment, and has something to ignore."""
    folder = tmp_path / "shop"
    (folder / "data").mkdir(parents=True)
    for number in range(200):
        (folder / f"data/{number}").write_bytes(os.urandom(5000))
    (folder / "a").write_text("a\n")
    (folder / ".dockerignore").write_text("data\n")
    (folder / "Dockerfile").write_text(f"FROM {their_base}\nCOPY . /src\nRUN sleep 1; echo hi > /made\n")
    return folder


@pytest.fixture(scope="session")
def their_base(engine: docker.DockerClient, their_engine: docker.DockerClient, base_image: Any) -> str:
    """A base image that the engine of the builders has, too."""
    name: str = base_image("busybox:1.36")
    try:
        their_engine.images.get(name)
    except docker.errors.ImageNotFound:
        their_engine.images.load(b"".join(engine.images.get(name).save(named=True)))
    return name


@pytest.fixture
def left(
    use_builders: Builders,
    engine: docker.DockerClient,
    their_engine: docker.DockerClient,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Callable[[], Left]]:
    """What is otherwise in the builder's cache and history, and of both engines' images and containers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    run("compare", "--builder", "unix", "--repeat", "1", project)  # what a first build from a base leaves
    before = _there(engine, their_engine)

    def changed() -> Left:
        now = _there(engine, their_engine)
        return {kind: sorted(found ^ before[kind]) for kind, found in now.items() if found != before[kind]}

    yield changed


def _there(engine: docker.DockerClient, their_engine: docker.DockerClient) -> dict[str, set[str]]:
    with closing(Control(upgrading(their_engine.api))) as control:
        found = {
            "records": {f"{each.id} {each.description}" for each in control.disk_usage()},
            "history": {*control.past_builds()},
        }
    images = {str(each.id) for one in (engine, their_engine) for each in one.images.list(all=True)}
    containers = {str(each.id) for each in engine.containers.list(all=True)}
    return {**found, "images": images, "containers": containers}


def run(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ctxsize", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def figures(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--format", "json").stdout)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_those_of_the_engine_itself(
    name: str,
    project: Path,
    left: Callable[[], Left],
    monkeypatch: pytest.MonkeyPatch,
    use_builders: Builders,
) -> None:
    found = figures("compare", "--builder", name, "--repeat", "1", project)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{use_builders.socket}")
    known = figures("compare", "--repeat", "1", project)

    assert found["engine"]["instance"] == name and found["engine"]["driver"] in ("remote", "docker-container")
    for variant in ("with", "without"):
        ours, theirs = found["variants"][variant], known["variants"][variant]
        assert ours["context"] == theirs["context"]
        for key in ("bytes", "layers"):
            assert ours["image"][key] == theirs["image"][key]
        assert ours["image"]["engine_bytes"] is None and theirs["image"]["engine_bytes"] is not None
    assert [(each["path"], each["image_bytes"]) for each in found["paths"]] == [
        (each["path"], each["image_bytes"]) for each in known["paths"]
    ]
    assert left() == {}


def test_images_are_verified_and_kept_on_the_engine(
    project: Path, left: Callable[[], Left], engine: docker.DockerClient
) -> None:
    found = figures(
        "compare", "--builder", CONTAINER, "--repeat", "1", "--keep", "--verify", "cat /made", project
    )
    for variant in ("with", "without"):
        assert found["variants"][variant]["verify"]["exit_code"] == 0
        engine.images.remove(found["variants"][variant]["image"]["tag"])
    assert left() == {}


def test_without_an_engine_nothing_can_be_kept(
    project: Path, left: Callable[[], Left], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    run("compare", "--builder", "unix", "--repeat", "1", project)
    done = run("compare", "--builder", "unix", "--repeat", "1", "--keep", project, code=4)

    assert "no Docker engine answers at unix:///no/such/docker.sock" in done.stderr
    assert left() == {}


def test_a_build_that_fails_leaves_nothing(project: Path, left: Callable[[], Left]) -> None:
    with (project / "Dockerfile").open("a") as file:
        file.write("RUN false\n")
    run("compare", "--builder", CONTAINER, project, code=3)

    assert left() == {}


@pytest.mark.parametrize("name", [CONTAINER, "pod", "tls"])
def test_ctrl_c_leaves_nothing(name: str, project: Path, left: Callable[[], Left]) -> None:
    process = _begun(name, project)
    process.send_signal(signal.SIGINT)

    assert process.wait(GIVE_UP_SECONDS) == 130
    assert left() == {}


@pytest.mark.parametrize("name", [CONTAINER, "pod", "unix"])
def test_the_next_run_removes_what_a_killed_one_left(
    name: str, project: Path, left: Callable[[], Left]
) -> None:
    process = _begun(name, project)
    process.kill()
    process.wait()
    time.sleep(2)
    assert left()
    run("compare", "--builder", name, "--repeat", "1", project)

    assert left() == {}


def test_clean_visits_the_builder_of_a_killed_run(project: Path, left: Callable[[], Left]) -> None:
    process = _begun(CONTAINER, project)
    process.kill()
    process.wait()
    time.sleep(2)
    done = run("clean")
    for _ in range(20):  # the builder may still be winding the build down
        if not left():
            break
        time.sleep(3)
        run("clean")

    assert f"{CONTAINER}: removed cache record " in done.stdout
    assert left() == {}


def test_a_check_of_several_builds_on_all_nodes_of_a_builder(
    left: Callable[[], Left], use_builders: Builders, tmp_path: Path
) -> None:
    targets = [tmp_path / f"t{number}" for number in range(4)]
    for target in targets:
        target.mkdir()
        (target / "data").write_bytes(os.urandom(1_000_000))
        (target / "Dockerfile").write_text("FROM scratch\nCOPY data /\n")
    with (
        Relay(use_builders.socket, f"unix://{tmp_path}/one.sock") as one,
        Relay(use_builders.socket, f"unix://{tmp_path}/other.sock") as other,
    ):
        for words in (("--driver", "remote", one.address), ("--append", other.address)):
            done = use_builders.official("buildx", "create", "--name", "team", *words)
            assert done.returncode == 0, done.stderr
        found = figures("check", "--builder", "team", "--jobs", "2", "--limit", "image=2MB", *targets)
        use_builders.official("buildx", "rm", "team")

    assert [each["sizes"]["image_bytes"] for each in found["targets"]] == [1_000_000] * 4
    assert one.sent > 1_000_000 and other.sent > 1_000_000 and one.sent + other.sent < 4_500_000
    assert left() == {}


def _begun(name: str, project: Path) -> subprocess.Popen[bytes]:
    """A comparison that builds; the shell that runs tests may ignore Ctrl-C, this does not."""
    words = [sys.executable, "-m", "ctxsize", "compare", "--builder", name, "--verbose", str(project)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if b"build 2 of" in line:
            break
    time.sleep(0.7)
    assert process.poll() is None
    return process
