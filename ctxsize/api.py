"""What a Python caller uses; the command line goes through the same door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ctxsize.comparison.assemble import make_comparison
from ctxsize.comparison.attribution import ImageSavings
from ctxsize.comparison.extras import Extras, measure_extras
from ctxsize.comparison.path_seconds import divide_seconds
from ctxsize.comparison.seconds import DividedSeconds
from ctxsize.comparison.types import Comparison, Warning
from ctxsize.context.errors import ContextError
from ctxsize.engine.connect import Engine
from ctxsize.engine.containers import VerifyCommand
from ctxsize.engine.errors import engine_trouble
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, CtxsizeError, EngineError, Interrupted, full_disk_hint
from ctxsize.measure.builds import WITH, WITHOUT, Measured, TimeLimit, build_variants
from ctxsize.measure.figures import ImageFigures
from ctxsize.measure.images import read_images
from ctxsize.measure.subject import Subject, prepare
from ctxsize.progress import Progress, Silent
from ctxsize.project import Project


@dataclass(frozen=True, slots=True)
class Measurement:
    """A comparison and what the JSON has no place for: the errors of the variants that failed."""

    comparison: Comparison
    failures: Mapping[str, CtxsizeError]


def compare(
    path: str | Path = ".",
    *,
    dockerfile: str | Path | None = None,
    builder: str = "auto",
    options: BuildOptions | None = None,
    repeat: int | None = None,
    exact: int = 0,
    max_time: float | None = None,
    keep: bool = False,
    check: VerifyCommand | None = None,
    cache_cost: int = 0,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Measurement:
    """Build the project at ``path`` with and without its ignore file, on a real engine, and compare.

    ``builder`` is ``auto``, ``buildkit``, ``buildkit-upload`` or ``classic``; ``repeat`` the timed builds
    of each variant (None: as many as builds that long allow); ``exact`` the ignored roots, largest first,
    whose seconds are measured by builds of their own; ``max_time`` bounds the whole run in seconds, as far
    as one build of each variant allows; ``keep`` leaves both images, tagged; ``check`` is a command that
    has to succeed in both images; ``cache_cost`` the ignored roots, largest first, of which a change's cost
    in the next build is measured. The project is only read. A variant that does not build, or whose image
    does not work, is an error in the result; every other trouble is raised as a CtxsizeError.
    """
    progress = progress or Silent()
    subject = prepare(
        path,
        dockerfile=dockerfile,
        builder=builder,
        options=options or BuildOptions(),
        progress=progress,
        engine=engine,
    )
    project = subject.project
    if project.ignore is None:
        nothing = Warning(
            "no-ignore-file",
            "there is no ignore file, so there is nothing to compare and nothing was built;"
            " `ctxsize context --largest 10` shows what one could leave out",
            where=project.name,
        )
        return Measurement(_assemble(subject, {}, {}, None, None, [nothing]), {})
    limit = TimeLimit(max_time)
    measured: dict[str, Measured] = {}
    images: dict[str, ImageFigures] = {}
    savings: ImageSavings | None = None
    divided: DividedSeconds | None = None
    warnings: list[Warning] = []
    extras = Extras()
    with Run(subject.engine) as run, _reported_all_the_same(measured, run):
        subject_builder = subject.builder(run)
        build_variants(
            {name: subject.variant(name) for name in (WITH, WITHOUT)},
            subject_builder,
            repeat=repeat,
            progress=progress,
            remove_image=run.remove_image,
            limit=limit,
            into=measured,
        )
        _explain(subject, measured)
        if subject_builder.name != "classic" and any(map(_found_no_room, measured.values())):
            # To give out what fitted, the engine needs the room of what did not; the classic builder keeps
            # nothing of a step that failed.
            subject_builder.forget()
        images, savings = read_images(subject, measured, progress)
        divided, warnings = divide_seconds(
            subject, run, subject_builder, measured, savings, exact=exact, limit=limit, progress=progress
        )
        extras = measure_extras(
            subject,
            run,
            subject_builder,
            measured,
            check=check,
            cache_cost=cache_cost,
            limit=limit,
            progress=progress,
        )
        if keep:
            images = {name: _kept(subject.engine, project, name, image) for name, image in images.items()}
    failures = {name: result.failure for name, result in measured.items() if result.failure is not None}
    warnings = [*warnings, *_broken_off(failures)]
    comparison = _assemble(subject, measured, images, savings, divided, warnings)
    return Measurement(extras.add_to(comparison), {**extras.failures, **failures})


@contextmanager
def _reported_all_the_same(measured: Mapping[str, Measured], run: Run) -> Iterator[None]:
    """Once a build has ended, what goes wrong after it is an error in the result, beside what was measured:
    the engine goes away, a file changes, somebody presses Ctrl-C."""
    try:
        with engine_trouble():
            yield
    except (CtxsizeError, KeyboardInterrupt) as error:
        if not any(each.runs or each.image_id for each in measured.values()):
            raise
        failure = error if isinstance(error, CtxsizeError) else Interrupted("interrupted")
        for each in measured.values():
            each.failure = each.failure or failure
    run.winding_down = any(
        isinstance(each.failure, EngineError | Interrupted | ContextError) for each in measured.values()
    )


def _broken_off(failures: Mapping[str, CtxsizeError]) -> Iterator[Warning]:
    if any(isinstance(failure, Interrupted) for failure in failures.values()):
        yield Warning(
            "interrupted", "the measurement was interrupted: the figures are of the builds that had ended"
        )


def _found_no_room(measured: Measured) -> bool:
    failure = measured.failure
    return isinstance(failure, BuildFailed) and full_disk_hint(failure.message, *failure.log) is not None


def _explain(subject: Subject, measured: Mapping[str, Measured]) -> None:
    """Where only ``with`` fails, name the rule that ignores what the Dockerfile needs."""
    failure = measured[WITH].failure
    if not isinstance(failure, BuildFailed) or measured[WITHOUT].failure is not None:
        return
    subject.blame_rule(failure)


def _kept(engine: Engine, project: Project, variant: str, image: ImageFigures) -> ImageFigures:
    """The image with a tag, which keeps the janitor away from it."""
    repository = f"ctxsize/{_tag_name(project.name)}"
    engine.api.tag(image.id, repository, variant, force=True)
    return ImageFigures(
        id=image.id,
        bytes=image.bytes,
        engine_bytes=image.engine_bytes,
        pull_bytes=image.pull_bytes,
        layers=image.layers,
        tag=f"{repository}:{variant}",
    )


def _tag_name(name: str) -> str:
    """``name`` as a repository name: lower-case letters, digits and single dashes."""
    words = "".join(
        letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower()
    ).split()
    return "-".join(words) or "project"


def _assemble(
    subject: Subject,
    measured: Mapping[str, Measured],
    images: Mapping[str, ImageFigures],
    savings: ImageSavings | None,
    divided: DividedSeconds | None,
    warnings: Iterable[Warning],
) -> Comparison:
    return make_comparison(
        project=subject.project_figures,
        engine=subject.engine_figures,
        scan=subject.found,
        needed={WITH: subject.needed_bytes},
        measured=measured,
        images=images,
        savings=savings,
        divided=divided,
        warnings=[*subject.warnings, *warnings],
        sensitive=subject.sensitive,
    )
