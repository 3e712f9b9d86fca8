"""The report a person reads: what was measured, what is not within its limit, what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.budget import words
from ctxsize.budget.types import CheckReport, FileFinding, Judged, TargetReport
from ctxsize.report.shared.columns import columns, known, more
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.title import title
from ctxsize.text import printable
from ctxsize.units import format_bytes


def draw(report: CheckReport, look: Look) -> str:
    """``report`` as text: a block for each target, the sum of several, and a last line with the verdict."""
    blocks = ["".join(_target(target, look)) for target in report.targets]
    if len(report.targets) > 1:
        blocks.append(_totals(report))
    blocks.append(_last_line(report, look))
    return "\n".join(blocks)


def _target(target: TargetReport, look: Look) -> Iterator[str]:
    platform = target.sizes.platform if target.sizes.platform_asked else None
    yield title(look, target.name, target.dockerfile, target.ignore_file, platform=platform)
    if target.limits:
        rows = [_row(judged) for judged in target.limits]
        yield columns(rows, ["", "now", "limit", ""], "lrrl")
    else:
        yield from _sizes(target)
    for judged in target.limits:
        if judged.failed:
            yield "\n"
            yield from _failure(judged, look)
    if target.findings:
        yield "\n"
    shown, left = look.first(target.findings)
    for finding in shown:
        yield from _finding(finding, look)
    yield more(left, "more files")
    for line in target.log:
        yield f"  | {printable(line)}\n"
    if target.error is not None:
        yield f"{look.warn('error: ')}{printable(' '.join(target.error.split()))}\n"
    for warning in target.warnings:
        yield look.note(warning.message, warning.where)


def _row(judged: Judged) -> list[str]:
    value, limit = words.value_and_limit(judged)
    if judged.limit_text.endswith("%"):
        limit = judged.limit_text if judged.limit is None else f"{judged.limit_text} = {limit}"
    elif judged.limit is None:
        limit = judged.limit_text
    if judged.value is not None and judged.name.startswith("growth.") and judged.value > 0:
        value = f"+{value}"
    if judged.value is None:
        verdict = "not known"
    elif judged.over:
        side = "short" if judged.at_least else "over"
        verdict = f"{words.amount(judged.overshoot, judged.unit)} {side}"
    else:
        verdict = "ok"
    return [judged.name, printable(value), printable(limit), verdict]


def _sizes(target: TargetReport) -> Iterator[str]:
    """What was measured when there is no limit: a baseline is being made, or there are lists alone."""
    sizes = target.sizes
    rows = [["context", known(sizes.context_bytes)], ["context-files", known(sizes.context_files, str)]]
    if sizes.image_bytes is not None:
        rows.append(["image", format_bytes(sizes.image_bytes)])
    if sizes.pull_bytes is not None:
        rows.append(["pull", format_bytes(sizes.pull_bytes)])
    yield columns(rows, ["", "now"], "lr")


def _failure(judged: Judged, look: Look) -> Iterator[str]:
    where = f"{judged.where}: " if judged.where else ""
    yield f"{look.warn(printable(where + words.verdict(judged)))}\n"
    if judged.grew:
        yield "  what grew most since the baseline:\n"
        rows = [
            [
                f"    +{format_bytes(grown.bytes)}",
                printable(grown.path),
                "new" if grown.before == 0 else f"was {known(grown.before)}",
            ]
            for grown in judged.grew
        ]
        yield from (f"{line}\n" for line in columns(rows, ["", "", ""], "rll").splitlines()[1:])
    if judged.hint is not None:
        yield f"  next: {printable(judged.hint)}\n"


def _finding(finding: FileFinding, look: Look) -> Iterator[str]:
    where = f"{finding.where}: " if finding.where else ""
    text = printable(where + words.finding(finding))
    yield f"{look.warn(text) if finding.level == 'error' else text}\n"
    if finding.hint is not None:
        yield f"  next: {printable(finding.hint)}\n"


def _totals(report: CheckReport) -> str:
    totals = report.totals
    parts = []
    if totals.context_bytes is not None:
        parts.append(f"context {format_bytes(totals.context_bytes)}")
    if totals.image_bytes is not None and totals.pull_bytes is not None:
        parts.append(f"images {format_bytes(totals.image_bytes)}, pull {format_bytes(totals.pull_bytes)}")
        parts[-1] += " (layers that several have counted once)"
    return f"all {len(report.targets)}: {'; '.join(parts) or 'not everything was measured'}\n"


def _last_line(report: CheckReport, look: Look) -> str:
    if report.passed:
        return look.good("within budget") + "\n"
    bad = [target for target in report.targets if target.exit_code]
    return "".join(look.warn(printable(f"{target.name}: {words.summary(target)}")) + "\n" for target in bad)
