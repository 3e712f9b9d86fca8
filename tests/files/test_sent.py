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
        sent.add("log", size, 0)
        assert sent.size("log") == size


def test_what_changed_since_is_named() -> None:
    sent = SentTree(since=1000)
    for path, time in (("old", 999), ("log", 1000), ("new", 2000)):
        sent.add(path, 1, time)

    assert sent.changed == ["log", "new"]
