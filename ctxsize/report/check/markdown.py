"""GitHub-flavoured Markdown for a comment on a pull or merge request, and for a job's summary.

A comment on GitHub may hold 65,536 characters, a job summary a MiB: the report stays below the smaller one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, FileFinding, Judged, TargetReport
from ctxsize.report.style import Style
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: The first line, by which a bot finds its earlier comment again.
MARKER = "<!-- ctxsize check -->"
#: Characters of a report; what comes after is left out, and the report says so.
MOST_CHARACTERS = 60_000
#: Characters of a name or message.
_LONGEST = 500

# What Markdown reads as markup anywhere in a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>|~&!$]")
# GitHub makes links of these, and mentions people, even behind a backslash.
_REFERENCES = re.compile(r"[@#]")


def check(report: CheckReport, style: Style) -> str:
    """``report`` as Markdown; ``style`` says how many files and growths are listed."""
    return _fitted(_lines(report, style))


def _lines(report: CheckReport, style: Style) -> Iterator[str]:
    yield MARKER
    yield f"### ctxsize: {_headline(report)}"
    yield ""
    several = len(report.targets) > 1
    rows = [row for target in report.targets for row in _limit_rows(target, several)]
    if rows:
        head = (("target",) if several else ()) + ("limit of", "now", "allowed", "")
        yield _row(head)
        yield _row([*[":---"] * (len(head) - 3), "---:", "---:", ":---"])
        yield from rows
        yield ""
    for target in report.targets:
        yield from _details(target, style, several)
    if several:
        yield from _totals(report)
    yield f"<sub>ctxsize {_text(report.version)}, {_text(report.created)}</sub>"


def _headline(report: CheckReport) -> str:
    if len(report.targets) == 1:
        return _text(words.summary(report.targets[0]))
    bad = [target for target in report.targets if target.exit_code]
    if not bad:
        return f"all {len(report.targets)} targets within budget"
    return f"{len(bad)} of {len(report.targets)} targets not within budget"


def _limit_rows(target: TargetReport, several: bool) -> Iterator[str]:
    for judged in target.limits:
        value, limit = words.value_and_limit(judged)
        cells = ((_cell(target.name),) if several else ()) + (
            _text(judged.name),
            value,
            limit,
            _result(judged),
        )
        yield _row(cells)


def _result(judged: Judged) -> str:
    if judged.value is None:
        return "**not measured**"
    if not judged.over:
        return "ok"
    side = "short" if judged.at_least else "over"
    return f"**{words.amount(judged.overshoot, judged.unit)} {side}**"


def _details(target: TargetReport, style: Style, several: bool) -> Iterator[str]:
    """What is to be said of a target below the table: nothing when all is well."""
    body = list(_body(target, style))
    if not body:
        return
    if several:
        yield f"#### {_code(target.name)}: {_text(words.summary(target))}"
        yield ""
    yield from body


def _body(target: TargetReport, style: Style) -> Iterator[str]:
    if target.error is not None:
        yield f"**Not measured:** {_text(target.error)}"
        yield ""
        if target.log:
            yield from _fenced(target.log)
    for judged in target.limits:
        yield from _limit(judged, style)
    found = [_finding(each) for each in target.findings]
    yield from _list(found, style.top)
    yield from _list([f"note: {_text(warning.message)}" for warning in target.warnings], style.top)


def _limit(judged: Judged, style: Style) -> Iterator[str]:
    if not judged.failed:
        return
    where = f" ({_code(judged.where)})" if judged.where else ""
    hint = f" Next: {_text(judged.hint)}." if judged.hint else ""
    yield f"**{_text(words.verdict(judged))}**{where}.{hint}"
    yield ""
    if judged.grew:
        yield _row(("grew most", "before", "now", "growth"))
        yield _row((":---", "---:", "---:", "---:"))
        shown = judged.grew[: style.top] if style.top else judged.grew
        for grown in shown:
            before = (
                "?" if grown.before is None else "new" if grown.before == 0 else format_bytes(grown.before)
            )
            more = "?" if grown.before is None else f"+{format_bytes(grown.bytes)}"
            yield _row((_cell(grown.path), before, format_bytes(grown.after), more))
        if rest := len(judged.grew) - len(shown):
            yield _row((f"… and {rest} more", "", "", ""))
        yield ""


def _finding(found: FileFinding) -> str:
    hint = f"; {_text(found.hint)}" if found.hint else ""
    where = f" ({_code(found.where)})" if found.where else ""
    note = "" if found.level == "error" else "warning: "
    return f"{note}{_code(found.path)} {_text(found.message)}{where}{hint}"


def _list(items: list[str], top: int) -> Iterator[str]:
    shown = items[:top] if top else items
    for item in shown:
        yield f"- {item}"
    if rest := len(items) - len(shown):
        yield f"- … and {rest} more"
    if items:
        yield ""


def _totals(report: CheckReport) -> Iterator[str]:
    totals = report.totals
    sizes = {
        "context": totals.context_bytes,
        "images (shared layers once)": totals.image_bytes,
        "pull": totals.pull_bytes,
    }
    known = [f"{name} {format_bytes(size)}" for name, size in sizes.items() if size is not None]
    if known:
        yield f"All targets together: {', '.join(known)}."
        yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(name: str) -> str:
    """``name`` in a code span that nothing in it can end."""
    text = _short(printable(name))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    # A space next to a backtick, and one that the name itself begins and ends with, need another one.
    pad = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _cell(name: str) -> str:
    """As :func:`_code`, in a table: there a bar ends the cell even inside a code span."""
    return _code(name).replace("|", "\\|")


def _text(text: str) -> str:
    """``text`` with nothing in it that Markdown or GitHub would make something of."""
    plain = _MARKUP.sub(lambda found: f"\\{found[0]}", _short(printable(text)))
    return _REFERENCES.sub(lambda found: f"{found[0]}\u200b", plain)


def _fenced(lines: Iterable[str]) -> Iterator[str]:
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


def _fitted(lines: Iterable[str]) -> str:
    """The lines as text, cut after a whole line where there would be too many characters."""
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MOST_CHARACTERS:
            kept += ["", "*The rest does not fit here: see the job's log, or `ctxsize check --format json`.*"]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
