"""Include, exclude and follow patterns select what fsutil selects."""

from __future__ import annotations

import pytest

from ctxsize.engine.builders.buildkit import SessionMatcher
from ctxsize.engine.buildkit import filter as filter_module
from ctxsize.engine.buildkit.filter import Filter, follow_links, without_nested
from tests.engine.buildkit.docker_patterns import DockerPatterns


class Tree:
    """Links and directories by name: ``None`` is a directory, ``""`` a file, anything else a link's
    target."""

    def __init__(self, entries: dict[str, str | None]) -> None:
        self.entries = entries

    def readlink(self, path: str) -> str | None:
        return self.entries.get(path) or None

    def names(self, directory: str) -> list[str]:
        prefix = "" if directory == "." else directory + "/"
        return sorted(
            p.removeprefix(prefix) for p in self.entries if p.rpartition("/")[0] == prefix.rstrip("/")
        )


TREE = Tree(
    {
        "a": None,
        "a/file": "",
        "a/up": "../b",
        "b": None,
        "b/file": "",
        "to-a": "a",
        "to-file": "./a/file",
        "absolute": "/b/file",
        "outside": "../../b/file",
        "dangling": "nowhere",
        "loop": "loop",
        "ping": "pong",
        "pong": "ping",
        "root": "/",
        "!odd": "a/file",
    }
)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/file"], ["a/file"]),
        (["missing/file"], ["missing/file"]),
        (["to-file"], ["a/file", "to-file"]),
        (["to-a/file"], ["a/file", "to-a"]),
        (["to-a/up/file"], ["a/up", "b/file", "to-a"]),
        (["absolute"], ["absolute", "b/file"]),
        (["outside"], ["b/file", "outside"]),
        (["dangling"], ["dangling", "nowhere"]),
        (["loop"], ["loop"]),
        (["loop/x"], ["loop"]),
        (["ping"], ["ping", "pong"]),
        (["root"], None),
        (["/"], None),
        (["."], None),
        (["to-*"], ["a", "to-*"]),
        (["b/f*"], ["b/f*"]),
        (["a/u?"], ["a/u?", "b"]),
        (["!od*"], ["!od*", "a/file"]),
        (["a", "a/file", "b/file"], ["a", "b/file"]),
        (["a/", "/b//file"], ["a", "b/file"]),
    ],
)
def test_following_links(paths: list[str], expected: list[str] | None) -> None:
    assert follow_links(paths, TREE, DockerPatterns) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a", "a/b", "ab"], ["a", "ab"]),
        (["b", "a/b"], ["b", "a/b"]),
        (["a", "."], None),
        ([], []),
    ],
)
def test_paths_below_the_one_before_are_dropped(paths: list[str], expected: list[str] | None) -> None:
    assert without_nested(paths) == expected


@pytest.mark.parametrize(
    ("include", "exclude", "path", "listed", "entered"),
    [
        ([], [], "any", True, True),
        (["src"], [], "src", True, True),
        (["src/deep"], [], "src", False, True),
        (["src/deep"], [], "docs", False, False),
        (["src/*"], [], "src", False, True),
        (["s*c"], [], "docs", False, True),
        ([], ["docs"], "docs", False, False),
        ([], ["docs", "!docs/keep"], "docs", False, True),
        ([], ["docs", "!other"], "docs", False, False),
        ([], ["docs", "!**/keep"], "docs", False, True),
        (["docs"], ["docs"], "docs", False, False),
    ],
)
def test_directories_are_listed_and_entered(
    include: list[str], exclude: list[str], path: str, listed: bool, entered: bool
) -> None:
    selected = Filter(include, exclude, DockerPatterns)
    assert selected.visit(selected.root(), path, path, True) == (listed, entered)


def test_a_file_kept_by_the_walk_may_still_not_be_opened() -> None:
    selected = Filter([], ["*", "!src/app.py", "src"], DockerPatterns)
    below = selected.child(selected.root(), "src")
    assert selected.visit(below, "src/app.py", "app.py", False) == (True, False)
    assert not selected.opens("src/app.py")


def test_a_malformed_pattern_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="syntax"):
        Filter([], ["[a"], DockerPatterns)


class ManyNames:
    """A root with many files and a chain of links."""

    def __init__(self, names: int = 0, links: int = 0) -> None:
        self._names = [f"name{number}" for number in range(names)]
        self._links = links

    def readlink(self, path: str) -> str | None:
        number = int(path.removeprefix("link")) if path.startswith("link") else self._links
        return f"link{number + 1}" if number < self._links else None

    def names(self, directory: str) -> list[str]:
        return self._names


def test_what_is_asked_for_to_be_followed_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """One request with ten thousand wildcards over a large directory took minutes."""
    monkeypatch.setattr(filter_module, "MOST_FOLLOWED", 10_000)
    many = ManyNames(names=1000)
    assert follow_links(["*1"] * 100, many, SessionMatcher) is not None

    with pytest.raises(ValueError, match="more than 10000 names"):
        follow_links([f"*{number}" for number in range(11)], many, SessionMatcher)
    with pytest.raises(ValueError, match="too many links lead to one another"):
        follow_links(["link0"], ManyNames(links=5000), SessionMatcher)
