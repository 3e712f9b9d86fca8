"""The values of ``suggest``: a candidate, a rule with its proof, and the whole proposal.

Sizes are bytes, times are seconds. ``None`` means not measured; a reason or a warning says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ctxsize.errors import CtxsizeError
from ctxsize.measure.figures import EngineFigures, ProjectFigures, SecondsSaved
from ctxsize.warning import Warning

#: What is known of a rule, from the most to the least: the verify command passes in the image without what it
#: keeps out; that image is the same otherwise; it builds; nothing (it was not tried, or the build failed).
Proof = Literal["verified", "same-image", "builds", "none"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that may be worth adding.

    ``hits`` are the topmost paths that it keeps out and nothing before it does, ``files`` and ``bytes`` what
    arrives of them today. ``evidence`` says in words why no image needs them, the cheapest first; ``doubts``
    why one may: such a candidate is tried after the others. ``blocked`` is why it is not tried at all.
    ``always``: worth it however small it is. ``stages`` are the stages that take it, run something, and are
    not built for this target. ``uncertain``: only builds tell whether anything needs it. ``lines`` are those
    that it stands for, where they are several: they come before all others, and ``why`` has a reason for each
    that has its own.
    """

    rule: str
    hits: tuple[str, ...]
    files: int
    bytes: int
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    blocked: str | None = None
    always: bool = False
    stages: tuple[str, ...] = ()
    uncertain: bool = False
    lines: tuple[str, ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of building with a set of candidates.

    ``ok``: the image is otherwise the same, and works as far as that was asked. ``proof`` is how far it got,
    ``reason`` why not further. ``named`` are the candidates that the builder's own words name. ``effects``
    is all that is not as it was, each with why that matters; a build that failed tells of none. ``states``
    are digests of what those effects that are another content came to. ``hinted`` are the candidates that
    the effects point at.
    """

    ok: bool
    proof: Proof
    reason: str | None = None
    named: frozenset[str] = frozenset()
    hinted: frozenset[str] = frozenset()
    effects: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SuggestedRule:
    """A rule, what it keeps out, why, and how far that is proven.

    ``paths`` are the topmost paths, ``files`` and ``context_bytes`` what it keeps out of the context,
    ``image_bytes`` and ``pull_bytes`` out of the image. ``proposed``: it is part of the proposal, and
    ``--write`` would add it. ``reason`` says why it is not, or what stands against it. A change to what it
    keeps out adds ``rebuild_seconds`` to the next build, in which ``rebuild_steps`` steps run again.
    """

    rule: str
    paths: tuple[str, ...]
    files: int
    context_bytes: int
    image_bytes: int | None
    pull_bytes: int | None
    evidence: tuple[str, ...]
    proof: Proof
    proposed: bool
    reason: str | None = None
    rebuild_seconds: float | None = None
    rebuild_steps: int | None = None


@dataclass(frozen=True, slots=True)
class SavedByRules:
    """What all proposed rules save together: before − after."""

    context_bytes: int | None
    context_files: int | None
    image_bytes: int | None = None
    pull_bytes: int | None = None
    seconds: SecondsSaved | None = None


@dataclass(frozen=True, slots=True)
class NoRules:
    """The part of what is saved that belongs to no rule. ``derived_bytes`` were made by a RUN step from what
    the rules keep out."""

    image_bytes: int | None = None
    derived_bytes: int | None = None
    pull_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Rules worth adding to one project's ignore file.

    ``rules`` has those that are proposed first, the largest first, and then those that are not. ``static``:
    nothing was built, and nothing is proven. ``builds`` counts the builds that were made to prove them and
    ``timed_builds`` those that were only timed. ``ignore_file`` is the file that the rules go to, ``new``
    when it is not there yet; ``block`` are the lines that go into it, ``diff`` is the change. ``written``:
    that was done. ``context_bytes`` are those of the context as it is.
    """

    version: str
    created: str
    project: ProjectFigures
    engine: EngineFigures | None
    static: bool
    allowlist: bool
    rules: tuple[SuggestedRule, ...]
    saved: SavedByRules
    unattributed: NoRules
    builds: int
    timed_builds: int
    context_bytes: int | None
    ignore_file: str
    new: bool
    block: str
    diff: str
    written: bool
    warnings: tuple[Warning, ...]
    #: What follows a command about this project.
    words: str = ""

    @property
    def proposed(self) -> tuple[SuggestedRule, ...]:
        """The rules of the proposal."""
        return tuple(rule for rule in self.rules if rule.proposed)


@dataclass(frozen=True, slots=True)
class SuggestMeasurement:
    """A suggestion, and by what was tried the error that ended it, for which the JSON has no place."""

    suggestion: Suggestion
    failures: Mapping[str, CtxsizeError]
