"""What a build can see of a project: the value behind ``ctxsize context``. No engine is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctxsize.context.totals import ScanResult
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.platforms import asked_platform, local_platform, platform_args
from ctxsize.dockerfile.resolve import ResolvedDockerfile, resolve
from ctxsize.dockerfile.sources import Sources, plan_sources
from ctxsize.errors import UsageError
from ctxsize.files.probe import probe
from ctxsize.ignore.find import ignore_file_candidates
from ctxsize.ignore.types import Dialect
from ctxsize.masking import Masker
from ctxsize.project import Project, open_project, relative_to_context
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey import views
from ctxsize.survey.dialects import Differences
from ctxsize.survey.listings import listing_of
from ctxsize.survey.survey import Survey, survey
from ctxsize.survey.views import View
from ctxsize.units import format_bytes
from ctxsize.warning import Warning

By = Literal["dir", "ext", "rule"]


@dataclass(frozen=True, slots=True)
class Overview:
    """A context measured: ``scan`` has the totals, ``views`` the tables asked for.

    ``dockerfile`` is None when there is none. ``scan.needed`` is None when
    what the Dockerfile takes is not known; a warning says why. ``notes`` are reasons why it may take more.
    ``sensitive`` are the files that look like secrets, those the build can see first.
    """

    context: str
    dockerfile: str | None
    ignore_file: str | None
    target: str | None
    dialect: Dialect
    scan: ScanResult
    views: tuple[View, ...]
    dialects: Differences
    notes: tuple[str, ...]
    warnings: tuple[Warning, ...]
    sensitive: tuple[SensitiveFile, ...] = ()


def overview(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    platform: str | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    by: By | None = None,
    depth: int = 1,
    files: bool = False,
    ignored: bool = False,
    largest: int | None = None,
    eligible_only: bool = False,
    secrets: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Overview:
    """Count the context ``path`` with and without its ignore file, and what its Dockerfile needs.

    Without ``by``, ``files``, ``ignored`` and ``largest`` the views are the directories that arrive, down to
    ``depth`` levels, and the ignored roots. ``by`` groups, ``files`` lists every file, ``largest`` the
    largest; ``ignored`` asks for the same of what is kept out. ``eligible_only`` does not look into what is
    ignored. Files whose names look like secrets are always looked for; ``secrets`` has small eligible text
    files read by the detector of ``ctxsize[secrets]``, too. ``platform`` is what is built for;
    None: that of DOCKER_DEFAULT_PLATFORM, else Linux on this machine's architecture. ``progress`` is called
    with the number of entries seen. Raises UsageError for options that contradict each other and where the
    detector is not installed, DockerfileError, IgnoreFileError or ContextError.
    """
    if eligible_only and (ignored or by == "rule"):
        raise UsageError("--eligible-only does not look at what is ignored", hint="leave one of them out")
    if by is not None and (files or largest is not None):
        raise UsageError("--by groups files and --files and --largest list them", hint="choose one")
    project, resolved, sources = open_planned(
        path,
        dockerfile=dockerfile,
        target=target,
        build_args=build_args,
        platform=platform,
        dialect=dialect,
    )
    mask = Masker.of(build_args or {}, derived=resolved.derived if resolved else None)
    listed = files or largest is not None
    by_directory = by in (None, "dir") and not listed
    seen = survey(
        project,
        sources,
        eligible_only=eligible_only,
        roots=by_directory and not eligible_only,
        depth=depth if by_directory else 0,
        largest=0 if ignored else largest or 0,
        secrets=secrets,
        progress=progress,
    )
    found = seen.scan
    shown: list[View] = []
    if largest is not None and not ignored:
        shown.append(views.largest(found))
    elif listed:
        shown.append(views.files(listing_of(project), only_ignored=ignored, most=largest))
    elif by == "ext":
        shown.append(views.extensions(listing_of(project), only_ignored=ignored))
    elif by == "rule":
        shown.append(views.rules(found, _unread_lines(project, found)))
    else:
        if not ignored:
            shown.append(views.directories(found))
        if ignored or (by is None and not eligible_only):
            shown.append(views.ignored_roots(found))
    return Overview(
        context=project.name,
        dockerfile=project.dockerfile_shown,
        ignore_file=project.ignore.path if project.ignore else None,
        target=target,
        dialect=dialect,
        scan=found,
        views=tuple(shown),
        dialects=seen.differing.differences if seen.differing else Differences(0, ()),
        notes=tuple(map(mask, sources.notes)) if sources else (),
        warnings=tuple(_warnings(project, sources, seen, mask)),
        sensitive=seen.sensitive,
    )


def open_planned(
    path: str | Path,
    *,
    dockerfile: str | Path | None,
    target: str | None,
    build_args: Mapping[str, str] | None,
    platform: str | None,
    dialect: Dialect,
) -> tuple[Project, ResolvedDockerfile | None, Sources | None]:
    """The project at ``path``, its Dockerfile for these options, and what that takes of the context; None and
    None when there is no Dockerfile. Raises the errors of :func:`overview`."""
    project = open_project(path, dockerfile=dockerfile, dialect=dialect, required=False)
    if project.dockerfile is None:
        return project, None, None
    own = local_platform()
    resolved = resolve(
        project.dockerfile,
        target=target,
        build_args=build_args or {},
        buildkit=project.dialect is Dialect.BUILDKIT,
        predefined=platform_args(asked_platform(platform) or own, own),
    )
    return project, resolved, plan_sources(resolved, ContextDirectory(project.context))


def _unread_lines(project: Project, found: ScanResult) -> frozenset[int]:
    """The lines of the rules that keep out something which can't be read."""
    verdicts = [project.rules.verdict(path) for path in found.unread] if project.rules is not None else []
    return frozenset(each.rule.line for each in verdicts if each.ignored and each.rule is not None)


def _podmans_own(project: Project) -> str | None:
    """The ``.containerignore`` that Podman reads, which Docker does not know; None when there is none."""
    candidates = ignore_file_candidates(
        project.context, project.dockerfile_path, project.dialect, podman=True
    )
    found = next((path for path in candidates if probe(path) == "file"), None)
    if found is None or not found.name.endswith(".containerignore"):
        return None
    return relative_to_context(found, project.context) or os.path.relpath(found)


def _warnings(project: Project, sources: Sources | None, seen: Survey, mask: Masker) -> Iterator[Warning]:
    if project.ignore is None:
        yield Warning("no-ignore-file", "there is no ignore file, so the build sees everything")
    if (theirs := _podmans_own(project)) is not None:
        yield Warning("podman", "Podman would read this ignore file instead", where=theirs)
    for why in sources.unknown if sources else (project.no_dockerfile or "",):
        yield Warning("needed-unknown", f"what the build needs is not known: {mask(why)}")
    if seen.scan.emptied.bytes:
        yield Warning(
            "emptied",
            f"BuildKit delivers files of {format_bytes(seen.scan.emptied.bytes)} with 0 bytes: a rule after"
            " the exception that keeps them matches them again",
            where=project.ignore.path if project.ignore else None,
        )
    yield from seen.unread
    if seen.differing is not None:
        yield seen.differing.warning("dialects")
