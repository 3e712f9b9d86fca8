"""GitHub annotations: workflow commands in a step's log, which GitHub shows beside the change.

Escaping is that of actions/toolkit (packages/core/src/command.ts). GitHub shows ten errors and ten warnings
of a step, and cuts a message at 64 KiB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ctxsize.report.shared.problems import Problem, Severity
from ctxsize.text import printable

#: GitHub's word for each level, the most important first.
_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
#: Annotations of a level that GitHub shows for one step.
SHOWN = 10
#: Bytes of a message; an annotation nobody reads to its end is no better than none.
MESSAGE_BYTES = 4096


def workflow_commands(problems: Iterable[Problem]) -> str:
    """A line per problem, within GitHub's limits."""
    found = list(problems)
    lines: list[str] = []
    for level in _LEVELS:
        of_level = [problem for problem in found if problem.level == level]
        # The last place says how many there was no room for.
        room = SHOWN if len(of_level) <= SHOWN else SHOWN - 1
        lines += [_command(problem) for problem in of_level[:room]]
        if rest := of_level[room:]:
            lines.append(_rest(level, rest))
    return "".join(f"{line}\n" for line in lines)


def _command(problem: Problem) -> str:
    place = problem.place
    end = None if place.end_column is None else place.end_column - 1
    where = {"file": printable(place.path), "line": place.line, "col": place.column, "endColumn": end,
             "title": problem.title}  # fmt: skip
    properties = ",".join(
        f"{name}={_property(str(value))}" for name, value in where.items() if value is not None
    )
    return f"::{_LEVELS[problem.level]} {properties}::{_data(_cut(problem.message))}"


def _rest(level: Severity, rest: Sequence[Problem]) -> str:
    what = "; ".join(problem.message for problem in rest)
    message = f"{len(rest)} more that GitHub has no room for: {what}"
    return f"::{_LEVELS[level]} title={_property(f'ctxsize: {len(rest)} more')}::{_data(_cut(message))}"


def _cut(message: str) -> str:
    data = message.encode()
    if len(data) <= MESSAGE_BYTES:
        return message
    return data[: MESSAGE_BYTES - 3].decode("utf-8", "ignore") + "…"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
