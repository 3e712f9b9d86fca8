"""What a scan counts: against a plain reading of the walk, and case by case."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ctxsize.context import scan as scan_module
from ctxsize.context.errors import ContextError
from ctxsize.context.scan import scan as scan_by_rules
from ctxsize.context.totals import ScanResult, Totals
from ctxsize.context.walk import Entry, walk
from ctxsize.context.workers import share
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.ignore import Dialect, IgnoreFile, Matcher, parse_ignore
from tests.support.seeds import seeds
from tests.support.sources import context_sources

BOTH = pytest.mark.parametrize("dialect", list(Dialect), ids=lambda dialect: dialect.value)


def rules(text: str, dialect: Dialect = Dialect.BUILDKIT) -> IgnoreFile:
    return parse_ignore(text.encode(), ".dockerignore", dialect)


def scan(root: Path, ignore: IgnoreFile | None, dialect: Dialect, **options: Any) -> ScanResult:
    matcher = Matcher(ignore.rules, dialect, ignore.path) if ignore is not None else None
    return scan_by_rules(root, matcher, dialect, **options)


def make(root: Path, *files: str, size: int = 10) -> None:
    """Files of ``size`` bytes; a name with a final '/' is a directory."""
    for file in files:
        path = root / file
        if file.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * size)


def roots(result: ScanResult) -> dict[str, tuple[int, int, int, int]]:
    """path → rule's line, files, dirs, bytes"""
    return {
        root.path: (root.rule.line, root.totals.files, root.totals.dirs, root.totals.bytes)
        for root in result.roots
    }


def balanced(result: ScanResult) -> bool:
    kept_out = sum((root.totals for root in result.roots), Totals())
    assert result.without is not None
    by_rule = sum((rule.totals for rule in result.rules), Totals())
    return (
        result.without + result.hidden - result.eligible == kept_out + result.emptied and by_rule == kept_out
    )


