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

from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import TROUBLE, engine_error, engine_trouble
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint.clean import sweep
from ctxsize.engine.footprint.images import remove_untagged
from ctxsize.engine.footprint.journal import Journal, owner
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
        """Call ``forget`` when the run ends, until it says that it has removed all it had to."""
        self._forget.append(forget)

    def remove_image(self, image_id: str) -> None:
        """Remove an image of this run that is no longer needed, unless it has a tag."""
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
                    things = leftovers.find_labelled(self._api, self.id)
                    leftovers.remove(self._api, things)
                    left = len(things) + sum(not forget() for forget in self._forget)
            except EngineError:
                return False  # the engine is gone; the journal stays for the next run
            quiet_rounds = quiet_rounds + 1 if left == 0 else 0
            if quiet_rounds >= quiet_rounds_needed:
                return True
        return False
