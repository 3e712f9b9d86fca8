"""One pass over a context: what is eligible, and what each rule and ignored root keeps out.

Work is done per directory wherever it can be. The rules say of a whole listing which names are special
(DirState.special), usually none; the rest is counted in a loop that does nothing but add up sizes,
and no path is made for a file. For that speed it does without the walk of context.walk. Memory grows with the
directories that wait for their turn, the ignored roots asked for and the hard links with names still to meet.

Every count goes into an *account*: the eligible part of a directory, or one ignored root.
"""

from __future__ import annotations

import os
import stat as statmod
from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from ctxsize.context.books import EMPTIED, HIDDEN, NEEDED, ROOT, Account, Books, Largest
from ctxsize.context.classic import removed_by_daemon
from ctxsize.context.errors import ContextError
from ctxsize.context.forbidden import Forbidden
from ctxsize.context.links import Name, walk_key
from ctxsize.context.places import Cover, Frame, Needs, Place, Suspects, Tally, Wanted
from ctxsize.context.reading import Entries, Reading, entries_of
from ctxsize.context.totals import ScanResult
from ctxsize.context.walk import OpenTree, if_it_matters
from ctxsize.context.workers import MOST_HELPERS, SHARE_FROM, TASK_GROUPS, TASKS_TO_SHARE, processors, share
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.table import Outcome
from ctxsize.ignore.types import Dialect


def scan(
    root: Path | str,
    rules: Matcher | None,
    dialect: Dialect,
    *,
    hidden: frozenset[str] = frozenset(),
    dockerfile: str | None = None,
    needs: Needs | None = None,
    eligible_only: bool = False,
    roots: bool = True,
    depth: int = 0,
    largest: int = 0,
    forbidden: Matcher | None = None,
    suspects: Suspects | None = None,
    asked: Collection[str] = (),
    reading: Reading | None = None,
    progress: Callable[[int], None] | None = None,
    processes: int | None = None,
) -> ScanResult:
    """Count the context ``root`` as the ``rules`` (None: there are none) divide it in the ``dialect``.

    ``hidden`` are the paths of files that the ``without`` variant does not have: the ignore file.
    ``dockerfile`` is its path in the context, if it lies there: the classic client always sends it and
    ``.dockerignore``, and the daemon removes them again when they are ignored, so that they are ignored
    roots although directories above them arrive. ``needs`` tells what the Dockerfile takes.
    ``eligible_only`` does not enter what is ignored, so its size is not known. Without ``roots`` none are
    listed, and memory does not grow with them. ``depth`` asks for the totals of directories down to that many
    levels, ``largest`` for that many files. ``forbidden`` are rules that change no count: what arrives and
    matches them is listed. ``suspects`` is asked once per listing which names to list, whatever becomes of
    them. Of the paths ``asked`` about those are listed that are ignored directories with something kept in
    them. ``reading`` has the directories that were read already, and gets the others. ``progress`` is called
    with the number of entries seen so far. ``processes`` share the work: by default as many as there are
    processors, one when this process has threads or a ``reading``.

    Raises ContextError naming a directory that can't be read though a build reads it, and IgnoreFileError.
    """
    matcher, classic = rules, dialect is Dialect.CLASSIC
    if rules is not None and classic:
        matcher = rules.for_classic_build(dockerfile or ".dockerignore")
    removed = removed_by_daemon(rules, dockerfile) if classic else {}
    wanted = Wanted(
        hidden, removed, needs, eligible_only, roots, depth, largest, classic, suspects, frozenset(asked)
    )
    count = 1 if reading is not None else processes if processes is not None else processors()
    with OpenTree(root) as tree:
        begin = partial(_Scanner, tree, matcher, Forbidden(forbidden), wanted, reading, progress)
        try:
            books = begin().run(count)
        except ChildProcessError:  # something killed a helper: its share is lost, so start again, alone
            books = begin().run(1)
    written = rules.rules if rules is not None else ()
    return books.result(written, eligible_only=eligible_only, needed=needs is not None)


