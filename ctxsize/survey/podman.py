"""Where Podman reads an ignore file otherwise than Docker, by whose rules ctxsize filters for both.

Podman 4.3 compares as Docker did before 23.0: each rule with the path itself and with the one parent that has
as many components as the rule, and the last rule that matches decides. Without exceptions that comes to the
same.
"""

from __future__ import annotations

from collections.abc import Iterator

from ctxsize.context.walk import OpenTree, Visit, visit
from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.project import Project
from ctxsize.survey.dialects import Disagreement
from ctxsize.text import printable

_NAMED = 3  # paths that the message names


def podman_disagreement(project: Project) -> Disagreement | None:
    """Which files ``podman build`` would take that ctxsize does not, or leave out that it does; None when
    there are none. Raises ContextError when a directory can't be read."""
    rules = project.rules
    if rules is None or not any(rule.negated for rule in rules.rules):
        return None
    try:
        with OpenTree(project.context) as tree:
            found = [*_differing(tree, rules)]
    except IgnoreFileError:
        return None  # the scan reports it
    if not found:
        return None
    named = ", ".join(
        f"{printable(path)} ({'kept' if kept else 'ignored'} by podman build)"
        for path, kept in found[:_NAMED]
    )
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Disagreement(
        f"podman build reads the exceptions of the ignore file otherwise: {named}{more}; measured is Docker's"
        " reading",
        rules.source,
    )


def _differing(tree: OpenTree, rules: Matcher) -> Iterator[tuple[str, bool]]:
    """The files that only one of the two keeps, and whether that one is Podman."""

    def enters(entry: Visit, below: DirState | None) -> bool:
        # Both go into an ignored directory when an exception begins with it.
        ours = not entry.ignored or (entry.outcome is not None and entry.outcome.enter)
        return ours or not rules.ignored_by_podman(entry.path)

    for entry in visit(tree, rules.start(), hopeless=True, enters=enters):
        if not entry.is_dir and (kept := not rules.ignored_by_podman(entry.path)) == entry.ignored:
            yield entry.path, kept
