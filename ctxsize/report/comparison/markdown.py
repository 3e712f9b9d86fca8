"""The comparison as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.comparison.types import Comparison
from ctxsize.report.comparison.headline import headline
from ctxsize.report.comparison.rows import is_measured, path_seconds, rule_of, seconds_saved, size_rows
from ctxsize.report.shared.columns import UNKNOWN, known
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, code, fitted, plain, row
from ctxsize.report.shared.sensitive import sensitive_notes
from ctxsize.units import format_seconds


def draw(result: Comparison, look: Look) -> str:
    """``result`` as Markdown; ``look`` says how many paths are listed."""
    return fitted(_lines(result, look), "compare")


def _lines(result: Comparison, look: Look) -> Iterator[str]:
    ignore_file = result.project.ignore_files or "no ignore file"
    yield f"### What {plain(ignore_file)} saves: {plain(result.project.context)}"
    yield ""
    yield headline(result, code)
    yield ""
    yield row(("", "with", "without", "saved"))
    yield row((":---", "---:", "---:", "---:"))
    yield from _variants(result)
    yield ""
    yield from _paths(result, look)
    for note in sensitive_notes(result.sensitive):
        yield f"- {plain(note)}"
    for name, variant in result.variants.items():
        if variant.error:
            yield f"- **The build {name} the ignore file failed:** {plain(variant.error)}"
    for warning in result.warnings:
        if warning.where:
            yield f"- {plain(warning.where)}: {plain(warning.message)}"
    yield ""
    engine = result.engine
    where = f", {plain(engine.name)}, {engine.builder}" if engine else ""
    yield f"<sub>ctxsize {plain(result.version)}{where}</sub>"


def _variants(result: Comparison) -> Iterator[str]:
    for figure in size_rows(result):
        if figure.name != "sent":
            yield row((figure.name, *figure.cells, figure.saved_with_share))
    builds = [result.variants[name].build for name in ("with", "without")]
    times = [format_seconds(build.seconds) if build else UNKNOWN for build in builds]
    yield row(("build time", *times, seconds_saved(result)))


def _paths(result: Comparison, look: Look) -> Iterator[str]:
    if not result.paths:
        return
    timed = ("build time",) if result.unattributed.seconds is not None else ()
    yield row(("path", "files", "context", "image", *timed, "rule"))
    yield row((":---", "---:", "---:", "---:", *("---:" for _ in timed), ":---"))
    shown, left = look.first(result.paths, always=is_measured)
    for path in shown:
        rule = rule_of(path, result.project.ignore_file or ".dockerignore")
        sizes = (known(path.files, str), known(path.context_bytes), known(path.image_bytes))
        yield row((cell(path.path), *sizes, *(path_seconds(path) for _ in timed), cell(rule)))
    if left:
        yield row((f"… and {left} more", "", "", "", *("" for _ in timed), ""))
    yield ""
