"""More than a thousand real builds by the official clients, replayed: the nastiest a sweep met."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from record import RECORDED
from replay import read_records, replay


@pytest.mark.slow
def test_every_recorded_build_is_what_ctxsize_says_with_rules_that_sleep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctxsize.ignore.compiled._MOST_AWAKE", 0)
    test_every_recorded_build_is_what_ctxsize_says(tmp_path)


def test_every_recorded_build_is_what_ctxsize_says(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for record in read_records(RECORDED):
        ours = replay(record, tmp_path / "context")
        assert ours == record["real"], f"case {record['seed']}, {record['dialect']}: {record['case']}"
        seen[record["dialect"]] += 1
    assert min(seen["buildkit"], seen["classic"]) >= 500
    assert seen.total() >= 1000