class TestIgnoredRoots:
    def test_the_topmost_ignored_path_stands_for_all_below_it(self, tmp_path: Path) -> None:
        make(tmp_path, ".git/objects/1", ".git/objects/2", ".git/refs/", "main.py")
        result = scan(tmp_path, rules(".git\n"), Dialect.BUILDKIT)
        assert roots(result) == {".git": (1, 2, 3, 20)}
        assert result.eligible == Totals(1, 0, 10)
        assert result.without == Totals(3, 3, 30)

    def test_a_single_file_is_a_root(self, tmp_path: Path) -> None:
        make(tmp_path, "a.log", "d/b.log", "d/c.txt")
        result = scan(tmp_path, rules("**/*.log\n"), Dialect.BUILDKIT)
        assert roots(result) == {"a.log": (1, 1, 0, 10), "d/b.log": (1, 1, 0, 10)}

    def test_the_largest_comes_first_then_by_path(self, tmp_path: Path) -> None:
        make(tmp_path, "b", "a", size=5)
        make(tmp_path, "c", size=6)
        assert [root.path for root in scan(tmp_path, rules("*\n"), Dialect.BUILDKIT).roots] == ["c", "a", "b"]

    def test_star_and_an_exception_give_a_root_for_each_top_level_path(self, tmp_path: Path) -> None:
        make(tmp_path, "src/main.py", "doc/a", "doc/sub/b", "note")
        result = scan(tmp_path, rules("*\n!src\n"), Dialect.BUILDKIT)
        assert roots(result) == {"doc": (1, 2, 2, 20), "note": (1, 1, 0, 10)}
        assert result.eligible == Totals(1, 1, 10)

    def test_an_ignored_directory_with_a_kept_file_is_not_a_root_its_other_content_is(
        self, tmp_path: Path
    ) -> None:
        make(tmp_path, "d/keep", "d/x", "d/e/y", "d/e/z")
        result = scan(tmp_path, rules("d\n!d/keep\n"), Dialect.BUILDKIT)
        assert roots(result) == {"d/e": (1, 2, 1, 20), "d/x": (1, 1, 0, 10)}
        assert result.eligible == Totals(1, 1, 10)

    def test_an_ignored_directory_whose_exception_finds_nothing_is_one_root(self, tmp_path: Path) -> None:
        make(tmp_path, "d/x", "d/e/y", "d/e/f/")
        result = scan(tmp_path, rules("d\n!d/**/nothing\n"), Dialect.BUILDKIT)
        assert roots(result) == {"d": (1, 2, 3, 20)}
        assert result.eligible == Totals()

    def test_a_kept_file_far_below_brings_all_directories_above_it(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b/c/d/keep", "a/b/c/x", "a/y", "a/b2/z")
        result = scan(tmp_path, rules("a\n!a/b/c/d/keep\n"), Dialect.BUILDKIT)
        assert roots(result) == {"a/b/c/x": (1, 1, 0, 10), "a/b2": (1, 1, 1, 10), "a/y": (1, 1, 0, 10)}
        assert result.eligible == Totals(1, 4, 10)

    def test_the_classic_client_does_not_look_for_a_wildcard_exception(self, tmp_path: Path) -> None:
        make(tmp_path, "d/b.txt", "a.txt")
        text = "*\n!**/*.txt\n"
        assert roots(scan(tmp_path, rules(text), Dialect.BUILDKIT)) == {}
        assert roots(scan(tmp_path, rules(text), Dialect.CLASSIC)) == {"d": (1, 1, 1, 10)}


class TestRules:
    def test_every_rule_is_listed_also_when_it_decides_nothing(self, tmp_path: Path) -> None:
        make(tmp_path, "a", "b")
        result = scan(tmp_path, rules("# comment\na\nnothing\n\na\n!b\n"), Dialect.BUILDKIT)
        assert [(rule.rule.line, rule.roots, rule.totals) for rule in result.rules] == [
            (2, 1, Totals(1, 0, 10)),
            (3, 0, Totals()),
            (5, 0, Totals()),  # the path was ignored already: Docker does not ask the rule
            (6, 0, Totals()),
        ]

    def test_sums_do_not_need_the_list_of_roots(self, tmp_path: Path) -> None:
        make(tmp_path, "a.log", "b.log", "d/x")
        full = scan(tmp_path, rules("*.log\nd\n"), Dialect.BUILDKIT)
        short = scan(tmp_path, rules("*.log\nd\n"), Dialect.BUILDKIT, roots=False)
        assert short.rules == full.rules
        assert (short.roots, short.without) == ((), full.without)


class TestTheIgnoreFileItself:
    def test_kept_it_is_what_only_the_variant_with_it_has(self, tmp_path: Path) -> None:
        make(tmp_path, ".dockerignore", "a", "b")
        result = scan(tmp_path, rules("a\n"), Dialect.BUILDKIT, hidden=frozenset({".dockerignore"}))
        assert result.hidden == Totals(1, 0, 10)
        assert result.eligible == Totals(2, 0, 20)
        assert result.without == Totals(2, 0, 20)

    def test_ignored_it_is_listed_and_saves_nothing(self, tmp_path: Path) -> None:
        make(tmp_path, ".dockerignore", "a")
        result = scan(
            tmp_path, rules(".dockerignore\n"), Dialect.BUILDKIT, hidden=frozenset({".dockerignore"})
        )
        (root,) = result.roots
        assert (root.path, root.hidden, root.totals) == (".dockerignore", True, Totals())
        assert [rule.roots for rule in result.rules] == [1]
        assert result.without == result.eligible == Totals(1, 0, 10)


class TestTheClassicClientsOwnFiles:
    """It always sends the Dockerfile and the ignore file; the daemon removes what is ignored of them."""

    def test_ignored_they_are_roots_with_their_bytes(self, tmp_path: Path) -> None:
        make(tmp_path, ".dockerignore", "Dockerfile", "a")
        text = "Dockerfile\n.dockerignore\n"
        result = scan(tmp_path, rules(text), Dialect.CLASSIC, dockerfile="Dockerfile")
        assert roots(result) == {".dockerignore": (2, 1, 0, 10), "Dockerfile": (1, 1, 0, 10)}
        assert result.eligible == Totals(1, 0, 10)

    def test_a_dockerfile_in_an_ignored_directory_leaves_the_directory(self, tmp_path: Path) -> None:
        make(tmp_path, "sub/D", "sub/x", "a")
        result = scan(tmp_path, rules("sub\n"), Dialect.CLASSIC, dockerfile="sub/D")
        assert roots(result) == {"sub/D": (1, 1, 0, 10), "sub/x": (1, 1, 0, 10)}
        assert result.eligible == Totals(1, 1, 10)
        assert roots(scan(tmp_path, rules("sub\n"), Dialect.BUILDKIT, dockerfile="sub/D")) == {
            "sub": (1, 2, 1, 20)
        }


class TestHardLinks:
    """Content counts once: in the eligible part when any name is, else at the first name's root."""

    def links(self, root: Path, *names: str) -> None:
        make(root, names[0], size=1000)
        for name in names[1:]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).hardlink_to(root / names[0])

    def test_across_the_border(self, tmp_path: Path) -> None:
        self.links(tmp_path, "ignored/a", "kept/b")
        result = scan(tmp_path, rules("ignored\n"), Dialect.BUILDKIT)
        assert roots(result) == {"ignored": (1, 1, 1, 0)}
        assert (result.eligible.bytes, result.without) == (1000, Totals(2, 2, 1000))

    def test_in_two_ignored_roots_the_first_in_walk_order_has_it(self, tmp_path: Path) -> None:
        self.links(tmp_path, "z/a", "b/c", "b-/d")
        result = scan(tmp_path, rules("*\n"), Dialect.BUILDKIT)
        assert {path: row[3] for path, row in roots(result).items()} == {"b": 1000, "b-": 0, "z": 0}

    def test_with_names_outside_of_the_context(self, tmp_path: Path) -> None:
        self.links(tmp_path, "outside/a", "context/b", "context/c")
        result = scan(tmp_path / "context", None, Dialect.BUILDKIT)
        assert result.eligible == Totals(2, 0, 1000)

    def test_of_the_ignore_file(self, tmp_path: Path) -> None:
        self.links(tmp_path, ".dockerignore", "same")
        hidden = frozenset({".dockerignore"})
        kept = scan(tmp_path, rules("nothing\n"), Dialect.BUILDKIT, hidden=hidden)
        assert (kept.eligible.bytes, kept.hidden, kept.without) == (1000, Totals(1, 0, 0), Totals(1, 0, 1000))
        ignored = scan(tmp_path, rules("same\n"), Dialect.BUILDKIT, hidden=hidden)
        assert balanced(ignored)
        assert (ignored.eligible.bytes, ignored.without) == (1000, Totals(1, 0, 1000))

    def test_of_the_ignore_file_alone(self, tmp_path: Path) -> None:
        self.links(tmp_path, "outside", "context/.dockerignore")
        hidden = frozenset({".dockerignore"})
        kept = scan(tmp_path / "context", rules("x\n"), Dialect.BUILDKIT, hidden=hidden)
        assert (kept.eligible.bytes, kept.hidden, kept.without) == (1000, Totals(1, 0, 1000), Totals())
        ignored = scan(tmp_path / "context", rules(".*\n"), Dialect.BUILDKIT, hidden=hidden)
        assert (ignored.eligible, ignored.hidden, ignored.without) == (Totals(), Totals(), Totals())
        assert balanced(ignored)

    def test_of_a_file_that_is_delivered_empty_all_names_are(self, tmp_path: Path) -> None:
        self.links(tmp_path, "src/a", "z/b")
        result = scan(tmp_path, rules("*\n!src/a\nsrc\n!z\n"), Dialect.BUILDKIT)
        assert (result.eligible, result.emptied.bytes) == (Totals(2, 2, 0), 1000)
        assert balanced(result)

    def test_in_two_directories_the_first_in_walk_order_has_it(self, tmp_path: Path) -> None:
        self.links(tmp_path, *(f"{name}/x" for name in "hgfedcba"))
        result = scan(tmp_path, None, Dialect.BUILDKIT, depth=1)
        assert {item.path for item in result.directories if item.totals.bytes} == {"", "a"}

    def test_needed_once(self, tmp_path: Path) -> None:
        self.links(tmp_path, "a", "b", "c")
        sources = context_sources(parse_dockerfile(b"FROM scratch\nCOPY b c /\n", "Dockerfile"))
        assert scan(tmp_path, None, Dialect.BUILDKIT, needs=sources.cover).needed == Totals(2, 0, 1000)


