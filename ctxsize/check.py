"""The public API of ``ctxsize check``: measure targets, hold them against their limits, say what is over.

Limits of the context and of files in it are static: they take a walk and no engine. An image is built only
when a limit asks for it, once, unless a limit on savings or build time asks for more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ctxsize import __version__
from ctxsize.budget.baseline import Baseline, Past, load_baseline, save_baseline
from ctxsize.budget.config import Config, Target, environment_budget, load_config, options_budget
from ctxsize.budget.context import StaticResult, largest_paths, measure_context
from ctxsize.budget.judge import Figures, judge
from ctxsize.budget.limits import Limit, unknown
from ctxsize.budget.types import CheckReport, CheckTotals, Sizes, TargetReport
from ctxsize.errors import BuildFailed, ConfigError, CtxsizeError, EngineError, UsageError
from ctxsize.ignore.types import Dialect
from ctxsize.overview import open_subject
from ctxsize.progress import Progress, Silent
from ctxsize.project import open_context
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.engine.build import BuildOptions
    from ctxsize.engine.connect import Engine
    from ctxsize.imagesizes import ImageSizes

#: Timed builds when a limit on build time needs them and nobody says how many.
DEFAULT_REPEAT = 5
_NO_BASELINE = "there is no baseline"


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check; what is None is as the configuration says.

    ``limits`` are ``NAME=SIZE`` words (``image=250 MB``), ``forbid`` patterns and ``require_ignored`` paths,
    for every target, as the environment's. ``sensitive`` is ``off``, ``warn`` or ``fail``. ``baseline`` and
    ``save_baseline`` are files. ``images`` are images that are there already, by target name ('' is for the
    only target); ``archive`` is a saved image, read without an engine. ``static`` leaves out every limit
    that needs an image. ``only`` are the names of the targets to check. ``build`` are options for the build
    besides those the configuration has.
    """

    limits: Sequence[str] = ()
    forbid: Sequence[str] = ()
    require_ignored: Sequence[str] = ()
    sensitive: str | None = None
    baseline: str | None = None
    save_baseline: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    archive: str | None = None
    static: bool = False
    only: Sequence[str] = ()
    dockerfile: str | None = None
    stage: str | None = None
    builder: str | None = None
    repeat: int | None = None
    build: BuildOptions | None = None


