"""From the chosen changes and the builds after them to the result."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from ctxsize import __version__
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Rule
from ctxsize.measure.figures import WITH
from ctxsize.measure.subject import Subject
from ctxsize.rebuild.builds import Rebuilt
from ctxsize.rebuild.changes import ChosenChanges
from ctxsize.rebuild.copies import late_installs
from ctxsize.rebuild.edits import is_pointer
from ctxsize.rebuild.types import ChangeCost, RebuildCost, RebuildMeasurement, rebuild_of
from ctxsize.warning import Warning


def assemble(subject: Subject, chosen: ChosenChanges, rebuilt: Mapping[str, Rebuilt]) -> RebuildMeasurement:
    """The result of what was ``rebuilt``, by variant, however far that got."""
    lines = _from_lines(subject)

    def cost_of(number: int, path: str, *, rule: Rule | None = None, line: int | None = None) -> ChangeCost:
        """What was measured of the edit ``number``, of the variants that got so far."""
        edit = next((edits[number] for edits in chosen.edits.values() if number < len(edits)), None)
        results = {name: each.changed[number] for name, each in rebuilt.items() if number < len(each.changed)}
        return ChangeCost(
            path=path,
            rule=rule,
            line=line,
            changed=None if edit is None else edit.path,
            description=None if edit is None else edit.description,
            rebuilds={
                name: rebuild_of(each, lines) for name, each in results.items() if isinstance(each, list)
            },
            errors={name: str(each) for name, each in results.items() if isinstance(each, BuildFailed)},
        )

    ignored = [cost_of(number, root.path, rule=root.rule) for number, root in enumerate(chosen.roots)]
    needed = {
        copy: cost_of(number, copy.path, line=copy.line)
        for number, copy in enumerate(chosen.copies, start=len(chosen.roots))
    }
    again = {copy: cost.rebuilds[WITH] for copy, cost in needed.items() if WITH in cost.rebuilds}
    cost = RebuildCost(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=subject.project_figures,
        engine=subject.engine_figures,
        unchanged={
            name: rebuild_of(each.unchanged, lines) for name, each in rebuilt.items() if each.unchanged
        },
        ignored=tuple(ignored),
        eligible=tuple(needed.values()),
        late_installs=late_installs(subject.plan.resolved, again),
        left_out=chosen.roots_left,
        errors={name: str(each.lost) for name, each in rebuilt.items() if each.lost is not None},
        warnings=(*subject.warnings, *_warnings(subject, chosen, rebuilt)),
    )
    return RebuildMeasurement(cost, tuple(_failures(rebuilt)))


def _from_lines(subject: Subject) -> frozenset[int]:
    """The lines of every FROM and of what comes before the first: a builder may report them, but they are no
    steps."""
    dockerfile = subject.plan.resolved.dockerfile
    stages = [stage.line for stage in dockerfile.stages]
    before = [each.line for each in dockerfile.instructions if each.line < min(stages)]
    return frozenset([*stages, *before])


def _failures(rebuilt: Mapping[str, Rebuilt]) -> Iterator[tuple[str, BuildFailed | EngineError]]:
    for name, each in rebuilt.items():
        yield from ((name, result) for result in each.changed if isinstance(result, BuildFailed))
        if each.lost is not None:
            yield name, each.lost


def _warnings(subject: Subject, chosen: ChosenChanges, rebuilt: Mapping[str, Rebuilt]) -> Iterator[Warning]:
    if subject.project.ignore is None:
        yield Warning(
            "no-ignore-file",
            "there is no ignore file: only changes to files that the build needs are measured",
            where=subject.project.name,
        )
    if is_pointer(subject.project.context, ".git"):
        yield Warning(
            "commit-not-simulated",
            "a commit changes nothing in the context: this file names a repository elsewhere",
            where=".git",
        )
    left = [(chosen.roots_left, "ignored path"), (chosen.copies_left, "COPY or ADD")]
    if words := [f"{count} more {what}{'s' if count > 1 else ''}" for count, what in left if count]:
        yield Warning("not-measured", f"not measured: {' and '.join(words)} (--top 0 measures all)")
    in_time = {name: each for name, each in rebuilt.items() if each.lost is None}
    if out_of_time := sum(len(chosen.edits[name]) - len(each.changed) for name, each in in_time.items()):
        left_out = f"{out_of_time} change{'s' if out_of_time > 1 else ''}"
        yield Warning("max-time", f"the time limit left out {left_out}: a larger --max-time measures more")
