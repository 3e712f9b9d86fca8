"""What git says of a context: which files it tracks and which it ignores.

The repository may be a stranger's: its hooks, its file system monitor and its own programs are switched off,
nothing is fetched and nothing is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

_SECONDS = 60.0
#: What `git check-ignore -v` says first: the file, the line and the pattern.
_RULE = re.compile(r"(.+?):(\d+):(.*)", re.DOTALL)
_SWITCHED_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "credential.helper=",
    "protocol.allow=never",
    "uploadpack.packObjectsHook=",
)


class Git:
    """The repository that a context lies in; every answer is empty where there is none, or no git."""

    def __init__(self, context: Path) -> None:
        self._context = context

    @cached_property
    def there(self) -> bool:
        """Whether the context lies in a repository."""
        return any((each / ".git").exists() for each in (self._context, *self._context.parents))

    @cached_property
    def tracked(self) -> frozenset[str]:
        """The context paths of the files that git tracks."""
        return frozenset(self._paths("ls-files", "-z"))

    @cached_property
    def ignored(self) -> tuple[str, ...]:
        """The topmost paths that git ignores and does not track."""
        words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        return tuple(path.rstrip("/") for path in self._paths(*words))

    def why_ignored(self, path: str) -> str | None:
        """``file:line pattern`` of the rule of git that ignores a path; None when none does."""
        out = self._run("check-ignore", "-v", "--no-index", "--", path)
        found = _RULE.match(out.partition("\t")[0])
        return f"{found[1]}:{found[2]} {found[3]}" if found is not None else None

    def _paths(self, *words: str) -> list[str]:
        return [path for path in self._run(*words).split("\0") if path]

    def _run(self, *words: str) -> str:
        if not self.there:
            return ""
        import subprocess  # most of its time would be spent where there is no repository

        options = [word for option in _SWITCHED_OFF for word in ("-c", option)]
        command: Sequence[str] = ("git", "--no-pager", "--no-optional-locks", *options, *words)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environ |= {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(  # noqa: S603
                command,
                cwd=self._context,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return os.fsdecode(done.stdout) if done.returncode == 0 else ""
