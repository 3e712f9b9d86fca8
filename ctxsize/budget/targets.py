"""Measuring one target of a check, and holding it against its limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ctxsize.budget.baseline import Baseline
from ctxsize.budget.config import Target
from ctxsize.budget.findings import FileRules
from ctxsize.budget.judge import judge
from ctxsize.budget.limits import Limit, Listed
from ctxsize.budget.masked import masked_report
from ctxsize.budget.options import CheckOptions
from ctxsize.budget.types import FileFinding, Judged, TargetReport
from ctxsize.context.reading import Reading
from ctxsize.context.totals import ScanResult
from ctxsize.errors import BuildFailed, ConfigError, CtxsizeError, EngineError
from ctxsize.ignore.types import Dialect
from ctxsize.measure.target import DEPTH, MOST_FILES, MeasuredTarget
from ctxsize.progress import Progress
from ctxsize.project import Project, names_of, open_project
from ctxsize.survey.scans import Scanned, Scans
from ctxsize.warning import Warning

if TYPE_CHECKING:
    from ctxsize.engine.builders.choose import Choice
    from ctxsize.engine.connect import Engine
    from ctxsize.engine.options import BuildOptions
    from ctxsize.image.reader import LayerReader
    from ctxsize.measure.image_sizes import LookInside
    from ctxsize.measure.subject import Subject

#: Timed builds when a limit on build time needs them and nobody says how many.
DEFAULT_REPEAT = 5
_NO_BASELINE = "there is no baseline"
#: What limits on an image are of.
_OF_IMAGES = ("image", "pull", "wasted", "reclaimable", "leftovers", "layer", "line", "build-time")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be measured of a target for the ``limits`` that apply.

    ``past`` is its baseline. ``source`` is where its image comes from, as in MeasuredTarget; None when no
    image is needed. ``built``: it must be built; else ``image`` is its name, on the engine or in the archive.
    ``inside``: what is wasted is asked for, too, without what ``exempt`` matches. ``context_paths`` and
    ``image_paths`` ask for the largest paths.
    """

    limits: tuple[Limit, ...]
    past: MeasuredTarget | None
    source: str | None
    built: bool
    image: str | None
    inside: bool
    exempt: tuple[Listed, ...]
    context_paths: bool
    image_paths: bool

    @property
    def depth(self) -> int:
        """Of how many levels of directories the scan is to add up the bytes."""
        return DEPTH if self.context_paths else 0

    @property
    def largest(self) -> int:
        """How many files the scan is to list."""
        return MOST_FILES + 1 if self.context_paths else 0

    def any(self, group: str, *, engine: bool = False) -> bool:
        """Whether there is a limit of this group (``growth``, ``savings``); ``engine``: on the image."""
        return any(limit.kind.group == group and limit.kind.engine >= engine for limit in self.limits)


@dataclass(slots=True)
class _Found:
    """What became known of a target, step by step: trouble with its image keeps nothing of its context."""

    measured: MeasuredTarget = MeasuredTarget()  # noqa: RUF009  (immutable)
    project: Project | None = None
    findings: tuple[FileFinding, ...] = ()
    warnings: list[Warning] = field(default_factory=list)
    image_errors: list[CtxsizeError] = field(default_factory=list)
    context_errors: list[CtxsizeError] = field(default_factory=list)
    past_errors: list[CtxsizeError] = field(default_factory=list)

    @property
    def error(self) -> CtxsizeError | None:
        """The error to report: that of the highest exit code, the image's before the context's."""
        errors = (*self.image_errors, *self.context_errors, *self.past_errors)
        return max(errors, key=lambda error: error.exit_code, default=None)


