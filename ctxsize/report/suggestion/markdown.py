"""A suggestion as Markdown, for a comment on a change or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.report.shared.columns import known
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.markdown import cell, fitted, plain, row
from ctxsize.report.suggestion import words
from ctxsize.suggest.types import Suggestion


def draw(result: Suggestion, look: Look) -> str:
    """``result`` as Markdown; ``look`` says how many rules are listed."""
    return fitted(_lines(result, look), "suggest")


def _lines(result: Suggestion, look: Look) -> Iterator[str]:
    yield f"### Rules for {plain(result.ignore_file)}: {plain(result.project.context)}"
    yield ""
    yield f"**{plain(words.total(result))}**"
    yield ""
    if result.proposed:
        yield row(("rule", "files", "context", "image", "proof", "why"))
        yield row((":---", "---:", "---:", "---:", ":---", ":---"))
        shown, left = look.first(result.proposed)
        for rule in shown:
            sizes = (str(rule.files), known(rule.context_bytes), known(rule.image_bytes))
            yield row((cell(rule.rule), *sizes, words.PROOFS[rule.proof], plain(words.why(rule))))
        if left:
            yield row((f"… and {left} more", "", "", "", "", ""))
        yield ""
    for rule in result.rules:
        if not rule.proposed:
            size = known(rule.context_bytes)
            yield f"- not proposed: {cell(rule.rule)} ({size}): {plain(rule.reason or '')}"
    for step in words.next_steps(result):
        yield f"- {plain(step)}"
    for warning in result.warnings:
        yield f"- {plain(f'{warning.where}: {warning.message}' if warning.where else warning.message)}"
    yield ""
    engine = result.engine
    where = f", {plain(engine.name)}, {engine.builder}" if engine else ", nothing was built"
    yield f"<sub>ctxsize {plain(result.version)}{where}</sub>"
