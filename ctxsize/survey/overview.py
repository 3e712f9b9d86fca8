"""What a build can see of a project: the value behind ``ctxsize context``. No engine is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctxsize.context.scan import removed_by_daemon, scan
from ctxsize.context.totals import ScanResult
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import Dockerfile
from ctxsize.dockerfile.sources import Sources, context_sources
from ctxsize.errors import DockerfileError, UsageError
from ctxsize.ignore.find import find_ignore_file, ignore_file_candidates
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect, IgnoreFile, Rule
from ctxsize.masking import Masker
from ctxsize.project import open_context, open_project, read_ignore_file, relative_to_context
from ctxsize.sensitive.find import find_sensitive
from ctxsize.sensitive.names import suspects
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey import views
from ctxsize.survey.dialects import Differences, disagreement
from ctxsize.survey.views import Listing, View
from ctxsize.units import format_bytes
from ctxsize.warning import Warning

By = Literal["dir", "ext", "rule"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A context directory and its ignore file, as a builder of ``dialect`` reads them.

    Unlike ctxsize.project.Project it need not have a Dockerfile that can be read: then ``dockerfile`` is
    None and ``no_dockerfile`` says why. ``ignore_files`` are the context paths of the ignore files there are.
    """

    context: Path
    dockerfile_path: Path
    dockerfile: Dockerfile | None
    no_dockerfile: str | None
    ignore: IgnoreFile | None
    ignore_files: frozenset[str]
    dialect: Dialect

    @property
    def dockerfile_shown(self) -> str | None:
        """The Dockerfile's name for people; None when there is none."""
        if self.dockerfile is None and not self.dockerfile_path.is_file():
            return None
        return relative_to_context(self.dockerfile_path, self.context) or os.path.relpath(
            self.dockerfile_path
        )

    @property
    def dockerfile_in_context(self) -> str | None:
        """The Dockerfile's context path, None when it lies outside."""
        return relative_to_context(self.dockerfile_path, self.context)

    @property
    def rules(self) -> Matcher | None:
        """The ignore file's rules as written; None when there is none."""
        return Matcher(self.ignore.rules, self.dialect, self.ignore.path) if self.ignore else None

    @property
    def listing(self) -> Listing:
        """What is sent, for a walk: the classic client makes exceptions for what the daemon must read."""
        matcher = self.rules
        removed: dict[str, Rule] = {}
        if matcher is not None and self.dialect is Dialect.CLASSIC:
            found = removed_by_daemon(matcher, self.dockerfile_in_context)
            removed = {path: matcher.rules[index] for path, index in found.items()}
            matcher = matcher.for_classic_build(self.dockerfile_in_context or ".dockerignore")
        return Listing(self.context, matcher, self.ignore_files, removed)


def open_subject(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    dialect: Dialect = Dialect.BUILDKIT,
    podman: bool = False,
) -> Subject:
    """Read the ignore file of the context ``path``, and the Dockerfile if there is one.

    ``dockerfile`` as ``docker build -f`` takes it; when it is given it must be there. ``podman``: the ignore
    file is the one that Podman reads. Raises UsageError or IgnoreFileError.
    """
    context = open_context(path)
    if dockerfile is None and not any((context / name).exists() for name in ("Dockerfile", "dockerfile")):
        return _without_dockerfile(context, context / "Dockerfile", "there is no Dockerfile", dialect, podman)
    try:
        project = open_project(path, dockerfile=dockerfile, dialect=dialect, podman=podman)
    except DockerfileError as error:
        given = Path(dockerfile or context / "Dockerfile").absolute()
        return _without_dockerfile(context, given.parent.resolve() / given.name, str(error), dialect, podman)
    return Subject(
        context=project.context,
        dockerfile_path=project.dockerfile_path,
        dockerfile=project.dockerfile,
        no_dockerfile=None,
        ignore=project.ignore,
        ignore_files=project.ignore_files,
        dialect=dialect,
    )


