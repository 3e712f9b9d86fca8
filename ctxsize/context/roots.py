"""Which ignored root a path lies in."""

from __future__ import annotations

from collections.abc import Iterable


class IgnoredRoots:
    """The ignored roots of a scan, to look paths up in.

    A verdict alone does not know them: a directory that a rule ignores is no root when an exception keeps
    something in it, and what that is depends on the tree (``web`` and ``!web/src``: the roots are whatever
    else is in ``web``).
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)

    def of(self, path: str) -> str | None:
        """The root that ``path`` is or lies in; None for a path that is not ignored."""
        end = len(path)
        while end > 0:
            if path[:end] in self._paths:
                return path[:end]
            end = path.rfind("/", 0, end)
        return None
