"""A draft of an ignore file: the lines there are, and those added; what they change."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ctxsize.browse.tree import FileTree
from ctxsize.dockerfile.sources import Sources
from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.files.write import replacing
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.lint.facts import literal_pattern
from ctxsize.project import Project, read_ignore_file
from ctxsize.survey.blame import ignored_but_needed


@dataclass(frozen=True, slots=True)
class Effect:
    """What a draft changes of what arrives: ``files`` and ``bytes`` more (or less, below 0), ``secrets`` more
    files that look like one. ``broken`` are the COPY and ADD lines of which nothing arrives any more.
    ``trouble`` is why Docker would refuse the draft."""

    files: int = 0
    bytes: int = 0
    secrets: int = 0
    broken: tuple[str, ...] = ()
    trouble: str = ""


class Draft:
    """The ignore file of ``project`` and the lines ``added`` to it. ``tree`` is judged by both."""

    def __init__(self, project: Project, sources: Sources | None, tree: FileTree) -> None:
        self.project = project
        self.added: list[str] = []
        self._sources = sources
        self._tree = tree
        self._paths: list[str] = []
        self._data = project.ignore.data if project.ignore is not None else b""
        self._before: tuple[int, int, int] | None = None
        self._broken_before: frozenset[str] = frozenset()
        self.trouble = ""

    @property
    def name(self) -> str:
        """The file as people know it; a new one is ``.dockerignore``."""
        return self.project.ignore.path if self.project.ignore is not None else ".dockerignore"

    @property
    def data(self) -> bytes:
        """What the file would have in it."""
        text = self._data
        if self.added and text and not text.endswith(b"\n"):
            text += b"\n"
        return text + "".join(f"{line}\n" for line in self.added).encode("utf-8", "surrogateescape")

    @property
    def lines(self) -> list[str]:
        """The lines there are, without those added."""
        return self._data.decode("utf-8", "replace").splitlines()

    def begin(self) -> None:
        """Judge the whole tree as it is; what comes after is measured from here."""
        self._judge("")
        self._before = self._now()
        self._broken_before = frozenset(self._broken())

    def ignore(self, path: str) -> None:
        """Add a rule that ignores ``path``. Raises UsageError for a name that no rule can have."""
        self._add(path, "")

    def keep(self, path: str) -> None:
        """Add an exception for ``path``; as ``ignore``."""
        self._add(path, "!")

    def undo(self) -> bool:
        """Take the last line back; False when there is none."""
        if not self.added:
            return False
        self.added.pop()
        self._judge(self._paths.pop())
        return True

    @property
    def effect(self) -> Effect:
        """What the lines added change."""
        if self.trouble or self._before is None:
            return Effect(trouble=self.trouble)
        files, size, secrets = (now - before for now, before in zip(self._now(), self._before, strict=True))
        broken = tuple(each for each in self._broken() if each not in self._broken_before)
        return Effect(files, size, secrets, broken)

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff; none when nothing was added."""
        before = self._data.decode("utf-8", "replace").splitlines()
        after = self.data.decode("utf-8", "replace").splitlines()
        return difflib.unified_diff(before, after, self.name, self.name, lineterm="")

    def write(self) -> None:
        """Write the file, whole or not at all. Raises UsageError when that can't be, or it has changed."""
        path = self.project.ignore_path or self.project.context / ".dockerignore"
        if self.project.ignore is not None:
            now = read_ignore_file(path, self.project.context, self.project.dialect).data
        else:
            now = path.read_bytes() if path.exists() else b""
        if now != self._data:
            raise UsageError(
                "changed since it was read: nothing is written", where=self.name, hint="start again"
            )
        try:
            with replacing(path) as stream:
                stream.write(self.data)
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=self.name) from error
        self._data = self.data
        self.added, self._paths = [], []
        ignore = parse_ignore(self._data, self.name, self.project.dialect)
        self.project = replace(self.project, ignore=ignore, ignore_path=path)
        self._before = self._now()
        self._broken_before = frozenset(self._broken())

    def _add(self, path: str, sign: str) -> None:
        pattern = literal_pattern(path)
        if not path or pattern is None:
            raise UsageError("no rule of an ignore file can name this path alone", where=path or ".")
        self.added.append(f"{sign}{pattern}")
        self._paths.append(path)
        # The first exception changes how Docker reads what was there before it.
        first = sign and not any(line.startswith("!") for line in [*self.lines, *self.added[:-1]])
        self._judge("" if first else path)

    def _judge(self, path: str) -> None:
        self.trouble = ""
        try:
            self._rules = self._matcher()
            self._tree.judge(self._rules, path)
        except CtxsizeError as error:
            self.trouble = str(error)

    def _matcher(self) -> Matcher | None:
        if not self.data:
            return None
        ignore = parse_ignore(self.data, self.name, self.project.dialect)
        return Matcher(ignore.rules, self.project.dialect, ignore.path)

    def _now(self) -> tuple[int, int, int]:
        return self._tree.root.kept_files, self._tree.root.kept_bytes, self._tree.seen_secrets()

    def _broken(self) -> list[str]:
        if self._sources is None or self._rules is None:
            return []
        found = ignored_but_needed(self._sources, self._rules, self.project.context)
        return [f"line {each.source.line}: {each.source.keyword} {each.source.pattern}" for each in found]
