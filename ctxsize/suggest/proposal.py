"""A set of candidates as an ignore file: its content with them, and the project that would have it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize.context.variant import Variant
from ctxsize.errors import UsageError
from ctxsize.files.patch import difference, place_within, replace_within
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import IgnoreFile, Rule
from ctxsize.lint.fix import edited
from ctxsize.lint.types import Edit
from ctxsize.project import Project, relative_to_context
from ctxsize.suggest.types import Candidate
from ctxsize.survey.together import named_views
from ctxsize.text import printable
from ctxsize.units import format_bytes

#: Characters of a reason that a comment has.
_LONGEST = 90
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Target:
    """The ignore file that rules are added to: the one in effect or, where there is none, a new one.

    ``path`` is where it lies, ``shown`` its name for people, ``data`` what it has today (None: no file).
    ``date`` goes into the comment above what is added.
    """

    project: Project
    path: Path
    shown: str
    data: bytes | None
    date: str

    def block(self, candidates: Sequence[Candidate], *, proven: bool = True) -> tuple[str, ...]:
        """The lines that are added for candidates, without their ends: comments, and rules that the file does
        not have yet."""
        known = {rule.text.strip() for rule in self.project.ignore.rules} if self.project.ignore else set()
        lines = []
        for each in candidates:
            if each.rule not in known and not each.lines:
                size = f", {format_bytes(each.bytes)}" if each.bytes else ""
                lines += [f"# {_short('; '.join(each.evidence) or 'needless')}{size}", each.rule]
        return (self._head(proven), *lines) if lines else ()

    def first_block(self, candidates: Sequence[Candidate]) -> tuple[str, ...]:
        """As ``block``, for those candidates whose lines come before all others."""
        lines: list[str] = []
        for each in candidates:
            for line in each.lines:
                lines += [f"# {_short(why)}"] if (why := each.why.get(line)) else []
                lines.append(line)
        return (self._head(True), *lines) if lines else ()

    def content(self, candidates: Sequence[Candidate], *, proven: bool = True) -> bytes:
        """The content with candidates added; what is there stays as it is."""
        data = self.data or b""
        first, last = self.first_block(candidates), self.block(candidates, proven=proven)
        if first and data.strip():
            top = data.removeprefix(_BOM).split(b"\n", 1)[0].removesuffix(b"\r")
            kept = top.decode("utf-8", "surrogateescape")
            data = edited(data, [Edit(self.shown, {1: (*first, "", kept)})])
        elif first:
            data = edited(data, [Edit(self.shown, append=first)])
        if not last:
            return data
        space = ("",) if data.strip() and not data.endswith(b"\n\n") else ()
        return edited(data, [Edit(self.shown, append=(*space, *last))])

    def added(self, data: bytes) -> dict[str, Rule]:
        """The rules of a content that the file does not have today, by their text."""
        old = self.project.ignore.rules if self.project.ignore is not None else ()
        known = {rule.text.strip() for rule in old}
        return {text: rule for rule in self.parsed(data).rules if (text := rule.text.strip()) not in known}

    def _head(self, proven: bool) -> str:
        how = "each proven by a build" if proven else "NOT proven by a build"
        return f"# Added by ctxsize suggest on {self.date}, {how}"

    def parsed(self, data: bytes) -> IgnoreFile:
        """A content of this file, as the builder reads it."""
        return parse_ignore(data, self.shown, self.project.dialect)

    def project_with(self, data: bytes) -> Project:
        """The project as if the file had that content."""
        ignore = self.parsed(data)
        matcher = Matcher(ignore.rules, self.project.dialect, ignore.path)
        return replace(self.project, ignore=ignore, ignore_path=self.path, rules=matcher)

    def variant(self, name: str, data: bytes) -> Variant:
        """The view of the tree with that content: nothing is written."""
        project = self.project_with(data)
        inside = relative_to_context(self.path, project.context)
        found = Variant(
            name,
            project.context,
            project.rules,
            frozenset(),
            project.dialect,
            ignore_file=(self.path, data),
            named=named_views(project),
        )
        return found if inside is None else found.replacing(inside, data)

    def before(self) -> Variant:
        """The view of the tree as it is."""
        if self.data is not None:
            return self.variant("before", self.data)
        project = self.project
        named = named_views(project)
        return Variant("without", project.context, None, project.ignore_files, project.dialect, named=named)

    def diff(self, after: bytes) -> str:
        """The change from what is there to ``after``, as a unified diff."""
        text = difference(self.shown, self.data or b"", after)
        return text if self.data is not None else text.replace(f"--- {self.shown}\n", "--- /dev/null\n", 1)

    def write(self, after: bytes) -> None:
        """Have the file have that content, at once or not at all. Raises UsageError when it can't be written,
        has changed meanwhile, or leads out of the project."""
        inside = relative_to_context(self.path, self.project.context) is not None
        root = self.project.context if inside else self.path.parent
        try:
            now = place_within(root, self.path).read_bytes() if os.path.lexists(self.path) else None
        except OSError as error:
            raise UsageError(f"can't be read: {error.strerror}", where=self.shown) from error
        if now != self.data:
            raise UsageError(
                "this was changed meanwhile, and is left alone", where=self.shown, hint="run again"
            )
        replace_within(root, self.path, after)


def _short(text: str) -> str:
    """A comment's text: in ASCII, as a file with anything else is read otherwise by some."""
    text = printable(text).replace("…", "...").encode("ascii", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def target_of(project: Project, data: bytes | None, date: str) -> Target:
    """Where rules for the project go; ``data`` is the content of its ignore file."""
    path = project.ignore_path if project.ignore_path is not None else project.context / ".dockerignore"
    shown = relative_to_context(path, project.context) or os.path.relpath(path)
    return Target(project, path, shown, data, date)
