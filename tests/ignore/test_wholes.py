"""Rules asked about whole paths together: the same that match one by one."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from ctxsize.ignore import wholes
from ctxsize.ignore.pattern import Kind, Program, compile_pattern, matches_path
from ctxsize.ignore.regexset import Expressions, RegexSet
from ctxsize.ignore.wholes import Wholes

PIECES = ["a", "b", "?", "*", "|", "a{2}", "[^a]", "**", "/", "\udcc3", "\udca9", "\\b"]
# As text é and its halves are different characters; as bytes the one begins with the other.
NAMES = ["a", "b", "/", "\udcc3", "\udca9", "é"]


def some_programs(number: int) -> dict[int, Program]:
    rng = random.Random(number)
    programs: list[Program] = []
    while len(programs) < number:
        program = compile_pattern("".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5))))
        if program.kind is not Kind.EXACT:  # those are always taken apart
            programs.append(program)
    return dict(enumerate(programs))


def some_paths() -> list[str]:
    rng = random.Random(1)
    return ["".join(rng.choice(NAMES) for _ in range(rng.randint(1, 6))) for _ in range(60)]


@pytest.mark.parametrize("number", [0, 1, 3, 4, 40, 400])
def test_all_that_match(number: int) -> None:
    programs = some_programs(number)
    together = Wholes(tuple(programs), programs, (), every=True)

    for path in some_paths():
        one_by_one = [index for index, program in programs.items() if matches_path(program, path)]
        assert sorted(together.matching(path)) == one_by_one, path


@pytest.mark.parametrize("number", [1, 3, 40, 400])
def test_the_first_that_matches_of_each_kind_is_there(number: int) -> None:
    programs = some_programs(number)
    changes = sorted(random.Random(2).sample(range(number), number // 8))
    together = Wholes(tuple(programs), programs, changes, every=False)

    for path in some_paths():
        found = set(together.matching(path))
        for begin, end in pairwise([0, *changes, number]):
            one_by_one = [index for index in range(begin, end) if matches_path(programs[index], path)]
            assert found.issuperset(one_by_one[:1]), path


def test_what_comes_after_the_first_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counted(RegexSet):
        def __init__(self, expressions: Expressions) -> None:
            made.append(len(expressions))
            super().__init__(expressions)

    monkeypatch.setattr(wholes, "RegexSet", Counted)
    programs = {index: compile_pattern(f"*|{index}") for index in range(1_000)}

    assert Wholes(tuple(programs), programs, (), every=False).matching("x") == (0,)
    assert made == [32]


@pytest.mark.parametrize(("changes", "last"), [((), -1), ((0,), 5), ((2, 4), 3), ((2, 3, 4), 5)])
def test_the_last_exception(changes: tuple[int, ...], last: int) -> None:
    programs = {index: compile_pattern(f"a|*{index}") for index in range(6)}

    assert Wholes(tuple(programs), programs, changes, every=False).last_exception == last
