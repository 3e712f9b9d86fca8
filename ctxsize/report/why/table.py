"""A paragraph per path: what happens to it and by which line, then all lines that match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctxsize.ignore.types import Rule
from ctxsize.project import Project
from ctxsize.report.shared.look import Look
from ctxsize.survey.why import Answer
from ctxsize.text import printable


def draw(project: Project, answers: Iterable[Answer], look: Look) -> Iterator[str]:
    """The answers; ``>`` marks the rule that decides where several match."""
    for answer in answers:
        tree = project if answer.context is None else project.trees[answer.context]
        ignore_file = printable(tree.ignore.path) if tree.ignore else ""
        path = answer.path if answer.context is None else f"{answer.context}:{answer.path}"
        yield f"{look.bold(printable(path))}: {_verdict(tree, answer, ignore_file)}\n"
        if answer.matches and answer.matches != (answer.rule,):
            for rule in answer.matches:
                mark = ">" if rule is answer.rule else " "
                yield f"  {mark} {_rule(rule, ignore_file)}\n"
        for note in answer.notes:
            yield f"  {look.warn('note:')} {note}\n"


def _verdict(project: Project, answer: Answer, ignore_file: str) -> str:
    if answer.rule is None:
        if project.ignore is None:
            return "kept, there is no ignore file"
        return "kept, no rule ignores it" if answer.matches else "kept, no rule matches"
    by = f"by {_rule(answer.rule, ignore_file)}"
    if answer.verdict == "kept":
        return f"kept {by}"
    # What is below an ignored directory is ignored with it, unless an exception brings it back.
    root = answer.root if answer.root != answer.path else None
    within = f" (with {printable(root)})" if root else ""
    kept = " (but something in it is kept, so it arrives)" if answer.verdict == "partly" else ""
    return f"ignored {by}{within}{kept}"


def _rule(rule: Rule, ignore_file: str) -> str:
    return f"{ignore_file}:{rule.line}: {printable(rule.text.strip())}"
