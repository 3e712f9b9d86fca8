"""The rows that say what the ignore file saves in all, in the words that every format for people uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving, VariantFigures
from ctxsize.report.shared import times
from ctxsize.report.shared.columns import UNKNOWN, known
from ctxsize.units import format_bytes, format_seconds, format_share

_FIGURES: tuple[tuple[str, Callable[[VariantFigures], int | None], Callable[[int], str]], ...] = (
    ("context", lambda variant: variant.context.bytes, format_bytes),
    ("files", lambda variant: variant.context.files, str),
    ("sent", lambda variant: variant.context.sent_bytes, format_bytes),
    ("image", lambda variant: variant.image.bytes if variant.image else None, format_bytes),
    ("pull", lambda variant: variant.image.pull_bytes if variant.image else None, format_bytes),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of both variants, what is saved of it, and the part that is of the whole, as text; ``gain`` if
    that is more than nothing."""

    name: str
    cells: tuple[str, str]
    saved: str
    share: str = ""
    gain: bool = False

    @property
    def saved_with_share(self) -> str:
        """What is saved with its share in brackets, where there is one."""
        return f"{self.saved} ({self.share})" if self.share else self.saved


def size_rows(result: Comparison) -> Iterator[Row]:
    """A row for each size: context, files, sent, image, pull."""
    for name, figure, show in _FIGURES:
        small, large = (figure(result.variants[variant]) for variant in ("with", "without"))
        cells = (known(small, show), known(large, show))
        if small is None or large is None:
            yield Row(name, cells, UNKNOWN)
        else:
            saved = large - small
            yield Row(name, cells, show(saved), format_share(saved, large), saved > 0)


def is_measured(path: PathSaving) -> bool:
    """Whether somebody asked for the seconds of this path (``--exact``)."""
    return path.seconds_source == "measured"


def rule_of(saving: PathSaving | RuleSaving, file: str = "") -> str:
    """The rule of a path or a rule as a row has it: its line, behind ``file`` if that is given or behind the
    named context whose ignore file has it, and its text."""
    own = f"{file}:" if file else ""
    where = own if saving.context is None else f"{saving.context}:" + (".dockerignore:" if file else "")
    return f"{where}{saving.rule.line} {saving.rule.text.strip()}"


def path_seconds(saving: PathSaving | RuleSaving) -> str:
    """The seconds of a path or a rule; ``~`` marks an estimate."""
    estimated = "~" if saving.seconds_source == "estimated" else ""
    return "" if saving.seconds is None else estimated + format_seconds(saving.seconds)


def saved_time(result: Comparison) -> tuple[str, str]:
    """What is saved of the build time, and the part that is of the whole."""
    seconds, build = result.saved.seconds, result.variants["without"].build
    if seconds is None or build is None:
        return UNKNOWN, ""
    if seconds.significant is False:
        return "-", ""
    return format_seconds(seconds.median), format_share(seconds.median, build.seconds)


def interval(result: Comparison) -> str:
    """How sure that is: its interval, that nothing can be measured, or nothing where nothing is known."""
    seconds = result.saved.seconds
    if seconds is not None and seconds.significant is False:
        return "no measurable difference"
    return "" if seconds is None else times.interval(seconds.low, seconds.high)


def seconds_saved(result: Comparison) -> str:
    """Both in one cell."""
    (saved, _), sure = saved_time(result), interval(result)
    return sure if saved == "-" else f"{saved}, {sure}" if sure else saved
