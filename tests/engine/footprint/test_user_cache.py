"""The user's own build cache: a comparison neither uses it nor spoils it, and measures the same each time."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from ctxsize import api as ctxsize_api
from ctxsize.engine.builders import buildkit
from ctxsize.engine.connect import connect
from ctxsize.engine.options import BuildOptions
from tests.support import buildcache
from tests.support.reference import Builder, client

pytestmark = pytest.mark.docker


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose first step says whether it really ran."""
    (tmp_path / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nRUN cat /proc/sys/kernel/random/uuid > /prefix\n"
        "COPY . /src/\nRUN cat /proc/sys/kernel/random/uuid > /suffix\n"
    )
    (tmp_path / ".dockerignore").write_text("data\n")
    (tmp_path / "data").write_bytes(os.urandom(300_000))
    (tmp_path / "app.txt").write_text("app\n")
    return tmp_path


def user_builds(project: Path, builder: Builder, tag: str, base: str) -> str:
    """The image id of the user's own ``docker build``, with the cache as it is."""
    command = client(builder)
    if command is None:
        pytest.skip(f"no docker client here can use {builder}")
    words = [
        command,
        "build",
        "--quiet",
        "--network=none",
        "--build-arg",
        f"BASE={base}",
        "--tag",
        tag,
        project,
    ]
    environment = os.environ | {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_users_next_build_is_as_cached_as_before_and_ours_used_none_of_it(
    project: Path,
    api: docker.APIClient,
    base_args: Callable[[str], dict[str, str]],
    new_tag: Callable[[], str],
    builder: Builder,
) -> None:
    tag, base = new_tag(), base_args("links")["BASE"]
    before = buildcache.record_ids(api)
    first = user_builds(project, builder, tag, base)
    cached = buildcache.record_ids(api)
    try:
        options = BuildOptions(build_args={"BASE": base}, network="none")
        result = ctxsize_api.compare(
            project, builder=builder, options=options, repeat=1, keep=True
        ).comparison
        ours = result.variants["with"].image
        assert ours is not None and ours.tag is not None
        prefixes = [_cat(api, image, "/prefix") for image in (tag, ours.tag)]
        for variant in ("with", "without"):
            api.remove_image(f"ctxsize/{_repository(ours.tag)}:{variant}", force=True)

        assert user_builds(project, builder, tag, base) == first, "every step came from the cache"
        assert prefixes[0] != prefixes[1], "our first step ran for real"
        assert buildcache.record_ids(api) == cached
    finally:
        buildcache.remove(api, buildcache.record_ids(api) - before)


def test_what_users_build_at_the_same_time_stays_in_their_cache(
    project: Path,
    api: docker.APIClient,
    base_args: Callable[[str], dict[str, str]],
    new_tag: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Their steps hold nothing, as our markers do, and run at the same moments."""
    base = base_args("links")["BASE"]
    before = buildcache.record_ids(api)
    built: list[tuple[Path, str, str]] = []
    enough = threading.Event()

    def build_on() -> None:
        while not enough.is_set():
            folder, tag = tmp_path_factory.mktemp("users"), new_tag()
            steps = "".join(f"WORKDIR /{uuid.uuid4().hex}\n" for _ in range(6))
            (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\n{steps}")
            built.append((folder, tag, user_builds(folder, "buildkit", tag, base)))

    thread = threading.Thread(target=build_on)
    thread.start()
    try:
        options = BuildOptions(build_args={"BASE": base}, network="none")
        ctxsize_api.compare(project, builder="buildkit", options=options, repeat=2)
        enough.set()
        thread.join()
        again = [user_builds(folder, "buildkit", tag, base) for folder, tag, _ in built]
        assert again == [image for _, _, image in built], "every step came from the cache"
    finally:
        enough.set()
        thread.join()
        buildcache.remove(api, buildcache.record_ids(api) - before)


def test_a_namespace_for_cache_mounts_does_not_lead_to_the_users(
    tmp_path: Path,
    base_args: Callable[[str], dict[str, str]],
    new_tag: Callable[[], str],
    api: docker.APIClient,
) -> None:
    """The build argument is the user's, for instance from the configuration."""
    command = client("buildkit")
    if command is None:
        pytest.skip("no docker client here can use buildkit")
    before = buildcache.record_ids(api)
    dockerfile = tmp_path / "Dockerfile"
    steps = f"ARG BASE\nFROM ${{BASE}}\nCOPY . /src\nRUN --mount=type=cache,target=/c,id={uuid.uuid4().hex} "
    dockerfile.write_text(f"{steps} touch /c/users\n")
    (tmp_path / ".dockerignore").write_text("log\n")
    given = {**base_args("links"), "BUILDKIT_CACHE_MOUNT_NS": "mine"}
    words = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    try:
        subprocess.run(
            [command, "build", "--quiet", "--network=none", *words, "--tag", new_tag(), tmp_path],
            env=os.environ | {"DOCKER_BUILDKIT": "1"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        dockerfile.write_text(f"{steps} test ! -e /c/users\n")
        (tmp_path / "log").write_text("later")
        options = BuildOptions(build_args=given, network="none")
        found = ctxsize_api.compare(tmp_path, builder="buildkit", options=options, repeat=1).comparison
        assert found.variants["with"].error is None
    finally:
        buildcache.remove(api, buildcache.record_ids(api) - before)


def test_an_engine_that_is_asked_for_its_cache_by_several_at_once_answers_each(api: docker.APIClient) -> None:
    """Engine 20.10 refuses all but the first."""
    with ThreadPoolExecutor(8) as askers:
        answers = list(askers.map(lambda _: buildcache.record_ids(connect().api), range(40)))

    assert len(answers) == 40


@pytest.mark.parametrize(("builder", "runs"), [("buildkit", 3), ("classic", 2)])
def test_a_later_run_measures_the_same_transfer_as_the_first(
    project: Path, base_args: Callable[[str], dict[str, str]], builder: str, runs: int
) -> None:
    options = BuildOptions(build_args=base_args("links"), network="none")
    sent = set()
    for _ in range(runs):
        variants = ctxsize_api.compare(
            project, builder=builder, options=options, repeat=1
        ).comparison.variants
        sent.add(tuple(variants[name].context.sent_bytes for name in ("with", "without")))

    assert len(sent) == 1
    with_, without = sent.pop()
    assert with_ is not None and without is not None
    assert without - with_ > 299_000, "and all of it crossed each time"


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_steps_after_the_first_affected_one_run_for_real_and_those_before_come_from_the_runs_cache(
    project: Path, base_args: Callable[[str], dict[str, str]], builder: str
) -> None:
    options = BuildOptions(build_args=base_args("links"), network="none")
    result = ctxsize_api.compare(project, builder=builder, options=options, repeat=2).comparison

    for variant in result.variants.values():
        assert variant.build is not None
        steps = {step.line: step for step in variant.build.steps if step.line is not None and step.line > 2}
        assert {line: step.cached for line, step in steps.items()} == {3: True, 4: False, 5: False}


def test_steps_that_take_from_another_stage_run_once_where_what_they_take_is_the_same(
    project: Path, base_args: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line 7 takes the same in both variants, line 9 does not."""
    monkeypatch.setattr(buildkit, "WORTH_SECONDS", 0.0)
    stages = "RUN echo 1\nCOPY . /src\nFROM ${BASE}\nCOPY --from=build /src/keep /keep\nRUN echo 2\n"
    stages += "COPY --from=build /src /src\nRUN echo 3\n"
    (project / "keep").write_text("the same")
    (project / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}} AS build\n\n{stages}")
    options = BuildOptions(build_args=base_args("links"), network="none")
    result = ctxsize_api.compare(project, builder="buildkit", options=options, repeat=2).comparison

    for variant in result.variants.values():
        assert variant.build is not None
        assert variant.build.measured == (5, 9, 10)
        assert [step.line for step in variant.build.reused] == [4, 7, 8]
        assert variant.build.reused_seconds > 0
    assert result.saved.image_bytes is not None and result.saved.image_bytes > 299_000


def _repository(tag: str) -> str:
    return tag.removeprefix("ctxsize/").partition(":")[0]


def _cat(api: docker.APIClient, image: str, path: str) -> str:
    container = api.create_container(image, ["cat", path], network_disabled=True)["Id"]
    try:
        api.start(container)
        api.wait(container)
        return str(api.logs(container).decode())
    finally:
        api.remove_container(container, force=True)
