"""What each run has made on an engine, on disk while the run lives, so that the next run can
clean up after one that was killed.

A journal is a file of JSON lines in the user's state directory, locked by the run that writes it:
a journal nobody holds a lock on belongs to a dead run.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Made:
    """Something a run made: ``kind`` is ``image`` (``value`` an id), ``window`` (``value`` two times by the
    engine's clock between which a marker of ours ran; see ctxsize.engine.buildcache) or ``directory``
    (``value`` the path of a temporary one on this machine)."""

    kind: str
    value: str


class Journal:
    """The journal of a live run; every entry is on disk before ``add`` returns."""

    def __init__(self, run: str, engine_id: str, directory: Path | None = None) -> None:
        """Start the journal of ``run`` on the engine ``engine_id``."""
        folder = directory or state_directory()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{run}.jsonl"
        self._file: IO[str] = self._path.open("x", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write({"engine": engine_id})

    def add(self, kind: str, value: str) -> None:
        """Remember something made on the engine."""
        self._write({"kind": kind, "value": value})

    def close(self, *, done: bool) -> None:
        """End the journal; ``done`` when nothing it lists is left on the engine."""
        if done:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _write(self, record: dict[str, str]) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()


@dataclass(frozen=True, slots=True)
class DeadJournal:
    """What a run that is no longer alive had made on an engine and may have left there."""

    run: str
    engine_id: str
    made: tuple[Made, ...]
    path: Path


def dead_journals(directory: Path | None = None) -> Iterator[DeadJournal]:
    """The journals of runs that ended without cleaning up."""
    folder = directory or state_directory()
    for path in sorted(folder.glob("*.jsonl")):
        try:
            with path.open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                records = list(_records(file))
        except OSError:
            continue  # alive, or gone since the listing
        engine_id = next((str(record["engine"]) for record in records if "engine" in record), "")
        made = tuple(
            Made(str(record["kind"]), str(record["value"]))
            for record in records
            if "kind" in record and "value" in record
        )
        yield DeadJournal(run=path.stem, engine_id=engine_id, made=made, path=path)


def is_alive(run: str, directory: Path | None = None) -> bool:
    """Whether a process on this machine is still working on ``run``."""
    path = (directory or state_directory()) / f"{run}.jsonl"
    try:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def state_directory() -> Path:
    """``$XDG_STATE_HOME/ctxsize/runs``; see the XDG base directory specification."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "ctxsize" / "runs"


def _records(file: IO[str]) -> Iterator[dict[str, object]]:
    for line in file:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was killed while writing it
        if isinstance(record, dict):
            yield record
