"""What each run has made on an engine, on disk while the run lives, so that the next run can clean up after
one that was killed.

A journal is a file of JSON lines in the user's state directory, locked by the run that writes it. One that
nobody has locked is a dead run's if it is certain that this user's process on this machine wrote it, and that
it is no more (see ``maker``): the directory can be a copy, or shared with other machines and containers.
Older journals do not say who wrote them; their run's name must then be one that is given here (``owner``).
All others are left alone until somebody names the run. Whoever cleans up after a run locks its journal
meanwhile, so that two at once never take the same one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ctxsize.engine.footprint.maker import Maker
from ctxsize.errors import UsageError
from ctxsize.files.nested import nested_input
from ctxsize.files.own import Folder, state_folder, state_folders

#: A run's id: its owner and a number. Cache records are found by it, so nothing shorter may pass.
_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}")


def is_run(name: str) -> bool:
    """Whether ``name`` can be a run's id."""
    return _RUN.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Made:
    """Something a run made, or a time that helps to find it. What ``value`` is depends on ``kind``:

    - ``image``, ``container`` (one in which the classic builder runs a step): its id.
    - ``directory``: the path of a temporary one on this machine.
    - ``began``, ``begun``: when the run, a step began, in epoch nanoseconds, by the engine's clock.
    - ``window``, ``step``: two such times between which a marker (see ``cache_records``), any step ran.
    - ``expected``: two such times, and the digest of what describes a record made then (``cache_records``).
    - ``history``: without a value; the engine may remember builds of the run, and could not be asked.
    - ``record``, ``other``: the id of a cache record found to be the run's, or found not to be.
    """

    kind: str
    value: str


class Journal:
    """The journal of a live run; every entry is on disk before ``add`` returns."""

    def __init__(
        self, run: str, engine_id: str, directory: Path | None = None, *, builder: str | None = None
    ) -> None:
        """Start the journal of ``run`` on the engine ``engine_id``, or on the builder of that name. Raises
        UsageError when it can't be written: without it nothing that needs it may be made."""
        folder = directory or state_directory()
        self._path = folder / f"{run}.jsonl"
        self._kinds: set[str] = set()
        on = {"engine": engine_id} if builder is None else {"engine": engine_id, "builder": builder}
        self._first = {**on, **Maker.here().fields}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = _create_locked(self._path)
            self._write(self._first)
        except OSError as error:
            raise _not_noted(folder, error) from error

    def add(self, kind: str, value: str) -> None:
        """Remember something made on the engine. Raises UsageError when that can't be written down."""
        self._kinds.add(kind)
        try:
            self._write({"kind": kind, "value": value})
        except OSError as error:
            raise _not_noted(self._path.parent, error) from error

    def lists(self, *kinds: str) -> bool:
        """Whether it has an entry of one of these kinds."""
        return not self._kinds.isdisjoint(kinds)

    def close(self, *, done: bool, only_history: bool = False) -> None:
        """End the journal; ``done`` when nothing it lists is left on the engine, ``only_history`` when
        nothing is but what the engine's history may have."""
        if done:
            self._path.unlink(missing_ok=True)
        else:
            with contextlib.suppress(OSError):  # a full disk: it is a dead run's when this process has ended
                if only_history:
                    self._file.seek(0)
                    self._file.truncate()
                    self._write(self._first)
                    self._write({"kind": "history", "value": ""})
                self._write({"ended": True})
        self._file.close()

    def _write(self, record: Mapping[str, object]) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()


def _not_noted(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"what a run makes can't be written down: {error.strerror or error}",
        where=str(folder),
        hint="set XDG_STATE_HOME to a directory with room, where you may write",
    )


