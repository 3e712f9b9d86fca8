"""What a change costs in rebuild time: the public door to ``ctxsize cache``."""

from __future__ import annotations

import datetime
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ctxsize import __version__
from ctxsize.context.totals import IgnoredRoot
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.engine.builders.interface import Builder
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, EngineError
from ctxsize.ignore.types import Rule
from ctxsize.measure.builds import WITH, WITHOUT, TimeLimit
from ctxsize.measure.subject import Subject, prepare
from ctxsize.progress import Progress, Silent
from ctxsize.rebuild.copies import CopyChange, copy_changes, late_installs
from ctxsize.rebuild.edits import Edit, Lengthened, edit_of
from ctxsize.rebuild.rebuilds import Rebuilt, rebuild_variant
from ctxsize.rebuild.types import CacheCost, ChangeCost, Rebuild, rebuild_of
from ctxsize.warning import Warning

#: Ignored roots, and instructions that take eligible files, unless the user says otherwise.
DEFAULT_TOP = 5
#: How many eligible files are looked at to find one for each COPY.
_LOOK_AT = 10_000


@dataclass(frozen=True, slots=True)
class CacheMeasurement:
    """What changes cost, and what the JSON has no place for: every build that failed, with its variant, and
    an engine that went away."""

    cost: CacheCost
    failures: tuple[tuple[str, BuildFailed | EngineError], ...]


