"""The report a person reads in ten seconds: the answer, the two variants, then what saved most."""

from __future__ import annotations

from ctxsize.comparison.types import Comparison, VariantFigures
from ctxsize.engine.containers import Verification
from ctxsize.report.comparison.headline import headline
from ctxsize.report.comparison.rows import interval, saved_time, size_rows
from ctxsize.report.comparison.savings import missing_columns, savings_tables
from ctxsize.report.shared.columns import UNKNOWN, columns
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.sensitive import sensitive_notes
from ctxsize.report.shared.title import project_title
from ctxsize.units import format_seconds

#: Warnings that explain a null: the table says so where it has no such column.
_JSON_ONLY = frozenset({"path-seconds"})


def draw(result: Comparison, look: Look) -> str:
    """``result``: one sentence, a table of the variants, then what saved most by path and by rule."""
    parts = [
        look.bold(headline(result)) + "\n",
        project_title(look, result.project, result.engine, bold=False),
        _variants(result, look),
        *savings_tables(result, look),
        _notes(result, look),
    ]
    return "\n".join(part for part in parts if part)


def _variants(result: Comparison, look: Look) -> str:
    variants = [result.variants[name] for name in ("with", "without")]
    rows = []
    for row in size_rows(result):
        label = f"  {row.name}" if row.name in ("files", "sent") else row.name
        rows.append([label, *row.cells, look.good(row.saved) if row.gain else row.saved, row.share, ""])
    saved, share = saved_time(result)
    seconds = result.saved.seconds
    if seconds is not None and seconds.significant and seconds.median > 0:
        saved = look.good(saved)
    rows.append(["build time", *map(_build_time, variants), saved, share, interval(result)])
    if any(variant.verify for variant in variants):
        rows.append(["verify", *(_verify(variant.verify) for variant in variants), "", "", ""])
    images = (variant.image for variant in variants)
    kept = (f"image kept as {image.tag}\n" for image in images if image is not None and image.tag is not None)
    return columns(rows, ["", "with", "without", "saved", "", ""], "lrrrrl") + "".join(kept)


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


def _notes(result: Comparison, look: Look) -> str:
    notes = [look.note(text) for text in (*missing_columns(result), *sensitive_notes(result.sensitive))]
    shown = (warning for warning in result.warnings if warning.code not in _JSON_ONLY)
    return "".join([*notes, *(look.note(warning.message, warning.where) for warning in shown)])
