"""Putting a comparison together: the seconds of paths and rules, and what is null."""

from __future__ import annotations

import pytest

from ctxsize.comparison.assemble import make_comparison
from ctxsize.comparison.seconds import DividedSeconds, Seconds
from ctxsize.comparison.types import Comparison
from ctxsize.context.totals import IgnoredRoot, RuleTotals, ScanResult, Totals
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.ignore.types import Rule
from ctxsize.measure.builds import Measured
from ctxsize.measure.figures import Cost, ProjectFigures
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


def compared(divided: DividedSeconds | None, *, sent: dict[str, float] | None = None) -> Comparison:
    """Three builds of each variant, of 1 and of 3 seconds."""

    def builds(seconds: float) -> Measured:
        runs = [BuildResult("image", seconds, (), 0, sent_seconds=sent) for _ in range(3)]
        return Measured("image", runs)

    return make_comparison(
        project=ProjectFigures("shop", "Dockerfile", ".dockerignore", None),
        engine=None,
        scan=SCAN,
        needed={},
        measured={"with": builds(1.0), "without": builds(3.0)},
        images={},
        savings=None,
        divided=divided,
        warnings=[] if divided else [Warning("path-seconds", "why")],
    )


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
