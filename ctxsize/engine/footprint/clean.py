"""Cleaning up after dead runs: what killed processes of this user left on an engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import docker

from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import engine_trouble, sensible
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint.images import unwanted
from ctxsize.engine.footprint.journal import (
    DeadRun,
    dead_journals,
    is_alive,
    is_run,
    live_runs,
    uncertain_runs,
)
from ctxsize.engine.footprint.leftovers import History, Leftover
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.errors import UsageError
from ctxsize.progress import Progress, Silent

#: Seconds after a dead run's last word in which its engine may still be winding a build down, so that
#: something of it may yet appear: its journal is kept that long though nothing is there.
_WINDING_DOWN = 30.0


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What ``clean`` did: ``removed`` (with ``dry_run``: what would be removed), ``kept`` because something
    uses it. ``live`` are the runs at work on this machine, ``others`` the runs that somebody else's ctxsize
    made: only their makers can tell whether they are dead. ``unseen`` says why the engine's history of builds
    could not be looked at, empty if it could; ``remembered`` are dead runs of which it may have builds."""

    dry_run: bool
    removed: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]
    live: tuple[str, ...]
    others: tuple[str, ...]
    unseen: str = ""
    remembered: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """The bytes that ``removed`` held, as far as they are known."""
        return sum(thing.bytes or 0 for thing in self.removed)


def clean(
    engine: Engine, *, dry_run: bool = False, runs: Sequence[str] = (), progress: Progress | None = None
) -> Cleaned:
    """Remove what dead runs of this user on this machine left on the engine; ``dry_run`` only looks.

    ``runs`` names runs of others to remove as well; the caller vouches that they are dead. Raises UsageError
    for a name that is not a run's, or of a run at work here, and EngineError when the engine goes away.
    """
    for run in runs:
        if not is_run(run):
            raise UsageError(f"{run!r} is no run", hint="a run is named like 0123abcd-4567cdef")
        if is_alive(run):
            raise UsageError(f"the run {run} is at work", hint="end it first")
    progress = progress or Silent()
    removed: list[Leftover] = []
    kept: list[Leftover] = []
    remembered: list[str] = []
    past = cache(lambda: leftovers.past_builds(engine.control))
    done = set(runs)
    with engine_trouble():
        for dead in _dead_runs(engine.info.id, also=runs):
            things, stay = _clean_up_after(dead, engine, past, progress, dry_run=dry_run)
            stays = {(thing.kind, thing.id) for thing in stay}
            kept += stay
            removed += [thing for thing in things if (thing.kind, thing.id) not in stays]
            done.add(dead.run)
            if past().unseen and dead.may_be_remembered:
                remembered.append(dead.run)
        live = live_runs()
        known = {*_labelled_runs(engine.api), *filter(is_run, past().builds), *uncertain_runs(engine.info.id)}
    engine.close()
    others = sorted(known - done - {*live})
    return Cleaned(
        dry_run,
        tuple(removed),
        tuple(kept),
        tuple(live),
        tuple(others),
        past().unseen,
        tuple(remembered),
    )


def builders_to_clean(but: str) -> list[str]:
    """The builders on which dead runs of this user on this machine built, without what has the id ``but``."""
    return sorted({dead.builder for dead in dead_journals() if dead.builder and dead.engine_id != but})


def sweep(engine: Engine, progress: Progress) -> None:
    """Remove what dead runs of this user on this machine left on the engine."""
    past = cache(lambda: leftovers.past_builds(engine.control))
    for dead in _dead_runs(engine.info.id):
        _clean_up_after(dead, engine, past, progress)


def _dead_runs(engine_id: str, *, also: Sequence[str] = ()) -> Iterator[DeadRun]:
    """The dead runs of this user on this machine, and those in ``also``. Nobody else cleans up after one
    until the next is asked for."""
    seen = set()
    for journal in dead_journals(also=also):
        # One without an engine was killed before it made anything.
        if journal.engine_id in (engine_id, ""):
            seen.add(journal.run)
            yield journal
    yield from (DeadRun(run) for run in also if run not in seen)


def _clean_up_after(
    dead: DeadRun,
    engine: Engine,
    past: Callable[[], History],
    progress: Progress,
    *,
    dry_run: bool = False,
) -> tuple[list[Leftover], list[Leftover]]:
    """Remove what a dead run left, and its journal when nothing can come any more; ``dry_run`` only looks.
    ``past`` gives the builds in the engine's history. Returns all that was there, and what of it stays."""
    if dead.only_history:
        things = past().of(dead.run)
        kept = [] if dry_run else leftovers.remove(engine, things, progress)
        if not dry_run:
            _end(dead, kept, past())
        return things, kept
    traces = leftovers.traces_of(dead.made)
    before = traces.ids | traces.others
    things = leftovers.find(engine, dead.run, dead.made, traces, past())
    if dry_run:
        return things, []
    if (traces.ids | traces.others) != before:
        with contextlib.suppress(OSError):  # a full disk: what is there goes all the same
            dead.note(sorted(traces.ids - before), sorted(traces.others - before))
    if things:
        progress.phase("clean up after a killed run")
    kept = leftovers.remove(engine, things, progress)
    _end(dead, kept, past())
    return things, kept


def _end(dead: DeadRun, kept: Sequence[Leftover], past: History) -> None:
    """Remove the journal of a dead run, unless something of it is there or may yet come."""
    unseen = past.unseen and dead.may_be_remembered
    if dead.path is not None and not kept and not unseen and (dead.age > _WINDING_DOWN or not dead.engine_id):
        dead.path.unlink(missing_ok=True)


def _labelled_runs(api: docker.APIClient) -> list[str]:
    """The runs whose label something on the engine has; tagged images, and what those are built on, don't
    count."""
    label = {"label": RUN_LABEL}
    with sensible("what carries a label"):
        runs = {
            str((image.get("Labels") or {}).get(RUN_LABEL))
            for image in unwanted(api.images(filters=label, all=True))
        }
        runs |= {str(each["Labels"][RUN_LABEL]) for each in leftovers.own_containers(api)}
        runs |= {str(each["Labels"][RUN_LABEL]) for each in api.networks(filters=label)}
    return sorted(run for run in runs if is_run(run))
