"""A run's footprint on the engine: everything it makes is its own, known, and removed.

Images and containers carry the label ``org.ctxsize.run=<run>``; what an engine can't label (build-cache
records, what ONBUILD triggers make in the classic builder) is listed in the run's journal. Tagged images are
never removed: a tag on an image of ours means that the user asked to keep it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import docker
from docker.errors import APIError

from ctxsize.engine import leftovers
from ctxsize.engine.build import RUN_LABEL
from ctxsize.engine.connect import Engine
from ctxsize.engine.journal import (
    DeadJournal,
    Journal,
    Made,
    dead_journals,
    is_alive,
    is_run,
    live_runs,
    state_directory,
)
from ctxsize.engine.leftovers import PROBE_PREFIX as PROBE_PREFIX
from ctxsize.engine.leftovers import Leftover
from ctxsize.engine.podman import working_containers
from ctxsize.engine.trouble import TROUBLE, engine_error, engine_trouble, sensible
from ctxsize.engine.untagged import remove_untagged, unwanted
from ctxsize.errors import EngineError, UsageError

#: An engine that was told to stop a build needs a moment until what the build made can be removed.
_ATTEMPTS = 120
_PAUSE_SECONDS = 0.25
#: Seconds after a dead run's last word in which its engine may still be winding a build down, so that
#: something of it may yet appear: its journal is kept that long though nothing is there.
_WINDING_DOWN = 30.0


class Run:
    """One run of ctxsize on one engine, as a context manager: on leaving, nothing of it is left.

    Entering and leaving remove what dead runs of this user on this machine left behind. What goes wrong
    with the engine inside leaves it as an EngineError.
    """

    def __init__(self, engine: Engine) -> None:
        self.id = f"{_owner()}-{secrets.token_hex(4)}"
        self._api = engine.api
        self._engine = engine.info
        self._forget: list[Callable[[], bool]] = []
        #: A build was broken off: the engine may still be making something when the run ends.
        self.winding_down = False

    def __enter__(self) -> Run:
        with engine_trouble():
            sweep(self._api, self._engine.id)
        self.journal = Journal(self.id, self._engine.id)
        self.journal.add("began", str(self._engine.now()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = self._clean(interrupted=kind is not None or self.winding_down)
        self.journal.close(done=done)
        if done:
            # What a killed run's engine was still making when we began is there by now.
            with contextlib.suppress(EngineError), engine_trouble():
                sweep(self._api, self._engine.id)
        if isinstance(error, TROUBLE):
            raise engine_error(error) from error

    def at_end(self, forget: Callable[[], bool]) -> None:
        """Have ``forget`` called when the run ends; it says whether it has removed all it had to."""
        self._forget.append(forget)

    def remove_image(self, image_id: str) -> None:
        """Remove an image of this run that is no longer needed; a tagged one loses nothing."""
        with engine_trouble():
            remove_untagged(self._api, image_id)

    def _clean(self, *, interrupted: bool) -> bool:
        """Remove everything; True when the engine confirmed that nothing is left."""
        # After an interruption the engine is still winding the build down: things may yet appear.
        quiet_rounds_needed = 3 if interrupted else 1
        quiet_rounds = 0
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            try:
                with engine_trouble():
                    left = _remove_labelled(self._api, self.id) + _forget_builds(self._api, self.id)
                    left += sum(not forget() for forget in self._forget)
            except EngineError:
                return False  # the engine is gone; the journal stays for the next run
            quiet_rounds = quiet_rounds + 1 if left == 0 else 0
            if quiet_rounds >= quiet_rounds_needed:
                return True
        return False


@dataclass(frozen=True, slots=True)
class DeadRun:
    """A run that nobody works on any more; ``journal`` is None when only its labels are left."""

    run: str
    journal: DeadJournal | None = None

    @property
    def made(self) -> Sequence[Made]:
        """What it wrote down."""
        return self.journal.made if self.journal is not None else ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What ``clean`` did. ``removed`` (with ``dry_run``: what would be), ``kept`` what the engine would not
    give up because something uses it, ``live`` the runs that are at work on this machine, ``others`` the
    runs that somebody else's ctxsize made, dead or not: only their makers can tell."""

    dry_run: bool
    removed: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]
    live: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """The bytes that ``removed`` held, as far as they are known."""
        return sum(thing.bytes or 0 for thing in self.removed)