class TargetChecker:
    """Measures targets one after the other; the engine is asked for when the first image is.

    A context manager: what the last build made on the engine is removed on leaving, so that the report need
    not wait for it; what the others made, before the next is built. ``left`` says what could not be removed.
    """

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
        self._builders: dict[tuple[str, str | None], tuple[Engine, Choice] | CtxsizeError] = {}
        self._scans = Scans()
        self._run = ExitStack()
        self.left: list[Warning] = []

    def __enter__(self) -> TargetChecker:
        return self

    def __exit__(self, *error: object) -> None:
        self._run.close()

    def target(self, target: Target) -> tuple[TargetReport, bool]:
        """The report of a target, and whether all that was asked for could be measured."""
        found = _Found()
        asked = self._asked(target, found)
        self._measure(target, asked, found)
        no_past = _NO_BASELINE
        if self._baseline is not None:
            no_past = f"the baseline {self._baseline.file} has no target {target.name!r}"
        if target.against is not None:
            no_past = f"{target.against} could not be read: see the error"
        words = "" if found.project is None else found.project.words(target.stage)
        judged = tuple(
            judge(limit, found.measured, asked.past, no_past, words)
            for limit in asked.limits
            if not (self._first_baseline and asked.past is None and limit.kind.group == "growth")
        )
        error, project = found.error, found.project
        dialect = Dialect.of_builder(target.builder)
        dockerfile, ignore_file = names_of(target.path, target.dockerfile, dialect)
        if project is not None:
            dockerfile = project.dockerfile_shown
            ignore_file = project.ignore.path if project.ignore is not None else None
        report = TargetReport(
            name=target.name,
            path=target.path,
            dockerfile=dockerfile,
            ignore_file=ignore_file,
            sizes=found.measured,
            limits=judged,
            findings=found.findings,
            warnings=tuple(found.warnings),
            error=str(error) if error is not None else None,
            log=error.log if isinstance(error, BuildFailed) else (),
            exit_code=_exit_code(judged, found.findings, error),
        )
        return report if target.mask is None else masked_report(report, target.mask), error is None

    def _asked(self, target: Target, found: _Found) -> _Asked:
        """What to measure; limits that are not looked at are noted."""
        options, limits = self._options, target.budget.set_limits()
        if options.static and any(limit.kind.engine for limit in limits):
            left = ", ".join(limit.kind.name for limit in limits if limit.kind.engine)
            note = f"not looked at, as only static limits were asked for: {left}"
            found.warnings.append(Warning("static", note))
            limits = tuple(limit for limit in limits if not limit.kind.engine)
        growing = [limit.kind for limit in limits if limit.kind.group == "growth"]
        if self._first_baseline and growing and target.against is None:
            left = ", ".join(kind.name for kind in growing)
            note = f"not judged, as this is the first baseline: {left}"
            found.warnings.append(Warning("first-baseline", note))
        past = None
        if self._baseline is not None:
            past = self._baseline.past(target.name, alone=self._alone)
        if target.against is not None and any(kind.engine for kind in growing):
            from ctxsize.budget.images.against import image_before, over_baseline

            with _noted(found.past_errors):
                self._progress.phase("read the image to compare with")
                before = image_before(target.against, target.platform, self._connect, self._progress)
                past = over_baseline(before, past)
        image = next(filter(None, map(options.images.get, (*target.names, ""))), None)
        source = None if options.static else options.archive or image
        built = source is None and any(limit.kind.engine for limit in limits)
        saving = options.save_baseline is not None
        with_paths = past is not None and bool(past.context_paths.sizes)
        return _Asked(
            limits,
            past,
            "built" if built else source,
            built,
            image,
            inside=any(limit.kind.inside for limit in limits),
            exempt=target.budget.exempt,
            context_paths=saving or (with_paths and any(not kind.engine for kind in growing)),
            image_paths=saving or any(kind.engine for kind in growing),
        )

    @property
    def _first_baseline(self) -> bool:
        """Whether there is nothing yet that anything could have grown from."""
        return self._options.save_baseline is not None and self._baseline is None

    def _measure(self, target: Target, asked: _Asked, found: _Found) -> None:
        """Open the project, scan its context and look at its image, each once."""
        project: Project | None = None
        files: FileRules | None = None
        prepared: Subject | None = None
        scanned: ScanResult | None = None
        dialect, podman = Dialect.of_builder(target.builder), False
        if asked.built:
            from ctxsize.measure.subject import prepare_opened

            with _noted(found.image_errors):
                engine, choice = self._builder(target)
                dialect, podman = choice.dialect, engine.info.podman
                project = open_project(
                    target.path, dockerfile=target.dockerfile, dialect=dialect, podman=podman
                )
        with _noted(found.context_errors):
            found.project = project or open_project(
                target.path, dockerfile=target.dockerfile, dialect=dialect, podman=podman, required=False
            )
            files = FileRules(target.budget, found.project)
        if project is not None:
            with _noted(found.image_errors):
                prepared = prepare_opened(
                    project,
                    engine,
                    choice,
                    options=self._build_options(target),
                    progress=self._progress,
                    forbidden=files.forbidden if files is not None else None,
                    asked=files.required if files is not None else (),
                    depth=asked.depth,
                    largest=asked.largest,
                )
        with _noted(found.context_errors):
            if files is not None:
                reading = self._reading(target, files.project)
                if prepared is not None:
                    seen, secrets = prepared.found, prepared.sensitive
                else:
                    seen, secrets = self._scan(files, asked, reading)
                found.findings = files.findings(seen, secrets)
                opened = None if asked.built else files.project  # else as the engine reads it, not the target
                found.findings += _linted(target, found.findings, opened, reading)
                if (left := files.left_out(seen)) is not None:
                    found.warnings.append(left)
                scanned = seen
        with _noted(found.image_errors):
            if asked.source is not None and not found.image_errors:
                found.measured = self._image(target.platform, asked, prepared)
                found.warnings += prepared.warnings if prepared is not None else ()
        found.measured = replace(found.measured, image_source=asked.source)
        if scanned is not None:
            found.measured = found.measured.with_context(scanned, paths=asked.context_paths)
        found.measured = replace(found.measured, missing=_missing(found.measured, asked, found.image_errors))

    def _reading(self, target: Target, project: Project) -> Reading | None:
        """Where the tree is kept in memory, for lint to read it no second time; None where nobody lints."""
        lints = target.budget.lint is not None and target.budget.lint.text != "off"
        return self._scans.reading(project.context) if lints else None

    def _scan(self, files: FileRules, asked: _Asked, reading: Reading | None) -> Scanned:
        """Scan a context without an engine."""
        self._progress.phase("scan")
        return self._scans.scan(
            files.project,
            eligible_only=not asked.any("savings"),
            depth=asked.depth,
            largest=asked.largest,
            forbidden=files.forbidden,
            sensitive=files.sensitive,
            asked=files.required,
            reading=reading,
            progress=lambda seen: self._progress.step(f"{seen} entries"),
        )

    def _build_options(self, target: Target) -> BuildOptions:
        """The options of the command line over those of the configuration."""
        from ctxsize.engine.options import BuildOptions

        given = self._options.build or BuildOptions()
        return replace(
            given,
            target=target.stage,
            platform=target.platform,
            build_args={**target.build_args, **given.build_args},
        )

    def _image(self, platform: str | None, asked: _Asked, prepared: Subject | None) -> MeasuredTarget:
        """Look at the image that is asked for."""
        from ctxsize.budget.images.inside import Look
        from ctxsize.image.inventory import Inventory
        from ctxsize.image.reader import ImageReader
        from ctxsize.measure import image_sizes

        into: type[LayerReader] = Inventory if asked.inside else ImageReader
        look = Look(asked.exempt)
        paths = asked.image_paths
        if prepared is not None:
            return self._built(asked, prepared, into, look)
        if self._options.archive:
            self._progress.phase("read the image")
            file = self._options.archive
            return image_sizes.archived(file, asked.image, platform, paths=paths, into=into, look=look)
        engine = self._connect()
        self._progress.phase("read the image")
        return image_sizes.named(engine, str(asked.image), platform, paths=paths, into=into, look=look)

    def _built(
        self, asked: _Asked, prepared: Subject, into: type[LayerReader], look: LookInside
    ) -> MeasuredTarget:
        """Build the image and look at it."""
        from ctxsize.engine.footprint.run import Run
        from ctxsize.measure import image_sizes

        timed = any(limit.kind.of == "build-time" for limit in asked.limits)
        self._run.close()
        with ExitStack() as after:
            run = Run(prepared.engine, self._progress)
            after.callback(lambda: self.left.extend(run.left))
            after.enter_context(run)
            measured = image_sizes.built(
                prepared,
                run,
                without=asked.any("savings", engine=True),
                repeat=(self._options.repeat or DEFAULT_REPEAT) if timed else 0,
                paths=asked.image_paths,
                progress=self._progress,
                into=into,
                look=look,
            )
            self._run = after.pop_all()
        return measured

    def _builder(self, target: Target) -> tuple[Engine, Choice]:
        """What a target is built with; what does not answer is not asked again for every target."""
        from ctxsize.engine.builders.find import find_builder

        asked = (target.builder, (self._options.build and self._options.build.platform) or target.platform)
        if asked not in self._builders:
            try:
                self._builders[asked] = find_builder(*asked, own=self._connect)
            except CtxsizeError as error:
                self._builders[asked] = error
        found = self._builders[asked]
        if isinstance(found, CtxsizeError):
            raise found
        return found

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


