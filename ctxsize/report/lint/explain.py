"""What ``--explain`` prints of a code: what it is about, an example, what to write instead."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ctxsize.lint.findings.registry import Check

_FIXES = {"safe": "safe with --fix", "unsafe": "with --fix --unsafe-fixes", None: "none"}
_WIDTH = 100


def explained(check: Check) -> str:
    """A page about a code, for a terminal."""
    return "\n".join(_lines(check)) + "\n"


def listed(checks: list[Check]) -> str:
    """A line per code."""
    return "".join(f"{check.code}  {check.severity:<7}  {check.title}\n" for check in checks)


def _lines(check: Check) -> Iterator[str]:
    yield f"{check.code} ({check.severity}): {check.title}"
    yield ""
    yield from textwrap.wrap(check.why, _WIDTH)
    yield ""
    yield "Example:"
    yield from (f"    {line}" for line in check.example.split("\n"))
    if check.instead:
        yield "Instead:"
        yield from (f"    {line}" for line in check.instead.split("\n"))
    yield ""
    yield f"Fix: {_FIXES[check.fix]}"


def page(check: Check) -> str:
    """A section about a code, in Markdown."""
    lines = [f"### {check.code}: {check.title}", "", f"{check.severity}; fix: {_FIXES[check.fix]}", ""]
    lines += [*textwrap.wrap(check.why, 110), "", "```text", *check.example.split("\n"), "```", ""]
    if check.instead:
        lines += ["Instead:", "", "```text", *check.instead.split("\n"), "```", ""]
    return "\n".join(lines)
