"""Docker's ignore files: which applies, what its lines mean, and what they do to a tree.

``find_ignore_file`` → ``parse_ignore`` → ``Matcher`` → ``Verdict`` (docs/ignore-files.md has the semantics).
"""

from ctxsize.ignore.find import find_ignore_file, ignore_file_candidates
from ctxsize.ignore.matcher import DirState, Matcher, Outcome
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.pattern import DockerPattern, PatternError
from ctxsize.ignore.types import Dialect, IgnoreFile, Rule, Verdict

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
