"""The first lines of every table: what was looked at, and where it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctxsize.report.shared.look import Look
from ctxsize.text import printable

if TYPE_CHECKING:
    from ctxsize.measure.figures import EngineFigures, ProjectFigures


def project_title(
    look: Look, project: ProjectFigures, engine: EngineFigures | None, *, bold: bool = True
) -> str:
    """The title of a project that was measured on ``engine``."""
    platform = project.platform if project.platform_asked else None
    names = (project.context, project.dockerfile, project.ignore_file)
    return title(look, *names, engine, bold=bold, platform=platform)


def title(
    look: Look,
    name: str,
    dockerfile: str | None,
    ignore_file: str | None,
    engine: EngineFigures | None = None,
    *,
    bold: bool = True,
    platform: str | None = None,
) -> str:
    """``shop: Dockerfile, .dockerignore`` and, where there is one, a line about the engine. ``bold`` unless
    something more important comes before it. ``platform`` is one that was asked for."""
    files = f"{dockerfile or 'no Dockerfile'}, {ignore_file or 'no ignore file'}"
    files += f", for {platform}" if platform else ""
    where = printable(f"{engine.name}, {engine.builder}, {engine.storage}") + "\n" if engine else ""
    first = printable(f"{name}: {files}")
    return (look.bold(first) if bold else first) + "\n" + where
