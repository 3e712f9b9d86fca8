"""Numbers that are remembered, and files that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctxsize.files.numbers import load, remember


def test_what_was_remembered_is_known_and_the_newest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "below" / "numbers.json"
    remember({f"n{number}": number for number in range(1999)}, path)
    remember({"n0": 7, "new": 1, "newer": 2}, path)

    known = load(path)
    assert len(known) == 2000
    assert (known["n0"], known["newer"]) == (7, 2)
    assert "n1" not in known, "the oldest goes, and n0 was told again"


@pytest.mark.parametrize(
    "text", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000, b'{"a": "b", "c": -1, "d": 1.5}']
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "numbers.json"
    path.write_bytes(text)
    assert load(path) == {}
    remember({"a": 1}, path)
    assert load(path) == {"a": 1}


def test_a_place_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remember({"a": 1}, tmp_path / "file" / "numbers.json")