def check(
    *paths: str | Path,
    targets: Iterable[Target] | None = None,
    options: CheckOptions | None = None,
    notes: Iterable[Warning] = (),
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> CheckReport:
    """Hold the projects at ``paths`` (default: the current directory) against the limits of their
    configuration, of the environment and of ``options``.

    ``targets`` are checked, too, and instead of the current directory (``--compose`` names some). ``notes``
    are put in front of the report's warnings. What is wrong with a target
    is in its report; ConfigError and UsageError are raised for what is wrong with the question.
    """
    options = options or CheckOptions()
    environ = os.environ if environ is None else environ
    configs = [_load(path) for path in paths or ((".",) if targets is None else ())]
    given = options_budget(options.limits, options.forbid, options.require_ignored, options.sensitive)
    over = given.over(environment_budget(environ))
    named = [target for config in configs for target in config.targets]
    named = [_with_options(target, options) for target in (*named, *(targets or ()))]
    named = _distinct([replace(target, budget=over.over(target.budget)) for target in named])
    chosen = _only(named, options.only)
    file = options.baseline or environ.get("CTXSIZE_BASELINE") or _one_baseline(configs)
    baseline = load_baseline(file) if file else None
    _check_question(chosen, options)
    checker = _Checker(options, baseline, len(named) == 1, progress or Silent(), engine)
    results = [checker.target(target) for target in chosen]
    created = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    reports = [report for report, _ in results]
    shadowed = [Warning("config-shadowed", f"{each.shadowed} has limits, too, which do not apply") for each in
                configs if each.shadowed]  # fmt: skip
    reports[0] = replace(reports[0], warnings=(*notes, *shadowed, *reports[0].warnings))
    if options.save_baseline:
        past = {report.name: measured for report, measured in results if measured is not None}
        if len(past) == len(results):
            save_baseline(options.save_baseline, past, created)
        else:
            note = Warning("no-baseline-saved", "not everything was measured, so no baseline was written")
            reports[0] = replace(reports[0], warnings=(*reports[0].warnings, note))
    return CheckReport(
        version=__version__,
        created=created,
        targets=tuple(reports),
        totals=_totals(reports),
        exit_code=max(report.exit_code for report in reports),
    )


def _load(path: str | Path) -> Config:
    open_context(path)
    return load_config(path)


def _with_options(target: Target, options: CheckOptions) -> Target:
    return replace(
        target,
        dockerfile=options.dockerfile or target.dockerfile,
        stage=options.stage or target.stage,
        builder=options.builder or target.builder,
    )


def _distinct(targets: list[Target]) -> list[Target]:
    """The targets with names that differ: those of several paths get the path in front."""
    names = [target.name for target in targets]
    found = [
        replace(target, name=os.path.normpath(target.path)) if names.count(target.name) > 1 else target
        for target in targets
    ]
    names = [target.name for target in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two targets are called {name!r}", hint="give each a name of its own")
    return found


def _only(targets: list[Target], only: Sequence[str]) -> list[Target]:
    known = [target.name for target in targets]
    for name in only:
        if name not in known:
            raise unknown(name, known, "--only", what="target")
    return [target for target in targets if not only or target.name in only]


def _one_baseline(configs: Iterable[Config]) -> str | None:
    found = {config.baseline for config in configs if config.baseline}
    if len(found) > 1:
        raise ConfigError(f"several baselines: {', '.join(sorted(found))}", hint="name one with --baseline")
    return next(iter(found), None)


def _check_question(targets: Sequence[Target], options: CheckOptions) -> None:
    """Raise UsageError or ConfigError for what can't be answered."""
    if not targets:
        raise UsageError("there is nothing to check", hint="name a directory")
    if len(targets) > 1:
        for given, flag in ((options.archive, "--archive"), (options.dockerfile, "--file")):
            if given:
                raise UsageError(f"{flag} is for one target and there are {len(targets)}", hint="use --only")
        if "" in options.images:
            raise UsageError(
                f"--image names an image for one target and there are {len(targets)}",
                hint=f"write TARGET=IMAGE, such as {targets[0].name}={options.images['']}",
            )
    names = [target.name for target in targets]
    for name in options.images:
        if name and name not in names:
            raise unknown(name, names, "--image", what="target")
    if options.save_baseline is None:
        for target in targets:
            if target.budget.empty:
                raise ConfigError(
                    "there is no limit to check",
                    where=target.config or target.path,
                    hint="`ctxsize check --init` writes limits a little above today's sizes",
                )


@dataclass(slots=True)
class _Image:
    """What became of looking at an image: its sizes, or why there are none."""

    sizes: ImageSizes | None = None
    source: str | None = None
    dialect: Dialect | None = None
    error: CtxsizeError | None = None


class _Checker:
    """Measures targets one after the other; the engine is asked for when the first image is."""

    def __init__(
        self,
        options: CheckOptions,
        baseline: Baseline | None,
        alone: bool,
        progress: Progress,
        engine: Engine | None,
    ) -> None:
        self._options = options
        self._baseline = baseline
        self._alone = alone
        self._progress = progress
        self._engine = engine
        self._no_engine: EngineError | None = None

    def target(self, target: Target) -> tuple[TargetReport, Past | None]:
        """The report of a target, and what is to be saved of it; None when not all was measured."""
        limits, warnings = self._asked(target)
        to_judge = [limit for limit in limits if not (self._first_baseline and limit.kind.group == "growth")]
        image = self._image(target, limits)
        sizes = image.sizes
        warnings += sizes.warnings if sizes is not None else ()
        subject, static, error = None, None, image.error
        try:
            dialect = image.dialect or (Dialect.CLASSIC if target.builder == "classic" else Dialect.BUILDKIT)
            subject = open_subject(target.path, dockerfile=target.dockerfile, dialect=dialect)
            self._progress.phase("scan")
            static = measure_context(
                subject,
                target.budget,
                without=any(limit.kind.group == "savings" for limit in limits),
                progress=lambda seen: self._progress.step(f"{seen} entries"),
            )
        except CtxsizeError as failure:
            error = error if error is not None and error.exit_code >= failure.exit_code else failure
        past, no_past = self._past(target)
        figures = _figures(static, image, self._options)
        judged = tuple(judge(limit, figures, past, no_past) for limit in to_judge)
        saving = self._options.save_baseline is not None
        over_context = any(each.over and each.name.startswith("growth.context") for each in judged)
        if subject is not None and static is not None and (saving or over_context):
            figures = replace(figures, context_paths=largest_paths(subject))
            judged = tuple(judge(limit, figures, past, no_past) for limit in to_judge)
        report = TargetReport(
            name=target.name,
            path=target.path,
            dockerfile=subject.dockerfile_shown if subject is not None else None,
            ignore_file=subject.ignore.path if subject is not None and subject.ignore is not None else None,
            sizes=Sizes(
                context_bytes=figures.with_.get("context"),
                context_files=figures.with_.get("context-files"),
                image_bytes=figures.with_.get("image"),
                pull_bytes=figures.with_.get("pull"),
                layers=sizes.layers if sizes is not None else (),
                image_source=image.source,
            ),
            limits=judged,
            findings=static.findings if static is not None else (),
            warnings=tuple(warnings),
            error=str(error) if error is not None else None,
            log=error.log if isinstance(error, BuildFailed) else (),
        )
        report = replace(report, exit_code=_exit_code(report, error))
        return report, None if error is not None else _to_save(figures)

    def _asked(self, target: Target) -> tuple[list[Limit], tuple[Warning, ...]]:
        """The limits to judge, and notes on those that are not."""
        limits = list(target.budget.set_limits())
        notes = []
        if self._options.static and any(limit.kind.engine for limit in limits):
            left = ", ".join(limit.kind.name for limit in limits if limit.kind.engine)
            notes.append(Warning("static", f"not looked at, as only static limits were asked for: {left}"))
            limits = [limit for limit in limits if not limit.kind.engine]
        if self._first_baseline:
            left = ", ".join(limit.kind.name for limit in limits if limit.kind.group == "growth")
            if left:
                notes.append(Warning("first-baseline", f"not judged, as this is the first baseline: {left}"))
        return limits, tuple(notes)

    def _past(self, target: Target) -> tuple[Past | None, str]:
        if self._baseline is None:
            return None, _NO_BASELINE
        past = self._baseline.past(target.name, alone=self._alone)
        return past, f"the baseline {self._baseline.file} has no target {target.name!r}"

    @property
    def _first_baseline(self) -> bool:
        """Whether there is nothing yet that anything could have grown from."""
        return self._options.save_baseline is not None and self._baseline is None

    def _image(self, target: Target, limits: Sequence[Limit]) -> _Image:
        """The target's image, if a limit needs one or it was named."""
        name = self._options.images.get(target.name) or self._options.images.get("")
        given = (name or self._options.archive) and not self._options.static
        if not given and not any(limit.kind.engine for limit in limits):
            return _Image()
        paths = self._options.save_baseline is not None or any(
            limit.kind.group == "growth" and limit.kind.engine for limit in limits
        )
        from ctxsize import imagesizes

        image = _Image(source=self._options.archive or name or "built")
        try:
            if self._options.archive:
                self._progress.phase("read the image")
                image.sizes = imagesizes.archived(self._options.archive, name, paths=paths)
            elif name:
                engine = self._connect()
                self._progress.phase("read the image")
                image.sizes = imagesizes.named(engine, name, paths=paths)
            else:
                self._build(image, target, limits, paths)
        except CtxsizeError as error:
            image.error = error
        return image

    def _build(self, image: _Image, target: Target, limits: Sequence[Limit], paths: bool) -> None:
        """Build the target's image and read it."""
        from ctxsize.engine.build import BuildOptions
        from ctxsize.imagesizes import built
        from ctxsize.subject import prepare

        given = self._options.build or BuildOptions()
        options = replace(
            given,
            target=target.stage,
            platform=given.platform or target.platform,
            build_args={**target.build_args, **given.build_args},
        )
        subject = prepare(
            target.path,
            dockerfile=target.dockerfile,
            builder=target.builder,
            options=options,
            progress=self._progress,
            engine=self._connect(),
        )
        image.dialect = subject.project.dialect
        timed = any(limit.kind.of == "build-time" for limit in limits)
        image.sizes = built(
            subject,
            without=any(limit.kind.group == "savings" and limit.kind.engine for limit in limits),
            repeat=(self._options.repeat or DEFAULT_REPEAT) if timed else 0,
            paths=paths,
            progress=self._progress,
        )

    def _connect(self) -> Engine:
        """The engine; one that does not answer is not asked again for every target."""
        from ctxsize.engine.connect import connect

        if self._no_engine is not None:
            raise self._no_engine
        if self._engine is None:
            try:
                self._engine = connect()
            except EngineError as error:
                self._no_engine = error
                raise
        return self._engine


def _figures(static: StaticResult | None, image: _Image, options: CheckOptions) -> Figures:
    with_: dict[str, int] = {}
    without: dict[str, int] = {}
    missing: dict[str, str] = {}
    if static is not None:
        with_ |= {"context": static.scan.eligible.bytes, "context-files": static.scan.eligible.files}
        if static.scan.without is not None:
            without |= {"context": static.scan.without.bytes, "context-files": static.scan.without.files}
    else:
        missing |= dict.fromkeys(("context", "context-files"), "the context was not measured")
    sizes = image.sizes
    if sizes is not None:
        with_ |= {"image": sizes.bytes, "pull": sizes.pull_bytes}
        if sizes.without is not None:
            without |= {"image": sizes.without.bytes, "pull": sizes.without.pull_bytes}
        elif image.source != "built":
            missing |= dict.fromkeys(
                ("image", "pull"), f"only {image.source} was looked at, and nothing built"
            )
        missing["build-time"] = "nothing was built"
    else:
        reason = "there is no image: see the error" if image.error is not None else "it was not measured"
        missing |= dict.fromkeys(("image", "pull", "build-time"), reason)
    return Figures(
        with_=with_,
        without=without,
        missing=missing,
        runs=sizes.runs if sizes is not None else (),
        image_paths=sizes.paths if sizes is not None else None,
    )


def _exit_code(report: TargetReport, error: CtxsizeError | None) -> int:
    """The highest that applies: trouble that kept something from being measured outranks being over."""
    codes = [error.exit_code] if error is not None else [0]
    if any(judged.value is None for judged in report.limits):
        codes.append(ConfigError.exit_code)
    if any(judged.over for judged in report.limits) or any(
        finding.level == "error" for finding in report.findings
    ):
        codes.append(1)
    return max(codes)


def _to_save(figures: Figures) -> Past:
    from ctxsize.budget.baseline import Paths

    return Past(
        context_bytes=figures.with_.get("context"),
        context_files=figures.with_.get("context-files"),
        context_paths=figures.context_paths or Paths(),
        image_bytes=figures.with_.get("image"),
        pull_bytes=figures.with_.get("pull"),
        image_paths=figures.image_paths or Paths(),
        runs=figures.runs,
    )


def _totals(reports: Sequence[TargetReport]) -> CheckTotals:
    """All targets together. A layer is known by its content, so that one which several images have, such
    as those of a base image, counts once."""
    sizes = [report.sizes for report in reports]
    layers = {layer.diff_id: layer for each in sizes for layer in each.layers}
    with_images = all(each.image_bytes is not None for each in sizes)
    return CheckTotals(
        context_bytes=_sum([each.context_bytes for each in sizes]),
        context_files=_sum([each.context_files for each in sizes]),
        image_bytes=sum(layer.bytes for layer in layers.values()) if with_images else None,
        pull_bytes=sum(layer.pull_bytes for layer in layers.values()) if with_images else None,
    )


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
