"""The examples of docs/buildkit-session.md build as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.engine.buildkit.contents import stored_bytes
from tests.support import buildcache

TEXT = (Path(__file__).parents[2] / "docs" / "buildkit-session.md").read_text()


@pytest.mark.docker
def test_the_examples_build_an_image(
    api: docker.APIClient,
    new_tag: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    example, second = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM scratch\nARG VERSION\nLABEL version=$VERSION\nCOPY . /\n")
    (project / ".dockerignore").write_text("ignored\n")
    (project / "ignored").write_bytes(bytes(1000))
    monkeypatch.chdir(tmp_path)
    tag, before = new_tag(), buildcache.record_ids(api)

    names: dict[str, object] = {}
    exec(compile(example.replace('"example"', repr(tag)), "buildkit-session.md", "exec"), names)
    exec(compile(second, "buildkit-session.md", "exec"), names)
    buildcache.remove(api, buildcache.record_ids(api) - before)

    image = api.inspect_image(tag)
    assert stored_bytes(api, tag) == 1000 + (project / "Dockerfile").stat().st_size
    assert image["Config"]["Labels"] == {"version": "1"}
    first, *steps, files = capsys.readouterr().out.splitlines()
    assert files == "['Dockerfile', 'ignored']"
    assert first == f"{image['Id']} 2 True"
    assert any("COPY . /" in step and step.endswith("False") for step in steps)
