"""The accounts a scan books into, and the result that is drawn from them.

An account is the eligible part of a directory, or one ignored root. What one process counted can be
added to another's books.
"""

from __future__ import annotations

import os
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

from ctxsize.context.forbidden import MOST_FORBIDDEN
from ctxsize.context.links import Inode, Links, WalkKey, path_of, walk_key
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.totals import DirTotals, IgnoredRoot, RuleTotals, ScanResult, Totals
from ctxsize.ignore.types import Rule

NEEDED, HIDDEN, EMPTIED, ROOT = range(4)  # accounts every scan has; ROOT is the context's eligible part


class Account(NamedTuple):
    """Whose account it is: ``rule`` is the index of an ignored root's rule, −1 for an eligible directory.

    ``arrives`` is False for an ignored directory of which nothing was met yet that is kept. ``hidden``:
    the root is the ignore file itself.
    """

    path: str
    rule: int
    is_dir: bool = True
    arrives: bool = True
    hidden: bool = False


class Largest:
    """The ``most`` largest of the files it is told of. Those below ``floor`` bytes are none of them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.floor = 1
        self._files: list[tuple[str, int]] = []

    def add(self, size: int, path: str) -> None:
        """One more file."""
        if self.most and size >= self.floor:
            self._files.append((path, size))
            if len(self._files) > 8 * self.most:
                self._files = self.files()
                self.floor = self._files[-1][1]

    def files(self) -> list[tuple[str, int]]:
        """Paths and bytes, the largest first, then in the order of a walk."""
        return sorted(self._files, key=lambda item: (-item[1], walk_key(item[0])))[: self.most]


class First:
    """The first ``most`` of the paths it is told of, in the order of a walk, and how many there are."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.count = 0
        self._last: WalkKey | None = None  # those after it are none of them
        self._paths: list[tuple[WalkKey, str, Rule]] = []

    def add(self, path: str, rule: Rule) -> None:
        """One more path, which the rule matches."""
        self.count += 1
        key = walk_key(path)
        if self._last is None or key < self._last:
            self._paths.append((key, path, rule))
            if len(self._paths) >= 2 * self.most:
                self._cut()
                self._last = self._paths[-1][0]

    def _cut(self) -> None:
        self._paths.sort(key=itemgetter(0))
        del self._paths[self.most :]

    def paths(self) -> list[tuple[str, Rule]]:
        """The paths, each with its rule."""
        self._cut()
        return [(path, rule) for _, path, rule in self._paths]

    def merge(self, other: First) -> None:
        """Add what another process was told of."""
        left = other.count - len(other._paths)
        for _, path, rule in other._paths:
            self.add(path, rule)
        self.count += left


