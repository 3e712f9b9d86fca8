"""What a run made on an engine is on disk while it lives, so that the next run can clean up after it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ctxsize.engine.footprint.journal import (
    Journal,
    Made,
    dead_journals,
    is_alive,
    owner,
    state_directory,
    uncertain_runs,
)
from ctxsize.engine.footprint.maker import Maker

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
    (tmp_path / f"{owner()}-00000001.jsonl").write_text(
        '{"engine": "e"}\n{"kind": "image", "value": "abc"}\n{"kind": "ima'
    )

    (dead,) = dead_journals(tmp_path)
    assert dead.made == (Made("image", "abc"),)


def test_it_lies_where_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert state_directory() == tmp_path / "ctxsize" / "runs"


def test_what_was_found_of_a_dead_run_is_written_down_without_making_it_younger(tmp_path: Path) -> None:
    path = tmp_path / f"{owner()}-00000001.jsonl"
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


RUN = "0123abcd-00000001"
#: No process has this number: it is more than Linux gives.
NO_PROCESS = 1 << 23


def write(folder: Path, maker: Maker | None, run: str = RUN, **more: object) -> None:
    """The journal of a run that nobody has locked."""
    fields = {} if maker is None else maker.fields
    (folder / f"{run}.jsonl").write_text(json.dumps({"engine": "e", **fields, **more}) + "\n")


def dead(folder: Path) -> list[str]:
    return [each.run for each in dead_journals(folder)]


def test_the_copy_of_a_live_runs_journal_is_left_alone(tmp_path: Path) -> None:
    """The lock is the original's; the copy has none."""
    (tmp_path / "a").mkdir()
    journal = Journal(RUN, "e", tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    assert dead(tmp_path / "b") == []
    assert is_alive(RUN, tmp_path / "b")
    journal.close(done=False)


@pytest.mark.parametrize(
    "other",
    [
        {"machine": "another"},
        {"user": os.getuid() + 1},
        {"space": "pid:[1]"},
        {"space": "pid:[1]", "known": False},
        {"boot": "another", "known": False},
    ],
    ids=["machine", "user", "container", "nameless container", "nameless machine"],
)
def test_the_journal_of_somebody_else_is_left_alone_though_nobody_has_locked_it(
    tmp_path: Path, other: dict[str, object]
) -> None:
    """A directory on NFS, or a volume of several containers. Its maker's number means nothing here."""
    write(tmp_path, replace(Maker.here(), pid=NO_PROCESS, start="", **other))  # type: ignore[arg-type]

    assert dead(tmp_path) == []
    assert not is_alive(RUN, tmp_path)
    assert uncertain_runs("e", tmp_path) == [RUN]
    assert uncertain_runs("another engine", tmp_path) == []
    # Until somebody says that it is dead.
    assert [each.run for each in dead_journals(tmp_path, also=[RUN])] == [RUN]


def test_a_process_that_is_no_more_is_certainly_dead(tmp_path: Path) -> None:
    write(tmp_path, replace(Maker.here(), pid=NO_PROCESS))
    assert dead(tmp_path) == [RUN]


def test_its_number_may_be_another_processs_by_now(tmp_path: Path) -> None:
    write(tmp_path, replace(Maker.here(), start="1"))
    assert dead(tmp_path) == [RUN]
    write(tmp_path, Maker.here())
    assert dead(tmp_path) == []


def test_all_processes_end_when_the_machine_starts_anew(tmp_path: Path) -> None:
    here = Maker.here()
    if not here.known:
        pytest.skip("this machine has no id")
    write(tmp_path, replace(here, boot="another", space="pid:[1]"))
    assert dead(tmp_path) == [RUN]


def test_an_older_journal_is_believed_where_its_runs_name_is_given(tmp_path: Path) -> None:
    """It does not say who wrote it. The name has the machine and the directory in it."""
    mine = f"{owner()}-00000001"
    write(tmp_path, None)
    write(tmp_path, None, mine)

    assert dead(tmp_path) == [mine]


@pytest.mark.parametrize("damage", [{"pid": "1"}, {"user": None}, {"boot": 5}, {"pid": True}])
def test_a_damaged_journal_is_no_newer_one(tmp_path: Path, damage: dict[str, object]) -> None:
    write(tmp_path, replace(Maker.here(), pid=NO_PROCESS), **damage)
    assert dead(tmp_path) == []


def test_only_the_history_stays_of_a_run_whose_history_could_not_be_asked_for(tmp_path: Path) -> None:
    journal = Journal(RUN, "engine-1", tmp_path)
    journal.add("began", "1")
    journal.add("step", "1 2")
    journal.close(done=False, only_history=True)

    (found,) = dead_journals(tmp_path)
    assert (found.engine_id, found.made, found.only_history) == ("engine-1", (Made("history", ""),), True)
    assert found.may_be_remembered
