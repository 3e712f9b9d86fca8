"""A draft proven by real builds: what it is told, and that nothing is left, also of one that is stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from ctxsize.browse.app import Browser
from ctxsize.browse.open import Build, open_tree
from ctxsize.browse.proving import proof_text
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.figures import SecondsSaved
from ctxsize.suggest.draft import DraftProof
from tests.browse.driving import run, until
from tests.conftest import labelled


def said(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#proof", Static).render())


@pytest.fixture
def project(tmp_path: Path, base_image: Callable[[str], str]) -> Path:
    shop = tmp_path / "shop"
    for name, size in {"video/a.mp4": 3_000_000, "src/app.py": 40}.items():
        file = shop / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    (shop / "Dockerfile").write_text(
        f"FROM {base_image('busybox:1.36')}\nCOPY . /app\nARG SECONDS=0\nRUN sleep $SECONDS\n"
    )
    return shop


@pytest.mark.docker
def test_a_draft_is_built_proven_and_told(project: Path, engine: docker.DockerClient) -> None:
    before = labelled(engine)

    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("i", "b")
        await until(pilot, lambda: "Escape leaves" in said(pilot))
        lines = said(pilot).splitlines()
        assert lines[0] == "Proof: same image"
        assert lines[1] == "context  3MB less in 1 files"
        assert lines[2] == "image    3MB less"
        assert lines[3].startswith("seconds  ") and "not measured" not in lines[3]
        await pilot.press("escape")

    run(Browser(open_tree(project)), "The build sees", drive)
    assert labelled(engine) == before
    assert not (project / ".dockerignore").exists()


@pytest.mark.docker
def test_a_proof_that_is_stopped_leaves_nothing(project: Path, engine: docker.DockerClient) -> None:
    before = labelled(engine)

    async def drive(pilot: Pilot[None]) -> None:
        await pilot.press("i", "b")
        await until(pilot, lambda: "sleep" in said(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Stopped. Nothing is left" in said(pilot))
        await pilot.press("escape")

    options = BuildOptions(build_args={"SECONDS": "600"})
    run(Browser(open_tree(project, build=Build(options=options))), "The build sees", drive)
    assert labelled(engine) == before


def test_what_a_proof_says() -> None:
    seconds = SecondsSaved(-1.5, -2.0, -1.0, True)
    proof = DraftProof("builds", "the image is not the same: /a is new", -5000, -1, None, seconds, 3, 6)

    assert proof_text(proof).splitlines() == [
        "Proof: builds; the image is not the same: /a is new",
        "context  5kB more in 1 files",
        "image    not known",
        "seconds  1.50 s more per build (95% 1.00 s to 2.00 s)",
        "3 builds, and 6 that were timed; nothing of them is left",
    ]
