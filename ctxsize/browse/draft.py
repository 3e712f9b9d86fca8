"""A draft of an ignore file: what is in the file, what would be, and what that changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ctxsize.browse.taken import Taken
from ctxsize.browse.tree import FileTree
from ctxsize.dockerfile.sources import Sources
from ctxsize.errors import CtxsizeError, UsageError
from ctxsize.files.patch import difference
from ctxsize.files.write import replacing
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect, Rule
from ctxsize.lint.facts import literal_pattern
from ctxsize.project import Project, read_ignore_file

#: Steps that can be taken back.
_MOST_STEPS = 200
_WILD = re.compile(r"[*?\[\]\\^]")


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


@dataclass(frozen=True, slots=True)
class _Step:
    """What the draft was before a change, and the paths that the change is about (None: any)."""

    data: bytes
    paths: tuple[str, ...] | None


class Draft:
    """The ignore file of ``project`` as it would be: ``data``. ``tree`` is judged by it."""

    def __init__(self, project: Project, sources: Sources | None, tree: FileTree) -> None:
        self.project = project
        self.data = project.ignore.data if project.ignore is not None else b""
        self.saved = self.data
        self.trouble = ""
        self.effect = Effect()
        self._tree = tree
        self._taken = Taken(sources, tree, project.context)
        self._rules: Matcher | None = None
        self._steps: list[_Step] = []
        self._before: tuple[int, int, int] | None = None
        self._broken_before: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The file as people know it; a new one is ``.dockerignore``."""
        return self.project.ignore.path if self.project.ignore is not None else ".dockerignore"

    @property
    def changed(self) -> bool:
        """Whether it differs from the file."""
        return self.data != self.saved

    def begin(self) -> None:
        """Judge the whole tree as it is; what comes after is measured from here."""
        self._judge(None)
        self._start_over()

    def _start_over(self) -> None:
        self._before = self._now()
        self._broken_before = frozenset(self._taken.broken(self._rules))
        self.effect = Effect(trouble=self.trouble)

    def ignore(self, path: str) -> None:
        """Add a rule that ignores ``path``. Raises UsageError for a name that no rule can have."""
        self._add(path, _pattern(path))

    def keep(self, path: str) -> None:
        """Add an exception for ``path``; as ``ignore``. Where only some of a directory is ignored, Docker
        does not ask an exception of its name about what is in it: that takes one for all below it."""
        pattern = _pattern(path)
        entry = self._tree.at(path)
        inside = entry is not None and entry.below is not None and 0 < entry.kept_files < entry.files
        arrives = self._rules is None or not self._rules.verdict(path).ignored
        self._add(path, f"!{pattern}/**" if inside and arrives else f"!{pattern}")

    def change(self, data: bytes) -> None:
        """Have it be ``data``."""
        self._become(data, self._paths(data))

    def changing(self, data: bytes) -> Iterator[None]:
        """As ``change``, in small pieces; the draft stays as it is until the last."""
        if data == self.data or self.trouble or self._paths(data) is not None:
            self.change(data)
            return
        try:
            rules = self._matcher(data)
            yield from self._tree.judging(rules)
        except CtxsizeError:
            self.change(data)
            return
        self._remember(None)
        self.data, self._rules = data, rules
        self.effect = self._effect()

    def undo(self) -> bool:
        """Take the last change back; False when there is none."""
        if not self._steps:
            return False
        step = self._steps.pop()
        self.data = step.data
        self._judge(step.paths)
        return True

    def diff(self) -> str:
        """What `w` would change, as a unified diff; empty when that is nothing."""
        return difference(self.name, self.saved, self.data)

    def write(self) -> None:
        """Write the file, whole or not at all. Raises UsageError when that can't be, the file has changed,
        or Docker would refuse this."""
        if self.trouble:
            raise UsageError(f"Docker would refuse this, nothing is written: {self.trouble}")
        path = self.project.ignore_path or self.project.context / ".dockerignore"
        if self.project.ignore is not None:
            now = read_ignore_file(path, self.project.context, self.project.dialect).data
        else:
            now = path.read_bytes() if path.exists() else b""
        if now != self.saved:
            raise UsageError(
                "changed since it was read: nothing is written", where=self.name, hint="start again"
            )
        try:
            with replacing(path) as stream:
                stream.write(self.data)
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=self.name) from error
        self.saved = self.data
        self._steps = []
        ignore = parse_ignore(self.saved, self.name, self.project.dialect)
        self.project = replace(self.project, ignore=ignore, ignore_path=path)
        self._start_over()

    def _add(self, path: str, line: str) -> None:
        text = self.data
        end = b"\r\n" if b"\r\n" in text else b"\n"
        if text and not text.endswith(b"\n"):
            text += end
        # In the classic builder's client an exception has the directories above it looked into.
        scope = (path.partition("/")[0] if self._classic and line.startswith("!") else path,)
        self._become(text + line.encode("utf-8", "surrogateescape") + end, scope)

    def _become(self, data: bytes, paths: tuple[str, ...] | None) -> None:
        if data == self.data:
            return
        self._remember(paths)
        self.data = data
        self._judge(paths)

    def _remember(self, paths: tuple[str, ...] | None) -> None:
        self._steps = [*self._steps[1 - _MOST_STEPS :], _Step(self.data, paths)]

    @property
    def _classic(self) -> bool:
        return self.project.dialect is Dialect.CLASSIC

    def _paths(self, data: bytes) -> tuple[str, ...] | None:
        """What a change to ``data`` can be about: the paths that the rules name which come or go; None where
        one has wildcards, or is an exception, which can let the builder in elsewhere."""
        try:
            old, new = self._parsed(self.data), self._parsed(data)
        except CtxsizeError:
            return None
        start = 0
        while start < min(len(old), len(new)) and _same(old[start], new[start]):
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and _same(old[-1 - end], new[-1 - end]):
            end += 1
        found = [*old[start : len(old) - end], *new[start : len(new) - end]]
        if any(rule.negated or _WILD.search(rule.pattern) for rule in found):
            return None
        return tuple(dict.fromkeys(rule.pattern for rule in found))

    def _parsed(self, data: bytes) -> tuple[Rule, ...]:
        return parse_ignore(data, self.name, self.project.dialect).rules

    def _matcher(self, data: bytes) -> Matcher | None:
        return Matcher(self._parsed(data), self.project.dialect, self.name) if data else None

    def _judge(self, paths: Iterable[str] | None) -> None:
        if self.trouble:
            paths = None  # the tree was judged in part by a draft that is refused
        self.trouble = ""
        try:
            self._rules = self._matcher(self.data)
            for path in [""] if paths is None else paths:
                self._tree.judge(self._rules, path)
        except CtxsizeError as error:
            self.trouble = str(error)
        if self._before is not None:
            self.effect = self._effect()

    def _effect(self) -> Effect:
        if self.trouble or self._before is None:
            return Effect(trouble=self.trouble)
        files, size, secrets = (now - before for now, before in zip(self._now(), self._before, strict=True))
        broken = tuple(each for each in self._taken.broken(self._rules) if each not in self._broken_before)
        return Effect(files, size, secrets, broken)

    def _now(self) -> tuple[int, int, int]:
        return self._tree.root.kept_files, self._tree.root.kept_bytes, self._tree.seen_secrets()


def _pattern(path: str) -> str:
    pattern = literal_pattern(path)
    if not path or pattern is None:
        raise UsageError("no rule of an ignore file can name this path alone", where=path or ".")
    return pattern


def _same(one: Rule, other: Rule) -> bool:
    return one.pattern == other.pattern and one.negated == other.negated
