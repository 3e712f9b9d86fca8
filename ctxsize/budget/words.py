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
    asked = f" ({judged.limit_text})" if judged.limit_text.endswith("%") else ""
    if judged.name.startswith("growth."):
        if judged.value < 0:
            value = f"shrank by {amount(-judged.value, judged.unit)}"
            return f"{name.removeprefix('growth.')} {value}; it may grow by {limit}{asked}"
        value = f"{name.removeprefix('growth.')} grew by {value}"
        limit = f"{limit}{asked} that it may grow by"
    elif judged.at_least:
        value = f"the ignore file saves {value} of {name.removeprefix('savings.')}"
        limit = f"{limit}{asked} that it must save"
    else:
        value, limit = f"{name} is {value}", f"its limit of {limit}"
    if not judged.over:
        return f"{value}, within {limit}" if not judged.at_least else f"{value}, at least the {limit}"
    side = "short of" if judged.at_least else "over"
    return f"{value}, {amount(judged.overshoot, judged.unit)} {side} {limit}"


def finding(found: FileFinding) -> str:
    """One sentence about a path: ``config/.env must not reach the build (forbid "**/.env")``."""
    return f"{found.path} {found.message}"


def summary(target: TargetReport) -> str:
    """A target in a few words: ``2 limits not kept, 1 file finding``, or ``within budget``."""
    if target.error is not None:
        return "not measured"
    over = sum(judged.over for judged in target.limits)
    unknown = sum(judged.value is None for judged in target.limits)
    files = sum(found.level == "error" for found in target.findings)
    parts = [
        _count(over, "limit not kept", "limits not kept"),
        _count(unknown, "limit not measured", "limits not measured"),
        _count(files, "file that must not be there", "files that must not be there"),
    ]
    return ", ".join(part for part in parts if part) or "within budget"


def _count(number: int, one: str, many: str) -> str:
    return "" if not number else f"{number} {one if number == 1 else many}"
