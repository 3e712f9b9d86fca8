"""Through every endpoint: the image, the files sent and the bytes are those of the official client there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from ctxsize.engine.buildkit import Control
from ctxsize.engine.endpoints.reach import reach
from ctxsize.engine.endpoints.wanted import wanted
from tests.engine.buildkit.base import make_base
from tests.engine.buildkit.cases import BASE, CASES, Case
from tests.engine.buildkit.contents import archive_files, image_files
from tests.engine.buildkit.record import official
from tests.engine.buildkit.test_parity import build_case, compare
from tests.support.builders import NAMES, Builders

pytestmark = pytest.mark.reference


@pytest.fixture(scope="session")
def changes(their_engine: docker.DockerClient) -> Callable[[Path], dict[str, list[object]]]:
    """The files of an image in an archive that the base image does not have just so."""
    make_base(their_engine.api)
    known = image_files(their_engine.api, BASE)

    def changed(archive: Path) -> dict[str, list[object]]:
        with archive.open("rb") as file:
            return {path: what for path, what in archive_files(file).items() if known.get(path) != what}

    return changed


@pytest.mark.parametrize("variant", ["with", "without"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", NAMES)
def test_the_build_is_the_official_clients(
    name: str,
    case: Case,
    variant: str,
    use_builders: Builders,
    changes: Callable[[Path], dict[str, list[object]]],
    tmp_path: Path,
) -> None:
    words = ["buildx", "build", "--builder", name, "--output", "type=docker,dest=../out"]
    expected = official(
        case, variant, [*use_builders.client, *words], changes, environment=use_builders.environment
    )
    assert "error" not in expected, expected
    instance = wanted(name).instance
    assert instance is not None
    archive = tmp_path / "image.tar"

    def take(pieces: Iterator[bytes]) -> None:
        with archive.open("wb") as file:
            file.writelines(pieces)

    with closing(Control(reach(instance, instance.nodes[0]).dial)) as control:
        result, sent = build_case(control, case, variant, tmp_path, exporter="docker", take=take)
    compare(changes(archive), result, sent, expected)
