"""Which steps have to run for real in every build, and what two builds show of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.engine.builders.interface import Step
from ctxsize.engine.builders.plan import BuildPlan, make_plan
from ctxsize.engine.options import BuildOptions
from ctxsize.ignore.types import Dialect
from ctxsize.project import open_project

TEXT = """FROM a AS build
RUN apt
COPY . /src
RUN make
FROM a AS base
RUN other
FROM base
COPY --from=build /out /out
RUN slow
COPY --from=build /src /src
RUN last
"""


def plan_of(directory: Path, text: str) -> BuildPlan:
    (directory / "Dockerfile").write_text(text)
    (directory / ".dockerignore").write_text("log\n")
    (directory / "log").write_text("x")
    project = open_project(directory, dockerfile=None, dialect=Dialect.BUILDKIT)
    resolved = resolve(parse_dockerfile(text.encode(), "Dockerfile"), buildkit=True)
    return make_plan(project, BuildOptions(), resolved, ["log"])


def ran(*lines: int, seconds: float = 1.0) -> list[Step]:
    return [Step("RUN", seconds, False, "other", line=line) for line in lines]


def affected(plan: BuildPlan) -> list[int]:
    lines = plan.dockerfile_data.count(b"\n")
    return [line for line in range(1, lines + 1) if plan.is_affected(line)]


def test_what_takes_from_the_context_is_affected_and_so_at_first_is_what_takes_from_that(
    tmp_path: Path,
) -> None:
    plan = plan_of(tmp_path, TEXT)

    assert affected(plan) == [3, 4, 8, 9, 10, 11]
    assert affected(plan.direct) == [3, 4]
    assert plan.undecided(ran(2, 3, 4, 8, 9, seconds=3.0)) == 6.0, "of lines 8 and 9"


@pytest.mark.parametrize(
    ("second", "left"),
    [
        (ran(3, 4), [3, 4]),
        (ran(3, 4, 10, 11), [3, 4, 10, 11]),
        (ran(3, 4, 8, 9, 10, 11), [3, 4, 8, 9, 10, 11]),
        ([*ran(3, 4, 10, 11), replace(ran(9)[0], cached=True), *ran(8, seconds=0.0)], [3, 4, 10, 11]),
    ],
    ids=["nothing", "from the second copy", "all", "looked at only"],
)
def test_what_ran_again_in_the_build_of_the_other_variant_has_other_input(
    tmp_path: Path, second: list[Step], left: list[int]
) -> None:
    assert affected(plan_of(tmp_path, TEXT).decided(second)) == left


def test_a_stage_on_one_that_is_the_same_is_looked_at_for_itself(tmp_path: Path) -> None:
    text = "FROM a AS b\nCOPY . /src\nFROM a AS c\nCOPY --from=b /out /\nFROM c\nRUN x\nCOPY --from=b /o /\n"
    plan = plan_of(tmp_path, text)

    assert affected(plan) == [2, 4, 6, 7]
    assert affected(plan.decided(ran(2))) == [2]
    assert affected(plan.decided(ran(2, 7))) == [2, 7]
    assert affected(plan.decided(ran(2, 4, 6, 7))) == [2, 4, 6, 7]
