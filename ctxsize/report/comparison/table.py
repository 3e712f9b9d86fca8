"""The report a person reads in ten seconds."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from ctxsize.comparison.types import Comparison, PathSaving, RuleSaving, VariantFigures
from ctxsize.engine.containers import Verification
from ctxsize.report.comparison.rows import is_measured, path_seconds, seconds_saved, size_rows
from ctxsize.report.shared.columns import UNKNOWN, known, more
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.sensitive import sensitive_notes
from ctxsize.report.shared.title import title
from ctxsize.text import printable
from ctxsize.units import format_bytes, format_seconds

#: Warnings that explain a null the table does not show.
_JSON_ONLY = frozenset({"path-seconds"})
#: Less is 0.00 s in the table.
_SHOWN_SECONDS = 0.005


def draw(result: Comparison, look: Look) -> str:
    """``result`` as a table of the variants, then what saved most by path and by rule."""
    project = result.project
    parts = [
        title(look, project.context, project.dockerfile, project.ignore_file, result.engine),
        _variants(result, look),
    ]
    if result.paths:
        parts += [_paths(result, look), _rules(result, look)]
    parts.append(_notes(result, look))
    return "\n".join(part for part in parts if part)


def _variants(result: Comparison, look: Look) -> str:
    variants = [result.variants[name] for name in ("with", "without")]
    rows = []
    for row in size_rows(result):
        label = f"  {row.name}" if row.name in ("files", "sent") else row.name
        rows.append([label, *row.cells, look.good(row.saved) if row.gain else row.saved])
    saved, seconds = seconds_saved(result, share=True), result.saved.seconds
    if seconds is not None and seconds.significant is not False and seconds.median > 0:
        saved = look.good(saved)
    rows.append(["build time", *map(_build_time, variants), saved])
    if any(variant.verify for variant in variants):
        rows.append(["verify", *(_verify(variant.verify) for variant in variants), ""])
    images = (variant.image for variant in variants)
    kept = (f"image kept as {image.tag}\n" for image in images if image is not None and image.tag is not None)
    return _table(rows, ["", "with", "without", "saved"], "lrrr") + "".join(kept)


def _build_time(variant: VariantFigures) -> str:
    if variant.build is None:
        return "failed" if variant.error else UNKNOWN
    return format_seconds(variant.build.seconds)


def _verify(verify: Verification | None) -> str:
    if verify is None:
        return UNKNOWN
    if verify.timed_out:
        return "timed out"
    return "passed" if verify.passed else f"exit code {verify.exit_code}"


def _paths(result: Comparison, look: Look) -> str:
    shown, left = look.first(result.paths, always=is_measured)
    rest = result.unattributed
    timed = rest.seconds is not None
    rebuilt = any(path.rebuild_seconds is not None for path in result.paths)
    rows = [
        [
            printable(path.path),
            *_sizes(path, timed),
            *([known(path.rebuild_seconds, format_seconds)] if rebuilt else []),
            printable(f"{result.project.ignore_file or ''}:{path.rule.line} {path.rule.text.strip()}"),
            printable(path.note or ""),
        ]
        for path in shown
    ]
    if rest.derived_bytes:
        rows.append(["(derived by RUN)", "", "", format_bytes(rest.derived_bytes)])
    if rest.image_bytes or rest.pull_bytes:
        rows.append(["(not attributed)", "", "", known(rest.image_bytes), known(rest.pull_bytes)])
    if rest.seconds is not None and abs(rest.seconds) >= _SHOWN_SECONDS:
        rows.append(["(time not attributed)", "", "", "", "", format_seconds(rest.seconds)])
    seconds = [*(["build time"] if timed else []), *(["each rebuild"] if rebuilt else [])]
    headers = ["path", "files", "context", "image", "pull", *seconds, "rule", ""]
    rows = [row + [""] * (len(headers) - len(row)) for row in rows]
    table = _table(rows, headers, "l" + "r" * (len(headers) - 3) + "ll")
    return look.bold("Saved, by path") + "\n" + table + more(left)


def _rules(result: Comparison, look: Look) -> str:
    shown, left = look.first(result.rules)
    timed = result.unattributed.seconds is not None
    rows = [
        [str(each.rule.line), printable(each.rule.text.strip()), str(each.paths), *_sizes(each, timed)]
        for each in shown
    ]
    seconds = ["build time"] if timed else []
    headers = ["line", "rule", "paths", "files", "context", "image", "pull", *seconds]
    table = _table(rows, headers, "rl" + "r" * (len(headers) - 2))
    return look.bold("Saved, by rule") + "\n" + table + more(left)


def _sizes(saving: PathSaving | RuleSaving, timed: bool) -> list[str]:
    """The cells files, context, image, pull and, if any is ``timed``, build time; ``~`` marks an estimate."""
    sizes = (saving.context_bytes, saving.image_bytes, saving.pull_bytes)
    cells = [known(saving.files, str), *map(known, sizes)]
    if timed:
        cells.append(path_seconds(saving))
    return cells


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], align: str) -> str:
    sides = {"l": "left", "r": "right"}
    text = tabulate(
        rows,
        headers=headers,
        tablefmt="plain",
        colalign=[sides[side] for side in align],
        disable_numparse=True,
        preserve_whitespace=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _notes(result: Comparison, look: Look) -> str:
    notes = [look.note(text) for text in sensitive_notes(result.sensitive)]
    shown = (warning for warning in result.warnings if warning.code not in _JSON_ONLY)
    return "".join([*notes, *(look.note(warning.message, warning.where) for warning in shown)])
