"""Which fixes hold: all at once in one build, otherwise one after the other, and never without end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine.containers import Verification
from ctxsize.errors import EngineError, Interrupted
from ctxsize.inspection.fixes.find import Found
from ctxsize.inspection.fixes.rewriting import Rewriting
from ctxsize.inspection.fixes.trials import MOST_BUILDS, Tried, reason, tried
from ctxsize.inspection.types import Difference, Fix, Proof


def fix(line: int, *, edits: bool = True) -> Found:
    one = Fix("cleanup", (line,), f"line {line}", 100 * line, None, patched=edits)
    return Found(one, (("append", (line, "rm x")),) if edits else ())


def proof(**given: object) -> Proof:
    usual: dict[str, object] = {
        "expected_bytes": 1, "bytes": 1, "pull_bytes": None, "same": True, "differences": (),
        "difference_count": 0,
    }  # fmt: skip
    return Proof(**{**usual, **given})  # type: ignore[arg-type]


class Builds:
    """Builds that fail with any of the lines ``bad``."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad
        self.tried: list[tuple[int, ...]] = []

    def attempt(self, some: Sequence[Found], title: str) -> Proof:
        lines = tuple(each.fix.lines[0] for each in some)
        self.tried.append(lines)
        failing = [line for line in lines if line in self.bad]
        return (
            proof(bytes=0, same=False, error=f"line {failing[0]} fails")
            if failing
            else proof(bytes=len(lines))
        )


def outcome(builds: Builds, *found: Found) -> tuple[Tried, dict[int, bool | None]]:
    result = tried(found, builds.attempt)
    return result, {each.lines[0]: each.proven for each in result.fixes}


def test_what_holds_together_takes_one_build() -> None:
    builds = Builds()

    result, proven = outcome(builds, fix(1), fix(2, edits=False), fix(3))

    assert builds.tried == [(1, 3)]
    assert result.failure is None
    assert proven == {1: True, 2: None, 3: True}
    assert [each.reason for each in result.fixes] == [None, None, None]
    assert result.proof == proof(bytes=2, builds=1)


def test_one_that_does_not_hold_keeps_none_of_the_others_back() -> None:
    builds = Builds(2)

    result, proven = outcome(builds, fix(1), fix(2), fix(3))

    assert builds.tried == [(1, 2, 3), (1,), (1, 2), (1, 3)]
    assert proven == {1: True, 2: False, 3: True}
    assert result.fixes[1].reason == "the fixed Dockerfile does not build: line 2 fails"
    assert [each.fix.lines for each in result.held] == [(1,), (3,)]
    assert result.proof == proof(bytes=2, builds=4)


def test_where_none_holds_the_proof_is_of_all() -> None:
    builds = Builds(1, 2)

    result, proven = outcome(builds, fix(1), fix(2))

    assert (proven, result.held) == ({1: False, 2: False}, ())
    assert result.proof is not None
    assert (result.proof.error, result.proof.builds) == ("line 1 fails", 3)


def test_the_only_one_is_built_once() -> None:
    builds = Builds(1)

    _, proven = outcome(builds, fix(1))

    assert (builds.tried, proven) == ([(1,)], {1: False})


def test_builds_are_bounded_and_what_was_not_tried_says_so() -> None:
    builds = Builds(30)

    result, proven = outcome(builds, *(fix(line) for line in range(1, 31)))

    assert len(builds.tried) == MOST_BUILDS == 12
    assert builds.tried[-1] == tuple(range(1, 12)), "what is proposed was built as a whole"
    assert [line for line, holds in proven.items() if holds] == [*range(1, 12)]
    assert result.fixes[-1].reason == "not tried: 12 builds were made"
    assert result.fixes[-1].proven is None


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), EngineError("the engine went away")])
def test_what_was_proven_before_an_interruption_or_trouble_counts(trouble: BaseException) -> None:
    builds = Builds(2)

    def attempt(some: Sequence[Found], title: str) -> Proof:
        if len(builds.tried) == 3:
            raise trouble
        return builds.attempt(some, title)

    result = tried([fix(1), fix(2), fix(3)], attempt)

    assert result.failure is not None
    why = result.failure.message
    assert [each.proven for each in result.fixes] == [True, False, None]
    assert result.fixes[2].reason == f"not tried: {why}"
    assert result.proof == proof(bytes=1, builds=3)
    assert [each.fix.lines for each in result.held] == [(1,)]


def test_an_interruption_of_the_first_build_leaves_no_proof() -> None:
    def attempt(some: Sequence[Found], title: str) -> Proof:
        raise KeyboardInterrupt

    result = tried([fix(1)], attempt)

    assert (result.proof, result.held) == (None, ())
    assert isinstance(result.failure, Interrupted)
    assert result.fixes[0].reason == "not tried: interrupted"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, None),
        ({"error": "a\n b"}, "the fixed Dockerfile does not build: a b"),
        (
            {
                "same": False,
                "differences": (Difference("/a", "content", True), Difference("/b", "owner", False)),
            },
            "the image is not the same: /b has another owner",
        ),
        (
            {"same": False, "configuration": ("Cmd", "User")},
            "the image is not the same: its configuration differs (Cmd, User)",
        ),
        ({"verify": Verification("t", 3, 1.0, (), timed_out=False)}, "`t` ended with exit code 3"),
        ({"verify": Verification("t", None, 1.0, (), timed_out=True)}, "`t` was stopped"),
        ({"bytes": 0}, "the image loses nothing by it"),
    ],
)
def test_why_a_proof_does_not_hold(given: dict[str, object], why: str | None) -> None:
    assert reason(proof(**given)) == why


def test_some_changes_of_a_dockerfile_are_those_and_in_their_order() -> None:
    data = b"FROM base\nCOPY . /srv\nRUN one\n"
    rewriting = Rewriting(parse_dockerfile(data, "Dockerfile"), data)
    rewriting.append(3, "two")
    rewriting.add_flag(2, "--chown=a")
    rewriting.append(3, "three")
    first, flag, last = rewriting.edits

    assert (
        rewriting.with_only([last, first]).data
        == b"FROM base\nCOPY . /srv\nRUN one \\\n && two \\\n && three\n"
    )
    assert rewriting.with_only([flag]).data == b"FROM base\nCOPY --chown=a . /srv\nRUN one\n"
    assert rewriting.with_only([]).data == data
