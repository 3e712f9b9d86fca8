"""Rebuilds after simulated changes, held against the official clients' builds after real ones."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from ctxsize.context.changes import Changes
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from ctxsize.rebuild.edits import edit_of
from tests.engine.builders.test_rebuild import project, ran
from tests.support import buildcache
from tests.support.reference import Builder, client

__all__ = ["project"]

pytestmark = [pytest.mark.docker, pytest.mark.slow]

#: The lines of the steps of test_rebuild's Dockerfile, by what the clients print for them.
LINES = {"COPY requirements.txt /src/": 3, "RUN cat": 4, "COPY . /src/": 5, "> /suffix": 6}


def user_builds(builder: Builder, project: Path, tag: str, base: str) -> list[int]:
    """The lines that run in the user's own build, with the cache as it is."""
    command = client(builder)
    if command is None:
        pytest.skip(f"no docker client here can use {builder}")
    words = [command, "build", "--network=none", "--build-arg", f"BASE={base}", "--tag", tag]
    words += ["--progress=plain"] if builder == "buildkit" else []
    environment = os.environ | {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    done = subprocess.run([*words, project], env=environment, capture_output=True, text=True, check=True)
    output = done.stdout + done.stderr
    if builder == "buildkit":
        cached = set(re.findall(r"^#(\d+) CACHED$", output, re.MULTILINE))
        steps = dict(re.findall(r"^#(\d+) \[\d+/\d+\] ((?:COPY|RUN) .*)$", output, re.MULTILINE))
        return sorted(line_of(text) for number, text in steps.items() if number not in cached)
    steps = re.findall(r"^Step \d+/\d+ : ((?:COPY|RUN) .*)\n( ---> Using cache)?", output, re.MULTILINE)
    return sorted(line_of(text) for text, from_cache in steps if not from_cache)


def line_of(text: str) -> int:
    return max(line for part, line in LINES.items() if part in text)


def apply(changes: Changes, root: Path) -> None:
    for path, content in changes.replaced.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path, tail in changes.appended.items():
        with (root / path).open("ab") as file:
            file.write(tail)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_same_steps_run_again_as_in_the_users_build_after_the_same_change(
    project: Path,
    api: docker.APIClient,
    base_args: Callable[[str], dict[str, str]],
    new_tag: Callable[[], str],
    builder: Builder,
) -> None:
    base, tag = base_args("links")["BASE"], new_tag()
    options = BuildOptions(build_args={"BASE": base}, network="none")
    subject = prepare(project, dockerfile=None, builder=builder, options=options, progress=Silent())
    commit = edit_of(project, ".git", ignored=lambda _: True, needed=lambda _: True)
    assert commit is not None
    made = [
        Changes(),
        commit.next(),
        Changes(appended={"data": b"\n"}),
        Changes(),
        Changes(appended={"app.txt": b"\n"}),
        Changes(appended={"requirements.txt": b"\n"}),
    ]
    ours, changes = [], Changes()
    with Run(subject.engine) as run:
        rebuilder = subject.builder(run)
        for change in [Changes(), *made]:
            changes = changes.then(change)
            variant = replace(subject.variant("without"), changes=changes)
            ours.append(ran(rebuilder.build(variant, progress=Silent(), rebuild=True)))

    before = buildcache.record_ids(api)
    (project / ".dockerignore").unlink()
    theirs, images = [], []
    try:
        for change in [Changes(), *made]:
            apply(change, project)
            theirs.append(user_builds(builder, project, tag, base))
            images.append(str(api.inspect_image(tag)["Id"]))
    finally:
        for image in dict.fromkeys(reversed(images)):
            api.remove_image(image, force=True)
        buildcache.remove(api, buildcache.record_ids(api) - before)
    assert ours == theirs
    assert ours == [[3, 4, 5, 6], [], [5, 6], [5, 6], [], [5, 6], [3, 4, 5, 6]]