class TestOddEntries:
    def test_links_loops_and_fifos(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to(".")
        os.mkfifo(tmp_path / "fifo")
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(10**12)
        assert scan(tmp_path, None, Dialect.BUILDKIT).eligible == Totals(3, 0, 10**12 + 1)

    @pytest.mark.parametrize(("dialect", "files"), [(Dialect.BUILDKIT, 2), (Dialect.CLASSIC, 1)])
    def test_sockets_never_reach_a_classic_build(self, tmp_path: Path, dialect: Dialect, files: int) -> None:
        make(tmp_path, "file")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "socket"))
            assert scan(tmp_path, None, dialect).eligible.files == files
            assert scan(tmp_path, rules("socket\n"), dialect).without == Totals(files, 0, 10)

    def test_a_file_buildkit_delivers_empty(self, tmp_path: Path) -> None:
        make(tmp_path, "src/keep.txt", "src/x")
        text = "*\n!src/keep.txt\nsrc\n"
        result = scan(tmp_path, rules(text), Dialect.BUILDKIT)
        assert (result.eligible, result.emptied) == (Totals(1, 1, 0), Totals(0, 0, 10))
        assert balanced(result)

    def test_directories_deeper_than_the_recursion_limit(self, tmp_path: Path) -> None:
        """Ignored, and possibly with something kept at the bottom: nothing recurses."""
        fd = os.open(tmp_path, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("d", dir_fd=fd)
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.close(fd)
        try:
            result = scan(tmp_path, rules("d\n!**/x\n"), Dialect.BUILDKIT)
        finally:
            os.system(f"rm -rf '{tmp_path}/d'")
        assert roots(result) == {"d": (1, 0, 1500, 0)}

    def test_a_context_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ContextError, match="there is no such directory"):
            scan(tmp_path / "missing", None, Dialect.BUILDKIT)


