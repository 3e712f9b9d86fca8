"""Rebuilds: what a user's next build does after a change, which exists only in the stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ctxsize.context.changes import Changes
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent
from tests.support.tree import tree_hash

pytestmark = pytest.mark.docker

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY requirements.txt /src/
RUN cat /proc/sys/kernel/random/uuid > /prefix
COPY . /src/
RUN cat /proc/sys/kernel/random/uuid > /suffix
"""
FROM_LINES = {1, 2}
DATA = 300_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git/refs").mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / ".dockerignore").write_text(".git\ndata\n")
    (folder / "data").write_bytes(b"x" * DATA)
    for name in ("requirements.txt", "app.txt"):
        (folder / name).write_text(name)
    return folder


def ran(result: BuildResult) -> list[int]:
    """The lines of the steps that ran for real."""
    return [
        step.line
        for step in result.steps
        if step.line is not None and step.line not in FROM_LINES and not step.cached
    ]


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_rebuild_runs_what_the_change_reaches_and_sends_what_changed(
    project: Path, base_args: Callable[[str], dict[str, str]], builder: str
) -> None:
    options = BuildOptions(build_args=base_args("links"), network="none", no_cache=True)
    subject = prepare(project, dockerfile=None, builder=builder, options=options, progress=Silent())
    before = tree_hash(project)
    commit = Changes({".git/refs/heads/main": b"1", ".git/objects/ab/c": b"2"}, {".git/HEAD": b"\n"})
    # One after the other, each on top of the one before: the lines that run again with the ignore file and
    # without it (None: not tried), and the files that BuildKit is sent again for them.
    table: list[tuple[str, Changes, list[int], list[int] | None, tuple[int, int]]] = [
        ("the first build", Changes(), [3, 4, 5, 6], [5, 6], (4, 5)),
        ("no change", Changes(), [], [], (0, 0)),
        ("a commit", commit, [], [5, 6], (0, 3)),
        ("more data", Changes(appended={"data": b"\n"}), [], [5, 6], (0, 1)),
        ("no change after changes", Changes(), [], [], (0, 0)),
        ("a source file", Changes(appended={"app.txt": b"\n"}), [5, 6], None, (1, 0)),
        ("what comes first", Changes(appended={"requirements.txt": b"\n"}), [3, 4, 5, 6], None, (1, 0)),
    ]
    with Run(subject.engine) as run:
        ours = subject.builder(run)
        for name in ("with", "without"):
            changes = Changes()
            for what, change, with_lines, without_lines, sent in table:
                lines = with_lines if name == "with" else without_lines
                if lines is None:
                    continue
                changes = changes.then(change)
                variant = replace(subject.variant(name), changes=changes)
                result = ours.build(variant, progress=Silent(), rebuild=True)
                assert ran(result) == lines, (name, what)
                if builder == "buildkit":
                    assert result.sent_files == sent[name == "without"], (name, what)
                    data = what in ("the first build", "more data") and name == "without"
                    assert (result.sent_bytes > DATA) == data, (name, what)
    assert tree_hash(project) == before
