"""One pass over a context: what is eligible, and what each rule and ignored root keeps out.

Work is done per directory wherever it can be. The rules say of a whole listing which names are special
(ctxsize.ignore.matcher), usually none; the rest is counted in a loop that does nothing but add up sizes,
and no path is made for a file. Directories that wait for their turn are the only thing memory grows with,
besides the ignored roots asked for and the hard links whose other names were not met yet.

Every count goes into an *account*: the eligible part of a directory, or one ignored root.
"""

from __future__ import annotations

import os
import stat as statmod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from mmap import mmap
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ctxsize.context.books import EMPTIED, HIDDEN, NEEDED, ROOT, Account, Books
from ctxsize.context.errors import unreadable
from ctxsize.context.links import Name, walk_key
from ctxsize.context.totals import ScanResult
from ctxsize.context.walk import OpenTree
from ctxsize.context.workers import MOST_HELPERS, processors, share
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect, IgnoreFile

Cover = Literal["all", "some", "none"]
#: Which of a directory's names to take down: called with the directory's path and names of entries.
Suspects = Callable[[str, Sequence[str]], Sequence[str]]

_LISTING = 1024  # entries of a directory that are looked at (and held in memory) at once
_SHARE_FROM = 3000  # entries seen before other processes are asked to help
_TASKS_TO_SHARE = 48  # directories waiting, so that the shares come out even
_TASK_GROUPS = 2048
_PROGRESS_EVERY = 5000  # entries


class Needs(Protocol):
    """Which part of a context a Dockerfile takes: ``ctxsize.dockerfile.sources.Sources``."""

    def cover(self, directory: str) -> Cover:
        """Whether all, some or none of what is below the directory ('.' is the root) is taken; of a
        file: all or not."""


def scan(
    root: Path | str,
    ignore: IgnoreFile | None,
    dialect: Dialect,
    *,
    hidden: frozenset[str] = frozenset(),
    dockerfile: str | None = None,
    needs: Needs | None = None,
    eligible_only: bool = False,
    roots: bool = True,
    depth: int = 0,
    named_from: int | None = None,
    suspects: Suspects | None = None,
    progress: Callable[[int], None] | None = None,
    processes: int | None = None,
) -> ScanResult:
    """Count the context ``root`` as ``ignore`` (None: there is none) divides it in the ``dialect``.

    ``hidden`` are the paths of files that the ``without`` variant does not have: the ignore file.
    ``dockerfile`` is its path in the context, if it lies there: the classic client always sends it and
    ``.dockerignore``, and the daemon removes them again when they are ignored, so that they are ignored
    roots although directories above them arrive. ``needs`` tells what the Dockerfile takes.
    ``eligible_only`` does not enter what is ignored, so its size is not known; ``named_from`` then lists as
    roots (of size 0) what the rules from that index on decide. Without ``roots`` the
    result lists none, and memory does not grow with them. ``depth`` asks for the totals of directories
    down to that many levels. ``suspects`` is asked once per listing which names the result shall have the
    paths of, whatever becomes of them: kept, ignored, or directories. ``progress`` is called with the
    number of entries seen so far. ``processes`` is how many share the work: as many as there are processors
    by default, and one when this process has threads.

    Raises ContextError naming the directory that can't be read, and IgnoreFileError where Docker fails
    on a broken rule.
    """
    matcher = Matcher(ignore.rules, dialect, ignore.path) if ignore is not None else None
    removed: dict[str, int] = {}
    if matcher is not None and dialect is Dialect.CLASSIC:
        removed = removed_by_daemon(matcher, dockerfile)
        matcher = matcher.for_classic_build(dockerfile or ".dockerignore")
    wanted = _Wanted(
        hidden, removed, needs, eligible_only, named_from, roots, depth, dialect is Dialect.CLASSIC, suspects
    )
    count = processes if processes is not None else processors()
    with OpenTree(root) as tree:
        scanner = _Scanner(tree, matcher, wanted, progress)
        try:
            scanner.run(count)
        except ChildProcessError:  # something killed a helper: its share is lost, so start again, alone
            scanner = _Scanner(tree, matcher, wanted, progress)
            scanner.run(1)
    rules = ignore.rules if ignore is not None else ()
    return scanner.books.result(rules, eligible_only=eligible_only, needed=needs is not None)


