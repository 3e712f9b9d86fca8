"""From the names a scan took down to the files that look like secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ctxsize.context.walk import OpenTree
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Verdict
from ctxsize.sensitive.content import is_encrypted, secret_line
from ctxsize.sensitive.names import classify, harmless_place
from ctxsize.sensitive.read import read_head
from ctxsize.sensitive.types import Evidence, Level, SensitiveFile


class _Look(NamedTuple):
    """What a file looks like."""

    kind: str
    reason: str
    level: Level
    line: int | None
    source: Evidence


def find_sensitive(
    context: Path | str,
    suspects: Iterable[str],
    matcher: Matcher | None,
    *,
    needs: Callable[[str], bool] | None = None,
    eligible_only: bool = False,
    detect: Iterable[str] = (),
) -> tuple[SensitiveFile, ...]:
    """The files that look like secrets among the ``suspects`` of a scan of ``context``.

    ``matcher`` has the rules as the builder in use reads them (None: there are none). ``needs`` says
    whether the Dockerfile takes an eligible path. With ``eligible_only`` nothing is told of what is
    ignored. ``detect`` are the paths of eligible files to be read by the detector of the extra
    ``ctxsize[secrets]``.

    What the build can see comes first, then what is likely, then by path. What can't be read is judged by its
    name. Raises ContextError when the context can't be opened, IgnoreFileError where Docker fails on a
    broken rule, and UsageError when ``detect`` names files and the detector is not installed.
    """
    found = []
    with OpenTree(context) as tree:
        for path in suspects:
            look = _look(tree, path)
            if look is not None:
                file = _finding(path, look, _verdict(path, matcher), needs)
                if file.eligible or not eligible_only:
                    found.append(file)
        named = {each.path for each in found}
        for path, look in _detected(tree, (path for path in detect if path not in named)):
            found.append(_finding(path, look, _verdict(path, matcher), needs))
    found.sort(key=_order)
    return tuple(found)


def _order(file: SensitiveFile) -> tuple[bool, bool, bool, bytes, int]:
    return (
        not file.eligible,
        file.level != "likely",
        file.needed is False,
        os.fsencode(file.path),
        file.line or 0,
    )


def _verdict(path: str, matcher: Matcher | None) -> Verdict:
    return Verdict(False, None, None) if matcher is None else matcher.quick_verdict(path)


def _look(tree: OpenTree, path: str) -> _Look | None:
    """What the file looks like, by its name and as far as that asks for it by its content."""
    row = classify(path)
    if row is None:
        return None
    head = read_head(tree, path)
    if head is None or not head.size:
        return None
    if head.data is not None and is_encrypted(head.data):
        return None
    line = secret_line(head.data, row.check) if head.data is not None and row.check else None
    if line is not None:
        return _Look(row.kind, row.reason, "likely", line, "content")
    if row.alone is None:
        return None
    return _Look(row.kind, row.reason, row.alone, None, "name")


def _detected(tree: OpenTree, paths: Iterable[str]) -> Iterator[tuple[str, _Look]]:
    """What the detector finds in the files, one per file and kind of secret."""
    detector = None
    for path in paths:
        if detector is None:
            from ctxsize.sensitive.detector import Detector  # only there with the extra

            detector = Detector()
        head = read_head(tree, path)
        if head is None or head.data is None or head.size > len(head.data) or b"\x00" in head.data:
            continue
        for hit in detector.look(path, head.data):
            yield path, _Look("detected", hit.what, hit.level, hit.line, "detector")


def _finding(path: str, look: _Look, verdict: Verdict, needs: Callable[[str], bool] | None) -> SensitiveFile:
    harmless, eligible = harmless_place(path, look.kind), not verdict.ignored
    group = harmless if eligible else verdict.root if verdict.root != path else None
    needed: bool | None = False
    if eligible:
        needed = None if needs is None else needs(path)
    return SensitiveFile(
        path=path,
        kind=look.kind,
        reason=look.reason,
        level=look.level if harmless is None else "possible",
        eligible=eligible,
        needed=needed,
        rule=verdict.rule,
        line=look.line,
        source=look.source,
        group=group,
    )
