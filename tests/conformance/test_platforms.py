"""Platforms against the official client: what it builds for each, and an image for several.

``make live`` runs it, and ``make builders`` what needs the containerd store: CTXSIZE_BUILDERS_ENGINE is the
directory of ``STORE=containerd scripts/modern-engine start DIR``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result

from ctxsize.cli import main
from tests.dockerfile.test_platforms import MEASURED
from tests.engine.buildkit.contents import stored_bytes

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "modern-engine"
SIZES = {"amd64": 300, "arm64": 900}
TAG = "ctxsize-conformance/platforms"
pytestmark = [pytest.mark.docker, pytest.mark.reference]


class Client:
    """The official client on one engine."""

    def __init__(self, directory: Path, store: str, config: Path) -> None:
        environment = {**os.environ, "STORE": store}
        started = subprocess.run(
            [SCRIPT, "start", directory], env=environment, check=True, capture_output=True, text=True
        )
        self.host = started.stdout.strip()
        self.directory = directory
        self.environment = {**os.environ, "CLIENT_HOST": self.host, "CLIENT_CONFIG": str(config)}

    def __call__(self, *words: str | Path, **environment: str) -> str:
        done = subprocess.run(
            [SCRIPT, "client", self.directory, *words],
            env={**self.environment, **environment}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def label(self, image: str) -> str:
        return self("image", "inspect", image, "--format", '{{index .Config.Labels "said"}}')


def client_of(variable: str, store: str, config: Path) -> Client:
    directory = os.environ.get(variable)
    if not directory:
        pytest.skip(f"{variable} names no engine of scripts/modern-engine")
    return Client(Path(directory), store, config)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    found = client_of("CTXSIZE_MODERN_ENGINE", "", tmp_path / "client")
    monkeypatch.setenv("DOCKER_HOST", found.host)
    return found


@pytest.fixture
def containerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    found = client_of("CTXSIZE_BUILDERS_ENGINE", "containerd", tmp_path / "client")
    monkeypatch.setenv("DOCKER_HOST", found.host)
    yield found
    for tag in found("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{TAG}*").split():
        found("image", "rm", "--force", tag)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    for arch, size in SIZES.items():
        (root / f"files-{arch}").mkdir(parents=True)
        (root / f"files-{arch}/x").write_bytes(b"x" * size)
    (root / "Dockerfile").write_text(
        "FROM --platform=$TARGETPLATFORM scratch\nARG TARGETARCH\nCOPY files-$TARGETARCH /f\n"
    )
    (root / ".dockerignore").write_text("nothing\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(root)
    return root


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def image(*words: str | Path) -> tuple[str, int]:
    """The platform of an image, and its bytes."""
    result = run("image", "--format", "json", *words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    return found["image"]["platform"], found["totals"]["bytes"]


def test_platforms_are_named_as_buildx_names_them(client: Client, project: Path) -> None:
    (project / "D").write_text('FROM scratch\nARG TARGETPLATFORM\nLABEL said="$TARGETPLATFORM"\nCOPY D /\n')
    for given, platform in [*MEASURED, ("local", "linux/amd64"), ("linux", "linux/amd64")]:
        built = client("build", "--quiet", "-f", project / "D", "--platform", given, project)
        assert client.label(built) == platform
        client("image", "rm", "--force", built)


def test_what_is_built_is_what_the_client_builds(
    client: Client, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, variable in (("", ""), ("arm64", ""), ("", "aarch64"), ("x86_64", "linux/arm64")):
        words = ["--platform", option] if option else []
        theirs = client("build", "--quiet", *words, project, DOCKER_DEFAULT_PLATFORM=variable)
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", variable)
        platform = client("image", "inspect", theirs, "--format", "{{.Os}}/{{.Architecture}}")
        with closing(docker.APIClient(client.host)) as api:
            size = stored_bytes(api, theirs)
        client("image", "rm", "--force", theirs)
        assert image(*words, project) == (platform, size)


def test_an_image_for_several_of_the_containerd_store(
    containerd: Client, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an image of the engine, of `docker save`, and of the oci exporter; and as a base image."""
    platforms = ("--platform", "linux/arm64,linux/amd64")
    containerd("build", "--quiet", *platforms, "-t", f"{TAG}:1", project)
    containerd("build", "--quiet", *platforms, "--output", f"type=oci,dest={tmp_path}/oci.tar", project)
    containerd("save", f"{TAG}:1", "-o", tmp_path / "saved.tar")
    for name in (f"{TAG}:1", tmp_path / "oci.tar", tmp_path / "saved.tar"):
        for arch, size in SIZES.items():
            assert image(name, "--platform", arch) == (f"linux/{arch}", size)
            given = ["--image", str(name)] if ":" in str(name) else ["--archive", str(name)]
            checked = run("check", "--format", "json", "--limit", "image=1GB", *given, "--platform", arch)
            assert json.loads(checked.stdout)["targets"][0]["sizes"]["image_bytes"] == size
        assert image(name) == ("linux/amd64", SIZES["amd64"])
        refused = run("image", name, "--platform", "s390x")
        assert refused.exit_code == 2
        assert "there is no image for linux/s390x in it (--platform takes: linux/a" in refused.stderr
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
    assert image(f"{TAG}:1") == ("linux/arm64", SIZES["arm64"])


def test_a_base_image_for_several(containerd: Client, project: Path) -> None:
    """Its variables are those of the platform; a layer of it is no layer of ours."""
    (project / "base").write_text("FROM scratch\nARG TARGETARCH\nENV OF=$TARGETARCH\nCOPY base /\n")
    containerd(
        "build", "--quiet", "--platform", "linux/amd64,linux/arm64", "-f", "base", "-t", f"{TAG}-base:1", "."
    )
    (project / "Dockerfile").write_text(f"FROM {TAG}-base:1\nCOPY files-$OF /f\n")
    for arch, size in SIZES.items():
        result = run("compare", "--repeat", "1", "--format", "json", "--platform", arch, project)
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert found["variants"]["with"]["context"]["needed_bytes"] == size
