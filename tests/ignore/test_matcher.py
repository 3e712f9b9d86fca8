"""What rules together do to a path: last match, parents, exceptions, and what the two walkers enter."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ctxsize.errors import IgnoreFileError
from ctxsize.ignore import Dialect, Matcher, PatternError, parse_ignore
from ctxsize.ignore.pattern import compile_pattern, matches_path
from ctxsize.ignore.types import Rule
from tests.support.seeds import seeds
from tests.support.yardstick import within

BUILDKIT, CLASSIC = Dialect.BUILDKIT, Dialect.CLASSIC
BOTH = (BUILDKIT, CLASSIC)


def matcher(*lines: str, dialect: Dialect = BUILDKIT) -> Matcher:
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    return Matcher(parse_ignore(data, ".dockerignore", dialect).rules, dialect)


def fate(rules: Matcher, path: str) -> str:
    """One word for what happens to a file: kept, emptied, ignored, unreached (an exception is in vain)."""
    verdict = rules.verdict(path)
    if verdict.ignored:
        return "ignored"
    if verdict.unreached:
        return "unreached"
    return "emptied" if verdict.emptied else "kept"


@pytest.mark.parametrize(
    ("lines", "path", "buildkit", "classic"),
    [
        # The last rule that matches decides
        (["a"], "a", "ignored", "ignored"),
        (["a", "!a"], "a", "kept", "kept"),
        (["*.tar.gz"], "a.tar.gz", "ignored", "ignored"),
        (["!a", "a"], "a", "ignored", "ignored"),
        (["*.md", "!README.md"], "README.md", "kept", "kept"),
        (["*.md", "!README*.md", "README-secret.md"], "README-secret.md", "ignored", "ignored"),
        (["*.md", "README-secret.md", "!README*.md"], "README-secret.md", "kept", "kept"),
        # A rule that matched a parent counts for the child
        (["a"], "a/b/c", "ignored", "ignored"),
        (["a", "!a/b"], "a/b/c", "kept", "kept"),
        (["a", "!a/b", "a/b/c"], "a/b/c/d", "ignored", "ignored"),
        (["*", "!a"], "a/b", "kept", "kept"),
        (["a/*", "!a/b"], "a/c/d", "ignored", "ignored"),
        # … but only if Docker asked it there: an exception is not asked about what is kept
        (["docs/*", "!docs"], "docs/x", "ignored", "ignored"),
        (["*", "!docs"], "docs/x", "kept", "kept"),
        (["**/c", "!a/b/c/inc"], "a/b/c/inc", "kept", "kept"),
        (["**/c", "!a/b/c/inc"], "a/b/c/other", "ignored", "ignored"),
        # Exceptions inside ignored directories: classic enters only where one literally starts
        (["*", "!**/*.txt"], "b.txt", "kept", "kept"),
        (["*", "!**/*.txt"], "d/b.txt", "kept", "ignored"),
        (["*", "!d/*.txt"], "d/b.txt", "kept", "kept"),
        (["*", "!d*/b.txt"], "d/b.txt", "kept", "ignored"),
        (["*", "!*/b.txt"], "*/b.txt", "kept", "kept"),  # a directory that is really called *
        (["d", "!d/e/**"], "d/e/f/g", "kept", "kept"),
        # BuildKit cuts a trailing /** and then a /* off an exception, and goes by what is left
        (["d/x", "!d/*/**"], "d/x/y", "ignored", "ignored"),
        (["d/x", "!d/*/*"], "d/x/y", "kept", "ignored"),
        (["d", "!d/*"], "d/x", "kept", "kept"),
        (["d", "!d/*"], "d/x/y", "kept", "kept"),
        (["d", "!d/**/x"], "d/y/x", "kept", "ignored"),
        # One exception with a wildcard makes BuildKit enter everything, for all exceptions
        (["d/x", "!d/*/**", "!q?"], "d/x/y", "kept", "ignored"),
        # BuildKit delivers an empty file when walking keeps a path that looking at it alone would ignore
        (["*", "!src/keep.txt", "src"], "src/keep.txt", "emptied", "kept"),
        (["*", "!src/keep.txt"], "src/keep.txt", "kept", "kept"),
        (["src", "!src/keep.txt", "**/keep.txt"], "src/keep.txt", "ignored", "ignored"),
        # dir/** is not dir
        (["dir/**"], "dir", "kept", "kept"),
        (["dir/**"], "dir/x", "ignored", "ignored"),
        (["**"], "dir", "ignored", "ignored"),
        (["**", "!**"], "dir/x", "kept", "kept"),
        # Without rules, and rules that do nothing
        ([], "a", "kept", "kept"),
        (["/", ".", "# a", "../a"], "a", "kept", "kept"),
        (["!a"], "a", "kept", "kept"),
        # The files of the build are files like others, as far as the rules go
        (["*"], "Dockerfile", "ignored", "ignored"),
        (["*", "!Dockerfile"], "Dockerfile", "kept", "kept"),
        (["Dockerfile*"], "Dockerfile.dockerignore", "ignored", "ignored"),
    ],
)
def test_fate_of_a_file(lines: list[str], path: str, buildkit: str, classic: str) -> None:
    assert fate(matcher(*lines, dialect=BUILDKIT), path) == buildkit
    assert fate(matcher(*lines, dialect=CLASSIC), path) == classic


def test_a_verdict_names_the_deciding_rule_the_root_and_all_that_match() -> None:
    rules = matcher("# comment", "web/*", "**/*.log", "!web/keep", "web/keep/tmp")
    verdict = rules.verdict("web/keep/tmp/x.log")
    assert verdict.rule and verdict.rule.line == 5
    assert verdict.root == "web/keep/tmp"
    assert [rule.line for rule in verdict.matches] == [2, 3, 4, 5]
    kept = rules.verdict("web/keep")
    assert (kept.ignored, kept.rule and kept.rule.line, kept.root) == (False, 4, None)
    assert rules.verdict("other", is_dir=True) == rules.verdict("other")
    assert rules.verdict("other").rule is None


def test_the_root_is_the_topmost_ignored_path() -> None:
    rules = matcher("*", "!a/b", "a/b/c")
    assert rules.verdict("x/y/z").root == "x"
    assert rules.verdict("a/other").root == "a"
    assert rules.verdict("a/b/c/d").root == "a/b/c"


def test_below_a_directory_that_is_not_entered_its_rule_decides() -> None:
    verdict = matcher("*", "!**/*.txt", dialect=CLASSIC).verdict("d/b.txt")
    assert (verdict.ignored, verdict.rule and verdict.rule.line) == (True, 1)
    assert (verdict.root, verdict.unreached) == ("d", "d")


def test_a_directory_is_never_emptied() -> None:
    rules = matcher("*", "!src/keep", "src")
    assert rules.verdict("src/keep").emptied
    assert not rules.verdict("src/keep", is_dir=True).emptied


@pytest.mark.parametrize(
    ("lines", "name", "enter", "prunable"),
    [
        (["d"], "d", False, True),  # without exceptions nobody goes in
        (["d", "!x"], "d", False, True),
        (["d", "!d/x"], "d", True, False),
        (["*", "!*.md"], "d", True, True),  # entered because of the wildcard, and nothing can be found there
        (["*", "!**/*.md"], "d", True, False),
        (["!**/*.md", "*"], "d", True, True),  # the exception comes too early
        (["d", "!q*", "**/x"], "d", True, True),  # more that ignores brings nothing back
        (["d/x"], "d", True, False),  # d itself is kept
    ],
)
def test_which_directories_buildkit_enters_and_which_need_not_be_walked(
    lines: list[str], name: str, enter: bool, prunable: bool
) -> None:
    outcome = matcher(*lines).start().outcome(name)
    assert (outcome.enter, outcome.prunable) == (enter, prunable)


def test_a_listing_is_judged_at_once() -> None:
    state = matcher("**/*.pyc", "**/node_modules", "/top", "x*").start()
    names = [f"file{number}.txt" for number in range(50)]
    assert state.special(names) == {}
    special = state.special([*names, "a.pyc", "node_modules", "top", "xyz"])
    assert {name: outcome.rule and outcome.rule.line for name, outcome in special.items()} == {
        "a.pyc": 1,
        "node_modules": 2,
        "top": 3,
        "xyz": 4,
    }
    below = state.child("lib")
    assert set(below.special([*names, "a.pyc", "node_modules", "top", "xyz"])) == {"a.pyc", "node_modules"}
    assert below.path == "lib/" and not below.sink
    modules = below.child("node_modules", special["node_modules"])
    assert modules.sink and modules.default.ignored and modules.path == "lib/node_modules/"


def test_a_newline_in_a_name_is_seen_in_a_listing() -> None:
    """The ** of an expression does not cross it: what is below has other rules alive than its neighbours."""
    state = matcher("**/b*").start()
    names = [*(f"dir{number}" for number in range(20)), "a\n"]
    special = state.special(names)
    assert state.child("dir1", special.get("dir1", state.default)).outcome("bx").ignored
    assert not state.child("a\n", special.get("a\n", state.default)).outcome("bx").ignored


def test_directories_with_the_same_rules_alive_share_their_state() -> None:
    """The number of states does not grow with the tree."""
    rules = matcher(
        *(f"**/*.e{number}" for number in range(100)), *(f"lit{number}/x" for number in range(100))
    )
    state = rules.start()
    for number in range(1000):
        state.child(f"d{number}").child("e").special(["f"])
    assert len(rules._automaton._tables) < 10


@pytest.mark.parametrize("dialect", BOTH)
def test_a_broken_expression_fails_only_when_it_is_reached(dialect: Dialect) -> None:
    rules = matcher("a", "x*[b", dialect=dialect)
    assert rules.verdict("a/x").ignored, "a is ignored already: nobody asks the second rule"
    with pytest.raises(IgnoreFileError, match="syntax error") as caught:
        rules.verdict("b")
    assert caught.value.where == ".dockerignore:2"
    state = rules.start()
    assert state.special(["a"])["a"].ignored
    assert state.child("a").special(["x"]) == {}
    with pytest.raises(IgnoreFileError):
        state.special(["a", "b"])


def test_patterns_as_the_engine_sends_them_back() -> None:
    rules = Matcher.from_patterns(["*", "!src", "src/[a-c]"], BUILDKIT)
    assert [rule.line for rule in rules.rules] == [1, 2, 3]
    assert not rules.verdict("src/d").ignored
    assert rules.verdict("src/b").ignored
    with pytest.raises(PatternError):
        Matcher.from_patterns(["["], BUILDKIT)


@pytest.mark.parametrize(
    ("lines", "dockerfile", "exceptions"),
    [
        (["node_modules"], "Dockerfile", []),
        (["*"], "Dockerfile", ["!.dockerignore", "!Dockerfile"]),
        (["Dockerfile"], "Dockerfile", ["!Dockerfile"]),
        (["sub"], "sub/D", ["!sub/D"]),
        (["**/sub"], "sub/D", []),  # its comparison takes a parent as long as the pattern only
        (["*", "!Dockerfile"], "Dockerfile", ["!.dockerignore"]),
        (["x*[", "*"], "Dockerfile", []),
    ],
)
def test_the_classic_client_excepts_its_own_files(
    lines: list[str], dockerfile: str, exceptions: list[str]
) -> None:
    rules = matcher(*lines, dialect=CLASSIC)
    walked = rules.for_classic_build(dockerfile)
    assert [rule.text for rule in walked.rules[len(rules.rules) :]] == exceptions
    assert all(rule.line == 0 for rule in walked.rules[len(rules.rules) :])


def spelled_out(rules: tuple[Rule, ...], dialect: Dialect, path: str) -> tuple[bool, bool]:
    """(ignored, reached) as Docker's own loops find them, each rule asked about each whole path."""
    programs = [compile_pattern(rule.pattern) for rule in rules]
    parts = path.split("/")
    matched_parent = [False] * len(rules)
    ignored, reached = False, True
    for depth in range(1, len(parts) + 1):
        here = "/".join(parts[:depth])
        ignored, matched = False, [False] * len(rules)
        for index, rule in enumerate(rules):
            hit = matched_parent[index]
            if not hit and rule.negated == ignored:
                hit = matches_path(programs[index], here)
            matched[index] = hit
            if hit:
                ignored = not rule.negated
        matched_parent = matched
        if ignored and depth < len(parts):
            texts = [rule.pattern for rule in rules if rule.negated]
            if dialect is BUILDKIT:
                texts = [text.removesuffix("/**").removesuffix("/*") for text in texts]
            wild = dialect is BUILDKIT and any(set("*[]?^\\") & set(text) for text in texts)
            if not wild and not any(f"{text}/".startswith(f"{here}/") for text in texts):
                reached = False
    return ignored, reached


