"""The result of ``ctxsize check``: the one value that every format of it is drawn from.

``None`` means not measured; what was to be judged then has a ``reason`` and is never within its limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.lint.types import Finding as Finding
from ctxsize.measure.target import MeasuredTarget as MeasuredTarget
from ctxsize.warning import Warning as Warning

#: What an amount counts. Bytes and files are exact integers.
Unit = Literal["bytes", "files", "seconds"]
Level = Literal["error", "warning"]
FindingCode = Literal["forbidden", "not-ignored", "sensitive"]
#: A path that should not reach a build, with a FindingCode. Its ``message`` follows the path in a sentence
#: (:func:`ctxsize.budget.words.finding`). With ``lint`` in the budget also what `ctxsize lint` finds.
FileFinding = Finding


@dataclass(frozen=True, slots=True)
class Grown:
    """Something that is larger than in the baseline, in bytes. ``before`` is 0 for what is new, and None
    when the baseline does not tell. ``kind`` says what ``path`` is in: the context, or the image, where it
    begins with ``/``; or it is a ``line`` of the Dockerfile, with its number where that is known."""

    path: str
    before: int | None
    after: int
    kind: Literal["context", "image", "line"] = "context"

    @property
    def bytes(self) -> int:
        """How much it grew; all of it when nobody knows what it was."""
        return self.after - (self.before or 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One limit and what was measured against it.

    ``name`` is the key of the configuration: ``context``, ``context-files``, ``image``, ``pull``,
    ``growth.image``, ``savings.image``, ``growth.build-time`` …
    ``limit_text`` is the limit as configured (``10 MB``, ``5%``); ``limit`` is what that comes to in
    ``unit``, None when it depends on something not measured. ``value`` is what is held against it: the
    size, the growth since the baseline, or the saving. ``at_least``: the value must not be below the
    limit (savings); else it must not be above. ``total`` is the size as it is now, and ``baseline`` what
    it was in the baseline (growth) or without the ignore file (savings); both None where ``value`` is the
    size itself. ``where`` is the file:line of the limit, or the option or variable it came from. ``grew``
    are the things that grew most, the largest growth first. ``reason`` says why ``value`` is None, and
    ``hint`` what to do next when the limit is not kept.
    """

    name: str
    unit: Unit
    limit_text: str
    limit: int | float | None
    value: int | float | None
    over: bool
    at_least: bool = False
    total: int | float | None = None
    baseline: int | float | None = None
    where: str | None = None
    grew: tuple[Grown, ...] = ()
    reason: str | None = None
    hint: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the limit is not kept, or nobody knows."""
        return self.over or self.value is None

    @property
    def overshoot(self) -> int | float:
        """How far the value is on the wrong side of the limit; 0 when it is not, or is unknown."""
        if not self.over or self.value is None or self.limit is None:
            return 0
        return self.limit - self.value if self.at_least else self.value - self.limit


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target: a context directory with its Dockerfile and its limits.

    ``path`` is the context directory as the user would write it, ``dockerfile`` and ``ignore_file`` are
    relative to it (or to the current directory when they lie outside). ``error`` is why it could not be
    measured, with file:line and next step in it; ``log`` the end of a failed build's output. ``contexts`` are
    the directories of the named contexts, by name: a path in one is called ``NAME:path``.
    """

    name: str
    path: str
    dockerfile: str | None
    ignore_file: str | None
    sizes: MeasuredTarget
    limits: tuple[Judged, ...] = ()
    findings: tuple[FileFinding, ...] = ()
    warnings: tuple[Warning, ...] = ()
    error: str | None = None
    log: tuple[str, ...] = ()
    exit_code: int = 0
    contexts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckTotals:
    """All targets together; layers that several images share are counted once. None when a target's
    figure is not known, or (images) none was looked at."""

    context_bytes: int | None
    context_files: int | None
    image_bytes: int | None
    pull_bytes: int | None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What ``ctxsize check`` found.

    ``exit_code`` is the highest of the targets' (docs/exit-codes.md): trouble that kept something from being
    measured outranks being over budget.
    """

    version: str
    created: str
    targets: tuple[TargetReport, ...]
    totals: CheckTotals
    exit_code: int

    @property
    def passed(self) -> bool:
        """Whether everything asked for was measured and is within its limits."""
        return self.exit_code == 0
