"""The build time of each ignored path: on real engines, and where there is nothing that could be said."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import docker
import jsonschema
import pytest

from ctxsize.api import compare
from ctxsize.comparison.path_seconds import divide_seconds
from ctxsize.comparison.seconds import DividedSeconds
from ctxsize.comparison.types import PathSaving
from ctxsize.engine.builders.interface import PHASES, BuildResult, Step
from ctxsize.engine.footprint import cache_records
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed
from ctxsize.files import own
from ctxsize.measure.bench import Bench, TimeLimit
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import Subject, prepare
from ctxsize.progress import Silent
from ctxsize.report.comparison.json import draw
from ctxsize.report.shared.look import Look
from ctxsize.warning import Warning
from tests.support.tree import tree_hash

pytestmark = pytest.mark.docker

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/comparison-1.json").read_text())

#: Does not build with the logs alone, so that they can't be measured.
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY . /src/
RUN test -e /src/web/data || test ! -e /src/web/logs
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Ignored are, beside web/app, which is kept: 3 MB in one file, and 300 bytes in as many."""
    root = tmp_path / "project"
    files = {"web/data/large": 3_000_000, "web/app/main": 10}
    files |= {f"web/logs/{number}": 1 for number in range(300)}
    for name, size in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / ".dockerignore").write_text("web\n!web/app\n")
    return root


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_exact_measures_the_largest_and_all_of_it_adds_up(
    project: Path,
    temporary: Path,
    api: docker.APIClient,
    base_args: Callable[[str], dict[str, str]],
    builder: str,
) -> None:
    options = BuildOptions(build_args=base_args("links"), network="none")
    before = (
        tree_hash(project),
        {image["Id"] for image in api.images(all=True)},
        cache_records.record_ids(api),
    )
    result = compare(project, builder=builder, options=options, repeat=3, exact=2).comparison
    after = tree_hash(project), {image["Id"] for image in api.images(all=True)}, cache_records.record_ids(api)
    paths = {path.path: path for path in result.paths}

    assert {path.path: path.seconds_source for path in result.paths} == {
        "web/data": "measured",
        "web/logs": "estimated",
    }
    (failed,) = [warning for warning in result.warnings if warning.code == "not-exact"]
    assert failed.where == "web/logs"
    assert result.saved.seconds is not None and result.unattributed.seconds is not None
    total = sum(_known(path.seconds) for path in result.paths) + result.unattributed.seconds
    assert total == pytest.approx(result.saved.seconds.median, abs=1e-9)
    assert all(_in_its_interval(path) for path in result.paths)
    (web, exception) = sorted(result.rules, key=lambda rule: rule.rule.line)
    assert web.seconds == pytest.approx(sum(_known(path.seconds) for path in result.paths))
    assert (web.seconds_source, exception.seconds, exception.paths) == ("estimated", 0, 0)

    assert {name: (path.context_bytes, path.image_bytes) for name, path in paths.items()} == {
        "web/data": (3_000_000, 3_000_000),
        "web/logs": (300, 300),
    }
    assert {"scan", "copy", "export"} <= set(result.calibration) <= set(PHASES)
    assert all(cost.per_byte >= 0.0 and cost.per_entry >= 0.0 for cost in result.calibration.values())
    assert sum(cost.per_byte + cost.per_entry for cost in result.calibration.values()) > 0.0
    jsonschema.validate(json.loads(draw(result, Look())), SCHEMA)
    assert after == before, "the project and the engine are as they were"
    assert not list(temporary.iterdir()), "nothing of the probe builds is left"


def _known(seconds: float | None) -> float:
    assert seconds is not None
    return seconds


def _in_its_interval(path: PathSaving) -> bool:
    return _known(path.seconds_low) <= _known(path.seconds) + 1e-9 and (
        _known(path.seconds) <= _known(path.seconds_high) + 1e-9
    )


def test_a_time_limit_leaves_one_build_of_each_variant_and_says_so(
    project: Path, base_args: Callable[[str], dict[str, str]]
) -> None:
    options = BuildOptions(build_args=base_args("links"), network="none")
    result = compare(project, builder="buildkit", options=options, exact=2, max_time=0.01).comparison

    builds = {name: variant.build for name, variant in result.variants.items()}
    assert {name: build and len(build.runs) for name, build in builds.items()} == {"with": 1, "without": 1}
    messages = {warning.code: warning.message for warning in result.warnings}
    assert "1 timed build of each variant, too few for an interval" in messages["max-time"]
    assert "fewer than 3 timed builds of each variant" in messages["path-seconds"]
    assert all(path.seconds is None and path.seconds_source is None for path in result.paths)
    assert {rule.seconds for rule in result.rules} == {None}
    assert result.saved.seconds is not None and result.saved.seconds.low is None
    jsonschema.validate(json.loads(draw(result, Look())), SCHEMA)


