"""What becomes of each byte of an image: the cases that bury one, each with its cause, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ctxsize.image.entries import path_of
from ctxsize.image.inventory import Inventory
from ctxsize.image.streams import Body
from tests.image.layers import Put, directory, hard, image, link, tar

#: Path, bytes, the layer that stored it, the one that buried it, and how.
Told = tuple[str, int, int, int | None, str | None]


def told(*layers: Sequence[Put]) -> set[Told]:
    """What is said of an image; its sums are held against those of its layers."""
    with Inventory() as inventory:
        made = image(inventory, *layers)
        found = list(inventory.stored(made))
        assert sum(each.bytes for each in found) == made.bytes == _counted(layers)
        return {(path_of(each.path), each.bytes, each.position, each.buried_by, each.cause) for each in found}


def _counted(layers: Sequence[Sequence[Put]]) -> int:
    return sum(len(put.content) + (len(put.to) if put.kind == "l" else 0) for puts in layers for put in puts)


A, B = Put("a", b"12345"), Put("d/b", b"123")
CASES: dict[str, tuple[Sequence[Sequence[Put]], set[Told]]] = {
    "nothing is buried": (([A], [B]), {("/a", 5, 0, None, None), ("/d/b", 3, 1, None, None)}),
    "owner": (
        ([A], [Put("a", b"12345", uid=7)]),
        {("/a", 5, 0, 1, "same-content"), ("/a", 5, 1, None, None)},
    ),
    "other content of one size": (
        ([A], [Put("a", b"54321")]),
        {("/a", 5, 0, 1, "replaced"), ("/a", 5, 1, None, None)},
    ),
    "three copies waste two": (
        ([A], [Put("a", b"1")], [Put("a", b"12")]),
        {("/a", 5, 0, 1, "replaced"), ("/a", 1, 1, 2, "replaced"), ("/a", 2, 2, None, None)},
    ),
    "a removed file wastes every copy": (
        ([A], [Put("a", b"1")], [Put(".wh.a")]),
        {("/a", 5, 0, 1, "replaced"), ("/a", 1, 1, 2, "removed")},
    ),
    "removed with its directory": (
        ([directory("d"), B], [Put(".wh.d")]),
        {("/d/b", 3, 0, 1, "removed")},
    ),
    "removed and made again": (
        ([A], [Put(".wh.a")], [A]),
        {("/a", 5, 0, 1, "removed"), ("/a", 5, 2, None, None)},
    ),
    "a whiteout is about lower layers only": (
        ([A], [Put(".wh.a"), Put("a", b"1")]),
        {("/a", 5, 0, 1, "replaced"), ("/a", 1, 1, None, None)},
    ),
    "opaque, lower layers only": (
        ([B, Put("d/c", b"1")], [directory("d"), Put("d/.wh..wh..opq"), Put("d/new", b"1234")]),
        {("/d/b", 3, 0, 1, "opaque"), ("/d/c", 1, 0, 1, "opaque"), ("/d/new", 4, 1, None, None)},
    ),
    "opaque, and the same file again": (
        ([B], [Put("d/.wh..wh..opq"), B]),
        {("/d/b", 3, 0, 1, "same-content"), ("/d/b", 3, 1, None, None)},
    ),
    "an opaque root": (([A], [Put(".wh..wh..opq")]), {("/a", 5, 0, 1, "opaque")}),
    "a directory becomes a file": (
        ([B], [Put("d", b"1")]),
        {("/d/b", 3, 0, 1, "type-changed"), ("/d", 1, 1, None, None)},
    ),
    "a file becomes a directory": (
        ([A], [directory("a"), Put("a/x", b"1")]),
        {("/a", 5, 0, 1, "type-changed"), ("/a/x", 1, 1, None, None)},
    ),
    "a file becomes a directory that only its content tells of": (
        ([A], [Put("a/x/y", b"1")]),
        {("/a", 5, 0, 1, "type-changed"), ("/a/x/y", 1, 1, None, None)},
    ),
    "a file becomes a link": (
        ([A], [link("a", "other")]),
        {("/a", 5, 0, 1, "type-changed"), ("/a", 5, 1, None, None)},
    ),
    "a swapped link": (
        ([link("l", "one")], [link("l", "two")], [link("l", "two")]),
        {("/l", 3, 0, 1, "replaced"), ("/l", 3, 1, 2, "same-content"), ("/l", 3, 2, None, None)},
    ),
    "a directory of both layers stays one": (
        ([directory("d"), B], [directory("d", uid=7), Put("d/c", b"1")]),
        {("/d/b", 3, 0, None, None), ("/d/c", 1, 1, None, None)},
    ),
    "what lies between is not shown through": (
        ([B], [Put("d", b"12")], [directory("d"), Put("d/c", b"1")]),
        {("/d/b", 3, 0, 1, "type-changed"), ("/d", 2, 1, 2, "type-changed"), ("/d/c", 1, 2, None, None)},
    ),
    "hard links are one content": (
        ([A, hard("b", "a"), hard("c", "a")],),
        {("/a", 5, 0, None, None)},
    ),
    "a link group lives while a name does": (
        ([A, hard("b", "a")], [Put(".wh.a")]),
        {("/b", 5, 0, None, None)},
    ),
    "a link group dies with the last name": (
        ([A, hard("b", "a")], [Put(".wh.a")], [Put(".wh.b")]),
        {("/b", 5, 0, 2, "removed")},
    ),
    "a link to a file of a lower layer stores it again": (
        ([A], [A, hard("b", "a")]),
        {("/a", 5, 0, 1, "same-content"), ("/a", 5, 1, None, None)},
    ),
    "a link to a link": (
        ([A, hard("b", "a"), hard("c", "b")], [Put(".wh.a"), Put(".wh.b")]),
        {("/c", 5, 0, None, None)},
    ),
    "a link to a symlink": (
        ([link("l", "there"), hard("m", "l")], [Put(".wh.l")]),
        {("/m", 5, 0, None, None)},
    ),
    "a link to what is not in its layer": (([A], [hard("b", "a")]), {("/a", 5, 0, None, None)}),
    "a name that ends where another goes on": (
        ([Put("d", b"1"), Put("d-x", b"12")], [Put(".wh.d")]),
        {("/d", 1, 0, 1, "removed"), ("/d-x", 2, 0, None, None)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_byte_is_shown_or_was_buried_by_one_layer(case: str) -> None:
    layers, expected = CASES[case]

    assert told(*layers) == expected


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (Put("a", b"12345", uid=7), ("owner",)),
        (Put("a", b"12345", mode=0o755), ("mode",)),
        (Put("a", b"12345", mtime=9), ("time",)),
        (Put("a", b"12345", uid=1, mode=0o600), ("mode", "owner")),
        (A, ()),
    ],
)
def test_a_copy_says_what_differs_in_it(after: Put, changed: tuple[str, ...]) -> None:
    with Inventory() as inventory:
        first = next(each for each in inventory.stored(image(inventory, [A], [after])) if each.cause)

    assert first.changed == changed
    assert first.mode.startswith({0o755: b"0000755", 0o600: b"0000600"}.get(after.mode, b""))


def test_a_layer_that_comes_twice_is_stored_twice() -> None:
    with Inventory() as inventory:
        once = image(inventory, [A])
        twice = type(once)(once.id, once.layers * 2, once.history * 2)
        found = [(each.position, each.buried_by, each.cause) for each in inventory.stored(twice)]

    assert found == [(0, 1, "same-content"), (1, None, None)]


def test_duplicates_are_large_shown_and_not_linked() -> None:
    large = b"x" * 64_000
    with Inventory() as inventory:
        made = image(
            inventory,
            [Put("a", large), hard("linked", "a"), Put("small", b"1"), Put("gone", large)],
            [Put("b", large), Put("small2", b"1"), Put(".wh.gone")],
        )
        list(inventory.stored(made))

        assert [(each.bytes, each.files, each.paths) for each in inventory.duplicates(10)] == [
            (64_000, 2, ("/a", "/b"))
        ]


def test_an_image_is_gone_through_again_after_one_was_left_in_the_middle() -> None:
    with Inventory() as inventory:
        made = image(inventory, [A, hard("b", "a"), B])
        next(iter(inventory.stored(made)))

        assert sum(each.bytes for each in inventory.stored(made)) == 8


def test_what_two_images_show_is_compared() -> None:
    with Inventory() as inventory:
        inventory.show(0, image(inventory, [A, B, directory("d"), Put("same", b"1")]))
        inventory.show(
            1, image(inventory, [A, Put("d/b", b"999"), directory("d"), Put("new")], [Put("same", b"1")])
        )
        found = {
            path_of(pair.path): (pair.before and pair.before.size, pair.after and pair.after.size)
            for pair in inventory.differing(0, 1)
        }

    assert found == {"/d/b": (3, 3), "/new": (None, 0)}


def test_a_file_of_any_size_is_told_from_another_by_its_content() -> None:
    first, second = b"x" * 700_000, b"x" * 699_999 + b"y"

    assert ("/a", 700_000, 0, 1, "replaced") in told([Put("a", first)], [Put("a", second)])
    assert ("/a", 700_000, 0, 1, "same-content") in told([Put("a", first)], [Put("a", first)])


def test_contents_are_estimated_compressed_when_their_layer_was() -> None:
    with Inventory() as inventory:
        layer = inventory.add_layer(Body(iter([tar([Put("a", bytes(range(256)) * 400), Put("b", b"1")])])))
        made = type(image(inventory))("x", (layer,), ())
        pulls = {path_of(each.path): inventory.pull_bytes(each) for each in inventory.stored(made)}

    assert 0 < sum(filter(None, pulls.values())) <= layer.pull_bytes
    assert pulls["/a"] is not None
    assert pulls["/b"] is not None and pulls["/a"] > pulls["/b"]
