"""Amounts and verdicts in words: every sentence that a format of ``ctxsize check`` shows comes from here.

They hold names of files as they are: what shows them makes them harmless for its format.
"""

from __future__ import annotations

from ctxsize.budget.types import FileFinding, Judged, TargetReport, Unit
from ctxsize.units import format_bytes, format_seconds


def amount(value: int | float, unit: Unit) -> str:
    """``value`` as people read it: ``10.5MB``, ``2000 files``, ``12.3 s``."""
    if unit == "seconds":
        return format_seconds(value)
    if unit == "files":
        return f"{value} file" if value == 1 else f"{value} files"
    return format_bytes(int(value))


def exact(value: int | float, unit: Unit) -> str:
    """``value`` with nothing rounded away: ``10,500,001 bytes``."""
    if unit == "bytes":
        return f"{value:,} byte" if value == 1 else f"{value:,} bytes"
    return f"{value:.3f} s" if unit == "seconds" else amount(value, unit)


def value_and_limit(judged: Judged) -> tuple[str, str]:
    """What was measured and what is allowed; raw bytes when rounding would make both look alike."""
    limit = "?" if judged.limit is None else amount(judged.limit, judged.unit)
    if judged.value is None:
        return "?", limit
    value = amount(judged.value, judged.unit)
    if value == limit and judged.limit is not None and judged.value != judged.limit:
        return exact(judged.value, judged.unit), exact(judged.limit, judged.unit)
    return value, limit


def verdict(judged: Judged) -> str:
    """One sentence: ``image is 260MB, 10MB over its limit of 250MB``."""
    name = judged.name
    if judged.value is None:
        return f"{name} (limit {judged.limit_text}) is not known: {judged.reason}"
    value, limit = value_and_limit(judged)
    if judged.limit_text.endswith("%"):
        limit += f" ({judged.limit_text})"
    beyond = amount(judged.overshoot, judged.unit)
    of = name.partition(".")[2]
    if name.startswith("growth."):
        if of == "line":  # the one that is furthest beyond its limit
            of = judged.grew[0].path if judged.grew else "no line of the Dockerfile"
            if not judged.over:
                return f"{of} grew by more than the {limit} it may"
        grew = f"{of} grew by {value}" if judged.value >= 0 else f"{of} shrank by {value.removeprefix('-')}"
        return (
            f"{grew}, {beyond} more than the {limit} it may" if judged.over else f"{grew} and may by {limit}"
        )
    if judged.at_least:
        saves = f"the ignore file saves {value} of {of}"
        return (
            f"{saves}, {beyond} less than the {limit} it must" if judged.over else f"{saves} and must {limit}"
        )
    return f"{name} is {value}, {f'{beyond} over' if judged.over else 'within'} its limit of {limit}"


def finding(found: FileFinding) -> str:
    """One sentence about a path: ``config/.env must not reach the build (forbid "**/.env")``."""
    if found.code.startswith("CX"):  # what lint finds is about a line
        return f"{found.path}:{found.line or 1}: {found.code} {found.message}"
    return f"{found.path} {found.message}"


def summary(target: TargetReport) -> str:
    """A target in a few words: ``2 limits not kept, 1 file finding``, or ``within budget``."""
    over = sum(judged.over for judged in target.limits)
    unknown = sum(judged.value is None for judged in target.limits)
    errors = [found.code for found in target.findings if found.level == "error"]
    linted = sum(code.startswith("CX") for code in errors)
    files = len(errors) - linted
    parts = [
        _count(over, "limit not kept", "limits not kept"),
        _count(unknown, "limit not measured", "limits not measured"),
        _count(files, "file that must not be there", "files that must not be there"),
        _count(linted, "finding of lint", "findings of lint"),
    ]
    if target.error is not None and not any(parts):
        return "not measured"
    return ", ".join(part for part in parts if part) or "within budget"


def _count(number: int, one: str, many: str) -> str:
    return "" if not number else f"{number} {one if number == 1 else many}"
