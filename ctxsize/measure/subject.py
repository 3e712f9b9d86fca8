"""One project on one engine, read and scanned: what every measurement with an engine starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ctxsize.context.scan import scan
from ctxsize.context.totals import ScanResult
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.sources import Sources, plan_sources
from ctxsize.engine.bases import base_images, platform_variables
from ctxsize.engine.builders.choose import Choice, choose, make_builder
from ctxsize.engine.builders.interface import Builder
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.builders.plan import BuildPlan, make_plan
from ctxsize.engine.connect import Engine, connect
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed
from ctxsize.ignore.matcher import Matcher
from ctxsize.measure.figures import WITH, WITHOUT, EngineFigures, ProjectFigures
from ctxsize.progress import Progress
from ctxsize.project import Project, open_project
from ctxsize.sensitive.find import find_sensitive
from ctxsize.sensitive.names import suspects
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.blame import ignored_but_needed
from ctxsize.survey.dialects import disagreement
from ctxsize.survey.podman import podman_disagreement
from ctxsize.warning import Warning


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: ``project`` with ``options`` by the builder ``choice`` on ``engine``.

    ``found`` is the scan of its context, ``sources`` what the Dockerfile takes of it, ``plan`` how it is
    built. ``sensitive`` are the files that look like secrets. ``warnings`` are what reading it brought up.
    """

    engine: Engine
    choice: Choice
    project: Project
    options: BuildOptions
    found: ScanResult
    sources: Sources
    plan: BuildPlan
    sensitive: tuple[SensitiveFile, ...]
    warnings: tuple[Warning, ...]

    @property
    def needed_bytes(self) -> int | None:
        """The bytes of eligible files that the Dockerfile takes; None where that can't be known."""
        return None if self.sources.unknown or self.found.needed is None else self.found.needed.bytes

    @property
    def project_figures(self) -> ProjectFigures:
        """What a result says of the project."""
        return ProjectFigures(
            context=self.project.name,
            dockerfile=self.project.dockerfile.path,
            ignore_file=self.project.ignore.path if self.project.ignore is not None else None,
            target=self.options.target,
        )

    @property
    def engine_figures(self) -> EngineFigures:
        """What a result says of where it was measured."""
        info = self.engine.info
        return EngineFigures(
            version=info.version,
            api=info.api,
            builder=self.choice.name,
            storage=info.storage,
            remote=info.remote,
            podman=info.podman,
        )

    def variant(self, name: str) -> Variant:
        """The view of the tree that is built: ``with`` or ``without`` the ignore file."""
        project = self.project
        if name == WITHOUT:
            return Variant(WITHOUT, project.context, (), project.ignore_files, project.dialect)
        rules = project.ignore.rules if project.ignore is not None else ()
        return Variant(WITH, project.context, rules, frozenset(), project.dialect)

    def blame_rule(self, failure: BuildFailed) -> None:
        """Have ``failure`` of the build of ``with`` name the rule that is to blame: that of the first thing
        which the Dockerfile copies and the ignore file keeps out, if there is one."""
        ignore = self.project.ignore
        if ignore is None:
            return
        matcher = Matcher(ignore.rules, self.project.dialect)
        found = ignored_but_needed(self.sources, matcher, ContextDirectory(self.project.context))
        if not found:
            return
        needed = found[0]
        failure.where = f"{ignore.path}:{needed.rule.line}"
        # The path may be made of the value of a build argument.
        failure.hint = masker_of(self.options)(
            f"the rule `{needed.rule.text.strip()}` ignores {needed.path}, which {needed.source.keyword} at"
            f" {self.project.dockerfile.path}:{needed.source.line} needs: narrow the rule, or add"
            f" `!{needed.path}` after it"
        )

    def builder(self, run: Run) -> Builder:
        """A builder whose leavings ``run`` removes at its end."""
        builder = make_builder(self.choice, self.engine, self.plan, run.id, run.journal)
        run.at_end(builder.forget)
        return builder


def prepare(
    path: str | Path,
    *,
    dockerfile: str | Path | None,
    builder: str,
    options: BuildOptions,
    progress: Progress,
    engine: Engine | None = None,
) -> Subject:
    """Read the project at ``path`` for one builder of an engine (None: the user's own), and scan it.

    ``builder`` is ``auto``, ``buildkit``, ``buildkit-upload`` or ``classic``. Nothing is built. Raises
    CtxsizeError.
    """
    engine = engine or connect()
    choice = choose(engine, builder)
    project = open_project(path, dockerfile=dockerfile, dialect=choice.dialect, podman=engine.info.podman)
    progress.phase("scan")
    bases = base_images(engine, project, options)
    predefined = platform_variables(engine, options)
    buildkit = choice.name != "classic"
    read = make_plan(project, options, (), buildkit=buildkit, base_images=bases, predefined=predefined)
    sources = plan_sources(read.resolved, ContextDirectory(project.context))
    found = scan(
        project.context,
        project.ignore,
        project.dialect,
        hidden=project.ignore_files,
        # Podman reads an ignored Dockerfile where it lies, and nothing has to be sent for it.
        dockerfile=None if engine.info.podman else project.dockerfile_in_context,
        needs=sources,
        suspects=suspects,
    )
    ignored = [root.path for root in found.roots]
    return Subject(
        engine=engine,
        choice=choice,
        project=project,
        options=options,
        found=found,
        sources=sources,
        plan=make_plan(
            project, options, ignored, buildkit=buildkit, base_images=bases, predefined=predefined
        ),
        sensitive=_sensitive(project, found, sources),
        warnings=tuple(_warnings(engine, choice, project)),
    )


def _sensitive(project: Project, found: ScanResult, sources: Sources) -> tuple[SensitiveFile, ...]:
    return find_sensitive(
        project.context,
        found.suspects,
        Matcher(project.ignore.rules, project.dialect) if project.ignore is not None else None,
        needs=None if sources.unknown else lambda path: sources.needs(path, is_dir=False),
    )


def _warnings(engine: Engine, choice: Choice, project: Project) -> list[Warning]:
    warnings = [Warning("builder", choice.notice)] if choice.notice else []
    if engine.info.podman:
        message = podman_disagreement(project.context, project.ignore)
        if message is not None:
            where = project.ignore.path if project.ignore is not None else None
            warnings.append(Warning("builders-differ", message, where=where))
    else:
        differing = disagreement(project.context, project.dockerfile_path, project.ignore, project.dialect)
        if differing is not None:
            warnings.append(Warning("builders-differ", differing.message, where=differing.where))
    return warnings