def _without_dockerfile(
    context: Path, dockerfile: Path, reason: str, dialect: Dialect, podman: bool
) -> Subject:
    """The subject with an ignore file alone."""
    ignore_path = find_ignore_file(context, dockerfile, dialect, podman)
    candidates = ignore_file_candidates(context, dockerfile, dialect, podman)
    inside = (relative_to_context(each, context) for each in candidates if os.path.lexists(each))
    return Subject(
        context=context,
        dockerfile_path=dockerfile,
        dockerfile=None,
        no_dockerfile=reason,
        ignore=None if ignore_path is None else read_ignore_file(ignore_path, context, dialect),
        ignore_files=frozenset(name for name in inside if name),
        dialect=dialect,
    )


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
    files read by the detector of ``ctxsize[secrets]``, too. ``progress`` is called with the number of
    entries seen. Raises UsageError for options that contradict each other and where the detector is not
    installed, DockerfileError, IgnoreFileError or ContextError.
    """
    if eligible_only and (ignored or by == "rule"):
        raise UsageError("--eligible-only does not look at what is ignored", hint="leave one of them out")
    if by is not None and (files or largest is not None):
        raise UsageError("--by groups files and --files and --largest list them", hint="choose one")
    subject = open_subject(path, dockerfile=dockerfile, dialect=dialect)
    sources = _sources(subject, target, build_args or {})
    mask = Masker.of(build_args or {})
    needs = None if sources is None or sources.unknown else sources
    listed = files or largest is not None
    by_directory = by in (None, "dir") and not listed
    found = scan(
        subject.context,
        subject.ignore,
        dialect,
        hidden=subject.ignore_files,
        dockerfile=subject.dockerfile_in_context,
        needs=needs,
        eligible_only=eligible_only,
        roots=by_directory and not eligible_only,
        depth=depth if by_directory else 0,
        suspects=suspects,
        progress=progress,
    )
    shown: list[View] = []
    if listed or by == "ext":
        if listed:
            shown.append(views.files(subject.listing, only_ignored=ignored, most=largest))
        else:
            shown.append(views.extensions(subject.listing, only_ignored=ignored))
    elif by == "rule":
        shown.append(views.rules(found))
    else:
        if not ignored:
            shown.append(views.directories(found))
        if ignored or (by is None and not eligible_only):
            shown.append(views.ignored_roots(found))
    detect: Iterable[str] = ()
    if secrets:
        from ctxsize.sensitive.detector import worth_reading

        detect = worth_reading(subject.listing.kept())
    sensitive = find_sensitive(
        subject.context,
        found.suspects,
        subject.rules,
        needs=None if needs is None else lambda path: needs.needs(path, is_dir=False),
        eligible_only=eligible_only,
        detect=detect,
    )
    differ = disagreement(subject.context, subject.dockerfile_path, subject.ignore, dialect)
    warnings = _warnings(subject, sources, found, mask)
    if differ is not None:
        warnings.append(Warning("dialects", differ.message, differ.where))
    return Overview(
        context=subject.context.name or str(subject.context),
        dockerfile=subject.dockerfile_shown,
        ignore_file=subject.ignore.path if subject.ignore else None,
        target=target,
        dialect=dialect,
        scan=found,
        views=tuple(shown),
        dialects=differ.differences if differ else Differences(0, ()),
        notes=tuple(map(mask, sources.notes)) if sources else (),
        warnings=tuple(warnings),
        sensitive=sensitive,
    )


def _sources(subject: Subject, target: str | None, build_args: Mapping[str, str]) -> Sources | None:
    """What the Dockerfile takes; None when there is none."""
    if subject.dockerfile is None:
        return None
    return context_sources(
        subject.dockerfile,
        target=target,
        build_args=build_args,
        buildkit=subject.dialect is Dialect.BUILDKIT,
        names=ContextDirectory(subject.context),
    )


def _podmans_own(subject: Subject) -> str | None:
    """The ``.containerignore`` that Podman reads, which Docker does not know; None when there is none."""
    candidates = ignore_file_candidates(
        subject.context, subject.dockerfile_path, subject.dialect, podman=True
    )
    found = next((path for path in candidates if path.is_file()), None)
    if found is None or not found.name.endswith(".containerignore"):
        return None
    return relative_to_context(found, subject.context) or os.path.relpath(found)


def _warnings(subject: Subject, sources: Sources | None, found: ScanResult, mask: Masker) -> list[Warning]:
    warnings = []
    if subject.ignore is None:
        warnings.append(Warning("no-ignore-file", "there is no ignore file, so the build sees everything"))
    if (theirs := _podmans_own(subject)) is not None:
        warnings.append(Warning("podman", "Podman would read this ignore file instead", where=theirs))
    reasons = sources.unknown if sources else (subject.no_dockerfile,)
    warnings += [
        Warning("needed-unknown", f"what the build needs is not known: {mask.optional(why)}")
        for why in reasons
    ]
    if found.emptied.bytes:
        warnings.append(
            Warning(
                "emptied",
                f"BuildKit delivers files of {format_bytes(found.emptied.bytes)} with 0 bytes: a rule after"
                " the exception that keeps them matches them again",
                where=subject.ignore.path if subject.ignore else None,
            )
        )
    return warnings
