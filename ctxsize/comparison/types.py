"""The result of a comparison: the one value that every report, budget and plot is drawn from.

Sizes are bytes, times are seconds. ``None`` means not measured; a warning says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctxsize.engine.builders.interface import Step
from ctxsize.engine.containers import Verification
from ctxsize.errors import CtxsizeError
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import Cost, EngineFigures, ImageFigures, ProjectFigures, SecondsSaved
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class ContextFigures:
    """A variant's build context. ``needed_bytes`` is the part the Dockerfile uses; ``sent_bytes`` is what
    crossed to the engine in one build. None where something can't be read, or can't be told."""

    files: int | None
    dirs: int | None
    bytes: int | None
    needed_bytes: int | None
    sent_bytes: int | None


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """A variant's build time. ``seconds`` is the median of ``runs``; ``spread`` their median absolute
    deviation; ``phases`` medians per phase; ``steps`` those of the median run.

    ``measured`` are the lines of the steps that really ran in each of these runs. ``reused`` are steps that
    ran in none of them, as both variants have the same input for them, but in the warm-up: ``seconds`` leaves
    out what it took to make them, ``reused_seconds`` is how long the warm-up waited for them.
    """

    seconds: float
    runs: tuple[float, ...]
    spread: float
    phases: Mapping[str, float]
    steps: tuple[Step, ...]
    measured: tuple[int, ...] = ()
    reused: tuple[Step, ...] = ()

    @property
    def reused_seconds(self) -> float:
        """Seconds that making the ``reused`` steps took, once."""
        return sum(step.critical for step in self.reused)


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """One variant. ``image`` and ``build`` are None when it did not build; ``error`` then says why.

    ``verify`` is the outcome of the verify command in its image, None when there was none to run.
    """

    context: ContextFigures
    image: ImageFigures | None = None
    build: BuildFigures | None = None
    error: str | None = None
    verify: Verification | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """without − with."""

    context_bytes: int | None
    context_files: int | None
    image_bytes: int | None
    pull_bytes: int | None
    seconds: SecondsSaved | None


@dataclass(frozen=True, slots=True)
class PathSaving:
    """What one ignored root saves.

    ``sent_bytes`` are what of it is sent to the engine without the ignore file, as far as the tree is asked
    for.
    ``seconds`` has the 95 % interval ``seconds_low`` to ``seconds_high``; ``seconds_source`` is
    ``estimated`` (a share of the difference) or ``measured`` (with dedicated builds, in which only this path
    was not ignored). ``send_seconds`` is how long its content took to cross to the engine in the build
    without the ignore file. A change to it adds ``rebuild_seconds`` to the next build without the ignore
    file, in which ``rebuild_steps`` steps run again; None when that was not measured. ``note`` explains a
    figure that surprises. ``context`` is the named context it is in, with whose name ``path`` then begins.
    """

    path: str
    rule: Rule
    files: int | None
    context_bytes: int | None
    image_bytes: int | None
    pull_bytes: int | None
    seconds: float | None = None
    seconds_low: float | None = None
    seconds_high: float | None = None
    seconds_source: str | None = None
    sent_bytes: int | None = None
    send_seconds: float | None = None
    rebuild_seconds: float | None = None
    rebuild_steps: int | None = None
    note: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class RuleSaving:
    """What the ignored roots that one rule decides save together; ``paths`` counts them. ``seconds_source``
    is ``measured`` when that of all of them is. ``context`` is the named context that has its ignore file."""

    rule: Rule
    paths: int
    files: int | None
    context_bytes: int | None
    image_bytes: int | None
    pull_bytes: int | None
    seconds: float | None = None
    seconds_low: float | None = None
    seconds_high: float | None = None
    seconds_source: str | None = None
    sent_bytes: int | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Unattributed:
    """The part of the measured differences that belongs to no ignored root.

    ``derived_bytes`` were made from ignored files by a RUN step; ``image_bytes`` could not be placed.
    All bytes are counted, not subtracted. If the roots, derived and unattributed did not add up to the
    measured difference, a warning ``does-not-add-up`` would say so.
    """

    context_bytes: int
    image_bytes: int | None
    derived_bytes: int | None
    pull_bytes: int | None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A project built with and without its ignore file, compared.

    ``sensitive`` are the files that look like secrets; those that the build can see come first.
    ``calibration`` has the costs, by phase, by which the build time was divided over the paths; it is empty
    when there was nothing to divide.
    """

    version: str
    created: str
    project: ProjectFigures
    engine: EngineFigures | None
    variants: Mapping[str, VariantFigures]
    saved: Saved
    paths: tuple[PathSaving, ...]
    rules: tuple[RuleSaving, ...]
    unattributed: Unattributed
    warnings: tuple[Warning, ...]
    sensitive: tuple[SensitiveFile, ...] = ()
    calibration: Mapping[str, Cost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A comparison, and for each variant that failed its error, for which the JSON has no place."""

    comparison: Comparison
    failures: Mapping[str, CtxsizeError]
