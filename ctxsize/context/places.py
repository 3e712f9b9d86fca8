"""What a scan keeps in mind: the options, the directories that wait, and those that are not decided yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from mmap import mmap
from typing import Literal, NamedTuple

from ctxsize.context.errors import ContextError, unreadable
from ctxsize.context.forbidden import State
from ctxsize.context.workers import MOST_HELPERS
from ctxsize.ignore.automaton import DirState

Cover = Literal["all", "some", "none"]
#: Which of a directory's names to take down: called with the directory's path and names of entries.
Suspects = Callable[[str, Sequence[str]], Sequence[str]]
#: Whether the Dockerfile takes all, some or none of what is below a directory ('.' is the root); of a file,
#: all or not.
Needs = Callable[[str], Cover]

_PROGRESS_EVERY = 5000  # entries


class Wanted(NamedTuple):
    """The options of a scan. ``removed``: files that are sent but do not arrive, with their rule's index."""

    hidden: frozenset[str]
    removed: dict[str, int]
    needs: Needs | None
    eligible_only: bool
    roots: bool
    depth: int
    largest: int
    classic: bool
    suspects: Suspects | None
    asked: frozenset[str]

    def can_do_without(self, place: Place, error: Exception) -> bool:
        """Whether a build does not read the directory that ``error`` came of, if that is a permission: it is
        ignored, or nothing takes it. The classic client reads all there is before it looks at the rules."""
        denied = isinstance(error, PermissionError) or isinstance(error.__cause__, PermissionError)
        useless = self.needs is not None and place.needed == "none"
        return denied and not self.classic and (place.ignored or place.frame is not None or useless)

    def unreadable(self, shown: str, error: ContextError | OSError) -> ContextError:
        """The error for the directory ``shown`` that ``error`` came of."""
        if isinstance(error, OSError):
            error = unreadable(shown, error)
        if self.classic and isinstance(error.__cause__, PermissionError):
            error.hint = "the classic client reads ignored directories, too: give yourself permission"
        return error


class Frame:
    """An ignored directory that may have something kept in it. Only when all of it was read is it known
    whether it is an ignored root itself, or each thing that is ignored in it."""

    __slots__ = ("account", "accounts", "files", "kept", "needed", "open", "outer", "parent", "path", "rule")

    def __init__(
        self, path: str, rule: int, outer: int, account: int, needed: bool, parent: Frame | None
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


class Place(NamedTuple):
    """A directory to be read.

    ``account`` is for what is kept in it. Without ``state`` no rule makes a difference in it, at any
    depth: all is kept, or (``ignored``) all is ignored and goes to ``account``, too. ``frame`` is the
    directory's own, when it is ignored and something in it may be kept. ``forbidden`` tells what must not
    arrive of what is in it.
    """

    path: str
    state: DirState | None
    account: int
    ignored: bool
    needed: Cover
    frame: Frame | None
    forbidden: State


class Tally:
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
