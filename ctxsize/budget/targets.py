"""Measuring one target of a check, and holding it against its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ctxsize.budget.baseline import Baseline, Past, Paths
from ctxsize.budget.config import Target
from ctxsize.budget.context import StaticResult, largest_paths, measure_context
from ctxsize.budget.judge import Figures, judge
from ctxsize.budget.limits import Limit
from ctxsize.budget.options import CheckOptions
from ctxsize.budget.types import Sizes, TargetReport
from ctxsize.errors import BuildFailed, ConfigError, CtxsizeError, EngineError
from ctxsize.ignore.types import Dialect
from ctxsize.progress import Progress
from ctxsize.project import open_project
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.budget.image_sizes import ImageSizes
    from ctxsize.engine.connect import Engine

#: Timed builds when a limit on build time needs them and nobody says how many.
DEFAULT_REPEAT = 5
_NO_BASELINE = "there is no baseline"


@dataclass(slots=True)
class _Image:
    """What became of looking at an image: its sizes, or why there are none."""

    sizes: ImageSizes | None = None
    source: str | None = None
    dialect: Dialect | None = None
    podman: bool = False
    error: CtxsizeError | None = None


class TargetChecker:
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
            subject = open_project(
                target.path,
                dockerfile=target.dockerfile,
                dialect=dialect,
                podman=image.podman,
                required=False,
            )
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
        from ctxsize.budget import image_sizes

        image = _Image(source=self._options.archive or name or "built")
        try:
            if self._options.archive:
                self._progress.phase("read the image")
                image.sizes = image_sizes.archived(self._options.archive, name, paths=paths)
            elif name:
                engine = self._connect()
                self._progress.phase("read the image")
                image.sizes = image_sizes.named(engine, name, paths=paths)
            else:
                self._build(image, target, limits, paths)
        except CtxsizeError as error:
            image.error = error
        return image

    def _build(self, image: _Image, target: Target, limits: Sequence[Limit], paths: bool) -> None:
        """Build the target's image and read it."""
        from ctxsize.budget.image_sizes import built
        from ctxsize.engine.options import BuildOptions
        from ctxsize.measure.subject import prepare

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
        image.dialect, image.podman = subject.project.dialect, subject.engine.info.podman
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
    return Past(
        context_bytes=figures.with_.get("context"),
        context_files=figures.with_.get("context-files"),
        context_paths=figures.context_paths or Paths(),
        image_bytes=figures.with_.get("image"),
        pull_bytes=figures.with_.get("pull"),
        image_paths=figures.image_paths or Paths(),
        runs=figures.runs,
    )
