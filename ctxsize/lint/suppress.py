"""Comments that switch findings off: ``# ctxsize: ignore CX101 - reason``, on a line above what it is
about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ctxsize.lint.types import Edit, Finding

_COMMENT = re.compile(r"#+\s*ctxsize:\s*ignore\s+(CX\d+(?:\s*,\s*CX\d+|\s+CX\d+)*)", re.IGNORECASE)
_CODE = re.compile(r"CX\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment on ``line`` of ``file`` that is about line ``about``. ``top``: it is among the comments
    the file begins with, and is about the file as such, too."""

    file: str
    line: int
    codes: tuple[str, ...]
    about: int
    top: bool


def suppressions(file: str, lines: Sequence[str]) -> Iterator[Suppression]:
    """The comments of a file that switch something off."""
    for number, text in enumerate(lines, 1):
        found = _COMMENT.match(text)
        if found is None:
            continue
        about = number + 1
        while about <= len(lines) and lines[about - 1].startswith("#"):
            about += 1
        top = all(line.startswith("#") for line in lines[: number - 1])
        codes = tuple(code.upper() for code in _CODE.findall(found[1]))
        yield Suppression(file, number, codes, about, top)


def suppress(
    findings: Iterable[Finding], comments: Mapping[str, Sequence[str]]
) -> tuple[list[Finding], int, list[Finding]]:
    """The findings that no comment switches off, how many others there are, and a finding for each
    comment that switches off nothing. ``comments`` has the lines of each file that may have such
    comments."""
    known = [each for file, lines in comments.items() for each in suppressions(file, lines)]
    used: set[tuple[str, int, str]] = set()
    left: list[Finding] = []
    gone = 0
    for found in findings:
        by = [
            each
            for each in known
            if each.file == found.path
            and found.code in each.codes
            and (each.about == found.line or (each.top and found.column is None and found.line == 1))
        ]
        used |= {(each.file, each.line, found.code) for each in by}
        if by:
            gone += 1
        else:
            left.append(found)
    unused = []
    for each in known:
        idle = [code for code in each.codes if (each.file, each.line, code) not in used]
        if idle:
            unused.append(_unused(each, idle, comments[each.file][each.line - 1]))
    return left, gone, unused


def _unused(comment: Suppression, idle: list[str], text: str) -> Finding:
    whole = len(idle) == len(comment.codes)
    return Finding(
        "CX900",
        comment.file,
        f"this comment switches off {', '.join(idle)}, of which there is none here",
        "info",
        comment.line,
        1,
        len(text) + 1,
        "remove the comment" if whole else f"remove {', '.join(idle)} from it",
        fix="safe" if whole else None,
        edit=Edit(comment.file, {comment.line: ()}) if whole else None,
    )