def removed_by_daemon(matcher: Matcher, dockerfile: str | None) -> dict[str, int]:
    """The paths, and the indexes of their rules, that the classic daemon removes from what it got."""
    removed = {}
    for path in {".dockerignore", dockerfile or ".dockerignore"}:
        if matcher.matches_or_parent(path):
            verdict = matcher.verdict(path)
            decides = verdict.rule
            if decides is None or decides.negated:  # the daemon looks at the path alone, without a walk
                decides = [rule for rule in verdict.matches if not rule.negated][-1]
            removed[path] = next(index for index, rule in enumerate(matcher.rules) if rule is decides)
    return removed


class _Wanted(NamedTuple):
    """The options of a scan. ``removed``: files that are sent but do not arrive, with their rule's index."""

    hidden: frozenset[str]
    removed: dict[str, int]
    needs: Needs | None
    eligible_only: bool
    named_from: int | None
    roots: bool
    depth: int
    classic: bool
    suspects: Suspects | None


class _Frame:
    """An ignored directory that may have something kept in it. Only when all of it was read is it known
    whether it is an ignored root itself, or each thing that is ignored in it."""

    __slots__ = ("account", "accounts", "files", "kept", "needed", "open", "outer", "parent", "path", "rule")

    def __init__(
        self, path: str, rule: int, outer: int, account: int, needed: bool, parent: _Frame | None
    ) -> None:
        self.path = path
        self.rule = rule
        self.outer = outer  # the account the directory itself is booked in, if it arrives
        self.account = account  # the account for what is kept in it
        self.needed = needed
        self.parent = parent
        self.kept = False
        self.open = 1  # listings below, and its own, that were not read yet
        self.files: list[tuple[str, int, int]] = []  # ignored files in it: name, rule, bytes
        self.accounts: list[int] = []  # ignored directories (and hard links) in it


class _Place(NamedTuple):
    """A directory to be read.

    ``account`` is for what is kept in it. Without ``state`` no rule makes a difference in it, at any
    depth: all is kept, or (``ignored``) all is ignored and goes to ``account``, too. ``frame`` is the
    directory's own, when it is ignored and something in it may be kept.
    """

    path: str
    state: DirState | None
    account: int
    ignored: bool
    needed: Cover
    frame: _Frame | None


