"""Which changes are measured: to the largest ignored roots, and to a file for each COPY."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    all_copies: tuple[CopyChange, ...] = ()
    if eligible:
        names = ContextDirectory(subject.project.context)
        files, repositories = _eligible_files(subject)
        kept = [path for path in repositories if not any(root.path == path for root in all_roots)]
        commits = (change for path in kept for change in _commits(subject, path, names))
        all_copies = (*commits, *copy_changes(subject.plan.resolved, files, names))
    roots, copies = tuple(all_roots[: top or None]), all_copies[: top or None]
    edits = {WITH: [*_root_edits(subject, roots), *(_copy_edit(subject, copy.path) for copy in copies)]}
    if roots:
        edits[WITHOUT] = _root_edits(subject, roots)
    return ChosenChanges(roots, copies, len(all_roots) - len(roots), len(all_copies) - len(copies), edits)


def _roots(subject: Subject) -> list[IgnoredRoot]:
    """The ignored roots of the context that change each for itself, the largest first. What is ignored of a
    repository that is kept in part changes together, and with what is kept of it: when somebody commits."""
    context = subject.project.context
    others: list[IgnoredRoot] = []
    inside = defaultdict[str, list[IgnoredRoot]](list)
    for root in subject.found.roots:
        if not root.hidden and not root.unread and root.context is None:
            path = _repository(root.path)
            (others if path in (None, root.path) else inside[path or ""]).append(root)
    for path, parts in inside.items():
        if Commits.of(context, path) is None:
            others += parts
        else:
            others.append(
                IgnoredRoot(path, True, parts[0].rule, sum((each.totals for each in parts), Totals()))
            )
    return sorted(others, key=lambda root: -root.totals.bytes)


def _repository(path: str) -> str | None:
    """The `.git` that ``path`` is, or is in; None when it is in none."""
    parts = path.split("/")
    return "/".join(parts[: parts.index(_GIT) + 1]) if _GIT in parts else None


def _commits(subject: Subject, path: str, names: ContextDirectory) -> tuple[CopyChange, ...]:
    """The first instruction that takes the repository ``path``, none if it is not known here."""
    if Commits.of(subject.project.context, path) is None:
        return ()
    found = copy_changes(subject.plan.resolved, [(f"{path}/HEAD", 1)], names)
    return tuple(replace(copy, path=path) for copy in found)


def _copy_edit(subject: Subject, path: str) -> Edit:
    commits = Commits.of(subject.project.context, path) if _repository(path) == path else None
    return commits or Lengthened(path)


def _root_edits(subject: Subject, roots: tuple[IgnoredRoot, ...]) -> list[Edit | None]:
    project = subject.project

    def ignored(path: str) -> bool:
        return project.rules is not None and project.rules.verdict(path).ignored

    def needed(path: str) -> bool:
        return subject.sources.needs(path)

    return [edit_of(project.context, root.path, ignored=ignored, needed=needed) for root in roots]


def _eligible_files(subject: Subject) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    """Files that somebody works on, with their bytes: not the Dockerfile and the ignore file, which are the
    builder's own, nor those that are git's. And the repositories that are kept, or a part of them."""
    project = subject.project
    own = {project.dockerfile_in_context, *project.ignore_files}
    files: list[tuple[str, int]] = []
    repositories: dict[str, None] = {}
    for entry in subject.variant(WITH).walk(project.dockerfile_in_context):
        if len(files) == _LOOK_AT:
            break
        if (path := _repository(entry.path)) is not None:
            repositories[path] = None
        elif stat.S_ISREG(entry.stat.st_mode) and not entry.emptied and entry.path not in own:
            files.append((entry.path, entry.stat.st_size))
    return files, tuple(repositories)
