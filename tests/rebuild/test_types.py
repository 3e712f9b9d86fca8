"""What a change costs, from builds; which file stands for a COPY; and installs that come too late."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.names import Kind
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.dockerfile.resolve import ResolvedDockerfile, resolve
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.measure.figures import EngineFigures, ProjectFigures
from ctxsize.rebuild.copies import CopyChange, copy_changes, late_installs
from ctxsize.rebuild.types import ChangeCost, Rebuild, RebuildCost, rebuild_of


def step(line: int | None, seconds: float = 1.0, cached: bool = False) -> Step:
    return Step("a step", seconds, cached=cached, phase="other", line=line)


def result(seconds: float, *steps: Step) -> BuildResult:
    return BuildResult("sha256:1", seconds, steps, sent_bytes=int(seconds))


def test_a_step_ran_again_when_it_is_the_dockerfiles_and_neither_cached_nor_skipped() -> None:
    steps = [step(None), step(1), step(2), step(3, cached=True), step(4, 0.0), step(5)]
    rebuild = rebuild_of([result(3.0), result(1.0), result(2.0, *steps)], from_lines={1})
    assert [each.line for each in rebuild.steps] == [2, 5]
    assert rebuild.step_count == 4
    assert (rebuild.seconds, rebuild.runs, rebuild.sent_bytes) == (2.0, (3.0, 1.0, 2.0), 2)


@pytest.mark.parametrize(
    ("measured", "saved"),
    [({"with": 2.0, "without": 9.0}, 6.0), ({"with": 3.0, "without": 2.0}, -2.0), ({"with": 1.0}, None)],
)
def test_saved_is_what_the_change_adds_without_minus_what_it_adds_with(
    measured: dict[str, float], saved: float | None
) -> None:
    def rebuild(seconds: float) -> Rebuild:
        return rebuild_of([result(seconds)], ())

    cost = RebuildCost(
        version="",
        created="",
        project=ProjectFigures("", "", None, None),
        engine=EngineFigures("", "", "", "", False),
        unchanged={"with": rebuild(1.0), "without": rebuild(2.0)},
        ignored=(),
        eligible=(),
        late_installs=(),
        left_out=0,
        errors={},
        warnings=(),
    )
    change = ChangeCost(
        "p", None, None, "p", "how", {name: rebuild(seconds) for name, seconds in measured.items()}
    )
    assert cost.saved_seconds(change) == saved


# A file for each COPY


class Names:
    """A context by its directories; everything else is a file."""

    def __init__(self, *directories: str) -> None:
        self.directories = {".", *directories}

    def kind(self, path: str) -> Kind | None:
        return "dir" if path in self.directories else "file"

    def readlink(self, path: str) -> str:
        raise AssertionError

    def entries(self, path: str) -> list[str]:
        raise AssertionError

    def is_archive(self, path: str) -> bool:
        return False


FILES = [("requirements.txt", 10), ("src/a.py", 30), ("src/b.py", 20), ("src/empty.py", 0), ("README.md", 25)]


def plan(*lines: str, buildkit: bool = True) -> ResolvedDockerfile:
    text = "\n".join(["FROM scratch", *lines, ""])
    return resolve(parse_dockerfile(text.encode(), "Dockerfile"), buildkit=buildkit)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["COPY . ."], [(2, "requirements.txt", True)]),
        (["COPY requirements.txt .", "COPY . ."], [(2, "requirements.txt", False), (3, "src/b.py", True)]),
        (["COPY src/*.py /"], [(2, "src/b.py", False)]),
        (["COPY src /src", "COPY README.md /"], [(2, "src/b.py", True), (3, "README.md", False)]),
        (["COPY README.md /a", "COPY README.md /b"], [(2, "README.md", False)]),
        (["RUN --mount=type=bind,target=/in make"], [(2, "requirements.txt", True)]),
        (["COPY --exclude=*.txt . ."], [(2, "src/b.py", True)]),
        (["COPY missing .", "ADD https://example.org/x /"], []),
        (["FROM scratch AS unused", "COPY . .", "FROM scratch", "COPY src /"], [(5, "src/b.py", True)]),
    ],
)
def test_the_smallest_file_that_the_fewest_instructions_take_stands_for_a_copy(
    lines: list[str], expected: list[tuple[int, str, bool]]
) -> None:
    found = copy_changes(plan(*lines), FILES, Names("src"))
    assert [(change.line, change.path, change.broad) for change in found] == expected


# Installs


@pytest.mark.parametrize(
    "command",
    ["pip install -r requirements.txt", "python -m pip install .", "npm ci", "yarn", "apt-get -y install git",
     "go mod download", "bundle install", "uv sync", "./mvnw dependency:go-offline"],
)  # fmt: skip
def test_an_install_after_a_broad_copy_is_found(command: str) -> None:
    (late,) = late_installs(
        plan("COPY . .", f"RUN {command}"),
        {CopyChange(2, "src/a.py", True): rebuild_of([result(9.0, step(2), step(3, 7.0))], ())},
    )
    assert (late.copy, late.run, late.run_line, late.seconds) == ("COPY . .", f"RUN {command}", 3, 7.0)


@pytest.mark.parametrize(
    ("lines", "broad", "again"),
    [
        (["COPY . .", "RUN make"], True, [2, 3]),
        (["COPY . .", "RUN pip install x"], False, [2, 3]),
        (["COPY . .", "RUN pip install x"], True, [2]),
        (["RUN --mount=type=bind,target=/in make", "RUN pip install x"], True, [2, 3]),
        (["COPY . .", "FROM scratch", "RUN pip install x"], True, [2, 4]),
        (["COPY . .", "RUN ./pip-installed --yarn"], True, [2, 3]),
    ],
    ids=["no-install", "a-file", "cached", "mount", "another-stage", "another-word"],
)
def test_what_is_not_a_late_install(lines: list[str], broad: bool, again: list[int]) -> None:
    rebuild = rebuild_of([result(1.0, *map(step, again))], ())
    assert late_installs(plan(*lines), {CopyChange(2, "src/a.py", broad): rebuild}) == ()
