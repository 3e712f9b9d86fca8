"""A tree held in memory says of two sets of rules what the tree read with each says of its entries."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from ctxsize.errors import CtxsizeError
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.parse import parse_ignore
from ctxsize.ignore.types import Dialect
from ctxsize.lint.tree import Tree

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance" / "ignore"))

import ignore_cases

Effects = dict[str, tuple[bool, bool]]


def read(root: Path, rules: Matcher) -> Tree:
    return Tree(root, rules, lambda _path: "all", suspects=lambda _path, _names: [])


def effects(tree: Tree) -> Effects:
    """By path whether the entry is ignored, and whether it is a file that is delivered empty."""
    found: Effects = {}
    for folder in tree.folders:
        for name in folder.names:
            outcome = folder.outcome(name)
            is_file = name in folder.files and name not in folder.links
            emptied = outcome is not None and is_file and outcome.emptied
            found[folder.join(name)] = (outcome is not None and outcome.ignored, emptied)
    return found


@pytest.mark.parametrize("dialect", Dialect)
def test_what_differs_when_a_line_goes(dialect: Dialect, tmp_path: Path) -> None:
    compared = different = 0
    for seed in range(80):
        case = ignore_cases.generate(seed)
        root = tmp_path / str(seed)
        root.mkdir()
        ignore_cases.write_case(case, root)
        path = root / ".dockerignore"
        if not path.is_file():
            continue
        lines = path.read_bytes().split(b"\n")
        gone = random.Random(seed).randrange(len(lines))
        try:
            one, other = (
                Matcher(parse_ignore(b"\n".join(each), ".dockerignore", dialect).rules, dialect)
                for each in (lines, lines[:gone] + lines[gone + 1 :])
            )
            tree = read(root, one)
            before, after = effects(tree), effects(read(root, other))
            found, too = (
                {match.path for match, _, _ in tree.differing(*both)} for both in ((one, other), (other, one))
            )
        except CtxsizeError:
            continue
        assert found == too == {path for path in before if before[path] != after[path]}, (seed, lines, gone)
        compared += 1
        different += bool(found)
    assert compared > 40 and different > 15
