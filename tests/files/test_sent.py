"""What a build was sent is known by path, as it was sent."""

from __future__ import annotations

import tracemalloc

from ctxsize.files.sent import SentTree


def test_a_path_was_sent_with_its_size_and_no_other() -> None:
    sent = SentTree()
    for number in range(1000):
        sent.add(f"d/{number}", number, 0)

    assert all(sent.has(f"d/{number}", number) for number in range(1000))
    assert not any(sent.has(f"d/{number}", number + 1) for number in range(1000))
    assert not sent.has("d/1000", 1000)
    assert sent.changed == []


def test_what_grew_while_it_was_sent_has_its_size_in_the_end_too() -> None:
    sent = SentTree()
    sent.add("log", 5, 0)
    assert not sent.has("log", 7)
    sent.also("log", 7)
    assert sent.has("log", 7)


def test_sizes_of_terabytes_and_paths_of_named_contexts() -> None:
    sent = SentTree()
    sent.within("docs").add("disk.img", 1 << 50, 0)

    assert sent.has("docs:disk.img", 1 << 50)
    assert not sent.has("disk.img", 1 << 50)


def test_entries_take_four_bytes_each() -> None:
    sent = SentTree()
    tracemalloc.start()
    for number in range(100_000):
        sent.add(f"d/{number}", number, 0)
    assert sent.has("d/1", 1)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 700_000


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
