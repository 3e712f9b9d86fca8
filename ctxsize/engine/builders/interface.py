"""What every builder takes and gives: one interface over BuildKit, classic and Podman."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ctxsize.context.variant import Variant
from ctxsize.engine.images import ImageStore
from ctxsize.files.sent import SentTree
from ctxsize.progress import Progress


@dataclass(frozen=True, slots=True)
class Step:
    """One Dockerfile instruction (or one of the builder's own steps) as it ran.

    ``line`` is the instruction's line in the Dockerfile, None for the builder's own steps.
    ``started`` counts seconds from the start of the build. ``phase`` is one of PHASES. ``critical`` are the
    seconds in which the build waited for it (see ``criticalpath``): all of ``seconds`` where nothing runs at
    the same time.
    """

    name: str
    seconds: float
    cached: bool
    phase: str
    line: int | None = None
    started: float = 0.0
    critical: float = 0.0

    @property
    def ran(self) -> bool:
        """Whether it really ran: it did not come from a cache, and was not left out."""
        return self.seconds > 0 and not self.cached


#: Where build time goes. ``scan``: the context is listed; ``send``: it crosses to the engine before the
#: first step (classic); ``load``: BuildKit fetches what it needs; ``copy``: COPY and ADD steps;
#: ``other``: every other step; ``export``: the image is written; ``rest``: no step ran.
PHASES = ("scan", "send", "load", "copy", "other", "export", "rest")


def phase_of(instruction: str) -> str:
    """The phase the time of a Dockerfile instruction belongs to."""
    keyword = instruction.split(maxsplit=1)[0].upper() if instruction.strip() else ""
    return "copy" if keyword in {"ADD", "COPY"} else "other"


class Part(NamedTuple):
    """A piece of a build's time: a phase or, for the steps of the Dockerfile, one instruction of it."""

    phase: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class BuildResult:
    """One build that succeeded. Times are seconds by the client's clock, sizes are bytes.

    ``image_id`` is what the builder's ``images`` have it under.
    ``sent_bytes`` are the bytes of context that crossed to the engine and ``sent_files`` the files
    whose content did; ``sent_seconds`` is how long the content of each ignored root took to cross. Both
    are None where the builder can't tell. ``scan_seconds`` is the part of sending or loading in which
    the context was listed. ``sent`` is what was sent of the tree, None when that was not kept.
    ``undecided``: the next build should be one without the ignore file. It tells the builder which of the
    steps that take from another stage have the same input in both variants.
    """

    image_id: str
    seconds: float
    steps: tuple[Step, ...]
    sent_bytes: int
    sent_files: int | None = None
    sent_seconds: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()
    scan_seconds: float = 0.0
    sent: SentTree | None = None
    undecided: bool = False

    @property
    def phases(self) -> dict[str, float]:
        """Seconds per phase in which the build waited for it; together they are ``seconds``."""
        sums = dict.fromkeys(PHASES, 0.0)
        for part, seconds in self.parts.items():
            sums[part.phase] += seconds
        return sums

    @property
    def parts(self) -> dict[Part, float]:
        """As ``phases``, with the steps of the Dockerfile each for itself."""
        sums: dict[Part, float] = defaultdict(float)
        for step in self.steps:
            sums[Part(step.phase, step.line if step.phase in ("copy", "other") else None)] += step.critical
        scan, scanned = Part("scan"), 0.0
        for carrier in (Part("send"), Part("load")):
            listing = min(self.scan_seconds - scanned, sums.get(carrier, 0.0))
            scanned += listing
            sums[carrier] -= listing
        sums[scan] = scanned
        sums[Part("rest")] = self.seconds - sum(sums.values())
        return dict(sums)


class Builder(Protocol):
    """Builds one variant on one engine. One object serves all builds of a run.

    ``name`` is what reports call it: ``classic`` or ``buildkit``. ``images`` has the images of its builds.
    """

    name: str
    images: ImageStore

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``; what the variants share comes from the first build of this run, the
        steps that differ run for real every time.

        ``rebuild``: behave as the user's next build does instead. Every step that an earlier rebuild of this
        run has made comes from the cache, and a session is sent only what changed since the last rebuild
        of this variant.

        Raises BuildFailed when the build fails and EngineError when the engine goes away.
        """

    def forget(self, progress: Progress | None = None) -> bool:
        """Remove what the builds of this run left on the engine besides the images returned; ``progress`` is
        told how far that is.

        False when something of it is still in use, and it is worth trying again.
        """
