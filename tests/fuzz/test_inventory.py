"""Layers of any entries: nothing is lost or counted twice, and what is shown is what unpacking them gives."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ctxsize.image.entries import DIRECTORY, path_of
from ctxsize.image.fates import fates
from ctxsize.image.inventory import Inventory
from tests.fuzz.profile import effort
from tests.image.layers import Put, image

NAMES = st.sampled_from(["a", "b", "a-", ".wh.a", ".wh.b", ".wh..wh..opq", ".wh..wh.plnk", ".."])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PUTS = st.one_of(
    st.builds(Put, PATHS, st.sampled_from([b"", b"1", b"12"]), uid=st.integers(0, 1)),
    st.builds(Put, PATHS, kind=st.sampled_from(["d", "p"])),
    st.builds(Put, PATHS, kind=st.sampled_from(["l", "h"]), to=PATHS),
)
LAYERS = st.lists(st.lists(PUTS, max_size=6), max_size=4)


@effort(30)
@given(LAYERS)
def test_whatever_layers_hold_the_parts_are_the_whole(layers: Sequence[Sequence[Put]]) -> None:
    with Inventory() as inventory:
        made = image(inventory, *layers)
        found = list(inventory.stored(made))
        shown = [
            path_of(row.path)
            for row, buried, *_ in fates(inventory.rows(made))
            if buried is None and row.type != DIRECTORY  # which several layers can have
        ]

    assert sum(each.bytes for each in found) == made.bytes
    assert len(shown) == len(set(shown))
    for each in found:
        assert (each.buried_by is None) == (each.cause is None)
        assert each.buried_by is None or each.position < each.buried_by < len(layers)


PLAIN = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
WRITTEN = st.one_of(
    st.builds(Put, PLAIN, st.sampled_from([b"1", b"12"])),
    st.builds(Put, PLAIN, kind=st.sampled_from(["d", "l"])),
    PLAIN.map(lambda path: Put(_beside(path))),
    PLAIN.map(lambda path: Put(f"{path}/.wh..wh..opq")),
)


@effort(30)
@given(st.lists(st.lists(WRITTEN, max_size=5, unique_by=lambda put: put.path), max_size=4))
def test_what_is_shown_is_what_unpacking_the_layers_gives(layers: Sequence[Sequence[Put]]) -> None:
    layers = [[put for put in puts if not _below_a_file(put, puts)] for puts in layers]
    files: dict[str, bytes] = {}
    for puts in layers:
        _unpack(files, puts)

    with Inventory() as inventory:
        made = image(inventory, *layers)
        shown = {
            path_of(each.path).strip("/"): each.bytes
            for each in inventory.stored(made)
            if each.buried_by is None
        }

    assert shown == {path: len(content) for path, content in files.items()}


def _beside(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.wh.{name}".lstrip("/")


def _below_a_file(put: Put, puts: Sequence[Put]) -> bool:
    """A layer has nothing below what is no directory in it: no builder could have made that."""
    return any(
        other.kind != "d" and ".wh." not in other.path and put.path.startswith(f"{other.path}/")
        for other in puts
    )


def _unpack(files: dict[str, bytes], puts: Sequence[Put]) -> None:
    """Put a layer over the files of those below it, entry by entry, as one would by hand."""

    def drop(path: str, *, itself: bool) -> None:
        for known in [*files]:
            if (known == path and itself) or known.startswith(f"{path}/"):
                del files[known]

    for put in puts:
        folder, _, name = put.path.rpartition("/")
        if name == ".wh..wh..opq":
            drop(folder, itself=False)
        elif name.startswith(".wh."):
            drop(f"{folder}/{name[4:]}".lstrip("/"), itself=True)
    for put in puts:
        if ".wh." in put.path:
            continue
        parts = put.path.split("/")
        for depth in range(1, len(parts)):
            files.pop("/".join(parts[:depth]), None)  # a directory now
        if put.kind == "d":
            files.pop(put.path, None)
        else:
            drop(put.path, itself=True)
            files[put.path] = put.content
