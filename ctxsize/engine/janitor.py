"""A run's footprint on the engine: everything it makes is its own, known, and removed.

Images carry the label ``org.ctxsize.run=<run>``; what an engine can't label (the classic builder's
intermediate images, build-cache records) is listed in the run's journal. Tagged images are never
removed: a tag on an image of ours means that the user asked to keep it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import docker
import requests.exceptions
from docker.errors import APIError, DockerException

from ctxsize.engine import buildcache
from ctxsize.engine.build import RUN_LABEL
from ctxsize.engine.connect import Engine
from ctxsize.engine.journal import DeadJournal, Journal, dead_journals, is_alive, state_directory
from ctxsize.engine.untagged import remove_untagged

#: How the temporary directories of probe builds begin (see ctxsize.calibration).
PROBE_PREFIX = "ctxsize-probe-"
#: An engine that was told to stop a build needs a moment until what the build made can be removed.
_ATTEMPTS = 120
_PAUSE_SECONDS = 0.25


class Run:
    """One run of ctxsize on one engine, as a context manager: on leaving, nothing of it is left.

    Entering first removes what dead runs of this user on this machine left behind.
    """

    def __init__(self, engine: Engine) -> None:
        self.id = f"{_owner()}-{secrets.token_hex(4)}"
        self._api = engine.api
        self._engine_id = engine.info.id
        self._forget: list[Callable[[], bool]] = []

    def __enter__(self) -> Run:
        sweep(self._api, self._engine_id)
        self.journal = Journal(self.id, self._engine_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.close(done=self._clean(interrupted=kind is not None))

    def at_end(self, forget: Callable[[], bool]) -> None:
        """Have ``forget`` called when the run ends; it says whether it has removed all it had to."""
        self._forget.append(forget)

    def remove_image(self, image_id: str) -> None:
        """Remove an image of this run that is no longer needed; a tagged one loses nothing."""
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
                left = _remove_labelled(self._api, self.id)
                left += sum(not forget() for forget in self._forget)
            except (DockerException, requests.exceptions.RequestException, OSError):
                return False  # the engine is gone; the journal stays for the next run
            quiet_rounds = quiet_rounds + 1 if left == 0 else 0
            if quiet_rounds >= quiet_rounds_needed:
                return True
        return False


def sweep(api: docker.APIClient, engine_id: str) -> None:
    """Remove what dead runs of this user on this machine left on the engine."""
    for journal in dead_journals():
        if journal.engine_id == engine_id:
            _sweep_journal(api, journal)
    for run in _labelled_runs(api):
        if run.startswith(f"{_owner()}-") and not is_alive(run):
            _remove_labelled(api, run)


def _sweep_journal(api: docker.APIClient, journal: DeadJournal) -> None:
    left = _remove_labelled(api, journal.run)
    images = [made.value for made in reversed(journal.made) if made.kind == "image"]
    left += sum(not remove_untagged(api, image) for image in images)
    for made in journal.made:
        if made.kind == "directory" and os.path.basename(made.value).startswith(PROBE_PREFIX):
            shutil.rmtree(made.value, ignore_errors=True)
    windows = [buildcache.Window.parse(made.value) for made in journal.made if made.kind == "window"]
    left += len(buildcache.remove(api, buildcache.created_in(api, windows, run=journal.run)))
    if not left:
        journal.path.unlink(missing_ok=True)


def _remove_labelled(api: docker.APIClient, run: str) -> int:
    """Remove what carries the run's label; returns how many things there were."""
    label = {"label": f"{RUN_LABEL}={run}"}
    found = 0
    for container in api.containers(all=True, filters=label):
        found += 1
        with contextlib.suppress(APIError):
            api.remove_container(container["Id"], force=True, v=True)
    for network in api.networks(filters=label):
        found += 1
        with contextlib.suppress(APIError):
            api.remove_network(network["Id"])
    for image in _children_first(api.images(filters=label, all=True)):
        found += 1
        with contextlib.suppress(APIError):
            api.remove_image(image, noprune=True)
    return found


def _children_first(images: Iterable[dict[str, object]]) -> list[str]:
    """Ids of the untagged images; the newest are nobody's parents."""
    untagged = [image for image in images if not _real_tags(image)]
    untagged.sort(key=lambda image: int(str(image.get("Created", 0))), reverse=True)
    return [str(image["Id"]) for image in untagged]


def _real_tags(image: dict[str, object]) -> list[object]:
    tags = image.get("RepoTags")
    return [tag for tag in tags if tag != "<none>:<none>"] if isinstance(tags, list) else []


def _labelled_runs(api: docker.APIClient) -> set[str]:
    label = {"label": RUN_LABEL}
    runs = {
        str((image.get("Labels") or {}).get(RUN_LABEL))
        for image in api.images(filters=label, all=True)
        if not _real_tags(image)
    }
    runs |= {str(container["Labels"][RUN_LABEL]) for container in api.containers(all=True, filters=label)}
    return runs


def _owner() -> str:
    """Who makes runs here: this user's state directory on this machine, as eight hex digits.

    Only its own dead runs can be told from live ones: their journals are in that directory.
    """
    machine = "/etc/machine-id"
    identity = Path(machine).read_text().strip() if os.path.exists(machine) else os.uname().nodename
    return hashlib.sha256(f"{identity}:{os.uname().nodename}:{state_directory()}".encode()).hexdigest()[:8]
