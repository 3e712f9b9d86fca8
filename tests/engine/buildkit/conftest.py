"""Engines, registries and shortcuts for the session's tests."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest

from ctxsize.engine.buildkit import LocalDir, Logins, SolveRequest, SolveResult, build, connect
from tests.engine.buildkit.base import make_base
from tests.engine.buildkit.cases import BASE
from tests.engine.buildkit.docker_patterns import DockerPatterns
from tests.support.daemon import Daemon, can_start

Build = Callable[..., SolveResult]


CACHE_NAME = "ctxsize-buildkit-tests"


def cache(api: docker.APIClient) -> dict[str, dict[str, Any]]:
    """The engine's cache records by id."""
    found = api._result(api._get(api._url("/system/df")), json=True)["BuildCache"] or []
    return {record["ID"]: record for record in found}


def forget(api: docker.APIClient, ids: Iterable[str]) -> None:
    """Take records out of the engine's cache."""
    filters = json.dumps({"id": [f'"^({"|".join(ids)})$"']})
    api._result(api._post(api._url("/build/prune"), params={"all": "1", "filters": filters}), json=True)


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> None:
    """Every test here with an engine has the session's ``tidy_cache``; one without asks for no engine."""
    if request.node.get_closest_marker("docker"):
        request.getfixturevalue("tidy_cache")


@pytest.fixture(scope="session")
def tidy_cache(api: docker.APIClient) -> Iterator[None]:
    """Leaves the engine's cache as it was: without the directories these tests sent and the steps they ran.

    Directories carry CACHE_NAME; steps are told by their age, so a build that someone else runs meanwhile may
    have to run its steps again.
    """
    before = set(cache(api))
    yield
    others = ("local source for context", "local source for dockerfile")
    new = {i: r for i, r in cache(api).items() if i not in before and r["Description"] not in others}
    if ours := [i for i, record in new.items() if not record["InUse"]]:
        forget(api, ours)


@pytest.fixture(scope="session")
def base(api: docker.APIClient) -> Iterator[str]:
    """The name of a base image with busybox, there for the session."""
    made = make_base(api)
    yield BASE
    if made:
        api.remove_image(BASE, force=True)


def build_folder(api: docker.APIClient, folder: Path, **options: Any) -> SolveResult:
    """Build ``folder`` with a session; SolveRequest's fields, build()'s callbacks and LocalDir's are
    options."""
    callbacks = {name: options.pop(name) for name in ("on_sent", "on_update") if name in options}
    served = {name: options.pop(name) for name in ("hidden", "overlay") if name in options}
    directory = LocalDir(folder, DockerPatterns, **served)
    with contextlib.closing(connect(api)) as control:
        return build(
            control,
            SolveRequest(**options),
            context=directory,
            dockerfile=directory,
            logins=Logins.of(api),
            **callbacks,
        )


@pytest.fixture
def build_here(api: docker.APIClient, tmp_path: Path, new_tag: Callable[[], str]) -> Build:
    """``build_here(no_cache=True, …)``: build the test's own folder, its image removed after the test."""

    def run(**options: Any) -> SolveResult:
        return build_folder(api, tmp_path, **{"tags": [new_tag()], "cache_name": CACHE_NAME, **options})

    return run


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Daemon]]:
    """``daemon(…)`` starts an engine of the test's own; needs root and dockerd."""
    if not can_start():
        pytest.skip("needs root and dockerd")
    started: list[Daemon] = []

    def start(folder: Path | None = None, **options: Any) -> Daemon:
        # A socket's path may be 107 bytes long: not below pytest's own long folder names.
        folder = folder or Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
        started.append(Daemon(folder, **options))
        return started[-1]

    yield start
    for each in started:
        each.stop()
        shutil.rmtree(each.folder, ignore_errors=True)
