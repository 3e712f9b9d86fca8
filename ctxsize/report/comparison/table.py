"""The report a person reads in ten seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tabulate import tabulate

from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving, VariantFigures
from ctxsize.engine.containers import Verification
from ctxsize.measure.figures import SecondsSaved
from ctxsize.report.shared.sensitive import sensitive_notes
from ctxsize.report.shared.style import Style
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds, format_share

_UNKNOWN = "?"
#: Warnings that explain a null the table does not show.
_JSON_ONLY = frozenset({"path-seconds"})
#: Less is 0.00 s in the table.
_SHOWN_SECONDS = 0.005
_Row = TypeVar("_Row", PathSaving, RuleSaving)


def comparison(result: Comparison, style: Style = Style()) -> str:  # noqa: B008
    """``result`` as a table of the variants, then what saved most by path and by rule."""
    parts = [_title(result, style), _variants(result, style)]
    if result.paths:
        parts.append(_paths(result, style))
        parts.append(_rules(result, style))
    if notes := _notes(result, style):
        parts.append(notes)
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(result: Comparison, style: Style) -> str:
    project = result.project
    ignore = project.ignore_file or "no ignore file"
    lines = [style.bold(printable(f"{project.context}: {project.dockerfile}, {ignore}"))]
    if result.engine is not None:
        engine = result.engine
        lines.append(printable(f"{engine.name}, {engine.builder}, {engine.storage}"))
    return "\n".join(lines)


def _variants(result: Comparison, style: Style) -> str:
    with_, without = result.variants["with"], result.variants["without"]
    saved = result.saved
    rows = [
        _row("context", with_, without, lambda v: v.context.bytes, format_bytes, saved.context_bytes, style),
        _row("  files", with_, without, lambda v: v.context.files, str, saved.context_files, style),
        _row("  sent", with_, without, lambda v: v.context.sent_bytes, format_bytes, None, style),
        _row(
            "image",
            with_,
            without,
            lambda v: v.image.bytes if v.image else None,
            format_bytes,
            saved.image_bytes,
            style,
        ),
        _row(
            "pull",
            with_,
            without,
            lambda v: v.image.pull_bytes if v.image else None,
            format_bytes,
            saved.pull_bytes,
            style,
        ),
        [
            "build time",
            *(format_seconds(v.build.seconds) if v.build else _failed(v) for v in (with_, without)),
            _seconds(saved.seconds, without, style),
        ],
    ]
    if with_.verify or without.verify:
        rows.append(["verify", *(_verify(variant.verify) for variant in (with_, without)), ""])
    kept = [
        [f"image kept as {variant.image.tag}"]
        for variant in (with_, without)
        if variant.image is not None and variant.image.tag is not None
    ]
    text = tabulate(
        rows,
        headers=["", "with", "without", "saved"],
        tablefmt="plain",
        colalign=_ALIGN[:4],
        disable_numparse=True,
        preserve_whitespace=True,
    )
    return "\n".join([text, *(row[0] for row in kept)])


_ALIGN = ("left", "right", "right", "right", "right", "right", "right", "left")


def _row(
    label: str,
    with_: VariantFigures,
    without: VariantFigures,
    figure: Callable[[VariantFigures], int | None],
    show: Callable[[int], str],
    saved: int | None,
    style: Style,
) -> list[str]:
    before, after = figure(with_), figure(without)
    if saved is None and before is not None and after is not None:
        saved = after - before
    cells = [_UNKNOWN if value is None else show(value) for value in (before, after)]
    if saved is None or after is None:
        return [label, *cells, _UNKNOWN]
    share = format_share(saved, after)
    text = f"{show(saved)} ({share})" if share else show(saved)
    return [label, *cells, style.good(text) if saved > 0 else text]


def _verify(verify: Verification | None) -> str:
    if verify is None:
        return _UNKNOWN
    if verify.timed_out:
        return "timed out"
    return "passed" if verify.passed else f"exit code {verify.exit_code}"


def _failed(variant: VariantFigures) -> str:
    return "failed" if variant.error else _UNKNOWN


def _seconds(seconds: SecondsSaved | None, without: VariantFigures, style: Style) -> str:
    if seconds is None:
        return _UNKNOWN
    if seconds.significant is False:
        return "no measurable difference"
    share = format_share(seconds.median, without.build.seconds) if without.build else ""
    text = f"{format_seconds(seconds.median)} ({share})"
    if seconds.low is not None and seconds.high is not None:
        text += f", 95% {format_seconds(seconds.low)} to {format_seconds(seconds.high)}"
    return style.good(text) if seconds.median > 0 else text


def _paths(result: Comparison, style: Style) -> str:
    shown = _top(result.paths, style)
    ignore_file = result.project.ignore_file or ""
    timed = result.unattributed.seconds is not None
    rebuilt = any(path.rebuild_seconds is not None for path in result.paths)
    rows = [
        [
            printable(path.path),
            str(path.files),
            format_bytes(path.context_bytes),
            _bytes(path.image_bytes),
            _bytes(path.pull_bytes),
            *([_time(path)] if timed else []),
            *([_rebuild(path)] if rebuilt else []),
            printable(f"{ignore_file}:{path.rule.line} {path.rule.text.strip()}"),
            printable(path.note or ""),
        ]
        for path in shown
    ]
    rest = result.unattributed
    for label, size in (("(derived by RUN)", rest.derived_bytes), ("(not attributed)", rest.image_bytes)):
        if size:
            rows.append([label, "", "", format_bytes(size)])
    if rest.seconds is not None and abs(rest.seconds) >= _SHOWN_SECONDS:
        rows.append(["(time not attributed)", "", "", "", "", format_seconds(rest.seconds)])
    seconds = [*(["build time"] if timed else []), *(["each rebuild"] if rebuilt else [])]
    headers = ["path", "files", "context", "image", "pull", *seconds, "rule", ""]
    table = tabulate(
        [row + [""] * (len(headers) - len(row)) for row in rows],
        headers=headers,
        tablefmt="plain",
        disable_numparse=True,
        colalign=("left", *["right"] * (len(headers) - 3), "left", "left"),
    )
    return "\n".join([style.bold("Saved, by path"), _trim(table), *_more(result.paths, shown)])


def _rules(result: Comparison, style: Style) -> str:
    shown = _top(result.rules, style)
    timed = result.unattributed.seconds is not None
    rows = [
        [
            str(rule.rule.line),
            printable(rule.rule.text.strip()),
            str(rule.paths),
            str(rule.files),
            format_bytes(rule.context_bytes),
            _bytes(rule.image_bytes),
            _bytes(rule.pull_bytes),
            *([_time(rule)] if timed else []),
        ]
        for rule in shown
    ]
    headers = [
        "line",
        "rule",
        "paths",
        "files",
        "context",
        "image",
        "pull",
        *(["build time"] if timed else []),
    ]
    table = tabulate(
        rows,
        headers=headers,
        tablefmt="plain",
        disable_numparse=True,
        colalign=("right", "left", *["right"] * (len(headers) - 2)),
    )
    return "\n".join([style.bold("Saved, by rule"), _trim(table), *_more(result.rules, shown)])


def _top(rows: Sequence[_Row], style: Style) -> Sequence[_Row]:
    return rows[: style.top] if style.top else rows


def _more(rows: Sequence[object], shown: Sequence[object]) -> list[str]:
    left = len(rows) - len(shown)
    return [f"… and {left} more (--top 0 shows all)"] if left else []


def _notes(result: Comparison, style: Style) -> str:
    texts = sensitive_notes(result.sensitive)
    texts += [
        f"{warning.where}: {warning.message}" if warning.where else warning.message
        for warning in result.warnings
        if warning.code not in _JSON_ONLY
    ]
    return "\n".join(style.warn("note: ") + printable(text) for text in texts)


def _rebuild(path: PathSaving) -> str:
    return _UNKNOWN if path.rebuild_seconds is None else format_seconds(path.rebuild_seconds)


def _time(row: PathSaving | RuleSaving) -> str:
    """A share of the difference is marked as the estimate it is."""
    if row.seconds is None:
        return ""
    return ("~" if row.seconds_source == "estimated" else "") + format_seconds(row.seconds)


def _bytes(size: int | None) -> str:
    return _UNKNOWN if size is None else format_bytes(size)


def _trim(table: str) -> str:
    return "\n".join(line.rstrip() for line in table.splitlines())
