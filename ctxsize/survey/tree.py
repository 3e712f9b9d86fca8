"""The tree as if there were no ignore file, file by file: what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.walk import walk
from ctxsize.ignore.types import Dialect
from ctxsize.survey.overview import open_planned
from ctxsize.survey.survey import survey


class Leaf(NamedTuple):
    """A file: ``kind`` is ``ignored`` (by the rule on ``line``), ``needed``, ``kept`` when no step takes it,
    or ``seen`` when nobody knows which of these two it is."""

    path: str
    bytes: int
    kind: str
    line: int | None


def file_tree(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Leaf]:
    """Every entry but directories that a build of the project at ``path`` sees without the ignore file, as
    it is asked for. Options as in :func:`ctxsize.survey.overview.overview`; raises the same errors."""
    project, _, sources = open_planned(
        path,
        dockerfile=dockerfile,
        target=target,
        build_args=build_args,
        platform=platform,
        dialect=dialect,
    )
    found = survey(project, sources, roots=True, progress=progress).scan
    lines = {root.path: root.rule.line for root in found.roots}
    roots = IgnoredRoots(lines)
    needs = None if sources is None or sources.unknown else sources.needs
    for entry in walk(project.context, None, hidden=project.ignore_files):
        if entry.is_dir:
            continue
        root = roots.of(entry.path)
        if root is not None:
            yield Leaf(entry.path, entry.bytes, "ignored", lines[root])
        elif needs is None:
            yield Leaf(entry.path, entry.bytes, "seen", None)
        else:
            yield Leaf(entry.path, entry.bytes, "needed" if needs(entry.path) else "kept", None)
