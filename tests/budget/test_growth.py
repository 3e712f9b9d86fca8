"""What grew is named by the path that explains it: as deep as one accounts for it, and no deeper."""

from __future__ import annotations

import pytest

from ctxsize.budget.growth import grown
from ctxsize.measure.target import LargestPaths

BEFORE = {"": 1000, "src": 600, "src/app": 500, "src/app/main.py": 400, "docs": 400}


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (BEFORE, []),
        ({**BEFORE, "src": 5, "": 405}, []),
        # One file makes up all of the growth.
        (
            {"": 2000, "src": 1600, "src/app": 1500, "src/app/main.py": 1400, "docs": 400},
            [("src/app/main.py", 400, 1400)],
        ),
        # Two things in a directory grew alike: the directory.
        ({"": 3000, "src": 2600, "src/app": 1500, "src/lib": 1000, "docs": 400}, [("src", 600, 2600)]),
        # Two directories grew: both, the larger growth first.
        ({"": 2600, "src": 1600, "docs": 1000}, [("src", 600, 1600), ("docs", 400, 1000)]),
        # What is new and deeper than the directories that are listed is below the nearest one.
        (
            {**BEFORE, "": 1900, "src": 1500, "src/app": 1400, "src/app/x/y/z/big.bin": 900},
            [("src/app/x/y/z/big.bin", 0, 900)],
        ),
    ],
)
def test_what_grew(after: dict[str, int], named: list[tuple[str, int, int]]) -> None:
    found = grown(LargestPaths(BEFORE, complete=True), LargestPaths(after, complete=True), "context")
    assert [(item.path, item.before, item.after) for item in found] == named


def test_five_at_most() -> None:
    before = LargestPaths({"": 0}, complete=True)
    after = LargestPaths({f"d{number}": number for number in range(1, 9)}, complete=True)
    assert [item.path for item in grown(before, after, "context")] == ["d8", "d7", "d6", "d5", "d4"]


def test_a_list_that_is_not_complete_does_not_tell_what_is_new() -> None:
    before = LargestPaths({"large": 500, "smallest-listed": 100})
    after = LargestPaths({"large": 500, "smallest-listed": 100, "other": 90, "new": 300})
    (found,) = grown(before, after, "image")
    assert (found.path, found.before, found.after) == ("new", None, 300), (
        "`other` may have been as large before"
    )


def test_a_baseline_without_paths_names_none() -> None:
    assert grown(LargestPaths(), LargestPaths({"a": 1}, complete=True), "context") == ()
