"""Changes to a tree that exist only in the stream that is sent to the engine: nothing is ever written.

Docker's cache looks at content, mode and names, never at modification times, so a change here is one of
content: a longer file, another file, or what a `git commit` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Changes:
    """``replaced`` maps paths to their new content, also those of files that the tree has not;
    ``appended`` maps paths to bytes added at the end of the file that is there."""

    replaced: Mapping[str, bytes] = field(default_factory=dict)
    appended: Mapping[str, bytes] = field(default_factory=dict)

    def then(self, later: Changes) -> Changes:
        """These changes and, after them, ``later``."""
        replaced = {**self.replaced, **later.replaced}
        appended = {path: tail for path, tail in self.appended.items() if path not in later.replaced}
        for path, tail in later.appended.items():
            if path in replaced:
                replaced[path] += tail
            else:
                appended[path] = appended.get(path, b"") + tail
        return Changes(replaced, appended)
