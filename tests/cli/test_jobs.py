"""``--jobs``: on which engines several things are measured at the same time."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ctxsize.cli import main
from ctxsize.errors import UsageError
from ctxsize.processes.pool import Pool
from tests.support.fake_engine import FakeEngine, whole


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many processes were to work at the same time; none of them starts."""
    seen: list[int] = []

    def note(self: Pool, *_: Any) -> None:
        seen.append(self._size)
        raise UsageError("that is all")

    monkeypatch.setattr(Pool, "map", note)
    return seen


@pytest.mark.parametrize(
    "command", [["check", "--limit", "image=1MB"], ["compare"]], ids=lambda words: words[0]
)
@pytest.mark.parametrize(("api", "together"), [("1.41", 1), ("1.42", 2), ("1.51", 2)])
def test_an_engine_that_does_not_name_cache_records_measures_one_after_the_other(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    api: str,
    together: int,
) -> None:
    """Before Docker Engine 23 (API 1.42) only the time tells whose a record is."""
    about = {"Version": "20", "ApiVersion": api, "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        (tmp_path / name / ".dockerignore").write_text("log\n")

    engine = FakeEngine(
        tmp_path_factory.mktemp("e") / "s",
        lambda line: whole(json.dumps(about).encode()) if line.startswith("GET /version") else None,
    )
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    with closing(engine):
        result = CliRunner().invoke(main, [*command, "a", "b", "--jobs", "2"])

    assert max(sizes, default=1) == together, result.output