def clean(engine: Engine, *, dry_run: bool = False, runs: Sequence[str] = ()) -> Cleaned:
    """Remove what dead runs of this user on this machine left on the engine; ``dry_run`` only looks.

    ``runs`` names runs of others to remove besides: who names one vouches for its being dead. Raises
    UsageError for a name that is none or that is at work here, EngineError when the engine goes away.
    """
    for run in runs:
        if not is_run(run):
            raise UsageError(f"{run!r} is no run", hint="a run is named like 0123abcd-4567cdef")
        if is_alive(run):
            raise UsageError(f"the run {run} is at work", hint="end it first")
    removed: list[Leftover] = []
    kept: list[Leftover] = []
    with engine_trouble():
        for dead in _dead_runs(engine.api, engine.info.id, also=runs):
            things, refused = _clean_up_after(dead, engine.api, dry_run=dry_run)
            kept += refused
            removed += [thing for thing in things if thing not in refused]
        others = [run for run in _labelled_runs(engine.api) if not _is_ours(run) and run not in runs]
    return Cleaned(dry_run, tuple(removed), tuple(kept), tuple(live_runs()), tuple(others))


def sweep(api: docker.APIClient, engine_id: str) -> None:
    """Remove what dead runs of this user on this machine left on the engine."""
    for dead in _dead_runs(api, engine_id):
        _clean_up_after(dead, api)


def _dead_runs(api: docker.APIClient, engine_id: str, *, also: Sequence[str] = ()) -> Iterator[DeadRun]:
    """The dead runs of this user on this machine, and those named; each its caller's alone until it asks
    for the next."""
    seen = set(also)
    for journal in dead_journals():
        # One without an engine was killed before it made anything.
        if journal.engine_id in (engine_id, ""):
            seen.add(journal.run)
            yield DeadRun(journal.run, journal)
    for run in _labelled_runs(api):
        if run not in seen and _is_ours(run) and not is_alive(run):
            yield DeadRun(run)
    for run in also:
        yield DeadRun(run)


def _clean_up_after(
    dead: DeadRun, api: docker.APIClient, *, dry_run: bool = False
) -> tuple[list[Leftover], list[Leftover]]:
    """Remove what a dead run left, and its journal when nothing can come any more; ``dry_run`` only looks.
    Returns all that was there, and what of it stays."""
    journal = dead.journal
    traces = leftovers.traces_of(dead.made)
    before = traces.ids | traces.others
    things = leftovers.find(api, dead.run, dead.made, traces)
    if dry_run:
        return things, []
    if journal is not None and (traces.ids | traces.others) != before:
        with contextlib.suppress(OSError):  # a full disk: what is there goes all the same
            journal.note(sorted(traces.ids - before), sorted(traces.others - before))
    kept = leftovers.remove(api, things)
    if journal is not None and not kept and (journal.age > _WINDING_DOWN or not journal.engine_id):
        journal.path.unlink(missing_ok=True)
    return things, kept


def _remove_labelled(api: docker.APIClient, run: str) -> int:
    """Remove what carries the label of a run that lives; returns how many things there were."""
    label = {"label": f"{RUN_LABEL}={run}"}
    with sensible("what carries a label"):
        containers = [str(each["Id"]) for each in leftovers.own_containers(api, run)]
        containers += working_containers(api, run)
        networks = [str(each["Id"]) for each in api.networks(filters=label)]
        images = leftovers.children_first(unwanted(api.images(filters=label, all=True)))
    for container in containers:
        with contextlib.suppress(APIError):
            api.remove_container(container, force=True, v=True)
    for network in networks:
        with contextlib.suppress(APIError):
            api.remove_network(network)
    for image in images:
        with contextlib.suppress(APIError):
            api.remove_image(image, noprune=True)
    return len(containers) + len(networks) + len(images)


def _forget_builds(api: docker.APIClient, run: str) -> int:
    """Take the builds of a run that lives out of the engine's history; returns how many there were."""
    builds = leftovers.past_builds(api, run)
    for each in builds:
        leftovers.forget_build(api, each)
    return len(builds)


def _labelled_runs(api: docker.APIClient) -> list[str]:
    """The runs that something on the engine carries the label of, tagged images and what they are built on
    apart."""
    label = {"label": RUN_LABEL}
    with sensible("what carries a label"):
        runs = {
            str((image.get("Labels") or {}).get(RUN_LABEL))
            for image in unwanted(api.images(filters=label, all=True))
        }
        runs |= {str(each["Labels"][RUN_LABEL]) for each in leftovers.own_containers(api)}
        runs |= {str(each["Labels"][RUN_LABEL]) for each in api.networks(filters=label)}
    return sorted(run for run in runs if is_run(run))


def _is_ours(run: str) -> bool:
    """Whether this user made the run on this machine, so that its being dead can be told."""
    return run.startswith(f"{_owner()}-")


def _owner() -> str:
    """Who makes runs here: this user's state directory on this machine, as eight hex digits.

    Only its own dead runs can be told from live ones: their journals are in that directory.
    """
    machine = "/etc/machine-id"
    identity = Path(machine).read_text().strip() if os.path.exists(machine) else os.uname().nodename
    return hashlib.sha256(f"{identity}:{os.uname().nodename}:{state_directory()}".encode()).hexdigest()[:8]
