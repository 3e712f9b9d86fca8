"""Where the two builders disagree: case by case, and against two separate walks."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ctxsize.context.walk import walk
from ctxsize.ignore import Dialect, Matcher, parse_ignore
from ctxsize.project import open_project
from ctxsize.survey.dialects import PathDifference, dialect_differences, disagreement
from tests.support.seeds import seeds


def make(root: Path, *files: str, size: int = 3) -> None:
    """Files of ``size`` bytes; a name with a final '/' is a directory."""
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(b"x" * size)


def rules(text: str, dialect: Dialect) -> Matcher:
    return Matcher(parse_ignore(text.encode(), ".dockerignore", dialect).rules, dialect)


def rows(root: Path, text: str) -> list[tuple[str, str, str]]:
    """path (with a '/' for a directory), what BuildKit does, what classic does"""
    found = dialect_differences(root, rules(text, Dialect.BUILDKIT), rules(text, Dialect.CLASSIC))
    assert found.count == len(found.paths)
    return [(item.path + "/" * item.is_dir, item.buildkit, item.classic) for item in found.paths]


def dockerfile_rows(root: Path, text: str, dockerfile: str) -> list[tuple[str, str, str]]:
    """As :func:`rows`, for a build with that Dockerfile."""
    both = [rules(text, dialect) for dialect in Dialect]
    found = dialect_differences(root, both[0], both[1], dockerfile=dockerfile)
    return [(item.path + "/" * item.is_dir, item.buildkit, item.classic) for item in found.paths]


class TestDifferences:
    def test_without_exceptions_there_are_none_and_nothing_is_read(self, tmp_path: Path) -> None:
        assert rows(tmp_path / "nowhere", "*\n**/*.pyc\n") == []

    def test_classic_does_not_look_for_a_wildcard_exception(self, tmp_path: Path) -> None:
        make(tmp_path, "a.txt", "d/b.txt", "d/c.py")
        assert rows(tmp_path, "*\n!**/*.txt\n") == [("d/b.txt", "kept", "ignored")]

    def test_a_directory_stands_for_all_in_it(self, tmp_path: Path) -> None:
        make(tmp_path, "d/b.txt", "d/e/c.txt", "f/g.py")
        assert rows(tmp_path, "*\n!**/*.txt\n") == [("d/", "kept", "ignored")]

    def test_an_empty_directory_that_only_one_delivers(self, tmp_path: Path) -> None:
        make(tmp_path, "x/keep/", "x/other")
        assert rows(tmp_path, "x\n!*/keep\n") == [("x/keep/", "kept", "ignored")]

    def test_a_kept_directory_whose_content_is_ignored_stands_for_itself(self, tmp_path: Path) -> None:
        make(tmp_path, "x/keep/f", "x/other")
        assert rows(tmp_path, "x\n!*/keep\n**/f\n") == [("x/keep/", "kept", "ignored")]

    def test_buildkit_delivers_an_empty_file(self, tmp_path: Path) -> None:
        make(tmp_path, "src/keep.txt", "src/x")
        assert rows(tmp_path, "*\n!src/keep.txt\nsrc\n") == [("src/keep.txt", "emptied", "kept")]

    def test_a_file_that_is_empty_anyway_makes_no_difference(self, tmp_path: Path) -> None:
        make(tmp_path, "src/keep.txt", size=0)
        assert rows(tmp_path, "*\n!src/keep.txt\nsrc\n") == []

    def test_the_first_paths_are_listed_and_all_are_counted(self, tmp_path: Path) -> None:
        make(tmp_path, "z", *(f"d/{number:02}/{name}" for number in range(30) for name in ("a.txt", "b.py")))
        files = [rules("*\n!**/*.txt\n", dialect) for dialect in Dialect]
        found = dialect_differences(tmp_path, files[0], files[1], most=3)
        assert found.count == 30
        assert [item.path for item in found.paths] == ["d/00/a.txt", "d/01/a.txt", "d/02/a.txt"]

    def test_two_different_files(self, tmp_path: Path) -> None:
        make(tmp_path, "a", "b", "c")
        found = dialect_differences(
            tmp_path, rules("a\nb\n", Dialect.BUILDKIT), rules("b\nc\n", Dialect.CLASSIC)
        )
        assert found.paths == (
            PathDifference("a", False, "ignored", "kept"),
            PathDifference("c", False, "kept", "ignored"),
        )

    def test_two_files_that_differ_below_a_directory_both_keep(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b", "a/c/d", "e/f")
        found = dialect_differences(
            tmp_path, rules("e\n", Dialect.BUILDKIT), rules("a/**\ne\n", Dialect.CLASSIC)
        )
        assert found.paths == (
            PathDifference("a/b", False, "kept", "ignored"),
            PathDifference("a/c", True, "kept", "ignored"),
        )

    def test_two_files_of_which_one_ignores_an_empty_directory(self, tmp_path: Path) -> None:
        make(tmp_path, "a/", "b/c")
        found = dialect_differences(
            tmp_path, rules("b/**\n", Dialect.BUILDKIT), rules("a\nb\n", Dialect.CLASSIC)
        )
        assert found.paths == (
            PathDifference("a", True, "kept", "ignored"),
            PathDifference("b", True, "kept", "ignored"),
        )

    def test_the_classic_client_enters_a_directory_for_the_dockerfile(self, tmp_path: Path) -> None:
        make(tmp_path, "sub/D", "sub/a.txt", "sub/b")
        assert dockerfile_rows(tmp_path, "sub\n", "sub/D") == [("sub/", "ignored", "kept")]
        assert dockerfile_rows(tmp_path, "*\n!**/*.txt\n", "sub/D") == []
        assert dockerfile_rows(tmp_path, "*\n!**/*.txt\n", "D") == [("sub/a.txt", "kept", "ignored")]

    def test_a_file_and_none(self, tmp_path: Path) -> None:
        make(tmp_path, "a/b", "c")
        found = dialect_differences(tmp_path, None, rules("a\n", Dialect.CLASSIC))
        assert found.paths == (PathDifference("a", True, "kept", "ignored"),)


PIECES = ["a", "b", "c", "*", "**", "a*", "[ab]", "d.txt", "*.txt"]


def random_rules(rng: random.Random) -> str:
    """Something broad ignored, wildcard exceptions in it, and more."""
    patterns = ["/".join(rng.choices(PIECES, k=rng.randint(1, 3))) for _ in range(rng.randint(2, 5))]
    lines = [("!" if rng.random() < 0.6 else "") + pattern for pattern in patterns]
    return "\n".join([rng.choice(["*", "a", "[ab]", "a*"]), *lines]) + "\n"


def random_tree(root: Path, rng: random.Random) -> None:
    for _ in range(14):
        parts = rng.choices(["a", "b", "c", "ab"], k=rng.randint(0, 3))
        directory = root.joinpath(*parts)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / rng.choice(["d.txt", "e", "f.txt"])).write_bytes(b"x" * rng.choice([0, 2, 2]))


def fates(root: Path, text: str, dialect: Dialect) -> dict[str, str]:
    """What a walk of one dialect alone delivers, with the directories above it."""
    found: dict[str, str] = {}
    for entry in walk(root, rules(text, dialect)):
        found[entry.path] = "emptied" if entry.emptied and entry.stat.st_size else "kept"
        above = entry.path
        while "/" in above:
            above = above.rpartition("/")[0]
            found.setdefault(above, "kept")
    return found


@pytest.mark.parametrize("seed", seeds(1, 4))
def test_agrees_with_two_walks_of_random_trees(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    differing = 0
    for number in range(3):
        root = tmp_path / str(number)
        random_tree(root, rng)
        everything = [entry.path for entry in walk(root, None)]
        for _ in range(40):
            text = other = random_rules(rng)
            if rng.random() < 0.3:  # BuildKit may have an ignore file of its own
                other = "\n".join(rng.sample(PIECES, k=2)) + "/**\n"
            ours, theirs = fates(root, text, Dialect.BUILDKIT), fates(root, other, Dialect.CLASSIC)
            pairs = {path: (ours.get(path, "ignored"), theirs.get(path, "ignored")) for path in everything}
            differ = {path for path, pair in pairs.items() if pair[0] != pair[1]}
            found = dialect_differences(
                root, rules(text, Dialect.BUILDKIT), rules(other, Dialect.CLASSIC), most=999
            )
            assert found.count == len(found.paths), text
            explained: set[str] = set()
            for item in found.paths:
                below = {path for path in everything if path.startswith(f"{item.path}/")}
                assert (item.buildkit, item.classic) == pairs[item.path], (text, item)
                if not below & differ:  # the directory alone, or a file
                    below = set()
                assert all(pairs[path] == pairs[item.path] for path in below), (text, item)
                above = {path for path in everything if item.path.startswith(f"{path}/")}
                explained |= {item.path} | below | (above & differ)
            assert explained == differ, text
            differing += bool(differ)
    assert differing > 12  # or the sweep says nothing


class TestDisagreement:
    def explain(self, root: Path, dialect: Dialect = Dialect.BUILDKIT, dockerfile: str = "Dockerfile") -> str:
        there = root / dockerfile if (root / dockerfile).exists() else None
        found = disagreement(open_project(root, dockerfile=there, dialect=dialect, required=False))
        return f"{found.where}: {found.message}" if found else ""

    def test_none(self, tmp_path: Path) -> None:
        assert self.explain(tmp_path) == ""
        (tmp_path / ".dockerignore").write_text("*\n!a\n")
        assert self.explain(tmp_path) == ""

    @pytest.mark.parametrize("dialect", Dialect)
    def test_both_say_the_same(self, tmp_path: Path, dialect: Dialect) -> None:
        make(tmp_path, *(f"{name}/{kind}" for name in "abcd" for kind in ("x.txt", "y")))
        (tmp_path / ".dockerignore").write_text("*\n!**/*.txt\n")
        assert self.explain(tmp_path, dialect) == (
            ".dockerignore: BuildKit and the classic builder differ in 4 paths:"
            " a/x.txt (kept by BuildKit, ignored by the classic builder),"
            " b/x.txt (kept by BuildKit, ignored by the classic builder),"
            " c/x.txt (kept by BuildKit, ignored by the classic builder) and 1 more"
        )

    def test_an_ignore_file_of_the_dockerfiles_own(self, tmp_path: Path) -> None:
        make(tmp_path, "a")
        (tmp_path / "Dockerfile.dockerignore").write_text("a\n")
        assert self.explain(tmp_path) == (
            "Dockerfile.dockerignore: BuildKit reads Dockerfile.dockerignore and the classic builder no"
            " ignore file: they differ in 1 path: a (ignored by BuildKit, kept by the classic builder)"
        )

    def test_a_directory_of_the_files_name(self, tmp_path: Path) -> None:
        (tmp_path / ".dockerignore").mkdir()
        assert "the classic builder refuses this project: " in self.explain(tmp_path)

    def test_a_pattern_that_buildkit_cannot_transport(self, tmp_path: Path) -> None:
        (tmp_path / ".dockerignore").write_text("a\tb\n")
        assert "BuildKit refuses this project: .dockerignore:1: " in self.explain(tmp_path, Dialect.CLASSIC)

    def test_a_dockerfile_that_the_classic_client_leaves_out(self, tmp_path: Path) -> None:
        make(tmp_path, "sub/D")
        (tmp_path / ".dockerignore").write_text("**/sub\n")
        assert self.explain(tmp_path, dockerfile="sub/D") == (
            ".dockerignore: the classic builder's client does not send sub/D, so that its builds fail;"
            " add a line !sub/D"
        )

    def test_names_are_made_harmless(self, tmp_path: Path) -> None:
        make(tmp_path, "d/\x1b[31m\n.txt", "d/y")
        os.close(os.open(os.fsencode(tmp_path) + b"/d/\xff.txt", os.O_CREAT))
        (tmp_path / ".dockerignore").write_text("*\n!**/*.txt\n")
        said = self.explain(tmp_path)
        assert "d/\\x1b[31m\\n.txt (" in said
        assert "d/\\xff.txt (" in said
