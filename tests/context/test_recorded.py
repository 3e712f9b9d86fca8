"""The walk and the scan against more than a thousand recorded builds of the official clients."""

from __future__ import annotations

import stat
import sys
from collections import Counter
from pathlib import Path

import pytest

from ctxsize.context.scan import scan
from ctxsize.context.walk import walk
from ctxsize.errors import CtxsizeError, IgnoreFileError
from ctxsize.ignore import Dialect, IgnoreFile, Matcher, find_ignore_file, parse_ignore

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance" / "ignore"))

from ignore_cases import Case, write_case
from record import RECORDED
from replay import read_records

Listing = set[tuple[str, str, int]]


def rules_of(root: Path, dockerfile: str, dialect: Dialect) -> IgnoreFile | None:
    """The ignore file that applies; None when ctxsize refuses the build as Docker does."""
    try:
        found = find_ignore_file(root, root / dockerfile, dialect)
        return parse_ignore(found.read_bytes() if found else b"", ".dockerignore", dialect)
    except CtxsizeError:
        return None


def walked(root: Path, matcher: Matcher) -> Listing:
    """What the walk sends, as the engine unpacks it: a socket as an empty file, a hard link whole."""
    rows: Listing = set()
    sizes: dict[str, int] = {}
    for entry in walk(root, matcher):
        kind = stat.filemode(entry.stat.st_mode)[0].replace("s", "-")
        size = entry.bytes if entry.hardlink_to is None else sizes[entry.hardlink_to]
        sizes[entry.path] = size
        rows.add((entry.path, kind, size))
    return rows


def above(path: str) -> set[str]:
    """The directories above a path."""
    return {path[:at] for at, char in enumerate(path) if char == "/"}


@pytest.mark.parametrize("dialect", list(Dialect), ids=lambda dialect: dialect.value)
def test_what_arrived_is_what_the_walk_sends_and_the_scan_counts(tmp_path: Path, dialect: Dialect) -> None:
    seen: Counter[str] = Counter()
    for number, record in enumerate(read_records(RECORDED)):
        case, real = Case(**record["case"]), record["real"]
        if record["dialect"] != dialect.value or real == [["error"]]:
            continue
        root = tmp_path / str(number)
        root.mkdir()
        write_case(case, root)
        ignore = rules_of(root, case.dockerfile, dialect)
        assert ignore is not None, case
        arrived: Listing = {(path, kind, size) for path, kind, size in real}
        matcher = Matcher(ignore.rules, dialect)
        if dialect is Dialect.CLASSIC:
            if case.ignore_link:
                continue  # the daemon reads another file than the client
            # The client always sends these two, the daemon takes them away again when they are ignored,
            # and what it unpacks has all directories above what was sent.
            try:
                ours = walked(root, matcher.for_classic_build(case.dockerfile))
            except IgnoreFileError:
                seen["refused"] += 1  # the client goes on with half a context; ctxsize would rather not
                continue
            ours |= {(path, "d", 0) for sent, _, _ in ours for path in above(sent)}
            removed = [p for p in (".dockerignore", case.dockerfile) if matcher.matches_or_parent(p)]
            if (root / ".dockerignore").exists():
                ours = {row for row in ours if row[0] not in removed}
        else:
            ours = walked(root, matcher)
        assert ours == arrived, case
        counted = scan(root, matcher, dialect, dockerfile=case.dockerfile, processes=1).eligible
        dirs = sum(kind == "d" for _, kind, _ in ours)
        assert (counted.dirs, counted.files) == (dirs, len(ours) - dirs), case
        seen["compared"] += 1
    assert seen["compared"] > 400
    assert seen["refused"] < 20