def test_eligible_only_does_not_enter_what_is_ignored(tmp_path: Path) -> None:
    make(tmp_path, "a", "node_modules/x/y", "b.log")
    seen: list[int] = []
    result = scan(
        tmp_path, rules("node_modules\n*.log\n"), Dialect.BUILDKIT, eligible_only=True, progress=seen.append
    )
    assert (result.eligible, result.without, result.roots) == (Totals(1, 0, 10), None, ())


class TestNeeded:
    """The eligible part that the Dockerfile takes."""

    def needed(self, root: Path, dockerfile: str, ignore: str = "") -> Totals | None:
        sources = context_sources(parse_dockerfile(dockerfile.encode(), "Dockerfile"))
        return scan(root, rules(ignore), Dialect.BUILDKIT, needs=sources.cover).needed

    def test_all_of_it(self, tmp_path: Path) -> None:
        make(tmp_path, "a", "d/b")
        assert self.needed(tmp_path, "FROM scratch\nCOPY . .\n") == Totals(2, 1, 20)

    def test_a_file_and_a_directory(self, tmp_path: Path) -> None:
        make(tmp_path, "a", "b", "src/c", "src/d/e", "other/f")
        assert self.needed(tmp_path, "FROM scratch\nCOPY a src /\n") == Totals(3, 2, 30)

    def test_a_wildcard(self, tmp_path: Path) -> None:
        make(tmp_path, "a.txt", "b.py", "x/a.txt", "x.txt/b")
        assert self.needed(tmp_path, "FROM scratch\nCOPY *.txt /\n") == Totals(2, 1, 20)

    def test_never_what_is_ignored(self, tmp_path: Path) -> None:
        make(tmp_path, "a", "d/b", "d/c")
        assert self.needed(tmp_path, "FROM scratch\nCOPY . .\n", "d\n!d/b\n") == Totals(2, 1, 20)

    def test_nothing(self, tmp_path: Path) -> None:
        make(tmp_path, "a")
        assert self.needed(tmp_path, "FROM scratch\n") == Totals()

    def test_nobody_asked(self, tmp_path: Path) -> None:
        assert scan(tmp_path, None, Dialect.BUILDKIT).needed is None


