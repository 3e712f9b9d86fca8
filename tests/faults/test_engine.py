"""The engine is killed, stopped, frozen or restarted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.buildkit.cases import BASE
from tests.faults.conftest import Compare, OwnEngine, When, things

pytestmark = pytest.mark.docker

BUILDERS = ("buildkit", "classic")


def kill(engine: OwnEngine) -> Callable[[], None]:
    return engine.kill


def stop(engine: OwnEngine) -> Callable[[], None]:
    return engine.stop


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_engine_is_killed_in_mid_send(own_engine: OwnEngine, compare: Compare, builder: str) -> None:
    outcome = compare("--builder", builder, when=When(own_engine.kill, sent=1 << 20))

    assert outcome.code == 4
    assert 1 <= len(outcome.errors) <= 2, "one line for each variant that it befell"
    assert outcome.report is not None
    assert outcome.report["variants"]["without"]["context"]["bytes"] > 4 << 20, "the scan is reported"


@pytest.mark.parametrize(
    "builder",
    ["buildkit", pytest.param("classic", marks=pytest.mark.slow)],
)
def test_the_engine_is_killed_between_the_builds_and_what_was_measured_is_reported(
    own_engine: OwnEngine, compare: Compare, builder: str
) -> None:
    outcome = compare("--builder", builder, when=When(own_engine.kill, nth=3))

    assert outcome.code == 4
    assert outcome.measured("with")
    assert not outcome.measured("without")


@pytest.fixture
def running_project(tmp_path: Path) -> Path:
    """One of which the build without the ignore file stands still in a RUN step."""
    folder = tmp_path / "running"
    folder.mkdir()
    # Told to stop, the step stops at once: a shell without a trap would be waited for, and killed then.
    run = "trap 'exit 1' TERM; echo running; if [ -e /src/a.log ]; then echo endless; sleep 20 & wait; fi"
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY . /src/\nRUN {run}\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "a.log").write_text("x")
    return folder


@pytest.mark.parametrize(
    ("end", "builder"),
    [
        (kill, "classic"),
        (stop, "buildkit"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((kill, "buildkit"), (stop, "classic"))),
    ],
)
def test_the_engine_ends_while_a_step_runs_and_the_other_variant_is_reported(
    own_engine: OwnEngine,
    compare: Compare,
    running_project: Path,
    builder: str,
    end: Callable[[OwnEngine], Callable[[], None]],
) -> None:
    when = When(end(own_engine), nth=3, line="endless")

    outcome = compare("--builder", builder, "--network", "none", folder=running_project, when=when)

    assert outcome.code == 4
    assert outcome.measured("with")
    assert not outcome.measured("without")
    assert len(outcome.errors) <= 2


def test_an_engine_that_was_restarted_is_used_again_and_rid_of_what_it_kept(
    own_engine: OwnEngine, compare: Compare
) -> None:
    before = things(own_engine.api)

    assert compare("--builder", "buildkit", when=When(own_engine.kill, nth=3)).code == 4
    own_engine.start()
    assert things(own_engine.api) > before
    assert compare("--builder", "buildkit", when=When(lambda: None)).code == 0
    assert things(own_engine.api) == before


@pytest.mark.slow
def test_an_engine_that_is_restarted_in_mid_send_is_an_error_and_is_rid_of_what_it_kept(
    own_engine: OwnEngine, compare: Compare
) -> None:
    def restart() -> None:
        own_engine.kill()
        own_engine.start()

    before = things(own_engine.api)

    assert compare("--builder", "buildkit", when=When(restart, sent=1 << 20)).code == 4
    assert things(own_engine.api) == before, "the run cleans up where it can"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "builder",
    ["classic", pytest.param("buildkit", marks=pytest.mark.slow)],
)
def test_an_engine_that_freezes_is_given_up(own_engine: OwnEngine, compare: Compare, builder: str) -> None:
    outcome = compare("--builder", builder, when=When(own_engine.freeze, sent=1 << 20))

    assert outcome.code == 4
    assert "nothing heard from the engine for" in outcome.lines[0]
