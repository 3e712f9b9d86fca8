"""What befalls ``suggest`` while it tries rules."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Compare, Outcome, OwnEngine, When

pytestmark = pytest.mark.docker

#: Builds: as it is, with all rules; and the word that those which are timed are announced by.
TRIALS, TIMED = 2, "round"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A project with something to propose."""
    folder = tmp_path / "shop"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.md").write_text("x" * 1000)
    (folder / "kept").write_text("kept")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /src/\n")
    return folder


def proposed(outcome: Outcome) -> set[str]:
    assert outcome.report is not None
    return {rule["rule"] for rule in outcome.report["rules"] if rule["proof"] == "same-image"}


def test_the_engine_is_killed_after_the_trials_and_what_held_is_reported(
    own_engine: OwnEngine, compare: Compare, docs: Path
) -> None:
    outcome = compare(
        "--min-bytes",
        "0",
        "--write",
        command="suggest",
        folder=docs,
        when=When(own_engine.kill, word=TIMED),
    )

    assert outcome.code == 4
    assert len(outcome.errors) == 1
    assert "docs" in proposed(outcome)


@pytest.mark.usefixtures("nothing_left")
def test_ctrl_c_after_the_trials_reports_what_held_and_writes_nothing(compare: Compare, docs: Path) -> None:
    def press() -> None:
        signal.raise_signal(signal.SIGINT)

    outcome = compare(
        "--min-bytes", "0", "--write", command="suggest", folder=docs, when=When(press, word=TIMED)
    )

    assert outcome.code == 130
    assert "docs" in proposed(outcome)


@pytest.mark.usefixtures("nothing_left")
def test_an_ignore_file_that_changes_meanwhile_is_left_alone_and_the_rules_are_reported(
    compare: Compare, docs: Path
) -> None:
    file = docs / ".dockerignore"

    def edit() -> None:
        file.write_text("*.tmp\n")

    outcome = compare(
        "--min-bytes", "0", "--write", "--repeat", "0", command="suggest", folder=docs, same_tree=False,
        when=When(edit, nth=TRIALS),
    )  # fmt: skip

    assert outcome.code == 2
    assert "changed meanwhile" in outcome.errors[0]
    assert file.read_text() == "*.tmp\n"
    assert outcome.report is not None and outcome.report["rules"]


@pytest.mark.usefixtures("nothing_left")
def test_a_file_that_changes_during_the_trials_is_said(compare: Compare, docs: Path) -> None:
    def edit() -> None:
        (docs / "kept").write_text("changed, and longer")

    outcome = compare(
        "--min-bytes", "0", "--repeat", "0", command="suggest", folder=docs, same_tree=False,
        when=When(edit),
    )  # fmt: skip

    assert outcome.report is not None
    assert "tree-changed" in {each["code"] for each in outcome.report["warnings"]}
