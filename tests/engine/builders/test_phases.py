"""Where the time of a real build went: parts that add up, also where stages run at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ctxsize.engine.builders.interface import PHASES, BuildResult, Part, Step
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.measure.subject import prepare
from ctxsize.progress import Silent

#: The two stages need nothing of each other.
STAGES = """\
ARG BASE
FROM ${BASE} AS slow
RUN sleep 1.5 && echo slow > /slow
FROM ${BASE} AS fast
RUN sleep 0.2 && echo fast > /fast
FROM ${BASE}
COPY --from=slow /slow /
COPY --from=fast /fast /
COPY . /src/
"""


def build(project: Path, builder: str, **options: object) -> BuildResult:
    """One build with the ignore file."""
    given = BuildOptions(network="none", **options)  # type: ignore[arg-type]
    subject = prepare(project, dockerfile=None, builder=builder, options=given, progress=Silent())
    with Run(subject.engine) as run:
        return subject.builder(run).build(subject.variant("with"), progress=Silent())


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_the_phases_of_a_build_add_up_to_its_seconds(
    tmp_path: Path, base_args: Callable[[str], dict[str, str]], builder: str
) -> None:
    (tmp_path / "Dockerfile").write_text(STAGES)
    (tmp_path / ".dockerignore").write_text("nothing\n")
    (tmp_path / "data").write_bytes(b"x" * 1_000_000)
    result = build(tmp_path, builder, build_args=base_args("links"))
    runs = {step.name.split()[2]: step for step in result.steps if step.name.startswith("RUN sleep")}
    steps = sum(step.seconds for step in result.steps)

    assert tuple(sorted(result.phases)) == tuple(sorted(PHASES))
    assert sum(result.phases.values()) == pytest.approx(result.seconds)
    assert sum(result.parts.values()) == pytest.approx(result.seconds)
    assert min(result.phases.values()) >= 0.0
    assert result.parts[Part("copy", 9)] > 0.0
    assert Part("copy") not in result.parts, "what is copied before any step of the Dockerfile is loading"
    slow, fast = runs["1.5"], runs["0.2"]
    assert slow.critical == pytest.approx(slow.seconds)
    if builder == "classic":
        assert fast.critical == fast.seconds, "one stage after the other"
    else:
        assert fast.critical == 0.0, "nobody waited for it"
        assert steps > result.seconds - result.phases["rest"], "the steps alone would say more than there was"


def test_listing_the_context_is_taken_out_of_what_it_was_a_part_of() -> None:
    steps = (
        Step("send context", 2.0, False, "send", critical=2.0),
        Step("COPY . /", 3.0, False, "copy", line=2, critical=3.0),
    )
    phases = BuildResult("image", 6.0, steps, 0, scan_seconds=0.5).phases

    assert phases == {
        "scan": 0.5, "send": 1.5, "load": 0.0, "copy": 3.0, "other": 0.0, "export": 0.0, "rest": 1.0
    }  # fmt: skip


def test_listing_longer_than_sending_went_on_while_it_was_loaded() -> None:
    """Upload: the engine unpacks what it was sent."""
    steps = (
        Step("send context", 1.0, False, "send", critical=1.0),
        Step("copy /context /", 2.0, False, "load", critical=2.0),
    )
    phases = BuildResult("image", 3.0, steps, 0, scan_seconds=1.25).phases

    assert (phases["scan"], phases["send"], phases["load"]) == (1.25, 0.0, 1.75)


def test_listing_that_nobody_waited_for_is_no_phase() -> None:
    """The context was loaded while a longer step ran."""
    steps = (
        Step("load", 2.0, False, "load", critical=0.2),
        Step("RUN x", 3.0, False, "other", line=2, critical=3.0),
    )
    phases = BuildResult("image", 3.2, steps, 0, scan_seconds=0.5).phases

    assert (phases["scan"], phases["load"]) == (0.2, 0.0)
    assert phases["rest"] == pytest.approx(0.0)


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_steps_that_a_base_image_triggers_have_the_line_of_the_from(
    tmp_path: Path, base_args: Callable[[str], dict[str, str]], api: docker.APIClient, builder: str
) -> None:
    """And those after them the lines that they stand on, which BuildKit's own count does not say."""
    (tmp_path / ".dockerignore").write_text("nothing\n")
    (tmp_path / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE} AS base\nONBUILD COPY Dockerfile /triggered\nONBUILD RUN echo triggered\n"
        "FROM base\nRUN echo six\nCOPY . /seven\n"
    )
    images = {image["Id"] for image in api.images(all=True)}
    result = build(tmp_path, builder, build_args=base_args("links"))
    lines = {step.name: step.line for step in result.steps if step.line is not None}

    assert lines["RUN echo six"] == 6
    assert lines["COPY . /seven"] == 7
    if builder != "classic":
        assert lines["COPY Dockerfile /triggered"] == lines["RUN echo triggered"] == 5
    assert {image["Id"] for image in api.images(all=True)} <= images, "nor are the triggers' images left"
