"""A context's tree, read once and held by directories, with what the rules do to each entry.

Questions about rules are answered from it without touching the disk again. It includes the Dockerfile and the
ignore files: rules may be there for them.
"""

from __future__ import annotations

import re
import stat as statmod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ctxsize.context.errors import ContextError
from ctxsize.context.places import Suspects
from ctxsize.context.reading import Reading
from ctxsize.context.walk import OpenTree, if_it_matters
from ctxsize.dockerfile.wildcard import Cover
from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect, PatternError, Rule

#: A name that is the same as a pattern and as a text, but for stars and question marks in it.
_SIMPLE = re.compile(r"[\w.~@%#&, *?-]+", re.ASCII)
_NOTHING: Mapping[str, Outcome] = {}
_FIRST = 5  # paths that a finding names


class Folder:
    """A directory. ``path`` is '' for the root. ``files`` has the sizes of entries that are no directories.

    ``special`` and ``default`` are what the rules do to the names in it (None: all is kept). ``cover`` is how
    much of it the Dockerfile takes. ``seconds`` is how long it took to read. ``arrives``: something in it is
    kept, at any depth.
    """

    __slots__ = (
        "above",
        "arrives",
        "cover",
        "default",
        "entries",
        "files",
        "folded",
        "folders",
        "links",
        "names",
        "path",
        "seconds",
        "special",
    )

    def __init__(self, path: str, above: Folder | None, cover: Cover) -> None:
        self.path = path
        self.above = above
        self.cover = cover
        self.files: dict[str, int] = {}
        self.folders: dict[str, Folder] = {}
        self.names: list[str] = []
        self.folded: list[str] | None = None
        self.links: tuple[str, ...] = ()
        self.special: Mapping[str, Outcome] = _NOTHING
        self.default: Outcome | None = None
        self.seconds = 0.0
        self.arrives = False
        self.entries = 0  # below it, at any depth

    def outcome(self, name: str) -> Outcome | None:
        """What the rules do to a name; None when it and all below it is kept."""
        return self.special.get(name, self.default)

    def join(self, name: str) -> str:
        """The path of a name in it."""
        return f"{self.path}/{name}" if self.path else name


class Match(NamedTuple):
    """An entry: ``name`` in ``folder``, and the directory it is, if it is one."""

    folder: Folder
    name: str
    below: Folder | None

    @property
    def path(self) -> str:
        return self.folder.join(self.name)

    @property
    def kept(self) -> bool:
        """Whether it arrives: itself, or something in it."""
        outcome = self.folder.outcome(self.name)
        return outcome is None or not outcome.ignored or (self.below is not None and self.below.arrives)


class File(NamedTuple):
    """A file of the tree."""

    folder: Folder
    name: str
    size: int

    @property
    def path(self) -> str:
        return self.folder.join(self.name)

    @property
    def kept(self) -> bool:
        outcome = self.folder.outcome(self.name)
        return outcome is None or not outcome.ignored

    @property
    def rule(self) -> Rule | None:
        """The rule that decides it."""
        outcome = self.folder.outcome(self.name)
        return None if outcome is None else outcome.rule