class _Scanner:
    """Reads directories and books what is in them."""

    def __init__(
        self, tree: OpenTree, matcher: Matcher | None, wanted: _Wanted, progress: Callable[[int], None] | None
    ) -> None:
        self.books = Books(list_roots=wanted.roots)
        self._tree = tree
        self._wanted = wanted
        # Per directory the names of files that need a look of their own.
        self._odd_in: dict[str, set[str]] = {}
        for path in wanted.hidden.union(wanted.removed):
            directory, _, name = path.rpartition("/")
            self._odd_in.setdefault(directory, set()).add(name)
        self._rule_index = {id(rule): index for index, rule in enumerate(matcher.rules if matcher else ())}
        self._waiting: deque[_Place] = deque()
        self._tally = _Tally(progress)
        state = matcher.start() if matcher is not None else None
        cover: Cover = wanted.needs.cover(".") if wanted.needs is not None else "none"
        self._waiting.append(_Place("", _if_it_matters(state), ROOT, False, cover, None))

    def run(self, processes: int) -> None:
        """Scan it all. Breadth first until there is enough to share, then depth first."""
        waiting, tally = self._waiting, self._tally
        if processes > 1:
            while waiting and (len(waiting) < _TASKS_TO_SHARE or tally.seen < _SHARE_FROM):
                self._read(waiting.popleft())
            if waiting:
                self._share(processes)
        self._drain()

    def _drain(self) -> None:
        waiting = self._waiting
        while waiting:
            self._read(waiting.pop())

    def _share(self, processes: int) -> None:
        """Scan what waits together with forks of this process."""
        tasks = [place for place in self._waiting if place.frame is None]
        undecided = [place for place in self._waiting if place.frame is not None]  # their frames are ours
        groups = min(len(tasks), _TASK_GROUPS)
        shared = len(self.books)

        def work(numbers: Iterator[int]) -> Books:
            for number in numbers:
                self._waiting.extend(tasks[number::groups])
                self._drain()
            return self.books

        def ours(numbers: Iterator[int]) -> Books:
            self._waiting.extend(undecided)
            self._drain()
            return work(numbers)

        def theirs(process: int, numbers: Iterator[int]) -> Books:
            self.books.clear()
            self._tally.fork(process)
            return work(numbers)

        self._waiting.clear()
        if groups:
            for books in share(groups, min(processes - 1, MOST_HELPERS), ours, theirs)[1:]:
                self.books.add(books, shared)
        else:
            self._waiting.extend(undecided)

    def _read(self, place: _Place) -> None:
        path, state, suspects = place.path, place.state, self._wanted.suspects
        fd = self._tree.open_directory(path)
        if fd is not None:
            try:
                with os.scandir(fd) as listing:
                    while entries := list(islice(listing, _LISTING)):
                        self._tally.add(len(entries))
                        if suspects is not None and (
                            names := suspects(path, [each.name for each in entries])
                        ):
                            self.books.suspects += [f"{path}/{name}" if path else name for name in names]
                        if path in self._odd_in:
                            entries = self._without_odd(entries, place)
                        if state is None:
                            self._take(entries, None, place)
                        else:
                            self._divide(entries, state, place)
            except OSError as error:
                raise unreadable(self._tree.shown(path), error) from error
            finally:
                os.close(fd)
        if place.frame is not None:
            self._close(place.frame)

    def _divide(self, entries: list[os.DirEntry[str]], state: DirState, place: _Place) -> None:
        """Book entries as the rules say."""
        special = state.special([entry.name for entry in entries])
        if special:
            for entry in entries:
                outcome = special.get(entry.name)
                if outcome is not None and outcome.ignored:
                    self._leave([entry], outcome, place)
                elif outcome is not None:
                    self._take([entry], outcome, place)
            entries = [entry for entry in entries if entry.name not in special]
        if entries:
            if state.default.ignored:
                self._leave(entries, state.default, place)
            else:
                self._take(entries, state.default, place)

    def _take(
        self,
        entries: list[os.DirEntry[str]],
        outcome: Outcome | None,
        place: _Place,
        *,
        hidden: bool = False,
    ) -> None:
        """Book entries that are kept, or that are all ignored with the directory they are in.

        ``hidden``: the variant without the ignore file does not have them.
        """
        if len(entries) > 1 and (place.needed == "some" or (outcome is not None and outcome.emptied)):
            for entry in entries:
                self._take([entry], outcome, place)
            return
        below: list[str] = []
        linked: list[tuple[str, os.stat_result]] = []
        files, size = self._count(entries, below, linked)
        books, account, needed = self.books, place.account, place.needed
        if needed == "some" and (files or below):
            needed = self._cover(place, entries[0].name)
        emptied = outcome is not None and outcome.emptied and entries[0].is_file(follow_symlinks=False)
        if emptied:
            books.bytes[EMPTIED] += 0 if hidden else size
            size = 0
        books.files[account] += files
        books.dirs[account] += len(below)
        books.bytes[account] += size
        if needed == "all":
            books.files[NEEDED] += files
            books.dirs[NEEDED] += len(below)
            books.bytes[NEEDED] += size
        if place.frame is not None and (files or below):
            self._keep(place.frame)
        if hidden:
            books.files[HIDDEN] += files
            books.bytes[HIDDEN] += size
        for name, st in linked:
            self._link(place, name, st, account, not place.ignored, needed == "all", hidden, emptied)
        for name in below:
            self._enter(name, outcome, place, needed)

    def _count(
        self,
        entries: list[os.DirEntry[str]],
        below: list[str],
        linked: list[tuple[str, os.stat_result]],
    ) -> tuple[int, int]:
        """The number of files among the entries, and their bytes.

        The names of directories go into ``below``; files with several names are counted, but their
        bytes are not: they go into ``linked``. What vanished is not counted.
        """
        classic = self._wanted.classic
        files, size = len(entries), 0
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
                continue
            try:
                st = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                files -= 1
                continue
            if st.st_size:
                if st.st_nlink > 1 and statmod.S_ISREG(st.st_mode):
                    linked.append((entry.name, st))
                else:
                    size += st.st_size
            elif classic and statmod.S_ISSOCK(st.st_mode):
                files -= 1
        return files - len(below), size

    def _enter(self, name: str, outcome: Outcome | None, place: _Place, needed: Cover) -> None:
        """Put a directory that is kept, or that is ignored with the one it is in, on the list."""
        path = f"{place.path}/{name}" if place.path else name
        state = place.state.child(name, outcome) if place.state is not None else None
        account = place.account
        if not place.ignored and path.count("/") < self._wanted.depth:
            account = self.books.open(Account(path, -1))
        self._waiting.append(_Place(path, _if_it_matters(state), account, place.ignored, needed, None))

    def _leave(self, entries: list[os.DirEntry[str]], outcome: Outcome, place: _Place) -> None:
        """Book entries that are ignored."""
        if self._wanted.eligible_only:
            self._name(entries, self._rule(outcome), place)
            if not outcome.prunable:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        self._enter_ignored(entry.name, outcome, place)
            return
        prefix = place.path + "/" if place.path else ""
        rule = self._rule(outcome)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not outcome.prunable:
                    self._enter_ignored(entry.name, outcome, place)
                    continue
                account = self._open_root(Account(prefix + entry.name, rule), place)
                self.books.dirs[account] += 1
                self._waiting.append(_Place(prefix + entry.name, None, account, True, "none", None))
                continue
            self._leave_file(entry, rule, place)

    def _name(self, entries: list[os.DirEntry[str]], rule: int, place: _Place) -> None:
        """Take note of ignored entries, but not of what is in them, if a rule decides that is asked about."""
        if self._wanted.named_from is None or rule < self._wanted.named_from:
            return
        prefix = place.path + "/" if place.path else ""
        for entry in entries:
            is_dir = entry.is_dir(follow_symlinks=False)
            self.books.open(Account(prefix + entry.name, rule, is_dir))

    def _leave_file(self, entry: os.DirEntry[str], rule: int | None, place: _Place) -> None:
        """Book a file that is ignored by the rule, or (None) with the directory it is in."""
        try:
            st = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        size = st.st_size
        prefix = place.path + "/" if place.path else ""
        frame = place.frame
        if not size and self._wanted.classic and statmod.S_ISSOCK(st.st_mode):
            return
        if rule is None:
            self._take([entry], None, place)
        elif size and st.st_nlink > 1 and statmod.S_ISREG(st.st_mode):
            account = self._open_root(Account(prefix + entry.name, rule, is_dir=False), place)
            self.books.files[account] += 1
            self._link(place, entry.name, st, account)
        elif frame is not None and not frame.kept:
            frame.files.append((entry.name, rule, size))
        else:
            self.books.ignored_file(prefix, entry.name, rule, size)

    def _open_root(self, account: Account, place: _Place) -> int:
        """The account of something ignored: a root, unless the directory it is in turns out to be one."""
        number = self.books.open(account)
        if place.frame is not None and not place.frame.kept:
            place.frame.accounts.append(number)
        return number

    def _enter_ignored(self, name: str, outcome: Outcome, place: _Place) -> None:
        """Put an ignored directory that may have something kept in it on the list."""
        assert place.state is not None  # the rules made an outcome
        path = f"{place.path}/{name}" if place.path else name
        needed = self._cover(place, name)
        account = place.account
        if path.count("/") < self._wanted.depth:
            account = self.books.open(Account(path, -1, arrives=False))
        parent = place.frame if place.frame is not None and not place.frame.kept else None
        if parent is not None:
            parent.open += 1
        frame = _Frame(path, self._rule(outcome), place.account, account, needed == "all", parent)
        self._waiting.append(_Place(path, place.state.child(name, outcome), account, False, needed, frame))

    def _keep(self, frame: _Frame | None) -> None:
        """Something is kept in the frame's directory, so that it arrives, and those above it."""
        books = self.books
        while frame is not None and not frame.kept:
            frame.kept = True
            books.dirs[frame.outer] += 1
            if frame.needed:
                books.dirs[NEEDED] += 1
            if frame.account != frame.outer:
                books.arrives(frame.account)
            for name, rule, size in frame.files:
                books.ignored_file(frame.path + "/", name, rule, size)
            frame.files.clear()
            frame.accounts.clear()
            frame = frame.parent

    def _close(self, frame: _Frame | None) -> None:
        """One more listing in the frame's directory was read; with the last one it is decided."""
        books = self.books
        while frame is not None:
            frame.open -= 1
            if frame.open:
                return
            parent = frame.parent
            if not frame.kept and not self._wanted.eligible_only:
                account = books.open(Account(frame.path, frame.rule))
                books.dirs[account] += 1
                books.files[account] += len(frame.files)
                books.bytes[account] += sum(size for _, _, size in frame.files)
                for absorbed in frame.accounts:
                    books.absorb(absorbed, account)
                if parent is not None and not parent.kept:
                    parent.accounts.append(account)
            frame = parent

    def _without_odd(self, entries: list[os.DirEntry[str]], place: _Place) -> list[os.DirEntry[str]]:
        """Book the files among the entries that are hidden or that the daemon removes; returns the others."""
        names = self._odd_in[place.path]
        rest = []
        for entry in entries:
            path = f"{place.path}/{entry.name}" if place.path else entry.name
            if entry.name not in names or entry.is_dir(follow_symlinks=False):
                rest.append(entry)
                continue
            outcome = place.state.outcome(entry.name) if place.state is not None else None
            ignored = place.ignored or (outcome is not None and outcome.ignored)
            rule = self._rule(outcome) if outcome is not None and outcome.ignored else None
            if path in self._wanted.removed and not ignored:
                if place.frame is not None:
                    self._keep(place.frame)
                ignored, rule = True, self._wanted.removed[path]
            hidden = path in self._wanted.hidden
            if not ignored:
                self._take([entry], outcome, place, hidden=hidden)
            elif self._wanted.eligible_only:
                if rule is not None:
                    self._name([entry], rule, place)
            elif not hidden:
                self._leave_file(entry, rule, place)
            elif rule is not None:
                self._open_root(Account(path, rule, is_dir=False, hidden=True), place)
        return rest

    def _link(
        self,
        place: _Place,
        name: str,
        st: os.stat_result,
        account: int,
        eligible: bool = False,
        needed: bool = False,
        hidden: bool = False,
        emptied: bool = False,
    ) -> None:
        """Take note of a name of a hard-linked file, whose content is booked when all are known."""
        path = f"{place.path}/{name}" if place.path else name
        inode = self.books.links.add(st, Name(walk_key(path), account, eligible, needed, hidden, emptied))
        if inode is not None:
            self.books.settle(inode)

    def _rule(self, outcome: Outcome) -> int:
        return self._rule_index[id(outcome.rule)]

    def _cover(self, place: _Place, name: str) -> Cover:
        """What of the entry ``name`` the Dockerfile takes."""
        if place.needed != "some" or self._wanted.needs is None:
            return place.needed
        return self._wanted.needs.cover(f"{place.path}/{name}" if place.path else name)


def _if_it_matters(state: DirState | None) -> DirState | None:
    """The state, or None when everything below it is simply kept."""
    if state is None or (state.sink and not state.default.ignored and not state.default.emptied):
        return None
    return state


class _Tally:
    """How many entries were seen, by this process and its forks, for the progress report."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self._reported = 0
        # Memory that forks share: one count per process, ours first.
        self._counts = memoryview(mmap(-1, 8 * (1 + MOST_HELPERS))).cast("q")
        self._process = 0

    @property
    def seen(self) -> int:
        return sum(self._counts)

    def fork(self, process: int) -> None:
        """This process is fork number ``process`` now: it counts apart, and reports nothing."""
        self._process = process
        self._progress = None

    def add(self, entries: int) -> None:
        self._counts[self._process] += entries
        if self._progress is not None:
            seen = self.seen
            if seen - self._reported >= _PROGRESS_EVERY:
                self._reported = seen
                self._progress(seen)
