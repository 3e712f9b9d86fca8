"""Building with a set of candidates, and judging the image: the trials of a search, counted and bounded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ctxsize.comparison.attribution import directory_links
from ctxsize.context.variant import Variant
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.containers import Verification, VerifyCommand, verify
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.images import configuration_of
from ctxsize.errors import BuildFailed, VerifyFailed, full_disk_hint
from ctxsize.image.entries import SYMLINK
from ctxsize.image.inventory import Inventory
from ctxsize.image.streams import Body
from ctxsize.image.types import Image, Layer
from ctxsize.measure.bench import Bench
from ctxsize.measure.figures import WITH
from ctxsize.measure.images import without_markers
from ctxsize.suggest.proof import (
    Differing,
    Explained,
    Noise,
    config_effects,
    differing,
    effects_of,
    hinted_at,
    named_by,
    states_of,
    told,
    unexplained,
)
from ctxsize.suggest.proposal import Target
from ctxsize.suggest.types import Candidate, Outcome


class Unmetered(Inventory):
    """An inventory whose layers are not compressed to learn how large they are then: it is read often."""

    def add_layer(self, body: Body, *, stored: int | None = None, pull_bytes: int | None = None) -> Layer:
        """Read a layer's tar, as LayerReader does."""
        return super().add_layer(body, pull_bytes=0)


@dataclass(frozen=True, slots=True)
class Built:
    """One build that succeeded: what it was given, its image as read, and the slot of what it shows."""

    result: BuildResult
    image: Image
    variant: Variant
    slot: int