def _create_locked(path: Path) -> IO[str]:
    """A new, locked file. Before it is locked it looks like a dead run's, and whoever cleans up may remove
    it: then another is made."""
    while True:
        file = path.open("x", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass
        file.close()


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A run that nobody works on any more: what it wrote down, in the journal at ``path`` (None when only its
    labels are left). ``age`` is how long ago it wrote the last line, in seconds. ``builder`` is the builder's
    name; empty for an engine."""

    run: str
    engine_id: str = ""
    made: tuple[Made, ...] = ()
    path: Path | None = None
    age: float = 0.0
    builder: str = ""

    @property
    def may_be_remembered(self) -> bool:
        """Whether the engine's history may have builds of it: those of BuildKit."""
        return any(each.kind in ("history", "begun", "step") for each in self.made)

    @property
    def only_history(self) -> bool:
        """Whether all else that it made is gone."""
        return [each.kind for each in self.made] == ["history"]

    def note(self, records: Iterable[str], others: Iterable[str]) -> None:
        """Add to the journal, if there is one, which cache records were found to be the run's and which were
        not: whoever looks next must not judge otherwise because some are gone."""
        if self.path is None:
            return
        lines = [{"kind": "record", "value": each} for each in records]
        lines += [{"kind": "other", "value": each} for each in others]
        times = self.path.stat()
        with self.path.open("a", encoding="utf-8") as file:
            # Its last line may lack an end.
            file.write("\n" + "".join(json.dumps(line) + "\n" for line in lines))
        os.utime(self.path, ns=(times.st_atime_ns, times.st_mtime_ns))


def dead_journals(directory: Path | None = None, also: Collection[str] = ()) -> Iterator[DeadRun]:
    """The journals of runs that certainly ended without cleaning up, and of those in ``also`` that nobody has
    locked; each is locked until the next is asked for."""
    for path in _journals(directory):
        if not is_run(path.stem):
            continue
        try:
            file = path.open("r+", encoding="utf-8", errors="replace")
        except OSError:
            continue  # gone since the listing, or not ours to touch
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                records = list(_records(file))
                age = abs(time.time() - os.fstat(file.fileno()).st_mtime)
            except OSError:
                continue  # alive, or somebody cleans up after it
            if path.stem not in also and not _is_dead(path.stem, records):
                continue
            engine_id = _said(records, "engine")
            made = tuple(
                Made(str(record["kind"]), str(record["value"]))
                for record in records
                if "kind" in record and "value" in record
            )
            builder = _said(records, "builder")
            yield DeadRun(path.stem, engine_id, made, path, age, builder)


def _said(records: Iterable[Mapping[str, object]], key: str) -> str:
    return next((str(record[key]) for record in records if key in record), "")


def live_runs(directory: Path | None = None) -> list[str]:
    """The runs that somebody on this machine is working on, of this user."""
    return [path.stem for path in _journals(directory) if is_alive(path.stem, path.parent)]


def uncertain_runs(engine_id: str, directory: Path | None = None) -> list[str]:
    """The runs on that engine with a journal, of which nobody here can tell whether they are dead."""
    certain = {each.run for each in dead_journals(directory)} | {*live_runs(directory)}
    names = {path.stem for path in _journals(directory) if is_run(path.stem)} - certain
    found = dead_journals(directory, names)
    return [each.run for each in found if each.run in names and each.engine_id == engine_id]


def is_alive(run: str, directory: Path | None = None) -> bool:
    """Whether a process on this machine is still working on ``run``."""
    return any(_is_locked(folder / f"{run}.jsonl") for folder in _directories(directory))


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+", encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            records = list(_records(file))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    maker = _maker(records)
    return maker is not None and not _ended(records) and maker.is_certainly_alive()


def _is_dead(run: str, records: Sequence[Mapping[str, object]]) -> bool:
    """Whether a run whose journal nobody has locked is certainly dead, and this user's on this machine."""
    maker = _maker(records)
    if maker is None:
        return run.startswith(f"{owner()}-")
    return maker.is_of_ours() and (_ended(records) or maker.is_certainly_dead())


def _maker(records: Iterable[Mapping[str, object]]) -> Maker | None:
    return next((found for each in records if (found := Maker.read(each))), None)


def _ended(records: Iterable[Mapping[str, object]]) -> bool:
    return any(each.get("ended") is True for each in records)


def state_directory() -> Path:
    """Where this process writes journals: ``$XDG_STATE_HOME/ctxsize/runs``, if that can be written and lies
    outside what is measured (see ctxsize.files.own)."""
    return _runs(state_folder())


def _runs(folder: Folder) -> Path:
    return folder.path / "runs"


def _directories(directory: Path | None) -> list[Path]:
    return [directory] if directory is not None else [_runs(folder) for folder in state_folders()]


def _journals(directory: Path | None) -> Iterator[Path]:
    """The journals in ``directory``, or in every one where a run of this user may have written its own."""
    for folder in _directories(directory):
        yield from sorted(folder.glob("*.jsonl"))


def _records(file: IO[str]) -> Iterator[dict[str, object]]:
    for line in file:
        try:
            with nested_input():
                record = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was killed while writing it
        if isinstance(record, dict):
            yield record


def owner() -> str:
    """Who makes runs here: this user's state directory on this machine, as eight hex digits.

    We can tell only its own dead runs from live ones, as their journals are in that directory.
    """
    return _owner(state_folder())


def _owner(folder: Folder) -> str:
    machine = "/etc/machine-id"
    identity = Path(machine).read_text().strip() if os.path.exists(machine) else os.uname().nodename
    name = str(_runs(folder))
    if folder.temporary and folder.path.exists():
        # Each service of a machine may have a /tmp of its own, in which others' journals are not seen.
        st = folder.path.stat()
        name += f":{st.st_dev}:{st.st_ino}"
    return hashlib.sha256(f"{identity}:{os.uname().nodename}:{name}".encode()).hexdigest()[:8]
