"""Markdown for GitHub and GitLab: names and sentences with nothing in them that becomes markup.

A comment on GitHub may hold 65,536 characters, a job's summary a MiB: a report stays below the smaller one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ctxsize.text import printable

#: Characters of a report; what comes after is left out, and the report says so.
MOST_CHARACTERS = 60_000
#: Characters of a name or message.
_LONGEST = 500

# What Markdown reads as markup anywhere in a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&!$]")
# GitHub makes links of these, and mentions people, even behind a backslash.
_REFERENCES = re.compile(r"[@#]")


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def code(name: str) -> str:
    """``name`` in a code span that nothing in it can end."""
    text = _short(printable(name))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    # A space next to a backtick, and one that the name itself begins and ends with, need another one.
    pad = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(name: str) -> str:
    """As :func:`code`, in a table: there a bar ends the cell even inside a code span."""
    return code(name).replace("|", "\\|")


def plain(text: str) -> str:
    """``text`` with nothing in it that Markdown or GitHub would make something of."""
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", _short(printable(text)))
    return _REFERENCES.sub(lambda found: f"{found[0]}\u200b", escaped)


def fenced(lines: Iterable[str]) -> Iterator[str]:
    """The lines as a block of code, with an empty line after it."""
    text = [_short(printable(line)) for line in lines]
    longest = max((len(run) for line in text for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence
    yield from text
    yield fence
    yield ""


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}…{text[-half:]}"


def fitted(lines: Iterable[str], command: str) -> str:
    """The report of ``command`` as text, cut after a whole line where there would be too many characters."""
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MOST_CHARACTERS:
            kept += ["", f"*The rest does not fit here: `ctxsize {command} --format json` has it.*"]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
