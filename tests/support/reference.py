"""The official client as the reference: a plain ``docker build``, classic or BuildKit."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Builder = Literal["classic", "buildkit"]


@dataclass(frozen=True, slots=True)
class Built:
    """How a ``docker build`` ended: the image's id (None when it failed) and everything the builder said."""

    image: str | None
    output: str


@functools.cache
def client(builder: Builder) -> str | None:
    """The first ``docker`` in PATH that can use ``builder``; None when there is none.

    Clients since 23.0 need the buildx plugin for BuildKit; older ones have it inside.
    """
    for folder in os.get_exec_path():
        docker = shutil.which("docker", path=folder)
        if docker and (builder == "classic" or _has_buildkit(docker)):
            return docker
    return None


def _has_buildkit(docker: str) -> bool:
    if subprocess.run([docker, "buildx", "version"], capture_output=True).returncode == 0:
        return True
    version = subprocess.run([docker, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)\.", version)
    return found is not None and int(found[1]) < 23


def docker_build(
    context: Path,
    builder: Builder,
    *,
    tag: str,
    build_args: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
    docker_host: str | None = None,
) -> Built:
    """Builds ``context`` without cache and tags the image ``tag`` (its removal is the caller's).

    A failed build is an answer, not an exception; what it leaves half-made is removed.
    """
    docker = client(builder)
    assert docker, f"no docker client here can use the {builder} builder"
    environment = os.environ | {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
    if docker_host:
        environment["DOCKER_HOST"] = docker_host
    with tempfile.TemporaryDirectory() as folder:
        id_file = Path(folder, "id")
        command = [docker, "build", "--no-cache", "--force-rm", "--iidfile", str(id_file), "--tag", tag]
        if builder == "buildkit":
            command.append("--progress=plain")
        for name, value in (build_args or {}).items():
            command += ["--build-arg", f"{name}={value}"]
        command += [*options, str(context)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
        output = done.stdout + done.stderr
        if done.returncode == 0:
            _remove_other_stages(docker, environment, output)
            return Built(id_file.read_text().strip(), output)
    # The classic builder keeps the image of each step it got through; with the last, its parents go.
    if builder == "classic" and (steps := re.findall(r"(?m)^ ---> ([0-9a-f]{12})$", output)):
        dangling = subprocess.run(
            [docker, "image", "inspect", "--format", "{{.RepoTags}}", steps[-1]],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if dangling.stdout.strip() == "[]":
            subprocess.run([docker, "image", "rm", steps[-1]], env=environment, capture_output=True)
    return Built(None, output)


def _remove_other_stages(docker: str, environment: Mapping[str, str], output: str) -> None:
    """Remove what the classic builder leaves of stages that the image is not built on, newest first.

    The image and what it is built on stay: a tag, or a child, keeps them.
    """
    for image in reversed(re.findall(r"(?m)^ ---> ([0-9a-f]{12})$", output)):
        tags = subprocess.run(
            [docker, "image", "inspect", "--format", "{{.RepoTags}}", image],
            env=environment, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        if tags == "[]":
            subprocess.run([docker, "image", "rm", "--no-prune", image], env=environment, capture_output=True)
