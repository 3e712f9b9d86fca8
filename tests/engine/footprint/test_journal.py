"""What a run made on an engine is on disk while it lives, so that the next run can clean up after it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctxsize.engine.footprint.journal import Journal, Made, dead_journals, is_alive, state_directory

KILLED = """
import os, signal, sys
from pathlib import Path
from ctxsize.engine.footprint.journal import Journal
journal = Journal("0123abcd-00000001", "engine-1", Path(sys.argv[1]))
journal.add("image", "abc")
journal.add("window", "1 2")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_live_runs_journal_is_nobody_elses_business(tmp_path: Path) -> None:
    journal = Journal("0123abcd-00000001", "engine-1", tmp_path)

    assert is_alive("0123abcd-00000001", tmp_path)
    assert list(dead_journals(tmp_path)) == []
    journal.close(done=False)


def test_what_a_killed_run_wrote_down_is_found(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=Path(__file__).parents[3], check=False)

    assert not is_alive("0123abcd-00000001", tmp_path)
    (dead,) = dead_journals(tmp_path)
    assert (dead.run, dead.engine_id) == ("0123abcd-00000001", "engine-1")
    assert dead.made == (Made("image", "abc"), Made("window", "1 2"))


def test_a_run_that_cleaned_up_leaves_no_journal(tmp_path: Path) -> None:
    Journal("0123abcd-00000001", "engine-1", tmp_path).close(done=True)

    assert list(tmp_path.iterdir()) == []


def test_a_run_that_could_not_clean_up_leaves_its_journal_for_the_next(tmp_path: Path) -> None:
    Journal("0123abcd-00000001", "engine-1", tmp_path).close(done=False)

    assert [dead.run for dead in dead_journals(tmp_path)] == ["0123abcd-00000001"]


def test_a_line_cut_short_by_the_kill_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "0123abcd-00000001.jsonl").write_text(
        '{"engine": "e"}\n{"kind": "image", "value": "abc"}\n{"kind": "ima'
    )

    (dead,) = dead_journals(tmp_path)
    assert dead.made == (Made("image", "abc"),)


def test_it_lies_where_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert state_directory() == tmp_path / "ctxsize" / "runs"


def test_what_was_found_of_a_dead_run_is_written_down_without_making_it_younger(tmp_path: Path) -> None:
    path = tmp_path / "0123abcd-00000001.jsonl"
    path.write_text('{"engine": "e"}\n{"kind": "window", "value": "1 2"}\n{"kind": "ima')
    os.utime(path, (1000, 1000))

    (dead,) = dead_journals(tmp_path)
    dead.note(["a", "b"], ["x"])

    (again,) = dead_journals(tmp_path)
    assert again.made == (
        Made("window", "1 2"),
        Made("record", "a"),
        Made("record", "b"),
        Made("other", "x"),
    )
    assert path.stat().st_mtime == 1000