class Books:
    """Counts by account number. ``files``, ``dirs``, ``bytes``, ``suspects``, ``unread``, ``forbidden``,
    ``partly`` and ``largest`` are for the scanner to add to."""

    def __init__(self, *, list_roots: bool, largest: int = 0) -> None:
        self.files: list[int] = []
        self.dirs: list[int] = []
        self.bytes: list[int] = []
        self.suspects: list[str] = []  # paths
        self.unread: list[tuple[str, bool]] = []  # directories: path, whether it is ignored
        self.forbidden = First(MOST_FORBIDDEN)
        self.partly: list[str] = []  # paths that were asked about
        self.largest = Largest(largest)
        self.links = Links()
        self._list_roots = list_roots
        self._accounts: list[Account] = []
        self._absorbed_by: list[int] = []  # the account that took this one in, or −1
        self._single: list[tuple[str, int, int]] = []  # ignored roots that are files: path, rule, bytes
        self._unlisted: dict[int, list[int]] = {}  # by rule, when nobody asked for paths: files, bytes
        for _ in range(ROOT + 1):
            self.open(Account("", -1))

    def __len__(self) -> int:
        return len(self._accounts)

    def open(self, account: Account) -> int:
        """A new account's number."""
        self._accounts.append(account)
        self.files.append(0)
        self.dirs.append(0)
        self.bytes.append(0)
        self._absorbed_by.append(-1)
        return len(self._accounts) - 1

    def arrives(self, number: int) -> None:
        """The ignored directory of this account has something kept in it."""
        self._accounts[number] = self._accounts[number]._replace(arrives=True)

    def absorb(self, number: int, by: int) -> None:
        """All that is or will be in account ``number`` belongs to ``by``, an account opened later."""
        self._absorbed_by[number] = by

    def ignored_file(self, prefix: str, name: str, rule: int, size: int) -> None:
        """Book an ignored root that is a file of ``size`` bytes."""
        if self._list_roots:
            self._single.append((prefix + name, rule, size))
            return
        sums = self._unlisted.setdefault(rule, [0, 0])
        sums[0] += 1
        sums[1] += size

    def settle(self, inode: Inode) -> None:
        """Book the content of a hard-linked file, when nothing more can become known of its names."""
        name = inode.eligible
        if name is None:
            if inode.ignored is not None:
                self.bytes[inode.ignored.account] += inode.size
            return
        if name.emptied:
            self.bytes[EMPTIED] += inode.size
            return
        self.bytes[name.account] += inode.size
        self.largest.add(inode.size, path_of(name.key))
        if inode.needed:
            self.bytes[NEEDED] += inode.size
        if not inode.shown:
            self.bytes[HIDDEN] += inode.size

    def clear(self) -> None:
        """Forget what was counted but keep the accounts: what a fork starts with."""
        for counts in (self.files, self.dirs, self.bytes):
            counts[:] = [0] * len(counts)
        self.suspects = []
        self.unread = []
        self.forbidden = First(MOST_FORBIDDEN)
        self.partly = []
        self.largest = Largest(self.largest.most)
        self._single = []
        self._unlisted = {}
        self.links = Links()

    def add(self, other: Books, shared: int) -> None:
        """Add the books of a fork that was made when there were ``shared`` accounts."""
        offset = len(self) - shared
        for ours, theirs in ((self.files, other.files), (self.dirs, other.dirs), (self.bytes, other.bytes)):
            for number in range(shared):
                ours[number] += theirs[number]
            ours += theirs[shared:]
        self._accounts += other._accounts[shared:]
        self._absorbed_by += [by if by < 0 else by + offset for by in other._absorbed_by[shared:]]
        self.suspects += other.suspects
        self.unread += other.unread
        self.forbidden.merge(other.forbidden)
        self.partly += other.partly
        for path, size in other.largest.files():
            self.largest.add(size, path)
        self._single += other._single
        for rule, (files, size) in other._unlisted.items():
            sums = self._unlisted.setdefault(rule, [0, 0])
            sums[0] += files
            sums[1] += size
        other.links.renumber(shared, offset)
        self.links.merge(other.links)

    def result(self, rules: tuple[Rule, ...], *, eligible_only: bool, needed: bool) -> ScanResult:
        """Close the books."""
        for inode in self.links.settle():
            self.settle(inode)
        self._take_in()
        ours = (number for number in range(ROOT, len(self)) if self._accounts[number].rule < 0)
        eligible = sum(map(self._totals, ours), Totals())
        per_rule = self._per_rule(rules)
        hidden, emptied = self._totals(HIDDEN), self._totals(EMPTIED)
        kept_out = sum((rule.totals for rule in per_rule if rule.roots), Totals())
        return ScanResult(
            eligible=eligible,
            without=None if eligible_only or self.unread else eligible - hidden + kept_out + emptied,
            hidden=hidden,
            emptied=emptied,
            needed=self._totals(NEEDED) if needed else None,
            roots=self._roots(rules),
            rules=per_rule,
            directories=self._directories(),
            suspects=tuple(sorted(self.suspects, key=os.fsencode)),
            forbidden=tuple(self.forbidden.paths()),
            forbidden_count=self.forbidden.count,
            partly=frozenset(self.partly),
            largest=tuple(self.largest.files()),
            unread=tuple(sorted(path for path, _ in self.unread)),
            eligible_unread=any(not ignored for _, ignored in self.unread),
        )

    def _totals(self, number: int) -> Totals:
        return Totals(self.files[number], self.dirs[number], self.bytes[number])

    def _ours(self, number: int) -> bool:
        """Whether the account stands for itself in the result."""
        return number >= ROOT and self._absorbed_by[number] < 0

    def _take_in(self) -> None:
        """Add what absorbed accounts hold to those that absorbed them, which were opened later: in the
        order of their numbers it gets to the last of a chain."""
        for number, by in enumerate(self._absorbed_by):
            if by >= 0:
                for counts in (self.files, self.dirs, self.bytes):
                    counts[by] += counts[number]

    def _per_rule(self, rules: tuple[Rule, ...]) -> tuple[RuleTotals, ...]:
        roots, files, dirs, sizes = ([0] * len(rules) for _ in range(4))
        for _, index, size in self._single:
            roots[index] += 1
            files[index] += 1
            sizes[index] += size
        for index, (count, size) in self._unlisted.items():
            roots[index] += count
            files[index] += count
            sizes[index] += size
        for number, account in enumerate(self._accounts):
            if account.rule >= 0 and self._ours(number):
                roots[account.rule] += 1
                files[account.rule] += self.files[number]
                dirs[account.rule] += self.dirs[number]
                sizes[account.rule] += self.bytes[number]
        nothing = Totals()  # shared by the rules that keep nothing out: there can be half a million
        return tuple(
            RuleTotals(
                rule,
                roots[index],
                Totals(files[index], dirs[index], sizes[index]) if roots[index] else nothing,
            )
            for index, rule in enumerate(rules)
        )

    def _roots(self, rules: tuple[Rule, ...]) -> tuple[IgnoredRoot, ...]:
        if not self._list_roots:
            return ()
        roots = [
            IgnoredRoot(path, False, rules[rule], Totals(1, 0, size)) for path, rule, size in self._single
        ]
        roots += [
            IgnoredRoot(
                account.path, account.is_dir, rules[account.rule], self._totals(number), account.hidden
            )
            for number, account in enumerate(self._accounts)
            if account.rule >= 0 and self._ours(number)
        ]
        if self.unread:
            by_path = IgnoredRoots(root.path for root in roots)
            unread = {by_path.of(path) for path, _ in self.unread}
            roots = [replace(root, unread=True) if root.path in unread else root for root in roots]
        roots.sort(key=lambda root: (-root.totals.bytes, os.fsencode(root.path)))
        return tuple(roots)

    def _directories(self) -> tuple[DirTotals, ...]:
        """The eligible directories that have accounts, each with what is in the ones below it."""
        sums: dict[str, Totals] = {}
        for number, account in enumerate(self._accounts):
            if account.rule >= 0 or number < ROOT or not account.arrives:
                continue
            totals, path = self._totals(number), account.path
            sums[path] = sums.get(path, Totals()) + totals
            while path:
                path = path.rpartition("/")[0]
                sums[path] = sums.get(path, Totals()) + totals
        unread: set[str] = set()
        for path, ignored in self.unread:
            while not ignored and path not in unread:
                unread.add(path)
                path = path.rpartition("/")[0]
        found = [DirTotals(path, totals, path in unread) for path, totals in sums.items()]
        found.sort(key=lambda item: (-item.totals.bytes, os.fsencode(item.path)))
        return tuple(found)
