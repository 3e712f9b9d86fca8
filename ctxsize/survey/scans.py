"""Scans for several builds of the same contexts: what was counted for one is not counted again for others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from pathlib import Path
from typing import NamedTuple

from ctxsize.context.reading import Reading
from ctxsize.context.scan import scan
from ctxsize.context.totals import ScanResult
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.project import Project
from ctxsize.sensitive.find import find_sensitive
from ctxsize.sensitive.names import suspects
from ctxsize.sensitive.types import SensitiveFile

_MOST = 20  # scans that are remembered; each can hold some ten thousand paths


class Scanned(NamedTuple):
    """A context as counted, and its eligible files that look like secrets, if they were asked for."""

    found: ScanResult
    sensitive: tuple[SensitiveFile, ...]


class Scans:
    """The contexts that were scanned, with the rules and questions of the scans."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Scanned] = {}
        self._last: tuple[Path, Reading] | None = None

    def reading(self, context: Path) -> Reading:
        """What was read of a context's tree; of the last one that was asked for it is kept in memory."""
        if self._last is None or self._last[0] != context:
            self._last = (context, Reading())
        return self._last[1]

    def scan(
        self,
        project: Project,
        *,
        eligible_only: bool,
        depth: int,
        largest: int,
        forbidden: Matcher | None,
        sensitive: bool,
        asked: Collection[str],
        reading: Reading | None,
        progress: Callable[[int], None],
    ) -> Scanned:
        """Scan a project's context. ``sensitive``: look for secrets, too; the other options are those of
        :func:`ctxsize.context.scan.scan`. Raises as that."""
        dockerfile = project.dockerfile_in_context if project.dialect is Dialect.CLASSIC else None
        rules = [None if each is None else each.rules for each in (project.rules, forbidden)]
        question = (project.context, project.dialect, project.ignore_files, dockerfile, *rules, eligible_only)
        key = (*question, depth, largest, sensitive, *asked)
        known = self._known.get(key)
        if known is not None:
            return known
        found = scan(
            project.context,
            project.rules,
            project.dialect,
            hidden=project.ignore_files,
            dockerfile=dockerfile,
            eligible_only=eligible_only,
            roots=False,
            forbidden=forbidden,
            suspects=suspects if sensitive else None,
            asked=asked,
            reading=reading,
            progress=progress,
            depth=depth,
            largest=largest,
        )
        secrets = (
            find_sensitive(project.context, found.suspects, project.rules, eligible_only=True)
            if sensitive
            else ()
        )
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[key] = Scanned(found, secrets)
        return self._known[key]
