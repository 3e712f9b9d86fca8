"""Docker's ignore files: which applies, what its lines mean, and what they do to a tree.

``find_ignore_file`` → ``parse_ignore`` → ``Matcher`` → ``Verdict`` (docs/ignore-files.md has the semantics).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.find import find_ignore_file, ignore_file_candidates
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect, IgnoreFile, PatternError, Rule, Verdict

if TYPE_CHECKING:
    from ctxsize.ignore.docker_pattern import DockerPattern

__all__ = [
    "Dialect",
    "DirState",
    "DockerPattern",
    "IgnoreFile",
    "Matcher",
    "Outcome",
    "PatternError",
    "Rule",
    "Verdict",
    "find_ignore_file",
    "ignore_file_candidates",
    "parse_ignore",
]


def __getattr__(name: str) -> Any:
    """DockerPattern, when somebody asks for it: importing pathspec takes as long as scanning 5,000 files."""
    if name == "DockerPattern":
        from ctxsize.ignore.docker_pattern import DockerPattern

        return DockerPattern
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
