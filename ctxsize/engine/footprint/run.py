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

from docker.errors import APIError

from ctxsize.engine.buildkit import Refused
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import TROUBLE, engine_error, engine_trouble
from ctxsize.engine.footprint import leftovers
from ctxsize.engine.footprint.clean import sweep
from ctxsize.engine.footprint.images import HeldImages, refusal, remove_untagged
from ctxsize.engine.footprint.journal import Journal, owner
from ctxsize.errors import CtxsizeError, EngineError
from ctxsize.progress import Progress, Silent
from ctxsize.warning import Warning

#: An engine that was told to stop a build needs a moment until what the build made can be removed.
_ATTEMPTS = 120
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE = 2.0
#: Rounds of removing in which something is refused, after which it is given up.
_MOST_REFUSALS = 4
_CLEAN = "run `ctxsize clean`"
_LATER = f"the next run removes it, or {_CLEAN}"


class Run:
    """One run of ctxsize on one engine, as a context manager: on leaving, nothing of it is left, or ``left``
    says what is and why. Then its journal stays, for the next run or ``clean`` to try again. So it does when
    leaving is interrupted, as when the process is killed.

    Entering and leaving remove what dead runs of this user on this machine left behind. What goes wrong
    with the engine inside leaves it as an EngineError.
    """

    def __init__(self, engine: Engine, progress: Progress | None = None) -> None:
        self.id = f"{owner()}-{secrets.token_hex(4)}"
        self._engine = engine
        self._progress = progress or Silent()
        self._forget: list[Callable[[Progress], bool]] = []
        self.images = HeldImages(self._remove_image)
        #: What could not be removed, once the run has ended.
        self.left: tuple[Warning, ...] = ()
        #: A build was broken off: the engine may still be making something when the run ends.
        self.winding_down = False

    def __enter__(self) -> Run:
        with engine_trouble():
            sweep(self._engine, self._progress)
        self.journal = Journal(self.id, self._engine.info.id, builder=self._engine.info.builder)
        self.journal.add("began", str(self._engine.info.now()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.phase("clean up")
        try:
            left = self._clean(interrupted=kind is not None or self.winding_down)
            remembered = self.journal.lists("begun", "step") and self._engine.control.leaves_history
            unseen = self._forget_builds() if remembered else ""
        except BaseException as broken:
            self.journal.close(done=False)
            broken.add_note(f"not all that this run made on the engine is removed: {_LATER}")
            raise
        self.journal.close(done=not left and not unseen, only_history=not left)
        if not left:
            # What a killed run's engine was still making when we began is there by now.
            with contextlib.suppress(EngineError), engine_trouble():
                sweep(self._engine, self._progress)
        self._engine.close()
        self.left = tuple(Warning("left-on-engine", text) for text in (left, unseen) if text)
        self._tell(error)
        if isinstance(error, TROUBLE):
            raise engine_error(error) from error

    def _tell(self, error: BaseException | None) -> None:
        """Have what is raised tell of what is left: there is no result to do so."""
        if isinstance(error, CtxsizeError):
            error.hint = "; ".join(filter(None, [error.hint, *(each.message for each in self.left)])) or None
        elif error is not None:
            for each in self.left:
                error.add_note(each.message)

    def at_end(self, forget: Callable[[Progress], bool]) -> None:
        """Call ``forget`` when the run ends, until it says that it has removed all it had to."""
        self._forget.append(forget)

    def _remove_image(self, image_id: str) -> None:
        if self._engine.keeps_images:
            with engine_trouble():
                remove_untagged(self._engine.api, image_id)

    def _clean(self, *, interrupted: bool) -> str:
        """Remove everything but what the engine's history has. Says why something is left, and how it goes;
        empty when the engine confirmed that nothing is."""
        # After an interruption the engine is still winding the build down: things may yet appear.
        # A builder elsewhere may take longer: on a busy machine something of a run came after three rounds.
        quiet_rounds_needed = (3 if self._engine.keeps_images else 10) if interrupted else 1
        quiet_rounds = refusals = 0
        left = 0
        answered = 0.0
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(pause(answered))
            began = time.perf_counter()
            try:
                left, refused = self._remove()
            except EngineError as error:
                return f"what this run made is not certainly removed ({error.message}): {_LATER}"
            quiet = left == 0 and not refused
            quiet_rounds = quiet_rounds + 1 if quiet else 0
            answered = time.perf_counter() - began if quiet else 0.0
            if quiet_rounds >= quiet_rounds_needed:
                return ""
            refusals += bool(refused)
            if refusals >= _MOST_REFUSALS:
                what = " and ".join(dict.fromkeys(refused))
                return f"the engine does not let this run remove what it made ({what}): let it, and {_CLEAN}"
        return f"something uses what this run made, so that it stays: {_LATER}"

    def _remove(self) -> tuple[int, list[str]]:
        """Remove what there is now: how much of it there was, or is not gone, and why removals were refused.
        Raises EngineError when the engine can't be reached."""
        refused: list[str] = []
        left = 0
        with engine_trouble():
            things = leftovers.find_labelled(self._engine.api, self.id)
            kept = leftovers.remove(self._engine, things, self._progress)
            refused += [each.refused for each in kept if each.refused]
            left += len(things)
            for forget in self._forget:
                try:
                    left += not forget(self._progress)
                except (APIError, Refused) as error:
                    left += 1
                    refused += filter(None, [refusal(error)])
        return left, refused

    def _forget_builds(self) -> str:
        """Take this run's builds out of the engine's history. Says why they may still be there, with the
        values of their build arguments; empty when they are not."""
        why = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            history = leftovers.past_builds(self._engine.control)
            if history.unseen:
                why = history.unseen
                break
            found = history.of(self.id)
            if not found:
                return ""
            leftovers.remove(self._engine, found, self._progress)
        said = why or "it keeps them"
        return (
            "the engine's history of builds may still have those of this run, with the values of their build"
            f" arguments ({said}): let POST /grpc through to the engine, and {_CLEAN}; or see"
            " `docker buildx history rm`"
        )


def pause(answered: float) -> float:
    """Seconds to wait until the next look at an engine that took ``answered`` seconds to say that nothing is
    there: where that is slow, winding a build down is, too."""
    return min(max(_PAUSE_SECONDS, 5 * answered), _LONGEST_PAUSE)
