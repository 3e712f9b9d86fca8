"""A project opened for browsing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctxsize.browse.draft import Draft
from ctxsize.browse.tree import FileTree
from ctxsize.dockerfile.sources import Sources
from ctxsize.ignore.types import Dialect
from ctxsize.project import Project
from ctxsize.survey.overview import open_planned


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with its tree, which is still to be read, and a draft of its ignore file."""

    project: Project
    sources: Sources | None
    tree: FileTree
    draft: Draft


def open_tree(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
) -> Opened:
    """The project at ``path``; options as in :func:`ctxsize.survey.overview.overview`, and its errors."""
    project, _, sources = open_planned(
        path,
        dockerfile=dockerfile,
        target=target,
        build_args=build_args,
        platform=platform,
        dialect=dialect,
    )
    known = sources is not None and not sources.unknown
    tree = FileTree(project, sources.needs if known and sources is not None else None)
    return Opened(project, sources, tree, Draft(project, sources, tree))
