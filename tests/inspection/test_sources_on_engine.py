"""One image from everywhere: the engine, what `docker save` wrote of it, a real registry, a build."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from ctxsize.engine.options import BuildOptions
from ctxsize.inspection.difference.difference import image_difference
from ctxsize.inspection.difference.types import ImageDifference, Sizes
from ctxsize.inspection.image import image

pytestmark = pytest.mark.docker


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The host of Debian's docker-registry on a loopback port."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs docker-registry")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with subprocess.Popen(["docker-registry", "serve", config], stderr=subprocess.DEVNULL) as process:
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"localhost:{port}"
        process.terminate()


def same(found: ImageDifference) -> None:
    assert found.rows == ()
    assert {step.status for step in found.steps} == {"same"}
    assert found.totals.bytes.change == 0


def test_an_archive_of_an_image_is_that_image(api: docker.APIClient, base: str, tmp_path: Path) -> None:
    archive = tmp_path / "base.tar"
    with open(archive, "wb") as file:
        for piece in api.get_image(base):
            file.write(piece)
    found = image_difference(base, archive, view="file")
    same(found)
    assert found.totals.pull_bytes.change == 0


def test_a_real_registry_has_that_image_too_and_nothing_is_pulled(
    api: docker.APIClient, base: str, registry: str
) -> None:
    name = f"{registry}/group/base"
    api.tag(base, name, "1")
    try:
        said = api.push(name, "1", auth_config={"username": "x", "password": "x"})
        assert "error" not in said, said
    finally:
        api.remove_image(f"{name}:1")
    before = {each["Id"] for each in api.images(all=True)}
    same(image_difference(f"registry://{name}:1", base, view="file"))
    sizes = image(f"registry://{name}:1")
    here = image(base)
    assert sizes.totals.pull_bytes == pytest.approx(here.totals.pull_bytes, rel=0.03)
    assert [step.text for step in sizes.steps] == [step.text for step in here.steps]
    assert {each["Id"] for each in api.images(all=True)} == before


def test_what_a_project_builds_against_what_it_built_before(
    base: str, tmp_path: Path, api: docker.APIClient
) -> None:
    before = {each["Id"] for each in api.images(all=True)}
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, size, more in ((old, 1000, ""), (new, 5000, "RUN rm /app/data\n")):
        folder.mkdir()
        (folder / "data").write_bytes(b"d" * size)
        (folder / "kept").write_bytes(b"k" * 100)
        (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY data kept /app/\n{more}")
    found = image_difference(old, new, view="file", options=BuildOptions())
    assert [(row.status, row.name, row.bytes, row.wasted_bytes) for row in found.rows] == [
        ("removed", "/app/data", Sizes(1000, 5000), Sizes(0, 5000))
    ]
    assert [(step.status, step.line, step.bytes) for step in found.steps if step.status != "same"] == [
        ("changed", 2, Sizes(1100, 5100)),
        ("added", 3, Sizes(0, 0)),
    ]
    assert found.totals.bytes.change == 4000
    assert {each["Id"] for each in api.images(all=True)} == before
