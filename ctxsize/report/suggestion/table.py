"""The report a person reads: the rules worth adding, what they save, why, and what is not proposed."""

from __future__ import annotations

from collections.abc import Sequence

from ctxsize.report.shared.columns import columns, known, more
from ctxsize.report.shared.look import Look
from ctxsize.report.shared.title import project_title
from ctxsize.report.suggestion import words
from ctxsize.suggest.types import SuggestedRule, Suggestion
from ctxsize.text import printable

#: Characters of evidence and reasons that a row has.
_LONGEST = 100


def draw(result: Suggestion, look: Look) -> str:
    """``result`` as two tables, the total, and what to do next."""
    parts = [project_title(look, result.project, result.engine)]
    proposed = result.proposed
    others = [rule for rule in result.rules if not rule.proposed]
    if proposed:
        head = "Worth a try, not proven" if result.static else "Worth adding"
        parts.append(look.bold(head) + "\n" + _proposed(proposed, result.static, look))
    if others:
        parts.append(look.bold("Not proposed") + "\n" + _others(others, look))
    last = [look.good(words.total(result)) if proposed else words.total(result)]
    if (builds := words.builds(result)) is not None:
        last.append(builds)
    last += words.next_steps(result)
    parts.append("".join(f"{printable(line)}\n" for line in last))
    parts.append("".join(look.note(warning.message, warning.where) for warning in result.warnings))
    return "\n".join(part for part in parts if part)


def _proposed(rules: Sequence[SuggestedRule], static: bool, look: Look) -> str:
    shown, left = look.first(rules)
    rows = []
    for rule in shown:
        row = [printable(rule.rule), str(rule.files), known(rule.context_bytes)]
        if not static:
            row += [known(rule.image_bytes), known(rule.pull_bytes), words.PROOFS[rule.proof]]
        rows.append([*row, _cut(words.why(rule))])
    figures = ["files", "context", *([] if static else ["image", "pull"])]
    headers = ["rule", *figures, *([] if static else ["proof"]), "why"]
    return columns(rows, headers, "l" + "r" * len(figures) + ("l" if static else "ll")) + more(left)


def _others(rules: Sequence[SuggestedRule], look: Look) -> str:
    shown, left = look.first(rules)
    rows = [
        [printable(rule.rule), known(rule.context_bytes), words.PROOFS[rule.proof], _cut(rule.reason or "")]
        for rule in shown
    ]
    return columns(rows, ["rule", "context", "proof", "because"], "lrll") + more(left)


def _cut(text: str) -> str:
    text = printable(" ".join(text.split()))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
