"""A Docker pattern as a pathspec pattern class. In a module of its own: a scan does without pathspec."""

from __future__ import annotations

from pathspec.pattern import RegexPattern

from ctxsize.ignore.parse import clean_pattern, read_line
from ctxsize.ignore.pattern import (
    Program,
    compile_pattern,
    compile_regex,
    matches_path_or_parent,
    path_or_parent_expression,
)


class DockerPattern(RegexPattern):
    """A line of a Docker ignore file as a pathspec pattern, for ``pathspec.PathSpec``.

    ``include`` is True for a pattern that ignores, False for an exception (``!``), None for a pattern
    that does nothing (blank or a comment). :meth:`match_file` tells whether the pattern matches the path
    or one of its parents, so ``PathSpec.match_file`` answers as patternmatcher's
    ``MatchesOrParentMatches``. What a build really leaves out needs :class:`ctxsize.ignore.Matcher`, which
    knows the walkers, too.

    ``regex`` is one expression of RE2 for the same question; pathspec's own RE2 backend uses it. It can't
    tell bytes that are not UTF-8 apart.

    Raises :class:`PatternError` for a pattern Docker refuses, at once or when it would use it.
    """

    __slots__ = ("cleaned", "program")

    def __init__(self, pattern: str | bytes | None, include: bool | None = None) -> None:
        super().__init__(None)
        self.cleaned = ""
        self.program: Program | None = None
        self.pattern = pattern
        if pattern is None:
            return
        text = pattern.decode("utf-8", "surrogateescape") if isinstance(pattern, bytes) else pattern
        read = read_line(text)
        cleaned = None if read is None else clean_pattern(read)
        if cleaned is None:
            return
        self.cleaned, negated = cleaned
        self.include = not negated if include is None else include
        self.program = compile_pattern(self.cleaned)
        self.regex = compile_regex(path_or_parent_expression(self.program)[0])

    def match_file(self, file: str | bytes) -> DockerPattern | None:
        """The pattern itself when it matches the path or one of its parents, else None."""
        if self.program is None:
            return None
        path = file.decode("utf-8", "surrogateescape") if isinstance(file, bytes) else file
        return self if matches_path_or_parent(self.program, path) else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DockerPattern):
            return NotImplemented
        return (self.include, self.cleaned) == (other.include, other.cleaned)

    def __hash__(self) -> int:
        return hash((self.include, self.cleaned))

    def __copy__(self) -> DockerPattern:
        copy = DockerPattern(None)
        copy.pattern, copy.include, copy.regex = self.pattern, self.include, self.regex
        copy.cleaned, copy.program = self.cleaned, self.program
        return copy
