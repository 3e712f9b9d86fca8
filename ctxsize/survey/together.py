"""The context and the named contexts of a build as one: everything that the build can see.

A path of a named context is called ``NAME:path``. What was counted of each context is added up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ctxsize.context.totals import DirTotals, IgnoredRoot, ScanResult, Totals
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.resolve import ResolvedDockerfile
from ctxsize.dockerfile.sources import Sources, plan_sources
from ctxsize.project import Project
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.survey import Survey, survey


@dataclass(frozen=True, slots=True)
class Part:
    """One context of a build: ``name`` is None for the context itself. ``scan`` has paths relative to it."""

    name: str | None
    tree: Project
    sources: Sources | None
    scan: ScanResult

    def path(self, path: str) -> str:
        """A path of this context as it is called among those of all contexts."""
        return path if self.name is None else f"{self.name}:{path}"


def survey_all(
    project: Project,
    resolved: ResolvedDockerfile,
    sources: Sources,
    *,
    podman: bool = False,
    asked: Collection[str] = (),
    **options: Any,
) -> tuple[Survey, tuple[Part, ...]]:
    """Count the context and the named ones, together and each for itself. ``asked`` are paths as they are
    called here; the other arguments are those of :func:`ctxsize.survey.survey.survey`, and so are the
    errors."""
    seen = survey(project, sources, podman=podman, asked=asked_of(project, asked), **options)
    parts = [Part(None, project, sources, seen.scan)]
    secrets = [*seen.sensitive]
    for name, tree in project.trees.items():
        own = plan_sources(resolved, ContextDirectory(tree.context), name)
        other = survey(tree, own, named=True, asked=asked_of(project, asked, name), **options)
        parts.append(Part(name, tree, own, other.scan))
        secrets += called(other.sensitive, name)
    if len(parts) > 1:
        secrets.sort(key=lambda file: not file.eligible)
    return Survey(together(parts), tuple(secrets), seen.differing), tuple(parts)


def called(secrets: Iterable[SensitiveFile], name: str) -> list[SensitiveFile]:
    """Files of the named context ``name`` as they are called among those of all contexts."""
    return [replace(file, path=f"{name}:{file.path}") for file in secrets]


def asked_of(project: Project, asked: Collection[str], name: str | None = None) -> tuple[str, ...]:
    """The paths among ``asked`` that lie in the named context ``name`` (None: in the context itself), as
    that calls them."""
    split = (project.split(path) for path in asked)
    return tuple(path for owner, path in split if owner == name)


def together(parts: Iterable[Part]) -> ScanResult:
    """What was counted of all contexts; of one, that is what it was."""
    first, *others = parts
    if not others:
        return first.scan
    every = [first, *others]
    scans = [part.scan for part in every]
    unknown = Totals()
    without = [scan.without for scan in scans]
    needed = [scan.needed for scan in scans]
    return ScanResult(
        eligible=sum((scan.eligible for scan in scans), Totals()),
        without=None if None in without else sum((each or unknown for each in without), Totals()),
        hidden=sum((scan.hidden for scan in scans), Totals()),
        emptied=sum((scan.emptied for scan in scans), Totals()),
        needed=None if None in needed else sum((each or unknown for each in needed), Totals()),
        roots=tuple(_largest(_root(part, root) for part in every for root in part.scan.roots)),
        rules=tuple(each._replace(context=part.name) for part in every for each in part.scan.rules),
        directories=tuple(
            _largest(_directory(part, each) for part in every for each in part.scan.directories)
        ),
        suspects=tuple(part.path(path) for part in every for path in part.scan.suspects),
        forbidden=tuple((part.path(path), rule) for part in every for path, rule in part.scan.forbidden),
        forbidden_count=sum(scan.forbidden_count for scan in scans),
        partly=frozenset(part.path(path) for part in every for path in part.scan.partly),
        largest=tuple(
            sorted(
                ((part.path(path), size) for part in every for path, size in part.scan.largest),
                key=lambda file: -file[1],
            )[: max(len(scan.largest) for scan in scans)]
        ),
        unread=tuple(part.path(path) for part in every for path in part.scan.unread),
        eligible_unread=any(scan.eligible_unread for scan in scans),
    )


def _root(part: Part, root: IgnoredRoot) -> IgnoredRoot:
    return replace(root, path=part.path(root.path), context=part.name)


def _directory(part: Part, directory: DirTotals) -> DirTotals:
    return replace(directory, path=part.path(directory.path))


def _largest(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=lambda item: (-item.totals.bytes, item.path))


def view_of(tree: Project, name: str) -> Variant:
    """The view of one context in the variant of that name: ``with`` its ignore file, or ``without``."""
    if name == "without":
        return Variant(name, tree.context, None, tree.ignore_files, tree.dialect)
    return Variant(name, tree.context, tree.rules, frozenset(), tree.dialect)


def named_views(project: Project, name: str = "with") -> dict[str, Variant]:
    """The views of a project's named contexts in a variant, by their names."""
    return {each: view_of(tree, name) for each, tree in project.trees.items()}