_PARTS = [
    "a",
    "b",
    "ab",
    "a.b",
    "*",
    "?",
    "**",
    "a*",
    "*b",
    "a**",
    "**b",
    "a?",
    "[ab]",
    "[^a]",
    "a*b",
    "***",
    "*.b",
]


@pytest.mark.parametrize(
    ("awake", "patience"), [(4_000, 1), (0, 99), (0, 0)], ids=["awake", "asleep", "woken"]
)
@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize("seed", seeds(1, 4))
def test_verdict_and_walk_agree_with_dockers_loops_spelled_out(
    seed: int, dialect: Dialect, awake: int, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random ignore files over a small alphabet, on all paths of three components."""
    monkeypatch.setattr("ctxsize.ignore.compiled._MOST_AWAKE", awake)
    monkeypatch.setattr("ctxsize.ignore.compiled._PATIENCE", patience)
    rng = random.Random(7 + seed)
    names = ["a", "b", "ab", "a.b", "\n", "\udce9"]
    paths = list(names)
    paths += [f"{first}/{second}" for first in names for second in names[:4]]
    paths += [
        f"{first}/{second}/{third}" for first in names[:4] for second in names[:4] for third in names[:4]
    ]
    reached_differently = 0
    for _ in range(150):
        lines = []
        for _ in range(rng.randint(1, 6)):
            pattern = "/".join(rng.choice(_PARTS) for _ in range(rng.choice([1, 1, 2, 2, 3])))
            lines.append(("!" if rng.random() < 0.4 else "") + pattern)
        rules = matcher(*lines, dialect=dialect)
        for path in rng.sample(paths, 6):
            ignored, reached = spelled_out(rules.rules, dialect, path)
            verdict = rules.verdict(path)
            assert verdict.ignored == (ignored or not reached), (lines, path)
            assert (verdict.unreached is None) == reached, (lines, path)
            expected_empty = dialect is BUILDKIT and not verdict.ignored and rules.matches_or_parent(path)
            assert verdict.emptied == expected_empty, (lines, path)
            reached_differently += not reached
            state = rules.start()
            *parents, name = path.split("/")
            for parent in parents:
                listing = [*names, *(f"zz{number}" for number in range(12))]
                outcome = state.special(listing).get(parent, state.default)
                state = state.child(parent, outcome)
            outcome = state.special([name]).get(name, state.default)
            assert (outcome.ignored, outcome.rule) == (verdict.ignored, verdict.rule), (lines, path)
            assert outcome.emptied == verdict.emptied, (lines, path)
    assert reached_differently > 10, "the cases would not show how walkers differ"


MANY = [f"dir{number}/name*.txt" for number in range(10_000)]


def test_of_very_many_rules_those_are_compiled_that_a_name_makes_matter() -> None:
    rules = matcher(*MANY)

    assert rules.verdict("dir77/name.txt").ignored
    assert not rules.verdict("dir78/other").ignored
    assert len(rules._compiled.awake) == 2


def test_a_directory_sees_rules_that_wake_after_it_was_met() -> None:
    state = matcher("dir*", *MANY, "!dir5/keep").start()
    below = state.child("dir5", state.outcome("dir5"))

    assert below.default.ignored
    assert not below.special(["keep"])["keep"].ignored
    assert state.child("dir6").outcome("keep").ignored


def test_rules_that_wake_are_asked_with_those_that_woke_before() -> None:
    state = matcher(*(f"*n{number}*" for number in range(10_000, 15_000))).start()
    listings = [[f"n{number}" for number in range(first, first + 50)] for first in (10_000, 10_050)]

    assert [len(state.special(names)) for names in listings] == [50, 50]


def test_a_tree_that_wakes_one_rule_after_the_other_wakes_them_all_in_the_end() -> None:
    rules = matcher(*MANY)
    state = rules.start()
    below = [state.child(f"dir{number}") for number in range(300)]

    assert [each.outcome("name.txt").ignored for each in below] == [True] * 300
    assert len(rules._compiled.awake) == len(MANY)
    assert state.child("dir9999").outcome("name.txt").ignored


@pytest.mark.parametrize(
    "lines",
    [
        [f"dir{number}/name.txt" for number in range(40_000)],
        [f"**/name{number}" for number in range(20_000)],
        ["**/" * 200 + "x"] * 50,
        ["*a" * 100 + "b"] * 50,
        ["**/a*" * 20, "!**/b*" * 20] * 20,
        ["a**b**c[^x]d"] * 200,
    ],
    ids=["1 MB of paths", "20,000 names", "200 **/", "runs of *", "nested exceptions", "whole paths"],
)
def test_hostile_rules_answer_in_a_few_seconds(lines: list[str]) -> None:
    def answer() -> None:
        rules = matcher(*lines, dialect=CLASSIC)
        for path in ("a" * 200, "/".join("ab" * 40), "dir39999/name.txt"):
            rules.verdict(path)

    assert within(3, answer)


@pytest.mark.parametrize(
    "path", ["web/x.log", "web/keep/a", "web/keep", "other", "web/sub/deep/file", "d/b.txt"]
)
def test_the_quick_verdict_differs_in_the_rules_that_match_only(path: str) -> None:
    for dialect in Dialect:
        rules = Matcher.from_patterns(["web", "!web/keep", "**/*.log", "d", "!**/*.txt"], dialect)
        assert rules.quick_verdict(path) == replace(rules.verdict(path), matches=())


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a\\z*", "a/b"),  # the end it asks for is the parent's
        ("\\\\Qa*", "\\Qab/c"),  # a backslash and a Q, no quotation
        ("\\Qa\\E*", "ab/c"),
        ("**\udca9", "é/b"),  # half a character
        ("a|*b", "a/b"),
    ],
)
@pytest.mark.parametrize("others", [0, 20], ids=["alone", "among many"])
def test_a_parent_is_found_whatever_the_expression(pattern: str, path: str, others: int) -> None:
    rules = matcher(*(f"[^x]no{number}" for number in range(others)), pattern, dialect=CLASSIC)

    assert rules.verdict(path).ignored
    assert [rule.text for rule in rules.verdict(path).matches] == [pattern]
    assert rules.matches_or_parent(path)
