"""What is known of a hard-linked file when two processes met different names of it."""

from __future__ import annotations

from pathlib import Path

from ctxsize.context.links import Links, Name, walk_key


def name(path: str, *, eligible: bool = True, needed: bool = False, hidden: bool = False) -> Name:
    return Name(walk_key(path), 7, eligible, needed, hidden, False)


def test_walk_order_puts_a_directory_before_its_neighbours() -> None:
    assert sorted(["a-b", "a/z", "a", "a.b"], key=walk_key) == ["a", "a/z", "a-b", "a.b"]


def test_what_any_name_says_counts_after_merging(tmp_path: Path) -> None:
    """Also what neither of the names that are kept says: c is needed and shown, a and b are first."""
    for link in "bcdef":
        (tmp_path / "a").touch()
        (tmp_path / link).hardlink_to(tmp_path / "a")
    st = (tmp_path / "a").stat()
    ours, theirs = Links(), Links()
    ours.add(st, name("b", hidden=True))
    theirs.add(st, name("a", hidden=True))
    theirs.add(st, name("c", needed=True))
    theirs.add(st, name("e", eligible=False))
    theirs.add(st, name("d", eligible=False))
    ours.merge(theirs)
    (inode,) = ours.settle()
    assert inode.eligible is not None and inode.eligible.key == [b"a"]
    assert inode.ignored is not None and inode.ignored.key == [b"d"]
    assert (inode.needed, inode.shown) == (True, True)


def test_the_last_name_closes_the_record(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    st = (tmp_path / "a").stat()
    links = Links()
    assert links.add(st, name("a")) is None
    assert links.add(st, name("b")) is not None
    assert links.settle() == []