def _linted(
    target: Target, told: tuple[FileFinding, ...], project: Project | None, reading: Reading | None
) -> tuple[FileFinding, ...]:
    """What lint finds, where the budget asks for it."""
    if reading is None:
        return ()
    from ctxsize.budget.linting.lint import findings_for_check  # most checks do without

    return findings_for_check(target, told, project, reading)


@contextmanager
def _noted(errors: list[CtxsizeError]) -> Iterator[None]:
    """Go on after an error, and have it in ``errors``."""
    try:
        yield
    except CtxsizeError as error:
        errors.append(error)


def _missing(measured: MeasuredTarget, asked: _Asked, errors: Sequence[CtxsizeError]) -> dict[str, str]:
    """Why sizes are not known, by what a limit can be of."""
    missing: dict[str, str] = {}
    if measured.context_bytes is None:
        missing |= dict.fromkeys(("context", "context-files"), "the context was not measured")
    if measured.image_bytes is None:
        reason = "there is no image: see the error" if errors else "it was not measured"
        return missing | dict.fromkeys(_OF_IMAGES, reason)
    if not asked.built:
        reason = f"only {measured.image_source} was looked at, and nothing built"
        missing |= dict.fromkeys(("image", "pull"), reason)
    return missing | {"build-time": "nothing was built"}


def _exit_code(limits: Sequence[Judged], findings: Sequence[FileFinding], error: CtxsizeError | None) -> int:
    """The highest that applies: trouble that kept something from being measured outranks being over."""
    codes = [error.exit_code if error is not None else 0]
    codes += [ConfigError.exit_code for judged in limits if judged.value is None]
    codes += [1 for judged in limits if judged.over]
    codes += [1 for finding in findings if finding.level == "error"]
    return max(codes)
