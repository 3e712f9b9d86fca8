"""Where BuildKit and the classic builder disagree about one project's context.

Both clients filter by the same rules, but enter different ignored directories to look for exceptions, and
read different ignore files (docs/ignore-files.md). Without exceptions and with the same file they agree;
otherwise the tree is walked once with both, down to where they can no longer differ. Exact but for two
things that would make every scan look at every name: sockets, which only BuildKit delivers (as empty files),
and names that are not UTF-8, at which a BuildKit build fails.
"""

from __future__ import annotations

import os
import stat as statmod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from ctxsize.context.classic import missed_by_client, removed_by_daemon
from ctxsize.context.errors import ContextError, unreadable
from ctxsize.context.links import walk_key
from ctxsize.context.walk import OpenTree
from ctxsize.errors import IgnoreFileError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.find import find_ignore_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect
from ctxsize.project import Project, read_ignore_file
from ctxsize.text import printable
from ctxsize.warning import Warning

#: What happens to a path; ``emptied`` is a file that BuildKit delivers with 0 bytes.
PathVerdict = Literal["kept", "ignored", "emptied"]

_MOST = 20  # paths that are remembered; the others are counted
_NAMED = 3  # paths that a message names
_BUILDERS = {Dialect.BUILDKIT: "BuildKit", Dialect.CLASSIC: "the classic builder"}


@dataclass(frozen=True, slots=True)
class PathDifference:
    """A path that the two builders treat differently; a directory stands for all that is in it, or for
    itself when what is in it is treated alike."""

    path: str
    is_dir: bool
    buildkit: PathVerdict
    classic: PathVerdict