# Where it can't be divided: nothing of this builds anything


def runs(seconds: float, count: int = 3) -> Builds:
    """Builds that differ in nothing but their second step, a COPY."""
    step = Step("COPY . /src/", seconds - 0.5, False, "copy", line=3, critical=seconds - 0.5)
    return Builds("image", [BuildResult("image", seconds + n / 1000, (step,), 0) for n in range(count)])


class Over(TimeLimit):
    """A time limit that has been reached."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def allows(self, seconds: float) -> bool:
        return False


def divided(
    subject: Subject, measured: dict[str, Builds], *, exact: int = 0, limit: TimeLimit | None = None
) -> tuple[DividedSeconds | None, list[Warning]]:
    with Run(subject.engine) as run:
        bench = Bench(subject, run, subject.builder(run), limit or TimeLimit(None), Silent())
        return divide_seconds(bench, measured, None, exact=exact)


def subject_of(project: Path, ignored: Iterable[str] = ()) -> Subject:
    """The project with ``FROM scratch``, and with other rules if any are given."""
    (project / "Dockerfile").write_text("FROM scratch\n\nCOPY . /src/\n")
    if ignored:
        (project / ".dockerignore").write_text("".join(f"{line}\n" for line in ignored))
    return prepare(project, dockerfile=None, builder="buildkit", options=BuildOptions(), progress=Silent())


@pytest.mark.parametrize(
    ("with_", "without", "reason"),
    [
        (runs(1.0), Builds(failure=BuildFailed("no")), "only one variant was built"),
        (runs(1.0, 2), runs(2.0, 3), "fewer than 3 timed builds of each variant"),
        (runs(1.0), runs(1.0), "the build times do not differ measurably"),
    ],
)
def test_why_there_are_no_seconds_of_paths(
    project: Path, with_: Builds, without: Builds, reason: str
) -> None:
    assert divided(subject_of(project), {WITH: with_, WITHOUT: without}) == (
        None,
        [Warning("path-seconds", f"{reason}: `seconds` of paths and rules are null")],
    )


def test_who_asked_for_exact_seconds_is_told_in_every_report_why_there_are_none(project: Path) -> None:
    measured = {WITH: runs(1.0, 2), WITHOUT: runs(2.0, 2)}
    _, warnings = divided(subject_of(project), measured, exact=1)

    assert warnings[1:] == [
        Warning("not-exact", "--exact measured nothing: fewer than 3 timed builds of each variant")
    ]


def test_no_time_left_to_calibrate(project: Path) -> None:
    found, warnings = divided(subject_of(project), {WITH: runs(1.0), WITHOUT: runs(2.0)}, limit=Over())

    assert found is None
    assert [warning.message for warning in warnings] == [
        "the time limit left no time to calibrate it: `seconds` of paths and rules are null"
    ]


def test_no_room_for_the_probe_builds_is_no_end_of_the_measurement(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/directory")
    monkeypatch.setattr(own, "_TEMPORARY", ())
    found, warnings = divided(subject_of(project), {WITH: runs(1.0), WITHOUT: runs(2.0)})

    assert found is None
    (warning,) = warnings
    assert warning.message.startswith("the builds that calibrate it failed: No such file or directory: ")


def test_a_single_ignored_path_gets_all_without_a_calibration(project: Path) -> None:
    """Nothing was built for it: the time limit has been reached, and --exact comes too late as well."""
    subject = subject_of(project, ["web/data"])
    found, warnings = divided(subject, {WITH: runs(1.0), WITHOUT: runs(2.0)}, exact=1, limit=Over())

    assert found is not None
    assert found.roots["web/data"].median == pytest.approx(1.0)
    assert (found.roots["web/data"].measured, found.costs) == (False, {})
    assert warnings == [
        Warning("max-time", "the time limit left no time for --exact: a larger --max-time gives more")
    ]


def test_a_name_that_no_rule_can_be_written_for_stays_an_estimate(project: Path) -> None:
    (project / "odd ").mkdir()
    (project / "odd " / "file").write_text("x")
    subject = subject_of(project, ["odd?"])
    found, warnings = divided(subject, {WITH: runs(1.0), WITHOUT: runs(2.0)}, exact=1)

    assert found is not None and not found.roots["odd "].measured
    assert [(warning.code, warning.where) for warning in warnings] == [("not-exact", "odd ")]
