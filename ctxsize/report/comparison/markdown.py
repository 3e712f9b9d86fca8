"""The comparison as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ctxsize.comparison.types import Comparison, VariantFigures
from ctxsize.report.shared.markdown_text import cell, fitted, plain, row
from ctxsize.report.shared.sensitive import sensitive_notes
from ctxsize.report.shared.style import Style
from ctxsize.units import format_bytes, format_seconds, format_share

_UNKNOWN = "?"


def comparison(result: Comparison, style: Style) -> str:
    """``result`` as Markdown; ``style`` says how many paths are listed."""
    return fitted(_lines(result, style), "compare")


def _lines(result: Comparison, style: Style) -> Iterator[str]:
    ignore_file = result.project.ignore_file or "no ignore file"
    yield f"### What {plain(ignore_file)} saves: {plain(result.project.context)}"
    yield ""
    yield row(("", "with", "without", "saved"))
    yield row((":---", "---:", "---:", "---:"))
    yield from _variants(result)
    yield ""
    yield from _paths(result, style)
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
    figures: list[tuple[str, Callable[[VariantFigures], int | None], Callable[[int], str]]] = [
        ("context", lambda variant: variant.context.bytes, format_bytes),
        ("files", lambda variant: variant.context.files, str),
        ("image", lambda variant: variant.image.bytes if variant.image else None, format_bytes),
        ("pull", lambda variant: variant.image.pull_bytes if variant.image else None, format_bytes),
    ]
    with_, without = result.variants["with"], result.variants["without"]
    for label, figure, show in figures:
        small, large = figure(with_), figure(without)
        saved = _UNKNOWN
        if small is not None and large is not None:
            share = format_share(large - small, large)
            saved = f"{show(large - small)} ({share})" if share else show(large - small)
        yield row((label, *(_UNKNOWN if size is None else show(size) for size in (small, large)), saved))
    times = [format_seconds(each.build.seconds) if each.build else _UNKNOWN for each in (with_, without)]
    yield row(("build time", *times, _seconds(result)))


def _seconds(result: Comparison) -> str:
    seconds = result.saved.seconds
    if seconds is None:
        return _UNKNOWN
    if seconds.significant is False:
        return "no measurable difference"
    text = format_seconds(seconds.median)
    if seconds.low is None or seconds.high is None:
        return text
    return f"{text}, 95% {format_seconds(seconds.low)} to {format_seconds(seconds.high)}"


def _paths(result: Comparison, style: Style) -> Iterator[str]:
    if not result.paths:
        return
    yield row(("path", "files", "context", "image", "rule"))
    yield row((":---", "---:", "---:", "---:", ":---"))
    shown = result.paths[: style.top] if style.top else result.paths
    for path in shown:
        image = _UNKNOWN if path.image_bytes is None else format_bytes(path.image_bytes)
        rule = f"{result.project.ignore_file}:{path.rule.line} {path.rule.text.strip()}"
        yield row((cell(path.path), str(path.files), format_bytes(path.context_bytes), image, cell(rule)))
    if rest := len(result.paths) - len(shown):
        yield row((f"… and {rest} more", "", "", "", ""))
    yield ""