@dataclass(frozen=True, slots=True)
class Differences:
    """All differences: ``count`` topmost paths, of which ``paths`` are the first ones in walk order."""

    count: int
    paths: tuple[PathDifference, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The builders give different contexts, or one of them refuses the project (then nothing is counted).

    ``message`` says how, in one printable line, and ``where`` names the ignore file it is about.
    """

    message: str
    where: str | None
    differences: Differences = Differences(0, ())

    def warning(self, code: str) -> Warning:
        """The warning that says so, under the name it has in a command's output."""
        return Warning(code, self.message, where=self.where)


def disagreement(project: Project) -> Disagreement | None:
    """How the builder that is not of the project's dialect would see it, if differently; else None.

    Raises ContextError when a directory can't be read.
    """
    ours = project.rules
    other = Dialect.CLASSIC if project.dialect is Dialect.BUILDKIT else Dialect.BUILDKIT
    where = ours.source if ours else None
    inside = project.dockerfile_in_context
    try:
        path = find_ignore_file(project.context, project.dockerfile_file, other)
        read = read_ignore_file(path, project.context, other) if path else None
        theirs = Matcher(read.rules, other, read.path) if read else None
        both = (ours, theirs) if other is Dialect.CLASSIC else (theirs, ours)
        if inside and os.path.lexists(project.dockerfile_path) and missed_by_client(both[1], inside):
            return Disagreement(
                f"the classic builder's client does not send {printable(inside)}, so that its builds fail;"
                f" add a line !{printable(inside)}",
                both[1].source if both[1] else None,
            )
        found = dialect_differences(project.context, *both, dockerfile=inside)
    except IgnoreFileError as error:
        return Disagreement(f"{_BUILDERS[other]} refuses this project: {printable(str(error))}", where)
    if not found.count:
        return None
    named = [
        f"{printable(item.path)}{'/' if item.is_dir else ''} ({_verdicts(item)})"
        for item in found.paths[:_NAMED]
    ]
    more = f" and {found.count - len(named)} more" if found.count > len(named) else ""
    paths = "1 path" if found.count == 1 else f"{found.count} paths"
    message = f"{paths}: {', '.join(named)}{more}"
    if where != (theirs and theirs.source):
        files = [rules.source if rules else "no ignore file" for rules in both]
        message = f"BuildKit reads {files[0]} and the classic builder {files[1]}: they differ in {message}"
    else:
        message = f"BuildKit and the classic builder differ in {message}"
    return Disagreement(printable(message), where, found)


def _verdicts(item: PathDifference) -> str:
    ours = "delivered with 0 bytes" if item.buildkit == "emptied" else item.buildkit
    return f"{ours} by BuildKit, {item.classic} by the classic builder"


def dialect_differences(
    root: Path | str,
    buildkit: Matcher | None,
    classic: Matcher | None,
    *,
    dockerfile: str | None = None,
    most: int = _MOST,
) -> Differences:
    """What arrives of the context ``root`` in one builder and not, or not whole, in the other.

    The rules are those that apply in each dialect, None where there are none. ``dockerfile`` is
    its path in the context, if it lies there: the classic client sends it whatever the rules say. At most
    ``most`` paths are listed, and memory does not grow with the others. Raises ContextError for a directory
    that can't be read, and IgnoreFileError where Docker fails on a broken rule.
    """
    if _agree(buildkit, classic) and not (dockerfile and "/" in dockerfile):
        return Differences(0, ())
    ours = buildkit or Matcher((), Dialect.BUILDKIT)
    theirs = (classic or Matcher((), Dialect.CLASSIC)).for_classic_build(dockerfile or ".dockerignore")
    removed = frozenset(removed_by_daemon(classic, dockerfile))
    with OpenTree(root) as tree:
        return _Comparer(tree, removed, most).compare((ours.start(), theirs.start()))


def _agree(buildkit: Matcher | None, classic: Matcher | None) -> bool:
    """Whether no tree is treated differently: the same rules without an exception."""
    ours, theirs = (
        [(rule.pattern, rule.negated) for rule in side.rules] if side else [] for side in (buildkit, classic)
    )
    return ours == theirs and not any(negated for _, negated in ours)


def _settled(states: tuple[DirState, DirState]) -> bool:
    """Whether each dialect has one verdict on everything below; what is emptied has to be looked at."""
    return all(state.sink and not state.default.emptied for state in states)


def _verdict(outcome: Outcome) -> PathVerdict:
    return "ignored" if outcome.ignored else "emptied" if outcome.emptied else "kept"


class _Pair(NamedTuple):
    buildkit: PathVerdict
    classic: PathVerdict

    @property
    def differs(self) -> bool:
        return self.buildkit != self.classic


@dataclass(slots=True)
class _Found:
    """What was found below one directory. ``pairs`` are all pairs of verdicts that occur in it; ``sent``: the
    classic client sends something directly in it that the daemon removes, so that the directory arrives."""

    sent: bool = False
    pairs: set[_Pair] = field(default_factory=set)
    count: int = 0
    paths: list[PathDifference] = field(default_factory=list)

    def add(self, other: _Found, most: int) -> None:
        self.pairs |= other.pairs
        self.count += other.count
        self.paths += other.paths
        if len(self.paths) > 2 * most:
            self.trim(most)

    def trim(self, most: int) -> None:
        self.paths.sort(key=lambda item: walk_key(item.path))
        del self.paths[most:]


class _Level(NamedTuple):
    """A directory on the way down: ``own`` is the verdict on itself as far as the rules alone say."""

    path: str
    own: _Pair
    states: tuple[DirState, DirState]
    entries: Iterator[os.DirEntry[str]]
    special: tuple[Mapping[str, Outcome], Mapping[str, Outcome]]
    found: _Found


class _Comparer:
    """Walks a tree with both dialects at once, depth first with a stack of its own: trees may be deep.

    For speed it asks per directory and looks at no file, which the walk of context.walk does not.
    """

    def __init__(self, tree: OpenTree, removed: frozenset[str], most: int) -> None:
        self._tree = tree
        self._removed = removed
        self._most = most

    def compare(self, states: tuple[DirState, DirState]) -> Differences:
        """All differences below the states of the root in BuildKit and in the classic builder."""
        if _settled(states):
            return Differences(0, ())
        stack = [self._level("", _Pair("kept", "kept"), states)]
        while True:
            level = stack[-1]
            below = next(filter(None, (self._entry(level, entry) for entry in level.entries)), None)
            if below is not None:
                stack.append(below)
                continue
            stack.pop()
            if not stack:
                level.found.trim(self._most)
                return Differences(level.found.count, tuple(level.found.paths))
            self._close(level)
            stack[-1].found.add(level.found, self._most)

    def _level(self, path: str, own: _Pair, states: tuple[DirState, DirState]) -> _Level:
        entries: list[os.DirEntry[str]] = []
        try:
            fd = self._tree.open_directory(path)
        except ContextError as error:
            if path and isinstance(error.__cause__, PermissionError):
                fd = None  # whoever has to read it says so
            else:
                raise
        if fd is not None:
            try:
                with os.scandir(fd) as listing:
                    entries = list(listing)
            except OSError as error:
                raise unreadable(self._tree.shown(path), error) from error
            finally:
                os.close(fd)
        names = [entry.name for entry in entries]
        special = (states[0].special(names), states[1].special(names))
        return _Level(path, own, states, iter(entries), special, _Found())

    def _entry(self, level: _Level, entry: os.DirEntry[str]) -> _Level | None:
        """Take note of an entry; a directory that has to be looked into is returned."""
        name = entry.name
        path = f"{level.path}/{name}" if level.path else name
        mine, other = level.states
        outcome = level.special[0].get(name, mine.default)
        their_outcome = level.special[1].get(name, other.default)
        ours, theirs = _verdict(outcome), _verdict(their_outcome)
        if not entry.is_dir(follow_symlinks=False):
            if ours == "emptied" and not self._has_content(path):
                ours = "kept"
            if theirs == "kept" and path in self._removed:
                level.found.sent = True
                theirs = "ignored"
            self._note(level, path, _Pair(ours, theirs), is_dir=False)
            return None
        own = _Pair("ignored" if ours == "ignored" else "kept", theirs)
        states = (mine.child(name, outcome), other.child(name, their_outcome))
        if _settled(states):
            # Nothing changes below any more: all in it has the verdict of the directory.
            self._note(level, path, own, is_dir=True)
            return None
        return self._level(path, own, states)

    def _note(self, level: _Level, path: str, pair: _Pair, *, is_dir: bool) -> None:
        found = level.found
        found.pairs.add(pair)
        if pair.differs:
            found.add(_Found(pairs={pair}, count=1, paths=[PathDifference(path, is_dir, *pair)]), self._most)

    def _close(self, level: _Level) -> None:
        """All of the directory was looked at: it stands for its content where that is treated alike."""
        found, own = level.found, level.own
        pair = _Pair(
            _arrives(own.buildkit, {each.buildkit for each in found.pairs}),
            "kept" if found.sent else _arrives(own.classic, {each.classic for each in found.pairs}),
        )
        found.pairs.add(pair)
        if pair.differs and (len(found.pairs) == 1 or not found.count):
            found.count = 1
            found.paths = [PathDifference(level.path, True, *pair)]

    def _has_content(self, path: str) -> bool:
        st = self._tree.lstat(path)
        return st is not None and statmod.S_ISREG(st.st_mode) and st.st_size > 0


def _arrives(own: PathVerdict, below: set[PathVerdict]) -> PathVerdict:
    """An ignored directory arrives when something in it does."""
    return "kept" if own == "kept" or below - {"ignored"} else "ignored"