def test_totals_of_directories_down_to_a_depth(tmp_path: Path) -> None:
    make(tmp_path, "a", "d/b", "d/e/c", "d/e/f/g", "out/x", "half/keep", "half/x")
    result = scan(tmp_path, rules("out\nhalf\n!half/keep\n"), Dialect.BUILDKIT, depth=2)
    assert {item.path: item.totals for item in result.directories} == {
        "": Totals(5, 4, 50),
        "d": Totals(3, 2, 30),
        "d/e": Totals(2, 1, 20),
        "half": Totals(1, 0, 10),
    }
    assert [item.path for item in result.directories][:2] == ["", "d"]


# --- against a plain reading of the walk -----------------------------------------------------------

_NAMES = ["a", "b", "c.txt", "d", "e.log", ".dockerignore", "a-", "n\n", "é"]
_PARTS = ["a", "b", "*", "**", "?", "c.*", "*.txt", "*.log", "d", "[ab]", "a*", ".dockerignore", "é"]


def random_tree(rng: random.Random, root: Path) -> None:
    directories, files = [root], []
    for _ in range(rng.randint(1, 45)):
        path = rng.choice(directories) / rng.choice(_NAMES)
        if path.is_symlink() or path.exists():
            continue
        kind = rng.random()
        if kind < 0.35 and path.name != ".dockerignore":
            path.mkdir()
            directories.append(path)
        elif kind < 0.5 and files:
            path.hardlink_to(rng.choice(files))
        elif kind < 0.55:
            path.symlink_to("é" * rng.randint(1, 9))
        elif kind < 0.58:
            os.mkfifo(path)
        else:
            path.write_bytes(bytes(rng.randint(0, 1000)))
            files.append(path)


def random_rules(rng: random.Random) -> str:
    lines = []
    for _ in range(rng.randint(1, 6)):
        pattern = "/".join(rng.choice(_PARTS) for _ in range(rng.randint(1, 3)))
        lines.append(("!" if rng.random() < 0.4 else "") + pattern)
    return "\n".join(lines)


def count(entries: Iterator[Entry] | list[Entry]) -> Totals:
    found = list(entries)
    dirs = sum(entry.is_dir for entry in found)
    return Totals(len(found) - dirs, dirs, sum(entry.bytes for entry in found))


def expected_roots(
    root: Path, matcher: Matcher, hidden: frozenset[str]
) -> dict[str, tuple[int, int, int, int]]:
    """The slow way: everything that does not arrive, by its topmost path that does not."""
    arrived = set()
    inodes = set()
    for entry in walk(root, matcher):
        arrived.add(entry.path)
        inodes.add(entry.stat.st_ino)
        for at, char in enumerate(entry.path):
            if char == "/":
                arrived.add(entry.path[:at])
    found: dict[str, list[int]] = {}
    for entry in walk(root, None):
        if entry.path in arrived:
            continue
        at = len(entry.path)
        while (up := entry.path.rfind("/", 0, at)) >= 0 and entry.path[:up] not in arrived:
            at = up
        rule = matcher.verdict(entry.path[:at]).rule
        assert rule is not None
        row = found.setdefault(entry.path[:at], [rule.line, 0, 0, 0])
        if entry.path in hidden:
            continue
        row[2 if entry.is_dir else 1] += 1
        size = 0 if entry.is_dir else entry.stat.st_size
        linked = entry.stat.st_nlink > 1 and entry.target is None and not entry.is_dir
        if not linked or entry.stat.st_ino not in inodes:
            row[3] += size
        if linked:
            inodes.add(entry.stat.st_ino)
    return {path: (row[0], row[1], row[2], row[3]) for path, row in found.items()}