@dataclass(slots=True)
class Trials:
    """The trials of one project. ``before`` is the view of the tree as it is, ``most`` bounds the builds.

    ``stages`` are other targets of the Dockerfile that have to build, too, where they did before: ``broken``
    says why some did not. ``builds`` counts all builds. ``first`` is the build as it is, ``best`` the last
    one that was accepted, and ``tried_bytes`` the size of the image of the last that was tried. ``changed``
    are paths that changed meanwhile.
    """

    bench: Bench
    target: Target
    before: Variant
    reader: Unmetered
    command: VerifyCommand | None
    most: int
    stages: Mapping[str, Bench] = field(default_factory=dict)
    builds: int = 0
    first: Built | None = None
    best: Built | None = None
    changed: dict[str, None] = field(default_factory=dict)
    longest: float = 0.0
    tried_bytes: int | None = None
    broken: dict[str, str] = field(default_factory=dict)
    _noise: Noise | None = None
    _links: dict[str, str] = field(default_factory=dict)

    def left(self) -> int:
        """How many attempts there may still be."""
        each = 1 + len(self.stages) - len(self.broken)
        return max(self.most - self.builds, 0) // each if self.bench.limit.allows(self.longest * each) else 0

    def start(self) -> None:
        """Build the project as it is. Raises BuildFailed, EngineError, and VerifyFailed where the command
        fails already there."""
        self.first = self._build(self.before, "build as it is")
        symlinks = {
            os.fsdecode(row.path): os.fsdecode(row.hash)
            for row in self.reader.rows(self.first.image)
            if row.kind == SYMLINK and b"\0" not in row.path
        }
        self._links = directory_links(symlinks)
        if self.command is not None:
            found = self._verified(self.first.result.image_id, self.command)
            if not found.passed:
                raise VerifyFailed(
                    f"{found.told} in the image as it is",
                    log=found.output_tail,
                    hint="no rule was tried: is the command right?",
                )
        for name in self.stages:
            reason = self._stage_fails(name, self.before)
            if reason is not None:
                self.broken[name] = " ".join(reason.message.split())

    def attempt(self, candidates: Sequence[Candidate]) -> Outcome | None:
        """Build with candidates, and compare; None when there may be no more builds. Raises EngineError."""
        if not self.left():
            return None
        many = "1 rule" if len(candidates) == 1 else f"{len(candidates)} rules"
        title = f"build {self.builds + 1} of at most {self.most}, with {many}"
        return self.attempt_content(self.target.content(candidates), title, candidates)

    def attempt_content(
        self, data: bytes, title: str, candidates: Sequence[Candidate] = (), *, both: bool = False
    ) -> Outcome:
        """Build with ``data`` as the ignore file, and compare. ``candidates`` are what is new in it; with
        ``both`` it may also keep what was ignored. Raises EngineError."""
        variant = self.target.variant(WITH, data)
        try:
            built = self._build(variant, title)
        except BuildFailed as failure:
            if full_disk_hint(failure.message, *failure.log):
                raise
            return Outcome(False, "none", told(failure), named=named_by(failure, candidates))
        outcome = self._judged(built, self._explained(built, data, both=both), candidates)
        for name in self.stages if outcome.ok else ():
            if name not in self.broken and any(name in each.stages for each in candidates):
                broken = self._stage_fails(name, variant)
                if broken is not None:
                    reason = f"the stage {name}, which this build leaves out: {told(broken)}"
                    outcome = Outcome(False, "same-image", reason, named=named_by(broken, candidates))
                    break
        if outcome.ok:
            if self.best is not None:
                self._drop(self.best)
            self.best = built
        else:
            self._drop(built)
        self.tried_bytes = built.image.bytes
        return outcome

    def _stage_fails(self, name: str, variant: Variant) -> BuildFailed | None:
        """Why another target does not build; None when it does."""
        bench = self.stages[name]
        self.builds += 1
        try:
            result = bench.build(variant, f"build {self.builds} of at most {self.most}, the stage {name}")
        except BuildFailed as failure:
            return failure
        if self.first is not None and result.image_id != self.first.result.image_id:
            self.bench.run.images.remove(result.image_id)
        return None

    def _build(self, variant: Variant, title: str) -> Built:
        self.builds += 1
        result = self.bench.build(variant, title)
        self.longest = max(self.longest, result.seconds)
        if result.sent is not None:
            self.changed.update(dict.fromkeys(result.sent.changed))
        self.bench.progress.phase("read the image")
        self.bench.builder.images.read_into(self.reader, [result.image_id])
        image = without_markers(self.reader.images[result.image_id])
        self.reader.show(self.builds, image)
        return Built(result, image, variant, self.builds)

    def _judged(self, built: Built, explained: Explained, candidates: Sequence[Candidate]) -> Outcome:
        """Whether an image is the same otherwise, and works."""
        assert self.first is not None
        found = unexplained(self._differences(built), explained, self._noise)
        if found and self._noise is None and self.left():
            # Perhaps no two builds of this are alike: what differs between them is no candidate's fault.
            again = self._build(self.before, "build as it is, once more")
            self._noise = Noise.of(self._differences(again))
            self._drop(again)
            found = unexplained(self._differences(built), explained, self._noise)
        effects = effects_of(found)
        effects.update(self._config_effects(built.image))
        if effects:
            reason = next(iter(effects.values()))
            hinted = hinted_at(found, candidates)
            states = states_of(found)
            return Outcome(False, "builds", reason, hinted=hinted, effects=effects, states=states)
        if self.command is None:
            return Outcome(True, "same-image")
        checked = self._verified(built.result.image_id, self.command)
        if checked.passed:
            return Outcome(True, "verified")
        last = checked.output_tail[-1:] or ("",)
        reason = f"the image does not work: {checked.told} {last[0].strip()}".rstrip()
        failure = BuildFailed(checked.told, log=checked.output_tail)
        return Outcome(False, "same-image", reason, hinted=named_by(failure, candidates))

    def _differences(self, built: Built) -> list[Differing]:
        assert self.first is not None
        layers = [[layer.diff_id for layer in image.layers] for image in (self.first.image, built.image)]
        if layers[0] == layers[1]:
            return []
        return differing(self.reader, self.first.slot, built.slot)

    def _explained(self, built: Built, data: bytes, *, both: bool) -> Explained:
        assert self.first is not None
        subject = self.bench.subject
        resolved = subject.plan.resolved
        image_map = subject.image_map(self._links)
        after = built.variant.rules
        assert after is not None
        return Explained(image_map, resolved.target, self.before.rules, after, data, both=both)

    def _config_effects(self, image: Image) -> dict[str, str]:
        assert self.first is not None
        before, after = (configuration_of(each) for each in (self.first.image, image))
        return dict(config_effects(before, after))

    def _verified(self, image_id: str, command: VerifyCommand) -> Verification:
        self.bench.progress.phase("verify the image")
        subject = self.bench.subject
        with engine_trouble():
            return verify(
                subject.engine.api,
                self.bench.builder.images.on_engine(image_id),
                command,
                run=self.bench.run.id,
                mask=masker_of(subject.options, subject.plan.resolved),
            )

    def _drop(self, built: Built) -> None:
        """Remove an image that is no longer needed. The first one stays: builds of the same may be it."""
        if self.first is not None and built.image.id == self.first.image.id:
            return
        if self.best is not None and built is not self.best and built.image.id == self.best.image.id:
            return
        self.reader.forget(built.slot, built.image)
        with suppress(BuildFailed):
            self.bench.run.images.remove(built.result.image_id)
