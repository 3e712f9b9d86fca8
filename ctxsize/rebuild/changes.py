"""Which changes are measured: to the largest ignored roots, and to a file for each COPY."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ctxsize.context.totals import IgnoredRoot
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.measure.figures import WITH, WITHOUT
from ctxsize.measure.subject import Subject
from ctxsize.rebuild.copies import CopyChange, copy_changes
from ctxsize.rebuild.edits import Edit, Lengthened, edit_of

#: How many eligible files are looked at to find one for each COPY.
_LOOK_AT = 10_000


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
    all_roots = [root for root in subject.found.roots if not root.hidden and not root.unread]
    all_copies = _copies(subject) if eligible else ()
    roots, copies = tuple(all_roots[: top or None]), all_copies[: top or None]
    edits = {WITH: [*_root_edits(subject, roots), *(Lengthened(copy.path) for copy in copies)]}
    if roots:
        edits[WITHOUT] = _root_edits(subject, roots)
    return ChosenChanges(roots, copies, len(all_roots) - len(roots), len(all_copies) - len(copies), edits)


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
    """Files that somebody works on: not the Dockerfile and the ignore file, which are the builder's own."""
    project = subject.project
    own = {project.dockerfile_in_context, *project.ignore_files}
    for entry in subject.variant(WITH).walk(project.dockerfile_in_context):
        if stat.S_ISREG(entry.stat.st_mode) and not entry.emptied and entry.path not in own:
            yield entry.path, entry.stat.st_size
