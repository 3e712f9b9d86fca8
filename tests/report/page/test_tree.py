"""The treemap's data: exact sums, bounded size."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from ctxsize.report.page.tree import DEEPEST, TreeBuilder
from tests.report.page.samples import HOSTILE, many


def built(builder: TreeBuilder) -> list[Any]:
    return json.loads(builder.json())  # type: ignore[no-any-return]


def leaves(node: list[Any], path: str = "") -> list[tuple[str, list[Any]]]:
    """Every leaf below ``node`` with its path; the rest of a directory has an empty name."""
    if len(node) <= 5:
        return [(path, node)]
    return [leaf for child in node[5] for leaf in leaves(child, f"{path}/{child[0]}")]


def sizes(node: list[Any]) -> list[float]:
    return [*node[4], *[0] * (4 - len(node[4]))]


def test_a_tree_has_directories_sorted_by_size_and_sums() -> None:
    builder = TreeBuilder()
    builder.add("src/a.py", "needed", context=10)
    builder.add("src/b.py", "kept", context=20)
    builder.add("video", "ignored", 3, context=100)

    root = built(builder)

    assert [(path, node[1], node[2], node[4]) for path, node in leaves(root)] == [
        ("/video", "ignored", 3, [100]),
        ("/src/b.py", "kept", 0, [20]),
        ("/src/a.py", "needed", 0, [10]),
    ]
    assert (root[3], root[4]) == (3, [130])


@pytest.mark.parametrize("most", [1, 10, 500, 100_000])
def test_whatever_is_left_out_every_sum_is_exact_by_directory_and_kind(most: int) -> None:
    builder = TreeBuilder(most)
    expected: Counter[str] = Counter()
    files = 0
    for leaf in many(5000):
        builder.add(leaf.path, leaf.kind, leaf.line, context=leaf.bytes)
        expected[leaf.kind] += leaf.bytes
        files += 1
    root = built(builder)

    found: Counter[str] = Counter()
    for _, node in leaves(root):
        found[node[1]] += int(sizes(node)[0])
    assert found == expected
    assert sum(node[3] for _, node in leaves(root)) == root[3] == files
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if len(node) > 5:
            assert sum(sizes(child)[0] for child in node[5]) == sizes(node)[0]
            waiting += node[5]
    if most < 5000:
        assert sum(1 for _, node in leaves(root) if node[0]) <= most


def test_what_is_said_of_a_directory_as_a_whole_is_no_second_child_of_its_name() -> None:
    builder = TreeBuilder()
    builder.add("video", "ignored", 1, files=0, image=90, pull=80, seconds=1.5)
    builder.add("video/a", "ignored", 1, context=60)
    builder.add("video/b", "ignored", 1, context=40)
    builder.add("one", "ignored", 2, files=0, image=7)
    builder.add("one", "ignored", 2, context=8)

    root = built(builder)

    assert [child[0] for child in root[5]] == ["video", "one"]
    assert root[5][0][4] == [100, 90, 80, 1.5]
    assert root[5][1][4] == [8, 7]


def test_negative_and_unknown_sizes_have_no_area() -> None:
    builder = TreeBuilder()
    builder.add("a", "none", files=0, context=-5, image=None)

    assert built(builder) == ["", "", 0, 0, [0], []]


def test_the_text_ends_no_script_and_names_are_printable() -> None:
    builder = TreeBuilder()
    builder.add(HOSTILE, "kept", context=5)
    text = builder.json()

    assert "<" not in text
    assert text.isascii()
    assert all(node[0].isprintable() for _, node in leaves(json.loads(text)))


def test_a_tree_as_deep_as_a_path_is_long_is_no_matter() -> None:
    builder = TreeBuilder()
    deep = "/".join("d" for _ in range(2000))
    builder.add(deep, "kept", context=5)
    builder.add(f"{deep}/other", "kept", context=6)

    ((path, node),) = leaves(built(builder))
    assert path == "/d" * DEEPEST
    assert (node[3], node[4]) == (2, [11])
