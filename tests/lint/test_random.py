"""What is said of random rules is true: superfluous rules can go, and safe fixes change nothing."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from ctxsize.errors import CtxsizeError
from ctxsize.ignore.find import find_ignore_file
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from ctxsize.ignore.walk import arrivals
from ctxsize.lint.fix import edited
from ctxsize.lint.lint import lint_project
from ctxsize.lint.types import Edit
from tests.support.seeds import seeds

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance" / "ignore"))

import ignore_cases

#: Codes that say of a rule that it does nothing.
SUPERFLUOUS = ("CX205", "CX301", "CX302", "CX303")


def arrived(root: Path, dockerfile: str, data: bytes, dialect: Dialect) -> object:
    """What arrives of ``root`` with ``data`` as its rules; that it is refused is an answer, too."""
    try:
        rules = parse_ignore(data, ".dockerignore", dialect).rules
        return sorted(arrivals(root, Matcher(rules, dialect), dockerfile))
    except CtxsizeError:
        return "refused"


def judged(seed: int, root: Path) -> tuple[Counter[str], list[str]]:
    """Lint the case of a seed: how many statements there were by code, and those that are wrong."""
    case = ignore_cases.generate(seed)
    ignore_cases.write_case(case, root)
    told: Counter[str] = Counter()
    wrong: list[str] = []
    for dialect in Dialect:
        try:
            target = lint_project(root, dockerfile=root / case.dockerfile, dialect=dialect)
            path = find_ignore_file(root, root / case.dockerfile, dialect)
        except CtxsizeError:
            continue  # no such build gets as far as that
        if path is None:
            continue
        data = path.read_bytes()
        for found in target.findings:
            edits: list[tuple[Edit, bool]] = []
            if found.code in SUPERFLUOUS and found.line is not None:
                edits.append((Edit(found.path, {found.line: ()}), False))
            if found.fix == "safe" and found.edit is not None:
                edits.append((found.edit, True))
            for edit, safe in edits:
                told[found.code] += 1
                changed = edited(data, [edit])
                for each in Dialect:
                    before, after = (arrived(root, case.dockerfile, text, each) for text in (data, changed))
                    if before == "refused" and not safe:
                        continue  # the other builder refuses the file, which says nothing of this rule
                    if before != after:
                        wrong.append(
                            f"{seed} {dialect.value} {found.code}:{found.line} {each.value} {data!r}"
                        )
    return told, wrong


@pytest.mark.parametrize("twenty", seeds(1, 3))
def test_superfluous_rules_and_safe_fixes(twenty: int, tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(20 * twenty, 20 * twenty + 20):
        root = tmp_path / str(seed)
        root.mkdir()
        counts, lies = judged(seed, root)
        told += counts
        wrong += lies
    assert not wrong
    assert told.total() > 20


@pytest.mark.slow
def test_superfluous_rules_and_safe_fixes_of_a_thousand(tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(1000):
        root = tmp_path / str(seed)
        root.mkdir()
        counts, lies = judged(seed, root)
        told += counts
        wrong += lies
    print(told)
    assert not wrong
