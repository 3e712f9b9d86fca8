"""Putting a comparison together: the seconds of paths and rules, and what is null."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ctxsize.comparison.assemble import assemble
from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.found import Found
from ctxsize.comparison.seconds import DividedSeconds, Seconds
from ctxsize.comparison.types import Comparison
from ctxsize.context.totals import IgnoredRoot, RuleTotals, ScanResult, Totals
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.files.sent import SentTree
from ctxsize.ignore.types import Rule
from ctxsize.measure.builds import Builds
from ctxsize.measure.figures import Cost, ImageFigures, ProjectFigures
from ctxsize.warning import Warning

WEB = Rule(1, "web", "web", False)
LOGS = Rule(2, "*.log", "*.log", False)
EXCEPTION = Rule(3, "!keep.log", "keep.log", True)
ONE = Totals(1, 0, 10)
NONE = Totals()

#: web/a and web/b by one rule, x.log by another, a third that ignores nothing.
SCAN = ScanResult(
    eligible=Totals(5, 1, 50),
    without=Totals(8, 1, 80),
    hidden=NONE,
    emptied=NONE,
    needed=None,
    roots=tuple(
        IgnoredRoot(path, False, rule, ONE)
        for path, rule in (("web/a", WEB), ("web/b", WEB), ("x.log", LOGS))
    ),
    rules=(RuleTotals(WEB, 2, ONE + ONE), RuleTotals(LOGS, 1, ONE), RuleTotals(EXCEPTION, 0, NONE)),
    directories=(),
)


#: The project that was scanned, without an engine.
SUBJECT: Any = SimpleNamespace(
    project=SimpleNamespace(ignore="an ignore file", filtered=True),
    project_figures=ProjectFigures("shop", "Dockerfile", ".dockerignore", None),
    engine_figures=None,
    found=SCAN,
    needed_bytes=None,
    needed_bytes_without=None,
    sensitive=(),
    warnings=(),
)


def compared(divided: DividedSeconds | None, *, sent: dict[str, float] | None = None) -> Comparison:
    """Three builds of each variant, of 1 and of 3 seconds."""

    def builds(seconds: float) -> Builds:
        runs = [BuildResult("image", seconds, (), 0, sent_seconds=sent) for _ in range(3)]
        return Builds("image", runs)

    found = Found(
        builds={"with": builds(1.0), "without": builds(3.0)},
        seconds=divided,
        warnings=[] if divided else [Warning("path-seconds", "why")],
    )
    return assemble(SUBJECT, found).comparison


DIVIDED = DividedSeconds(
    {"web/a": Seconds(1.5, 1.25, 1.75, measured=True), "x.log": Seconds(0.25, 0.0, 0.5)},
    unattributed=0.25,
    costs={"copy": Cost(1.0, 1.0)},
)


def test_each_path_has_its_seconds_and_where_they_are_from() -> None:
    paths = {path.path: path for path in compared(DIVIDED).paths}

    assert {name: (path.seconds, path.seconds_source) for name, path in paths.items()} == {
        "web/a": (1.5, "measured"),
        "web/b": (0.0, "estimated"),  # no step took anything of it
        "x.log": (0.25, "estimated"),
    }
    assert (paths["web/a"].seconds_low, paths["web/a"].seconds_high) == (1.25, 1.75)


def test_a_rule_has_the_sum_of_its_paths_and_is_measured_only_when_all_of_them_are() -> None:
    rules = {rule.rule.line: rule for rule in compared(DIVIDED).rules}

    assert {line: (rule.seconds, rule.seconds_source) for line, rule in rules.items()} == {
        1: (1.5, "estimated"),
        2: (0.25, "estimated"),
        3: (0.0, "estimated"),
    }
    both = DividedSeconds({**DIVIDED.roots, "web/b": Seconds(0.5, 0.0, 1.0, measured=True)}, 0.0, {})
    rules = {rule.rule.line: rule for rule in compared(both).rules}
    assert (rules[1].seconds, rules[1].seconds_source) == (2.0, "measured")
    assert (rules[1].seconds_low, rules[1].seconds_high) == (1.25, 2.75)


def test_what_is_left_and_what_it_was_divided_by() -> None:
    result = compared(DIVIDED)

    assert result.unattributed.seconds == 0.25
    assert result.calibration == {"copy": Cost(1.0, 1.0)}
    total = sum(path.seconds or 0.0 for path in result.paths) + 0.25
    assert result.saved.seconds is not None
    assert total == pytest.approx(result.saved.seconds.median)


def test_without_a_division_all_seconds_are_null_and_a_warning_says_why() -> None:
    result = compared(None)

    assert {path.seconds for path in result.paths} == {rule.seconds for rule in result.rules} == {None}
    assert {path.seconds_source for path in result.paths} == {None}
    assert (result.unattributed.seconds, result.calibration) == (None, {})
    assert result.warnings[0] == Warning("path-seconds", "why")


def test_send_seconds_are_the_median_of_the_builds_that_know_them() -> None:
    known = {path.path: path.send_seconds for path in compared(None, sent={"web/a": 0.5}).paths}

    assert known == {"web/a": 0.5, "web/b": 0.0, "x.log": 0.0}
    assert {path.send_seconds for path in compared(None).paths} == {None}


def read(savings: ImageSavings, *, pulls: tuple[int, int] | tuple[None, None] = (50, 80)) -> Comparison:
    """Images of 100 and 170 bytes, ``pulls`` compressed."""
    images = {
        "with": ImageFigures("sha256:1", bytes=100, engine_bytes=100, pull_bytes=pulls[0], layers=1),
        "without": ImageFigures("sha256:2", bytes=170, engine_bytes=170, pull_bytes=pulls[1], layers=1),
    }
    return assemble(SUBJECT, Found(images=images, bytes=savings)).comparison


def test_what_is_unattributed_was_counted() -> None:
    savings = ImageSavings(
        {"web/a": 40}, {"web/a": 20}, 12, unattributed_bytes=18, unattributed_pull_bytes=10
    )
    result = read(savings)

    rest = result.unattributed
    assert (rest.image_bytes, rest.derived_bytes, rest.pull_bytes) == (18, 12, 10)
    assert (result.saved.image_bytes, result.saved.pull_bytes) == (70, 30)
    assert result.warnings == ()


def test_images_that_were_not_compressed_have_no_pull_size_nor_any_part_of_one() -> None:
    result = read(ImageSavings({"web/a": 40}, {}, 12, unattributed_bytes=18), pulls=(None, None))

    assert result.saved.image_bytes == 70
    assert (result.saved.pull_bytes, result.unattributed.pull_bytes) == (None, None)
    ruling = [rule for rule in result.rules if rule.paths]
    assert {each.pull_bytes for each in (*result.paths, *ruling)} == {None}
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("savings", "what"),
    [
        (ImageSavings({"web/a": 40}, {"web/a": 20}, 12, 17, 10), "image"),
        (ImageSavings({"web/a": 40}, {"web/a": 20}, 12, 18, 11), "pull"),
    ],
)
def test_parts_that_do_not_add_up_are_reported_as_they_were_counted(savings: ImageSavings, what: str) -> None:
    result = read(savings)

    rest = result.unattributed
    assert (rest.image_bytes, rest.pull_bytes) == (
        savings.unattributed_bytes,
        savings.unattributed_pull_bytes,
    )
    (warning,) = result.warnings
    assert warning.code == "does-not-add-up"
    assert warning.message.startswith(f"the {what} bytes of paths")


def test_where_the_image_has_little_of_it_what_is_sent_decides_the_order() -> None:
    sent = SentTree(root_of=str)
    for path, size in (("web/a", 8), ("web/b", 8), ("x.log", 60_000)):
        sent.add(path, size, 0)
    without = Builds("image", [BuildResult("image", 1.0, (), 0)], sent=sent)
    found = Found(builds={"with": without, "without": without})
    found.bytes = ImageSavings(image_bytes={"web/a": 8, "web/b": 8})

    result = assemble(SUBJECT, found).comparison
    assert [path.path for path in result.paths] == ["x.log", "web/a", "web/b"]
    assert [rule.rule.line for rule in result.rules] == [2, 1, 3]

    found.bytes = ImageSavings(image_bytes={"web/a": 8, "web/b": 30_000})
    assert [path.path for path in assemble(SUBJECT, found).comparison.paths] == ["web/b", "web/a", "x.log"]


def test_what_is_not_sent_without_the_ignore_file_either_is_said_to_be_so() -> None:
    builds = Builds("image", [BuildResult("image", 1.0, (), 0)], sent=SentTree())
    found = Found(builds={"with": builds, "without": builds}, bytes=ImageSavings())

    path = assemble(SUBJECT, found).comparison.paths[0]

    assert (path.sent_bytes, path.note) == (0, "neither sent nor in the image without it")
