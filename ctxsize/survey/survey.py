"""The survey of a project: its context counted, its sensitive files, and whether builders read it alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from ctxsize.context.scan import scan
from ctxsize.context.totals import ScanResult
from ctxsize.dockerfile.sources import Sources
from ctxsize.ignore.matcher import Matcher
from ctxsize.project import Project
from ctxsize.sensitive.find import find_sensitive
from ctxsize.sensitive.names import suspects
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.dialects import Disagreement, disagreement
from ctxsize.survey.listings import listing_of
from ctxsize.text import printable
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be seen of a project without a builder.

    ``scan.needed`` is None when what the Dockerfile takes is not known. ``sensitive`` are the files that look
    like secrets, those the build can see first. ``differing`` is how another builder would see the project.
    """

    scan: ScanResult
    sensitive: tuple[SensitiveFile, ...]
    differing: Disagreement | None

    @property
    def unread(self) -> Iterator[Warning]:
        """What could not be read, if anything."""
        if names := self.scan.unread:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield Warning(
                "unread",
                f"{', '.join(map(printable, names[:3]))}{more} can't be read, and the build does not need to:"
                " the size is not known, nor what depends on it",
            )


def survey(
    project: Project,
    sources: Sources | None,
    *,
    podman: bool = False,
    named: bool = False,
    eligible_only: bool = False,
    roots: bool = True,
    depth: int = 0,
    largest: int = 0,
    forbidden: Matcher | None = None,
    asked: Collection[str] = (),
    secrets: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Survey:
    """Count the context and look for what must not be in it.

    ``sources`` is what the Dockerfile takes, None when there is none. ``podman``: the builder is Podman, and
    compared with Docker. ``named``: it is a named context, which only BuildKit has. ``secrets`` has small
    eligible text files read by the detector of ``ctxsize[secrets]``, too. The other options are those of
    :func:`ctxsize.context.scan.scan`. Raises ContextError, IgnoreFileError, and UsageError where the detector
    is not installed.
    """
    known = None if sources is None or sources.unknown else sources
    found = scan(
        project.context,
        project.rules,
        project.dialect,
        hidden=project.ignore_files,
        # Podman reads an ignored Dockerfile where it lies, and nothing has to be sent for it.
        dockerfile=None if podman else project.dockerfile_in_context,
        needs=known.cover if known else None,
        eligible_only=eligible_only,
        roots=roots,
        depth=depth,
        largest=largest,
        forbidden=forbidden,
        suspects=suspects,
        asked=asked,
        progress=progress,
    )
    detect: Iterable[str] = ()
    if secrets:
        from ctxsize.sensitive.detector import worth_reading

        detect = worth_reading(listing_of(project).kept())
    sensitive = find_sensitive(
        project.context,
        found.suspects,
        project.rules,
        needs=known.needs if known else None,
        eligible_only=eligible_only,
        detect=detect,
    )
    return Survey(found, sensitive, None if named else _differing(project, podman))


def _differing(project: Project, podman: bool) -> Disagreement | None:
    if not podman:
        return disagreement(project)
    from ctxsize.survey.podman import podman_disagreement  # who has Docker starts without

    return podman_disagreement(project)
