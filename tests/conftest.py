"""What every test may ask for: a real engine, base images, fixture repos.

``make_fixture(name)`` is one shared tree per session: read it, build it, never write to it;
``copy_fixture(name)`` is a copy of one's own. ``engine`` and ``api`` are the Docker SDK's two clients.
``base_args(name)`` are the build arguments with which a fixture builds here. ``new_tag()`` names an image
that is removed after the test.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from fixtures import make
from tests.support.daemon import MEMORY, copies_run, running_copy
from tests.support.runner import as_it_is_now

as_it_is_now()

ROOT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
RUN_LABEL = "org.ctxsize.run"
PROCESSES = 3
NEED_ENGINE = ("docker", "podman", "reference")

_no_engine = pytest.StashKey[str | None]()
_engine_tests = pytest.StashKey[Path]()
#: Whether every process has an engine.
_engines = pytest.StashKey[bool]()


def _why_no_engine(config: pytest.Config) -> str | None:
    """Why no engine can be used, or None when one answers; asked once a session."""
    if _no_engine not in config.stash:
        try:
            with contextlib.closing(docker.from_env(timeout=20)) as client:
                client.ping()
            config.stash[_no_engine] = None
        except (docker.errors.DockerException, OSError) as error:
            config.stash[_no_engine] = f"no Docker engine answers ({error}); scripts/ensure-engine starts one"
    return config.stash[_no_engine]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in several processes, since tests with an engine mostly wait for it.

    The first has the machine's engine, and each other one an engine of its own where that can be; else one
    process has all tests with an engine. A run of a named path stays in this process, as do a debugger,
    ``-s``, ``-n 0`` and ``-p no:xdist``.
    """
    option = config.option
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    watched = option.usepdb or option.trace or option.capture == "no"
    if option.numprocesses is None and whole and not watched:
        option.numprocesses = PROCESSES
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    config.stash[_engine_tests] = Path(folder.name, "engine-tests")
    config.stash[_engines] = not _why_no_engine(config) and copies_run((option.numprocesses or 1) - 1)
    if config.stash[_engines] and option.numprocesses and option.basetemp is None:
        # Making and removing some 50,000 files and folders on a disk takes twice the processor time.
        memory = tempfile.TemporaryDirectory(prefix="ctxsize-tests-", dir=MEMORY, ignore_cleanup_errors=True)
        config.add_cleanup(memory.cleanup)
        option.basetemp = Path(memory.name, "t")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist where to write which tests need an engine, and whether to start one."""
    node.workerinput["engine_tests"] = str(node.config.stash[_engine_tests])
    node.workerinput["engine"] = node.config.stash[_engines] and node.workerinput["workerid"] != "gw0"


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """All tests of this process use its engine."""
    with contextlib.ExitStack() as stack:
        process = getattr(session.config, "workerinput", {})
        if process.get("engine"):
            number = int(process["workerid"].removeprefix("gw"))
            os.environ["DOCKER_HOST"] = stack.enter_context(running_copy(number))
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Write the names of the tests that need an engine, in one of several processes.

    What was collected stays to the end: the garbage collector need not look at it again, least of all in work
    that is timed.
    """
    process = getattr(session.config, "workerinput", {})
    if process.get("workerid") == "gw0":
        named = [each.nodeid for each in session.items if any(map(each.get_closest_marker, NEED_ENGINE))]
        Path(process["engine_tests"]).write_text("\n".join(named))
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests with an engine look at all that is on it, so one process has them, one after the other: all of
    them, or where there are several engines all of a folder. Of the others one process has all of a file,
    which may share what it takes long to make."""
    from xdist.scheduler import LoadScopeScheduling

    class EngineTestsTogether(LoadScopeScheduling):
        def schedule(self) -> None:
            self.engine_tests = set(config.stash[_engine_tests].read_text().split("\n"))
            super().schedule()

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if nodeid not in self.engine_tests:
                return file
            return file.rpartition("/")[0] if config.stash[_engines] else "engine"

    return EngineTestsTogether(config, log)


def pytest_configure() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and the programs under test would, too; and
    whoever runs the tests may build for another platform."""
    os.environ.pop("DOCKER_DEFAULT_PLATFORM", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A ``docker`` test without an engine: skipped on a developer's machine, failed in CI."""
    if item.get_closest_marker("docker") and (reason := _why_no_engine(item.config)):
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    """The engine of this machine, or DOCKER_HOST's. Tests that use it carry ``@pytest.mark.docker``."""
    if reason := _why_no_engine(request.config):
        pytest.fail(f"{reason}; this test lacks the docker marker", pytrace=False)
    client = docker.from_env(timeout=300)
    before = labelled(client)
    yield client
    left = labelled(client) - before
    client.close()
    if left and IN_CI:
        pytest.fail(
            f"left on the engine with the label {RUN_LABEL}: {', '.join(sorted(left))}", pytrace=False
        )
    if left:
        # Someone may be running ctxsize on this engine right now.
        warnings.warn(f"on the engine with the label {RUN_LABEL}: {', '.join(sorted(left))}", stacklevel=1)


def labelled(client: docker.DockerClient) -> set[str]:
    """Everything on the engine that carries ctxsize's label, as ``kind id``."""
    only: dict[str, str | list[str] | bool] = {"label": RUN_LABEL}
    return {
        *(f"image {image.short_id}" for image in client.images.list(all=True, filters=only)),
        *(f"container {each.short_id}" for each in client.containers.list(all=True, filters=only)),
        *(f"network {network.short_id}" for network in client.networks.list(filters=only)),
        *(f"volume {volume.name}" for volume in client.volumes.list(filters=only)),
    }


@pytest.fixture(scope="session")
def api(engine: docker.DockerClient) -> docker.APIClient:
    """The low-level client of ``engine``."""
    return engine.api


@pytest.fixture(scope="session")
def base_image(engine: docker.DockerClient) -> Callable[[str], str]:
    """``base_image("python:3.12-slim")``: the image to use for a public one here, made when it must be."""
    known: dict[str, str] = {}

    def find(public: str) -> str:
        if public not in known:
            command = [str(ROOT / "scripts" / "make-base-images"), public]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.fail(f"no base image for {public}: {done.stderr}", pytrace=False)
            known[public] = done.stdout.split()[1]
            _build_once_from(known[public])
        try:
            engine.images.get(known[public])
        except docker.errors.ImageNotFound:
            pytest.fail(f"a test before this one removed {known[public]}, which the others build on")
        return known[public]

    return find


def _build_once_from(image: str) -> None:
    """The first build from an image leaves the engine a cache record of its layers, whoever builds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(f"FROM {image}\nCOPY . /\n")
        Path(folder, ".dockerignore").write_text("nothing\n")
        command = [sys.executable, "-m", "ctxsize", "compare", "--repeat", "1", folder]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        pytest.fail(f"nothing can be built from {image}: {done.stderr}", pytrace=False)


@pytest.fixture(scope="session")
def base_args(base_image: Callable[[str], str]) -> Callable[[str], dict[str, str]]:
    """``base_args("links")``: the build arguments with which that fixture builds on this engine."""
    return lambda name: {"BASE": base_image(make.load(name).base)}


@pytest.fixture(scope="session")
def make_fixture(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_fixture("node-heavy", scale=0.1)``: the fixture, made once a session, shared: read-only."""
    made: dict[tuple[str, float], Path] = {}

    def get(name: str, *, scale: float = 1.0) -> Path:
        if (name, scale) not in made:
            dest = tmp_path_factory.mktemp("fixtures") / name
            make.make(name, dest, scale=scale)
            made[name, scale] = dest
        return made[name, scale]

    return get


@pytest.fixture
def copy_fixture(make_fixture: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """``copy_fixture("links")``: a copy (mtimes, links and all) that the test may change."""

    def copy(name: str, *, scale: float = 1.0) -> Path:
        dest = tmp_path / name
        subprocess.run(["cp", "-a", make_fixture(name, scale=scale), dest], check=True)
        return dest

    return copy


@pytest.fixture
def new_tag(engine: docker.DockerClient) -> Iterator[Callable[[], str]]:
    """``new_tag()``: a name for an image, which is removed after the test if it was made."""
    tags: list[str] = []

    def tag() -> str:
        tags.append(f"ctxsize-test:{uuid.uuid4().hex[:12]}")
        return tags[-1]

    yield tag
    for each in tags:
        try:
            engine.images.remove(each, force=True)
        except docker.errors.ImageNotFound:
            continue
