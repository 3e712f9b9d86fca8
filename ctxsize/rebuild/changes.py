"""Which changes are measured: to the largest ignored roots, and to a file for each COPY."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from ctxsize.context.totals import IgnoredRoot, Totals
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import Subject
from ctxsize.rebuild.commits import Commits
from ctxsize.rebuild.copies import CopyChange, copy_changes
from ctxsize.rebuild.edits import Edit, Lengthened, edit_of

#: How many eligible files are looked at to find one for each COPY.
_LOOK_AT = 10_000
_GIT = ".git"


@dataclass(frozen=True, slots=True)
class ChosenChanges:
    """The ignored roots, and the instructions that take eligible files; ``roots_left`` and ``copies_left``
    more of them are not measured.

    ``edits`` has, by variant, those to the roots and then, with the ignore file, those to the eligible files.
    Edits go on from one build to the next, so that each variant has its own. Without an ignored root both
    variants are the same, and only one is there.
    """

    roots: tuple[IgnoredRoot, ...]
    copies: tuple[CopyChange, ...]
    roots_left: int
    copies_left: int
    edits: Mapping[str, list[Edit | None]]


def choose_changes(subject: Subject, top: int, *, eligible: bool) -> ChosenChanges:
    """Changes to the ``top`` largest ignored roots (0: all) and, if ``eligible``, to a file for each of the
    first ``top`` instructions that take any."""
    all_roots = _roots(subject)
    all_copies = _copies(subject) if eligible else ()
    if eligible and not any(root.path == _GIT for root in all_roots):
        all_copies = (*_commits(subject), *all_copies)
    roots, copies = tuple(all_roots[: top or None]), all_copies[: top or None]
    edits = {WITH: [*_root_edits(subject, roots), *(_copy_edit(subject, copy.path) for copy in copies)]}
    if roots:
        edits[WITHOUT] = _root_edits(subject, roots)
    return ChosenChanges(roots, copies, len(all_roots) - len(roots), len(all_copies) - len(copies), edits)


def _roots(subject: Subject) -> list[IgnoredRoot]:
    """The ignored roots that change each for itself, the largest first. What is ignored of a repository that
    is kept in part changes together, and with what is kept of it: when somebody commits."""
    roots = [root for root in subject.found.roots if not root.hidden and not root.unread]
    inside = [root for root in roots if root.path.startswith(f"{_GIT}/")]
    if not inside or Commits.of(subject.project.context, _GIT) is None:
        return roots
    together = IgnoredRoot(_GIT, True, inside[0].rule, sum((root.totals for root in inside), Totals()))
    others = [root for root in roots if root not in inside]
    return sorted([*others, together], key=lambda root: -root.totals.bytes)


def _commits(subject: Subject) -> tuple[CopyChange, ...]:
    """The first instruction that takes the repository, when the context has one and all of it is kept."""
    if Commits.of(subject.project.context, _GIT) is None:
        return ()
    names = ContextDirectory(subject.project.context)
    found = copy_changes(subject.plan.resolved, [(f"{_GIT}/HEAD", 1)], names)
    return tuple(replace(copy, path=_GIT) for copy in found)


def _copy_edit(subject: Subject, path: str) -> Edit:
    commits = Commits.of(subject.project.context, path) if path == _GIT else None
    return commits or Lengthened(path)


def _root_edits(subject: Subject, roots: tuple[IgnoredRoot, ...]) -> list[Edit | None]:
    project = subject.project

    def ignored(path: str) -> bool:
        return project.rules is not None and project.rules.verdict(path).ignored

    def needed(path: str) -> bool:
        return subject.sources.needs(path)

    return [edit_of(project.context, root.path, ignored=ignored, needed=needed) for root in roots]


def _copies(subject: Subject) -> tuple[CopyChange, ...]:
    names = ContextDirectory(subject.project.context)
    return copy_changes(subject.plan.resolved, islice(_eligible_files(subject), _LOOK_AT), names)


def _eligible_files(subject: Subject) -> Iterator[tuple[str, int]]:
    """Files that somebody works on: not the Dockerfile and the ignore file, which are the builder's own, nor
    those that are git's."""
    project = subject.project
    own = {project.dockerfile_in_context, *project.ignore_files}
    for entry in subject.variant(WITH).walk(project.dockerfile_in_context):
        if (
            stat.S_ISREG(entry.stat.st_mode)
            and not entry.emptied
            and entry.path not in own
            and entry.path.partition("/")[0] != _GIT
        ):
            yield entry.path, entry.stat.st_size
