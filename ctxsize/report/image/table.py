"""The report a person reads: where the bytes are, which line put them there, what is wasted, what helps."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.inspection.types import ImageReport, ViewRow
from ctxsize.report.image.words import cause, largest_first, leftover, proven, totals, trouble, where
from ctxsize.report.shared.columns import columns, known, more
from ctxsize.report.shared.look import Look
from ctxsize.text import printable
from ctxsize.units import format_bytes

_NAMES = {"dir": "directory", "ext": "extension", "file": "file", "context": "from the context"}
_SHOWN_DIFFERENCES = 10


def draw(result: ImageReport, look: Look) -> str:
    """``result`` as tables: sums, the bytes by step or otherwise, waste, leftovers, duplicates, fixes."""
    parts = [
        _title(result, look),
        columns([*totals(result)], ["", "bytes", ""], "lrr"),
        _steps(result, look) if result.view == "step" else _rows(result, look),
        _largest(result, look),
        _waste(result, look),
        _leftovers(result, look),
        _duplicates(result, look),
        _fixes(result, look),
        "".join(look.note(f"{name}: {why}") for name, why in result.missing.items()),
        "".join(look.note(warning.message, warning.where) for warning in result.warnings),
    ]
    return "\n".join(part for part in parts if part)


def _title(result: ImageReport, look: Look) -> str:
    image = result.image
    what = [image.source if image.dockerfile is None else f"built from {image.dockerfile}"]
    what += [image.platform] if image.platform else []
    count = "1 layer" if image.layers == 1 else f"{image.layers} layers"
    what.append(count + (f", {image.base} of the base image" if image.base else ""))
    return look.bold(printable(f"{image.name}: {', '.join(what)}")) + "\n"


def _steps(result: ImageReport, look: Look) -> str:
    shown, left = look.first(largest_first(result.steps))
    if not shown:
        return ""
    rows = [
        [
            where(step),
            known(step.bytes),
            known(step.wasted_bytes),
            known(step.pull_bytes),
            printable(step.text or "(not in the history)") + (" (base image)" if step.base else ""),
        ]
        for step in sorted(shown, key=lambda step: step.number)
    ]
    table = columns(rows, ["line", "bytes", "wasted", "pull", "step"], "rrrrl")
    return look.bold("By step") + "\n" + table + more(left)


def _rows(result: ImageReport, look: Look) -> str:
    shown, left = look.first(result.rows)
    return _sized(_NAMES[result.view], shown, look) + more(left + result.rows_left_out)


def _largest(result: ImageReport, look: Look) -> str:
    return _sized("largest files", result.largest, look) if result.largest else ""


def _sized(title: str, rows: Sequence[ViewRow], look: Look) -> str:
    cells = [
        [
            format_bytes(row.bytes),
            format_bytes(row.wasted_bytes),
            str(row.files) if row.step is None else f"#{row.step}",
            printable(row.name),
        ]
        for row in rows
    ]
    count = "step" if any(row.step for row in rows) else "files"
    return look.bold(title.capitalize()) + "\n" + columns(cells, ["bytes", "wasted", count, "name"], "rrrl")


def _waste(result: ImageReport, look: Look) -> str:
    steps = {step.number: step for step in result.steps}
    own = [group for group in result.groups if group.reclaimable]
    if not own:
        return ""
    shown, left = look.first(own)
    rows = [
        [
            format_bytes(group.bytes),
            f"~{known(group.pull_bytes)}",
            str(group.files),
            where(steps[group.stored_by]),
            where(steps[group.buried_by]),
            cause(group),
            printable(group.path),
        ]
        for group in shown
    ]
    headers = ["bytes", "pull", "files", "stored by", "buried by", "how", "where"]
    return look.bold("Wasted in your layers") + "\n" + columns(rows, headers, "rrrrrll") + more(left)


def _leftovers(result: ImageReport, look: Look) -> str:
    steps = {step.number: step for step in result.steps}
    shown, left = look.first(result.leftovers)
    if not shown:
        return ""
    rows = [
        [
            format_bytes(each.bytes),
            str(each.files),
            "base image" if each.base else ", ".join(where(steps[number]) for number in each.steps),
            printable(each.path),
            leftover(each),
        ]
        for each in shown
    ]
    table = columns(rows, ["bytes", "files", "stored by", "path", "what"], "rrrll")
    return look.bold("Leftovers") + "\n" + table + more(left)


def _duplicates(result: ImageReport, look: Look) -> str:
    shown, left = look.first(result.duplicates)
    if not shown:
        return ""
    rows = [
        [
            format_bytes(each.wasted_bytes),
            f"{each.count} × {format_bytes(each.bytes)}",
            printable(", ".join(each.paths[:2])) + (", …" if each.count > 2 else ""),
        ]
        for each in shown
    ]
    table = columns(rows, ["bytes", "copies", "paths"], "rrl")
    return look.bold("Duplicates") + "\n" + table + more(left)


def _fixes(result: ImageReport, look: Look) -> str:
    lines = []
    for fix in result.fixes:
        lines.append(printable(fix.text) + "\n")
        if why := trouble(fix):
            lines.append(f"  {printable(why)}\n")
    if result.proof is not None:
        lines += [look.good(printable(text)) + "\n" for text in proven(result.proof)]
        for each in result.proof.differences[:_SHOWN_DIFFERENCES]:
            anew = ", written anew by a RUN step" if each.made_anew else ""
            lines.append(f"  {printable(each.path)}: {each.what}{anew}\n")
    if not lines:
        return ""
    return look.bold("What to do") + "\n" + "".join(lines)