def check_against_the_walk(root: Path, text: str, dialect: Dialect, processes: int = 1) -> None:
    ignore = rules(text, dialect)
    matcher = Matcher(ignore.rules, dialect)
    hidden = frozenset({".dockerignore"})
    result = scan(root, ignore, dialect, hidden=hidden, processes=processes)
    eligible = count(walk(root, matcher))
    assert (result.eligible.files, result.eligible.bytes) == (eligible.files, eligible.bytes)
    if dialect is Dialect.BUILDKIT:
        assert result.eligible == eligible
    assert result.without == count(walk(root, None, hidden=hidden))
    assert roots(result) == expected_roots(root, matcher, hidden)
    assert balanced(result)
    pruned = scan(root, ignore, dialect, hidden=hidden, eligible_only=True, processes=processes)
    assert pruned.eligible == result.eligible
    short = scan(root, ignore, dialect, hidden=hidden, roots=False, processes=processes, depth=3)
    assert (short.eligible, short.without, short.rules) == (result.eligible, result.without, result.rules)
    assert short.directories[0].totals == result.eligible


@BOTH
@pytest.mark.parametrize("seed", seeds(1, 5))
def test_any_tree_under_any_rules(tmp_path: Path, dialect: Dialect, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(20):
        root = tmp_path / str(number)
        root.mkdir()
        random_tree(rng, root)
        for _ in range(4):
            text = random_rules(rng)
            check_against_the_walk(root, text, dialect)


@pytest.fixture
def eager_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small trees are shared among processes, too."""
    monkeypatch.setattr(scan_module, "SHARE_FROM", 1)
    monkeypatch.setattr(scan_module, "TASKS_TO_SHARE", 2)


def expected_forbidden(root: Path, matcher: Matcher, forbidden: Matcher) -> list[str]:
    """The topmost kept paths that are forbidden; with exceptions the files."""
    exceptions = any(rule.negated for rule in forbidden.rules)
    found: list[str] = []
    for entry in walk(root, matcher):
        kept = not matcher.verdict(entry.path, entry.is_dir).ignored and not (exceptions and entry.is_dir)
        told = any(entry.path.startswith(f"{above}/") for above in found)
        if kept and not told and forbidden.verdict(entry.path).ignored:
            found.append(entry.path)
    return found


@BOTH
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("seed", seeds(1, 3))
@pytest.mark.usefixtures("eager_sharing")
def test_forbidden_and_largest_files_are_those_of_a_walk_and_change_no_count(
    tmp_path: Path, dialect: Dialect, seed: int, processes: int
) -> None:
    rng = random.Random(f"forbidden {seed}")
    for number in range(10):
        root = tmp_path / str(number)
        root.mkdir()
        random_tree(rng, root)
        for only_positive in (True, False):
            ignore, forbid = rules(random_rules(rng), dialect), rules(random_rules(rng), dialect).rules
            forbid = tuple(rule for rule in forbid if not (only_positive and rule.negated))
            matcher, forbidden = Matcher(ignore.rules, dialect), Matcher(forbid, dialect)
            plain = scan(root, ignore, dialect, processes=1)
            for eligible_only in (True, False):
                found = scan(
                    root,
                    ignore,
                    dialect,
                    eligible_only=eligible_only,
                    forbidden=forbidden,
                    largest=3,
                    processes=processes,
                )
                assert found.eligible == plain.eligible
                if not eligible_only:
                    assert (found.without, found.roots, found.rules) == (
                        plain.without,
                        plain.roots,
                        plain.rules,
                    )
                assert [path for path, _ in found.forbidden] == expected_forbidden(root, matcher, forbidden)
                sizes = [(entry.path, entry.bytes) for entry in walk(root, matcher) if not entry.is_dir]
                sized = sorted((each for each in sizes if each[1]), key=lambda each: -each[1])
                assert list(found.largest) == sized[:3]


@BOTH
@pytest.mark.parametrize("seed", seeds(1, 4))
@pytest.mark.usefixtures("eager_sharing")
def test_processes_agree_with_one(tmp_path: Path, dialect: Dialect, seed: int) -> None:
    rng = random.Random(f"processes {seed}")
    for number in range(5):
        root = tmp_path / str(number)
        root.mkdir()
        random_tree(rng, root)
        for _ in range(2):
            check_against_the_walk(root, random_rules(rng), dialect, processes=3)


@BOTH
@pytest.mark.usefixtures("eager_sharing")
def test_two_processes_with_half_of_the_tree_each(
    tmp_path: Path, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both open accounts of their own, and meet names of the same files."""

    def halves(
        tasks: int,
        helpers: int,
        work: Callable[[Iterator[int]], object],
        help_out: Callable[[int, Iterator[int]], object],
    ) -> list[object]:
        return share(
            0, 1, lambda _: work(iter(range(0, tasks, 2))), lambda n, _: help_out(n, iter(range(1, tasks, 2)))
        )

    monkeypatch.setattr(scan_module, "share", halves)
    for top in range(8):
        make(tmp_path, f"{top}/x/y/f", f"{top}/x/e/g", f"{top}/k/l/m", f"{top}/log.log", size=100 + top)
        if top:
            for name in ("x/y/h", "k/h", "h.log"):
                (tmp_path / f"{top}" / name).hardlink_to(tmp_path / f"{top - 1}" / "x/y/f")
    for text in ("*/x\n!*/x/e/nothing\n", "**/x\n*/k\n!*/x/e\n**/*.log\n", "[0-5]/*\n!?/k/l\n"):
        check_against_the_walk(tmp_path, text, dialect, processes=2)


class TestSuspects:
    def test_the_paths_of_the_names_asked_for_whatever_becomes_of_them(self, tmp_path: Path) -> None:
        make(tmp_path, "x", "kept/x", "ignored/deep/x", "x2", "partly/x", "partly/y", "dir/x/")
        found = scan(
            tmp_path,
            rules("ignored\npartly\n!partly/y\n"),
            Dialect.BUILDKIT,
            suspects=lambda directory, names: [name for name in names if name == "x"],
        )
        assert found.suspects == ("dir/x", "ignored/deep/x", "kept/x", "partly/x", "x")

    def test_asked_once_per_listing_with_its_directory(self, tmp_path: Path) -> None:
        make(tmp_path, "a/1", "a/2", "b")
        asked = []

        def suspects(directory: str, names: Sequence[str]) -> Sequence[str]:
            asked.append((directory, sorted(names)))
            return ()

        assert scan(tmp_path, None, Dialect.BUILDKIT, suspects=suspects).suspects == ()
        assert asked == [("", ["a", "b"]), ("a", ["1", "2"])]

    def test_those_of_other_processes_are_among_them(self, tmp_path: Path) -> None:
        make(tmp_path, *(f"d{number:03}/{name}" for number in range(300) for name in ("x", *"abcdefghijkl")))
        everything = scan(
            tmp_path,
            None,
            Dialect.BUILDKIT,
            suspects=lambda directory, names: ["x"] * ("x" in names),
            processes=2,
        )
        assert everything.suspects == tuple(f"d{number:03}/x" for number in range(300))

    def test_what_is_not_entered_has_none(self, tmp_path: Path) -> None:
        make(tmp_path, "ignored/x", "x")
        found = scan(
            tmp_path,
            rules("ignored\n"),
            Dialect.BUILDKIT,
            eligible_only=True,
            suspects=lambda _, names: names,
        )
        assert found.suspects == (".dockerignore", "ignored", "x")[1:]


@pytest.mark.parametrize("processes", [1, 3])
def test_of_very_many_forbidden_files_the_first_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr("ctxsize.context.books.MOST_FORBIDDEN", 30)
    monkeypatch.setattr(scan_module, "SHARE_FROM", 200)
    make(tmp_path, *(f"d{number % 100:02}/{number}" for number in range(1000)))
    bad = Matcher.from_patterns(["*/*"], Dialect.BUILDKIT)
    found = scan(tmp_path, None, Dialect.BUILDKIT, forbidden=bad, processes=processes)
    everything = [entry.path for entry in walk(tmp_path, None) if not entry.is_dir]
    assert [path for path, _ in found.forbidden] == everything[:30]
    assert found.forbidden_count == 1000
