"""What we say of an image is what an engine exports of it: one that has all, and, slow, 300 random ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.inspection import generated

#: Worked out by hand from what generated.everything writes.
COUNTS = {
    "same-content": 10 + 10,  # a: chown, and then a second name
    "removed": 20,  # b
    "opaque": 40 + 80,  # dir/x, dir/y
    "replaced": 4 + 4,  # link; dir/n
    "type-changed": 160 + 5,  # other/z, where other became a file; and that, when it became a directory
}


@pytest.mark.docker
def test_paths_and_bytes_are_those_that_the_engine_exports(
    api: docker.APIClient, base: str, tmp_path: Path
) -> None:
    counts: dict[str, int] = {}
    generated.everything(tmp_path, base)
    image = generated.build(api, tmp_path, buildkit=False)
    try:
        assert generated.differences(api, image, counts) == []
    finally:
        api.remove_image(image, force=True)

    del counts["shown"]
    assert counts == COUNTS


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["chown", "derived", "flask-gunicorn", "links", "multi-stage", "negation", "no-dockerignore", "secrets"],
)
def test_the_fixtures_are_what_the_engine_exports(
    name: str,
    api: docker.APIClient,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
) -> None:
    image = generated.build(api, make_fixture(name), buildkit=False, arguments=base_args(name))
    try:
        assert generated.differences(api, image, {}) == []
    finally:
        api.remove_image(image, force=True)


@pytest.mark.docker
@pytest.mark.slow
def test_300_random_images(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["generated.py", "--images", "300", "--base", base])

    assert generated.main() == 0
