"""What of an image takes all of its files to be known: how much is wasted, and what was left in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ctxsize.budget.findings import pattern_rules
from ctxsize.budget.limits import Listed
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.image.entries import path_of
from ctxsize.image.inventory import Inventory, Stored
from ctxsize.image.types import Image
from ctxsize.inspection.sources import opened_build
from ctxsize.inspection.steps import Step, steps_of
from ctxsize.inspection.tally import Asked, Tally
from ctxsize.measure.target import MeasuredTarget, StepSize
from ctxsize.units import format_bytes

if TYPE_CHECKING:
    from ctxsize.engine.builders.interface import BuildResult
    from ctxsize.image.reader import LayerReader
    from ctxsize.measure.subject import Subject

#: How many of what makes up most of a size are named.
_NAMED = 3
_CAUSES = {
    "same-content": "stored again by",
    "replaced": "replaced by",
    "removed": "removed by",
    "opaque": "removed by",
    "type-changed": "replaced by",
}


class Look:
    """Adds to what was measured of an image its steps and its largest layer; and where it was read into an
    Inventory, what of it is wasted, and what was left. ``exempt`` matches paths that don't count."""

    def __init__(self, exempt: Sequence[Listed]) -> None:
        """Raises ConfigError for a pattern that can't be meant."""
        rules = pattern_rules("exempt", exempt, Dialect.BUILDKIT)
        self._exempt = Matcher(tuple(rules), Dialect.BUILDKIT) if rules else None

    def __call__(
        self,
        measured: MeasuredTarget,
        reader: LayerReader,
        image: Image,
        built: tuple[Subject, BuildResult] | None,
    ) -> MeasuredTarget:
        base = 0
        if built is None:
            steps = steps_of(image, {})
        else:
            opened = opened_build(*built, reader)
            image, base = opened.image, opened.base or 0
            steps = steps_of(image, opened.lines, opened.dockerfile)
        measured = replace(measured, steps=step_sizes(steps))
        measured = _with_layer(measured, steps, base)
        return (
            self._with_waste(measured, reader, image, steps, base)
            if isinstance(reader, Inventory)
            else measured
        )

    def _with_waste(
        self, measured: MeasuredTarget, inventory: Inventory, image: Image, steps: Sequence[Step], base: int
    ) -> MeasuredTarget:
        tally = Tally(steps, base, Asked("step", 0, 0, None))
        tally.take(self._counted(inventory.stored(image)), lambda _: None)
        own = {step.number for step in steps if step.position is not None and step.position >= base}
        left = [
            (each, sum(size for number, size in each.steps.items() if number in own))
            for each in tally.leftovers()
        ]
        left.sort(key=lambda found: -found[1])
        sizes = {
            "wasted": sum(tally.wasted.values()),
            "reclaimable": sum(size for position, size in tally.wasted.items() if position >= base),
            "leftovers": sum(size for _, size in left),
        }
        named = {step.number: shown(step.line, step.text or f"step {step.number}") for step in steps}
        groups = [
            (each.reclaimable, f"{format_bytes(each.bytes)} in {each.path} of {named[each.stored_by]},"
             f" {_CAUSES[each.cause]} {named[each.buried_by]}")
            for each in tally.groups()
        ]  # fmt: skip
        most = {
            "wasted": "; ".join(text for _, text in groups[:_NAMED]),
            "reclaimable": "; ".join([text for own, text in groups if own][:_NAMED]),
            "leftovers": "; ".join(
                f"{format_bytes(size)} of {each.kind} in {each.path}" for each, size in left[:_NAMED] if size
            ),
        }
        return replace(measured, inside={**measured.inside, **sizes}, most={**measured.most, **most})

    def _counted(self, contents: Iterator[Stored]) -> Iterator[Stored]:
        exempt = self._exempt
        if exempt is None:
            return contents
        return (each for each in contents if not exempt.quick_verdict(path_of(each.path)[1:]).ignored)


def step_sizes(steps: Sequence[Step], *, sized: bool = True) -> tuple[StepSize, ...]:
    """Those that made a layer; ``sized``: the bytes of their layers are known."""
    return tuple(
        StepSize(step.text, step.line, step.layer.bytes if sized else None, step.layer.pull_bytes)
        for step in steps
        if step.layer is not None
    )


def shown(line: int | None, text: str) -> str:
    """A step as a message names it: ``line 12: COPY . /app``."""
    short = text if len(text) <= 80 else f"{text[:79]}…"
    return short if line is None else f"line {line}: {short}"


def _with_layer(measured: MeasuredTarget, steps: Sequence[Step], base: int) -> MeasuredTarget:
    own = [step for step in steps if step.position is not None and step.position >= base]
    largest = max(own, key=lambda step: step.layer.bytes if step.layer else 0, default=None)
    if largest is None or largest.layer is None:
        return replace(measured, inside={**measured.inside, "layer": 0})
    return replace(
        measured,
        inside={**measured.inside, "layer": largest.layer.bytes},
        most={**measured.most, "layer": shown(largest.line, largest.text or f"step {largest.number}")},
    )
