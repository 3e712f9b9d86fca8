"""A run's footprint on the engine: everything it makes is its own, known, and removed.

Images and containers carry the label ``org.ctxsize.run=<run>``; what an engine can't label (build-cache
records, what ONBUILD triggers make in the classic builder) is listed in the run's journal. Tagged images are
never removed: a tag on an image of ours means that the user asked to keep it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from types import TracebackType

import docker
from docker.errors import APIError

from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import TROUBLE, engine_error, engine_trouble, sensible
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint.clean import sweep
from ctxsize.engine.footprint.journal import (
    Journal,
    owner,
)
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.engine.podman import working_containers
from ctxsize.engine.untagged import remove_untagged, unwanted
from ctxsize.errors import EngineError

#: An engine that was told to stop a build needs a moment until what the build made can be removed.
_ATTEMPTS = 120
_PAUSE_SECONDS = 0.25


class Run:
    """One run of ctxsize on one engine, as a context manager: on leaving, nothing of it is left.

    Entering and leaving remove what dead runs of this user on this machine left behind. What goes wrong
    with the engine inside leaves it as an EngineError.
    """

    def __init__(self, engine: Engine) -> None:
        self.id = f"{owner()}-{secrets.token_hex(4)}"
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