def cache(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    top: int = DEFAULT_TOP,
    repeat: int | None = None,
    max_time: float | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> CacheMeasurement:
    """Measure on a real engine what a change to the project at ``path`` costs in its next build.

    The changes are those of the ``top`` largest ignored roots (0: all), built with and without the ignore
    file, and of one eligible file for each of the first ``top`` instructions that take any. ``repeat``
    builds after each change (None: as many as builds that long allow); ``max_time`` bounds the whole run in
    seconds, as far as two builds of each variant allow. Changes exist only in what is sent: the project is
    only read. A build that fails is an error in the result; every other trouble is raised
    as a CtxsizeError. The other arguments are those of :func:`ctxsize.api.compare`.
    """
    progress = progress or Silent()
    limit = TimeLimit(max_time)
    subject = prepare(
        path,
        dockerfile=dockerfile,
        builder=builder,
        options=options or BuildOptions(),
        progress=progress,
        engine=engine,
    )
    with Run(subject.engine) as run:
        return measure_changes(
            subject,
            run,
            subject.builder(run),
            top=top,
            repeat=repeat,
            limit=limit,
            progress=progress,
            eligible=True,
        )


def measure_changes(
    subject: Subject,
    run: Run,
    builder: Builder,
    *,
    top: int,
    repeat: int | None,
    limit: TimeLimit,
    progress: Progress,
    eligible: bool,
) -> CacheMeasurement:
    """What ``cache`` measures, within a run that is already there; ``eligible`` says whether changes to
    eligible files are measured as well. Raises EngineError."""
    chosen = _choose(subject, top, eligible=eligible)
    edits = chosen.edits(subject)
    built: dict[str, Rebuilt] = {}
    failures: list[tuple[str, BuildFailed | EngineError]] = []
    errors: dict[str, str] = {}
    for name, wanted in edits.items():
        variant, remove = subject.variant(name), run.remove_image
        try:
            built[name] = rebuild_variant(
                variant, wanted, builder, repeat=repeat, progress=progress, remove_image=remove, limit=limit
            )
        except BuildFailed as failure:
            errors[name] = str(failure)
            failures.append((name, failure))
            continue
        failures += [(name, each) for each in built[name].changed if isinstance(each, BuildFailed)]
        if (lost := built[name].lost) is not None:
            errors[name] = str(lost)
            failures.append((name, lost))
            break
    return CacheMeasurement(_assemble(subject, chosen, edits, built, errors), tuple(failures))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The ignored roots and the instructions that are measured, and how many of each are left out."""

    roots: tuple[IgnoredRoot, ...]
    copies: tuple[CopyChange, ...]
    roots_left: int
    copies_left: int

    def edits(self, subject: Subject) -> dict[str, list[Edit | None]]:
        """The changes per variant: those to the roots, and with the ignore file those to eligible files.

        Edits go on from one build to the next, so each variant has its own. Without an ignored root both
        variants are the same.
        """
        found = {WITH: [*_edits(subject, self.roots), *(Lengthened(copy.path) for copy in self.copies)]}
        if self.roots:
            found[WITHOUT] = _edits(subject, self.roots)
        return found


def _choose(subject: Subject, top: int, *, eligible: bool) -> _Chosen:
    roots = tuple(root for root in subject.found.roots if not root.hidden)
    copies = _copies(subject) if eligible else ()
    chosen = roots[: top or None], copies[: top or None]
    return _Chosen(*chosen, len(roots) - len(chosen[0]), len(copies) - len(chosen[1]))


def _assemble(
    subject: Subject,
    chosen: _Chosen,
    edits: Mapping[str, Sequence[Edit | None]],
    built: Mapping[str, Rebuilt],
    errors: Mapping[str, str],
) -> CacheCost:
    lines = _from_lines(subject)
    ignored = [
        _cost(root.path, root.rule, None, number, edits, built, lines)
        for number, root in enumerate(chosen.roots)
    ]
    needed = {
        copy: _cost(copy.path, None, copy.line, number, edits, built, lines)
        for number, copy in enumerate(chosen.copies, start=len(chosen.roots))
    }
    again = {copy: cost.rebuilds[WITH] for copy, cost in needed.items() if WITH in cost.rebuilds}
    in_time = [name for name, results in built.items() if results.lost is None]
    return CacheCost(
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        project=subject.project_figures,
        engine=subject.engine_figures,
        unchanged={name: rebuild_of(results.unchanged, lines) for name, results in built.items()},
        ignored=tuple(ignored),
        eligible=tuple(needed.values()),
        late_installs=late_installs(subject.plan.resolved, again),
        left_out=chosen.roots_left,
        errors=errors,
        warnings=(
            *subject.warnings,
            *_warnings(subject, chosen, sum(len(edits[name]) - len(built[name].changed) for name in in_time)),
        ),
    )


def _edits(subject: Subject, roots: Sequence[IgnoredRoot]) -> list[Edit | None]:
    project = subject.project

    def ignored(path: str) -> bool:
        return project.rules is not None and project.rules.verdict(path).ignored

    def needed(path: str) -> bool:
        return subject.sources.needs(path, False)

    return [edit_of(project.context, root.path, ignored=ignored, needed=needed) for root in roots]


def _copies(subject: Subject) -> tuple[CopyChange, ...]:
    names = ContextDirectory(subject.project.context)
    return copy_changes(subject.plan.resolved, islice(_eligible_files(subject), _LOOK_AT), names)


def _eligible_files(subject: Subject) -> Iterator[tuple[str, int]]:
    """Files that somebody works on: not the Dockerfile and the ignore file, which are the builder's own."""
    project = subject.project
    own = {project.dockerfile_in_context, *project.ignore_files}
    for entry in subject.variant(WITH).walk(project.dockerfile_in_context):
        if stat.S_ISREG(entry.stat.st_mode) and not entry.emptied and entry.path not in own:
            yield entry.path, entry.stat.st_size


def _from_lines(subject: Subject) -> frozenset[int]:
    """The lines before the first FROM and those of every FROM: a builder may report them, but they are no
    steps."""
    dockerfile = subject.plan.resolved.dockerfile
    stages = [stage.line for stage in dockerfile.stages]
    before = [each.line for each in dockerfile.instructions if each.line < min(stages)]
    return frozenset([*stages, *before])


def _cost(
    path: str,
    rule: Rule | None,
    line: int | None,
    number: int,
    edits: Mapping[str, Sequence[Edit | None]],
    built: Mapping[str, Rebuilt],
    from_lines: frozenset[int],
) -> ChangeCost:
    """What was measured of the edit ``number``, of the variants that have it."""
    rebuilds: dict[str, Rebuild] = {}
    errors: dict[str, str] = {}
    for name, results in built.items():
        result = results.changed[number] if number < len(results.changed) else None
        if isinstance(result, BuildFailed):
            errors[name] = str(result)
        elif result is not None:
            rebuilds[name] = rebuild_of(result, from_lines)
    edit = next((found[number] for found in edits.values() if number < len(found)), None)
    return ChangeCost(
        path=path,
        rule=rule,
        line=line,
        changed=None if edit is None else edit.path,
        description=None if edit is None else edit.description,
        rebuilds=rebuilds,
        errors=errors,
    )


def _warnings(subject: Subject, chosen: _Chosen, out_of_time: int) -> Iterator[Warning]:
    if subject.project.ignore is None:
        yield Warning(
            "no-ignore-file",
            "there is no ignore file: only changes to files that the build needs are measured",
            where=subject.project.name,
        )
    left = [(chosen.roots_left, "ignored path"), (chosen.copies_left, "COPY or ADD")]
    if words := [f"{count} more {what}{'s' if count > 1 else ''}" for count, what in left if count]:
        yield Warning("not-measured", f"not measured: {' and '.join(words)} (--top 0 measures all)")
    if out_of_time:
        left_out = f"{out_of_time} change{'s' if out_of_time > 1 else ''}"
        yield Warning("max-time", f"the time limit left out {left_out}: a larger --max-time measures more")
