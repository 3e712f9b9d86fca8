"""GitHub-flavoured Markdown for a comment on a pull or merge request, and for a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, FileFinding, Judged, TargetReport
from ctxsize.report.shared.columns import UNKNOWN, known
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, code, fenced, fitted, plain, row
from ctxsize.units import format_bytes

#: The first line, by which a bot finds its earlier comment again.
MARKER = "<!-- ctxsize check -->"


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as Markdown; ``look`` says how many files and growths are listed."""
    return fitted(_lines(report, look), "check")


def _lines(report: CheckReport, look: Look) -> Iterator[str]:
    yield MARKER
    yield f"### ctxsize: {_headline(report)}"
    yield ""
    several = len(report.targets) > 1
    rows = [row for target in report.targets for row in _limit_rows(target, several)]
    if rows:
        head = (("target",) if several else ()) + ("limit of", "now", "allowed", "")
        yield row(head)
        yield row([*[":---"] * (len(head) - 3), "---:", "---:", ":---"])
        yield from rows
        yield ""
    for target in report.targets:
        yield from _details(target, look, several)
    if several:
        yield from _totals(report)
    yield f"<sub>ctxsize {plain(report.version)}, {plain(report.created)}</sub>"


def _headline(report: CheckReport) -> str:
    if len(report.targets) == 1:
        return plain(words.summary(report.targets[0]))
    bad = [target for target in report.targets if target.exit_code]
    if not bad:
        return f"all {len(report.targets)} targets within budget"
    return f"{len(bad)} of {len(report.targets)} targets not within budget"


def _limit_rows(target: TargetReport, several: bool) -> Iterator[str]:
    for judged in target.limits:
        value, limit = words.value_and_limit(judged)
        name = (cell(target.name),) if several else ()
        yield row((*name, plain(judged.name), value, limit, _result(judged)))


def _result(judged: Judged) -> str:
    if judged.value is None:
        return "**not measured**"
    if not judged.over:
        return "ok"
    side = "short" if judged.at_least else "over"
    return f"**{words.amount(judged.overshoot, judged.unit)} {side}**"


def _details(target: TargetReport, look: Look, several: bool) -> Iterator[str]:
    """What is to be said of a target below the table: nothing when all is well."""
    body = list(_body(target, look))
    if not body:
        return
    if several:
        yield f"#### {code(target.name)}: {plain(words.summary(target))}"
        yield ""
    yield from body


def _body(target: TargetReport, look: Look) -> Iterator[str]:
    if target.error is not None:
        yield f"**Not measured:** {plain(target.error)}"
        yield ""
        if target.log:
            yield from fenced(target.log)
    for judged in target.limits:
        yield from _limit(judged, look)
    found = [_finding(each) for each in target.findings]
    yield from _list(found, look)
    yield from _list([f"note: {plain(warning.message)}" for warning in target.warnings], look)


def _limit(judged: Judged, look: Look) -> Iterator[str]:
    if not judged.failed:
        return
    where = f" ({code(judged.where)})" if judged.where else ""
    hint = f" Next: {plain(judged.hint)}." if judged.hint else ""
    yield f"**{plain(words.verdict(judged))}**{where}.{hint}"
    yield ""
    if judged.grew:
        yield row(("grew most", "before", "now", "growth"))
        yield row((":---", "---:", "---:", "---:"))
        shown, left = look.first(judged.grew)
        for grown in shown:
            before = "new" if grown.before == 0 else known(grown.before)
            more = UNKNOWN if grown.before is None else f"+{format_bytes(grown.bytes)}"
            yield row((cell(grown.path), before, format_bytes(grown.after), more))
        if left:
            yield row((f"… and {left} more", "", "", ""))
        yield ""


def _finding(found: FileFinding) -> str:
    hint = f"; {plain(found.hint)}" if found.hint else ""
    where = f" ({code(found.where)})" if found.where else ""
    note = "" if found.level == "error" else "warning: "
    if found.code.startswith("CX"):
        place = code(f"{found.path}:{found.line or 1}")
        return f"{note}{place} {found.code} {plain(found.message)}{where}{hint}"
    return f"{note}{code(found.path)} {plain(found.message)}{where}{hint}"


def _list(items: list[str], look: Look) -> Iterator[str]:
    shown, left = look.first(items)
    for item in shown:
        yield f"- {item}"
    if left:
        yield f"- … and {left} more"
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
