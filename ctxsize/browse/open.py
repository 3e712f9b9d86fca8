"""A project opened for browsing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize.browse.draft import Draft
from ctxsize.browse.jobs import LintJob, ProofJob
from ctxsize.browse.tree import FileTree
from ctxsize.dockerfile.sources import Sources
from ctxsize.engine.options import BuildOptions
from ctxsize.ignore.types import Dialect
from ctxsize.project import Project
from ctxsize.survey.overview import open_planned

if TYPE_CHECKING:
    from ctxsize.engine.containers import VerifyCommand


@dataclass(frozen=True, slots=True)
class Build:
    """How the project is built, for a proof of the draft."""

    builder: str = "auto"
    options: BuildOptions = field(default_factory=BuildOptions)
    verify: VerifyCommand | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with its tree, which is still to be read, and a draft of its ignore file."""

    project: Project
    sources: Sources | None
    tree: FileTree
    draft: Draft
    lint: LintJob
    build: Build

    def proof(self, data: bytes) -> ProofJob:
        """The job that proves a draft."""
        build = self.build
        return ProofJob(
            self.lint.path, self.lint.dockerfile, build.builder, build.options, build.verify, data
        )


def open_tree(
    path: str | Path = ".", *, dockerfile: str | Path | None = None, build: Build | None = None
) -> Opened:
    """The project at ``path``, as it is built; errors as of :func:`ctxsize.survey.overview.overview`."""
    build = build or Build()
    options, dialect = build.options, Dialect.of_builder(build.builder)
    values = {name: value for name, value in options.build_args.items() if value is not None}
    project, _, sources = open_planned(
        path,
        dockerfile=dockerfile,
        target=options.target,
        build_args=values,
        platform=options.platform,
        dialect=dialect,
    )
    tree = FileTree(project, sources)
    # In whole: the jobs are done elsewhere.
    where = Path(path).absolute()
    file = None if dockerfile is None else Path(dockerfile).absolute()
    lint = LintJob(where, file, options.target, values, dialect)
    return Opened(project, sources, tree, Draft(project, sources, tree), lint, build)