class Tree:
    """All directories of a context. ``matcher`` has the rules as the builder's client walks with them;
    ``removed`` are files that the classic daemon takes away again. ``cover`` says what the Dockerfile
    takes."""

    def __init__(
        self,
        root: str | Path,
        matcher: Matcher | None,
        cover: Callable[[str], Cover],
        *,
        suspects: Suspects,
        removed: frozenset[str] = frozenset(),
        reading: Reading | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Read it, but for what ``reading`` has. Raises ContextError for a kept directory that can't be read,
        and IgnoreFileError where Docker fails on a broken rule."""
        self.root = Folder("", None, cover("."))
        self.removed = removed
        self.suspects: list[str] = []
        #: Files with content that BuildKit delivers with 0 bytes.
        self.emptied: list[File] = []
        #: By rule what it decides, kept or ignored: files, bytes, files that the Dockerfile takes.
        self.decided: dict[int, list[int]] = {}
        self.folders: list[Folder] = []
        #: Directories that were looked at again, for questions about rules.
        self.visits = 0
        self._inodes: dict[str, tuple[int, int]] = {}
        self._cover = cover
        self._odd = False
        self._index: dict[str, list[Folder]] | None = None
        self._matches: dict[tuple[str, bool], tuple[Match, ...]] = {}
        self._reading = reading or Reading()
        self._read(root, matcher, suspects, progress)
        for folder in reversed(self.folders):
            if folder.above is not None:
                folder.above.arrives |= folder.arrives
                folder.above.entries += folder.entries

    def _read(
        self,
        root: str | Path,
        matcher: Matcher | None,
        suspects: Suspects,
        progress: Callable[[int], None] | None,
    ) -> None:
        seen = told = 0
        with OpenTree(root) as opened:
            stack: list[tuple[Folder, DirState | None]] = [
                (self.root, if_it_matters(matcher.start()) if matcher is not None else None)
            ]
            while stack:
                folder, state = stack.pop()
                below = self._list(opened, folder, state)
                self.folders.append(folder)
                names = folder.names
                folder.entries = len(names)
                seen += len(names)
                if progress is not None and seen - told >= 10_000:
                    told = seen
                    progress(seen)
                if state is not None and names:
                    folder.special = state.special(names)
                    folder.default = state.default
                self._book(folder)
                if names and not (state is not None and state.sink and state.default.ignored):
                    self.suspects += [folder.join(name) for name in suspects(folder.path, names)]
                for name in below:
                    path = folder.join(name)
                    cover = folder.cover if folder.cover != "some" else self._cover(path)
                    child = folder.folders[name] = Folder(path, folder, cover)
                    following = None
                    if state is not None:
                        following = if_it_matters(state.child(name, folder.outcome(name)))
                    stack.append((child, following))

    def _list(self, opened: OpenTree, folder: Folder, state: DirState | None) -> list[str]:
        """Read a directory; returns the names of those in it."""
        try:
            found = self._reading.directory(opened, folder.path)
        except ContextError:
            if state is not None and state.sink and state.default.ignored:
                return []  # no build goes in there either
            raise
        folder.files, folder.seconds = found.sizes, found.seconds
        for name, st in found.odd.items():
            if statmod.S_ISLNK(st.st_mode):
                folder.links = (*folder.links, name)
            elif statmod.S_ISREG(st.st_mode):
                self._inodes[folder.join(name)] = (st.st_dev, st.st_ino)
        folder.names = [*found.sizes, *found.folders]
        if not self._odd and "\n" in "".join(folder.names):
            self._odd = True
        return found.folders

    def _book(self, folder: Folder) -> None:
        """Take down what the rules decide in a directory."""
        special, default = folder.special, folder.default
        if default is None:
            folder.arrives = bool(folder.names)
            return
        if not special:
            self._add(default, len(folder.files), sum(folder.files.values()), folder.files, folder)
            folder.arrives = not default.ignored and bool(folder.names)
            return
        for name in folder.names:
            outcome = special.get(name, default)
            size = folder.files.get(name)
            folder.arrives = folder.arrives or not outcome.ignored
            names = () if size is None else (name,)
            self._add(outcome, len(names), size or 0, names, folder)

    def _add(self, outcome: Outcome, files: int, size: int, names: Iterable[str], folder: Folder) -> None:
        if outcome.rule is None:
            return
        sums = self.decided.setdefault(id(outcome.rule), [0, 0, 0])
        sums[0] += files
        sums[1] += size
        if folder.cover == "all":
            sums[2] += files
        elif folder.cover == "some":
            sums[2] += sum(self._cover(folder.join(name)) == "all" for name in names)
        if outcome.emptied:
            self.emptied += [
                File(folder, name, folder.files[name])
                for name in names
                if folder.files[name] and name not in folder.links
            ]

    def folder(self, path: str) -> Folder | None:
        """The directory at ``path``."""
        here: Folder | None = self.root
        for name in path.split("/") if path not in ("", ".") else ():
            here = here.folders.get(name) if here is not None else None
        return here

    def entry(self, path: str) -> Match | None:
        """The entry at ``path`` (not the root)."""
        above, _, name = path.rpartition("/")
        folder = self.folder(above)
        if folder is None or not (name in folder.files or name in folder.folders):
            return None
        return Match(folder, name, folder.folders.get(name))

    def arrives(self, path: str) -> bool:
        """Whether it arrives, a directory when something in it does."""
        found = self.entry(path)
        return found is not None and found.kept and path not in self.removed

    def taken(self, file: File | Match) -> bool:
        """Whether a COPY, ADD or bind mount takes it."""
        folder = file.folder
        return folder.cover == "all" or (folder.cover == "some" and self._cover(file.path) == "all")

    def files(self, matches: Iterable[Match]) -> Iterator[File]:
        """The files among the entries and below them."""
        for match in matches:
            if match.below is None:
                yield File(match.folder, match.name, match.folder.files[match.name])
            else:
                for folder in below(match.below):
                    for name, size in folder.files.items():
                        yield File(folder, name, size)

    def arriving(self, matches: Iterable[Match]) -> Iterator[File]:
        """The files among the entries and below them that arrive and are taken."""
        for file in self.files(matches):
            if file.kept and self.taken(file) and not (self.removed and file.path in self.removed):
                yield file

    def size(self, files: Iterable[File]) -> tuple[int, int, tuple[str, ...]]:
        """How many files, their bytes (hard-linked content once), and the first paths."""
        count = total = 0
        paths: list[str] = []
        known: set[tuple[int, int]] = set()
        for file in files:
            count += 1
            if len(paths) < _FIRST:
                paths.append(file.path)
            if self._inodes and (inode := self._inodes.get(file.path)) is not None:
                if inode in known:
                    continue
                known.add(inode)
            total += file.size
        return count, total, tuple(paths)

    def matches(self, pattern: str, *, fold: bool = False) -> tuple[Match, ...]:
        """The topmost entries that a pattern matches; with ``fold`` as if all names were in small letters."""
        key = (pattern, fold)
        found = self._matches.get(key)
        if found is None:
            # What is asked for may be made up from a rule, and then be no pattern at all.
            quick = pattern.startswith("**/") and _SIMPLE.fullmatch(pattern[3:]) and not self._odd
            try:
                if quick and "**" not in pattern[3:]:
                    found = tuple(self._named(pattern[3:], fold))
                else:
                    found = tuple(self._walked(pattern, fold))
            except (IgnoreFileError, PatternError):
                found = ()
            self._matches[key] = found
        return found

    def _named(self, name: str, fold: bool) -> Iterator[Match]:
        """The topmost entries at any depth with a name that a pattern for one name matches."""
        if self._index is None:
            self._index = {}
            for folder in self.folders:
                for each in folder.names:
                    self._index.setdefault(each, []).append(folder)
        if fold:
            state = _one(name).start()
            names = [each for each in self._index if state.outcome(each.lower()).ignored]
        elif "*" in name or "?" in name:
            state = _one(name).start()
            special = state.special([*self._index])
            names = [each for each in self._index if special.get(each, state.default).ignored]
        else:
            names = [name] if name in self._index else []
        hit = set(names)
        for each in names:
            for folder in self._index[each]:
                above = folder.path.split("/") if folder.path else ()
                if hit.isdisjoint(above):
                    yield Match(folder, each, folder.folders.get(each))

    def _walked(self, pattern: str, fold: bool) -> Iterator[Match]:
        stack: list[tuple[Folder, DirState | None]] = [(self.root, if_it_matters(_one(pattern).start()))]
        while stack:
            folder, state = stack.pop()
            self.visits += 1
            if state is None or not folder.names:
                continue
            if fold:
                if folder.folded is None:
                    folder.folded = [name.lower() for name in folder.names]
                special = state.special(folder.folded)
            else:
                special = state.special(folder.names)
            default = state.default
            if special or default.ignored:
                for name in folder.names:
                    if special.get(name.lower() if fold else name, default).ignored:
                        yield Match(folder, name, folder.folders.get(name))
            for name, child in folder.folders.items():
                asked = name.lower() if fold else name
                outcome = special.get(asked, default)
                if not outcome.ignored:
                    stack.append((child, if_it_matters(state.child(asked, outcome))))

    def differing(
        self, one: Matcher | None, other: Matcher | None
    ) -> Iterator[tuple[Match, Outcome | None, Outcome | None]]:
        """The entries to which two sets of rules do not do the same, and what each does."""
        stack: list[tuple[Folder, DirState | None, DirState | None]] = [
            (
                self.root,
                if_it_matters(one.start()) if one else None,
                if_it_matters(other.start()) if other else None,
            )
        ]
        while stack:
            folder, left, right = stack.pop()
            self.visits += 1
            if not folder.names or (_settled(left) and _settled(right) and _says(left) == _says(right)):
                continue
            of_left = left.special(folder.names) if left else _NOTHING
            of_right = right.special(folder.names) if right else _NOTHING
            names: Iterable[str] = folder.names
            if _says(left) == _says(right):  # then only what rules single out can differ
                special = {*of_left, *of_right}
                names = [name for name in names if name in special] if special else ()
            for name in names:
                ours = of_left.get(name, left.default) if left else None
                theirs = of_right.get(name, right.default) if right else None
                child = folder.folders.get(name)
                is_file = child is None and name not in folder.links
                if _effect(ours, is_file) != _effect(theirs, is_file):
                    yield Match(folder, name, child), ours, theirs
            for name, child in folder.folders.items():
                stack.append(
                    (
                        child,
                        if_it_matters(left.child(name, of_left.get(name, left.default))) if left else None,
                        if_it_matters(right.child(name, of_right.get(name, right.default)))
                        if right
                        else None,
                    )
                )


def below(folder: Folder) -> Iterator[Folder]:
    """The directory and all below it."""
    stack = [folder]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(here.folders.values())


def _one(pattern: str) -> Matcher:
    return Matcher((Rule(1, pattern, pattern, False),), Dialect.BUILDKIT)


def _settled(state: DirState | None) -> bool:
    return state is None or state.sink


def _says(state: DirState | None) -> tuple[bool, bool]:
    return _effect(None if state is None else state.default, True)


def _effect(outcome: Outcome | None, is_file: bool) -> tuple[bool, bool]:
    return (False, False) if outcome is None else (outcome.ignored, is_file and outcome.emptied)
