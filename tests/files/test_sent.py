"""What a build was sent is known by path, as it was sent."""

from __future__ import annotations

from ctxsize.files.sent import SentTree


def test_sizes_are_those_that_were_sent() -> None:
    sent = SentTree()
    for number in range(1000):
        sent.add(f"d/{number}", number, 0)

    assert [sent.size(f"d/{number}") for number in range(1000)] == list(range(1000))
    assert sent.size("d/1000") is None
    assert sent.changed == []


def test_what_is_sent_in_the_end_counts() -> None:
    sent = SentTree()
    for size in (5, 7, 3):
        sent.resize("log", size)
        assert sent.size("log") == size


def test_what_changed_since_is_named() -> None:
    sent = SentTree(since=1000)
    for path, time in (("old", 999), ("log", 1000), ("new", 2000)):
        sent.add(path, 1, time)

    assert sent.changed == ["log", "new"]


def test_each_ignored_root_has_the_sum_of_its_files() -> None:
    sent = SentTree(root_of=lambda path: path.partition("/")[0] if "/" in path else None)
    for path in ("logs/a", "logs/b", "kept", "data/c"):
        sent.add(path, len(path), 0)

    assert sent.by_root == {"logs": 12, "data": 6}