class _Scanner:
    """Reads directories and books what is in them."""

    def __init__(
        self,
        tree: OpenTree,
        matcher: Matcher | None,
        forbidden: Forbidden,
        wanted: Wanted,
        reading: Reading | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.books = Books(list_roots=wanted.roots, largest=wanted.largest)
        self._forbidden = forbidden
        self._tree = tree
        self._entries = partial(entries_of if reading is None else reading.entries, tree)
        self._wanted = wanted
        # Per directory the names of files that need a look of their own.
        self._odd_in: dict[str, set[str]] = {}
        for path in wanted.hidden.union(wanted.removed):
            directory, _, name = path.rpartition("/")
            self._odd_in.setdefault(directory, set()).add(name)
        self._rule_index = {id(rule): index for index, rule in enumerate(matcher.rules if matcher else ())}
        self._waiting: deque[Place] = deque()
        self._tally = Tally(progress)
        state = matcher.start() if matcher is not None else None
        cover: Cover = wanted.needs(".") if wanted.needs is not None else "none"
        self._waiting.append(Place("", if_it_matters(state), ROOT, False, cover, None, forbidden.start))

    def run(self, processes: int) -> Books:
        """Scan it all. Breadth first until there is enough to share, then depth first."""
        waiting = self._waiting
        while processes > 1 and waiting:
            if len(waiting) >= TASKS_TO_SHARE and self._tally.seen >= SHARE_FROM:
                self._share(processes)
                break
            self._read(waiting.popleft())
        return self._drain()

    def _drain(self) -> Books:
        while self._waiting:
            self._read(self._waiting.pop())
        return self.books

    def _share(self, processes: int) -> None:
        """Scan what waits together with forks of this process."""
        tasks = [place for place in self._waiting if place.frame is None]
        undecided = [place for place in self._waiting if place.frame is not None]  # their frames are ours
        groups = min(len(tasks), TASK_GROUPS)
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

    def _read(self, place: Place) -> None:
        try:
            for entries in self._entries(place.path):
                self._list(entries, place)
        except (ContextError, OSError) as error:
            if not self._wanted.can_do_without(place, error):
                raise self._wanted.unreadable(self._tree.shown(place.path), error) from error
            self.books.unread.append((place.path, place.ignored or place.frame is not None))
        self._close(place.frame)

    def _list(self, entries: Entries, place: Place) -> None:
        """Book a part of a directory's listing."""
        path, suspects = place.path, self._wanted.suspects
        self._tally.add(len(entries))
        if suspects is not None and (names := suspects(path, [each.name for each in entries])):
            self.books.suspects += [f"{path}/{name}" if path else name for name in names]
        if path in self._odd_in:
            entries = self._without_odd(entries, place)
        if place.state is None:
            self._take(entries, None, place)
        else:
            self._divide(entries, place.state, place)

    def _divide(self, entries: Entries, state: DirState, place: Place) -> None:
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
        entries: Entries,
        outcome: Outcome | None,
        place: Place,
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
        books, account, needed = self.books, place.account, place.needed
        emptied = outcome is not None and outcome.emptied and entries[0].is_file(follow_symlinks=False)
        sized = books.largest if self._wanted.largest and not place.ignored and not emptied else None
        files, size = self._count(entries, below, linked, place.path, sized)
        if place.forbidden is not None:
            for path, bad in self._forbidden.find(entries, place.path, place.forbidden):
                books.forbidden.add(path, bad)
        if needed == "some" and (files or below):
            needed = self._cover(place, entries[0].name)
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
        entries: Entries,
        below: list[str],
        linked: list[tuple[str, os.stat_result]],
        path: str,
        largest: Largest | None,
    ) -> tuple[int, int]:
        """The number of files among the entries, and their bytes.

        The names of directories go into ``below``; files with several names are counted, but their
        bytes are not: they go into ``linked``. What vanished is not counted.
        ``largest`` is told of large ones, whose directory is ``path``.
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
                    if largest is not None and st.st_size >= largest.floor:
                        largest.add(st.st_size, f"{path}/{entry.name}" if path else entry.name)
            elif classic and statmod.S_ISSOCK(st.st_mode):
                files -= 1
        return files - len(below), size

    def _enter(self, name: str, outcome: Outcome | None, place: Place, needed: Cover) -> None:
        """Put a directory that is kept, or that is ignored with the one it is in, on the list."""
        path = f"{place.path}/{name}" if place.path else name
        state = place.state.child(name, outcome) if place.state is not None else None
        account = place.account
        if not place.ignored and path.count("/") < self._wanted.depth:
            account = self.books.open(Account(path, -1))
        bad = self._forbidden.below(place.forbidden, name, kept=True)
        self._waiting.append(Place(path, if_it_matters(state), account, place.ignored, needed, None, bad))

    def _leave(self, entries: Entries, outcome: Outcome, place: Place) -> None:
        """Book entries that are ignored."""
        if self._wanted.eligible_only:
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
                self._waiting.append(Place(prefix + entry.name, None, account, True, "none", None, None))
                continue
            self._leave_file(entry, rule, place)

    def _leave_file(self, entry: os.DirEntry[str], rule: int | None, place: Place) -> None:
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

    def _open_root(self, account: Account, place: Place) -> int:
        """The account of something ignored: a root, unless the directory it is in turns out to be one."""
        number = self.books.open(account)
        if place.frame is not None and not place.frame.kept:
            place.frame.accounts.append(number)
        return number

    def _enter_ignored(self, name: str, outcome: Outcome, place: Place) -> None:
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
        frame = Frame(path, self._rule(outcome), place.account, account, needed == "all", parent)
        bad = self._forbidden.below(place.forbidden, name, kept=False)
        state = place.state.child(name, outcome)
        self._waiting.append(Place(path, state, account, False, needed, frame, bad))

    def _keep(self, frame: Frame | None) -> None:
        """Something is kept in the frame's directory, so that it arrives, and those above it."""
        books = self.books
        while frame is not None and not frame.kept:
            frame.kept = True
            if frame.path in self._wanted.asked:
                books.partly.append(frame.path)
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

    def _close(self, frame: Frame | None) -> None:
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

    def _without_odd(self, entries: Entries, place: Place) -> Entries:
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
                self._keep(place.frame)
                ignored, rule = True, self._wanted.removed[path]
            hidden = path in self._wanted.hidden
            if not ignored:
                self._take([entry], outcome, place, hidden=hidden)
            elif self._wanted.eligible_only:
                continue
            elif not hidden:
                self._leave_file(entry, rule, place)
            elif rule is not None:
                self._open_root(Account(path, rule, is_dir=False, hidden=True), place)
        return rest

    def _link(
        self,
        place: Place,
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

    def _cover(self, place: Place, name: str) -> Cover:
        """What of the entry ``name`` the Dockerfile takes."""
        if place.needed != "some" or self._wanted.needs is None:
            return place.needed
        return self._wanted.needs(f"{place.path}/{name}" if place.path else name)
