"""Which ignored root a path lies in: the scan's own roots, which a verdict alone does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.scan import scan
from ctxsize.ignore import Dialect, Matcher, parse_ignore


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("web", "web"),
        ("web/a/b", "web"),
        ("website", None),
        ("src/tmp/a", "src/tmp"),
        ("src/a", None),
        ("src", None),
        ("a.log", "a.log"),
    ],
)
def test_the_root_is_the_path_itself_or_above_it(path: str, root: str | None) -> None:
    assert IgnoredRoots(["web", "src/tmp", "a.log"]).of(path) == root


def test_beside_what_an_exception_keeps_the_roots_are_what_is_left(tmp_path: Path) -> None:
    """The rule says ``web``; but ``web`` arrives, for ``web/src`` is in it."""
    for name in ("web/a", "web/lib/b", "web/src/c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    rules = parse_ignore(b"web\n!web/src\n", ".dockerignore", Dialect.BUILDKIT).rules
    found = scan(tmp_path, Matcher(rules, Dialect.BUILDKIT), Dialect.BUILDKIT)
    roots = IgnoredRoots(root.path for root in found.roots)

    assert {path: roots.of(path) for path in ("web/a", "web/lib/b", "web/src/c")} == {
        "web/a": "web/a",
        "web/lib/b": "web/lib",
        "web/src/c": None,
    }
