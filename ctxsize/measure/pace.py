"""How long the builds of a measurement take: foretold from the last time, and from those that have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ctxsize.files import numbers
from ctxsize.files.own import cache_folder
from ctxsize.units import format_left

#: Less is not worth a line.
WORTH_TELLING = 60.0


def foretold(planned: Sequence[str], shorter: Sequence[str], seconds: Mapping[str, float], why: str) -> str:
    """One line about builds that are ``planned``, by variant, of which each takes ``seconds``, and about a
    ``shorter`` choice. Empty where that is not long, or not known."""
    if any(name not in seconds for name in (*planned, *shorter)):
        return ""
    total = sum(seconds[name] for name in planned)
    if total < WORTH_TELLING:
        return ""
    text = f"{_builds(len(planned))}, about {format_left(total)}{why}"
    if 0 < len(shorter) < len(planned):
        less = sum(seconds[name] for name in shorter)
        text += f"; --repeat 1: {_builds(len(shorter))}, about {format_left(less)}"
    return text


def last_time(subject: str) -> dict[str, float]:
    """The seconds of each build when ``subject`` was measured last; empty when that is not known."""
    known = numbers.load(_path())
    found = {name: known.get(f"{subject}-{name}") for name in ("warm-up", "with", "without")}
    return {name: number / 1000 for name, number in found.items() if number is not None}


def remember(subject: str, seconds: Mapping[str, float]) -> None:
    """Keep what the builds of ``subject`` took, for the next time."""
    numbers.remember({f"{subject}-{name}": round(each * 1000) for name, each in seconds.items()}, _path())


def _builds(number: int) -> str:
    return "1 build" if number == 1 else f"{number} builds"


def _path() -> Path:
    """In the user's cache directory, or where own files go else (ctxsize.files.own)."""
    return cache_folder().path / "build-milliseconds.json"
