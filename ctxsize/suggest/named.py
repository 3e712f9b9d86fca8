"""Which candidates the words of a build that failed name as what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ctxsize.errors import BuildFailed
from ctxsize.suggest.types import Candidate

_MISSING = re.compile(
    r"not found|no such file|enoent|(?:can ?not|can't|could ?n[o']t|unable to) (?:find|open|read|load|locate)"
    r"|does(?: not|n't) exist|not a git repository|missing|file ?not ?found|can(?:not|'t) resolve"
    r"|no module named",
    re.IGNORECASE,
)
_MOST_NAMES = 200  # of the paths of one candidate
_LONGEST = 2_000  # characters of a line that are looked at


def named_by(failure: BuildFailed, candidates: Sequence[Candidate]) -> frozenset[str]:
    """The rules of the candidates that a line about something missing names, by a path or its last part."""
    lines = [line[:_LONGEST] for line in (failure.message, *failure.log) if _MISSING.search(line)]
    if not lines:
        return frozenset()
    text = "\n".join(lines)
    found = frozenset(each.rule for each in candidates if _in(text, each.hits))
    if found:
        return found
    # Only a name, as modules have it: `No module named 'tests'`.
    return frozenset(
        each.rule for each in candidates if _in(text, [hit.rpartition("/")[2] for hit in each.hits])
    )


def _in(text: str, names: Sequence[str]) -> bool:
    words = "|".join(re.escape(name) for name in names[:_MOST_NAMES] if name)
    return bool(words) and re.search(rf"(?<![\w.-])(?:{words})(?![\w-])", text) is not None


def told(failure: BuildFailed) -> str:
    """A failed build in one line."""
    text = " ".join(failure.message.split())
    last = next((line.strip() for line in reversed(failure.log) if line.strip()), "")
    return f"the build fails: {last if last and 'exit code' in text else text}"
