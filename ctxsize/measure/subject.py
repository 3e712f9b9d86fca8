"""One project on one engine, read and scanned: what every measurement with an engine starts from."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.totals import ScanResult
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.platforms import asked_platform
from ctxsize.dockerfile.resolve import resolve
from ctxsize.dockerfile.sources import Sources, plan_sources
from ctxsize.engine.bases import BaseImages, platform_variables
from ctxsize.engine.builders.choose import Choice, choose, make_builder
from ctxsize.engine.builders.find import find_builder
from ctxsize.engine.builders.interface import Builder
from ctxsize.engine.builders.masked import masker_of
from ctxsize.engine.builders.plan import BuildPlan, make_plan
from ctxsize.engine.configuration import proxies
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.run import Run
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, UsageError
from ctxsize.files.own import keep_out_of, state_folder
from ctxsize.ignore.matcher import Matcher
from ctxsize.measure.figures import WITH, WITHOUT, EngineFigures, ProjectFigures
from ctxsize.progress import Progress
from ctxsize.project import Project, open_project
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.blame import ignored_but_needed
from ctxsize.survey.listings import ignored
from ctxsize.survey.survey import Survey, survey
from ctxsize.warning import Warning

_VARIABLE = re.compile(r"\$\{?(\w+)")


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
    #: The views that are built, by name, where they are other ones than with and without the ignore file.
    views: Mapping[str, Variant] = field(default_factory=dict)

    @property
    def needed_bytes(self) -> int | None:
        """The bytes of eligible files that the Dockerfile takes; None where that can't be known."""
        return None if self.sources.unknown or self.found.needed is None else self.found.needed.bytes

    @property
    def needed_bytes_without(self) -> int | None:
        """As ``needed_bytes``, of a project without the ignore file; None where that can't be known."""
        project, found = self.project, self.found
        needed = self.needed_bytes
        if needed is None or found.unread or found.emptied.bytes or project.rules is None:
            return None if project.rules is not None else needed
        partly = []
        for root in found.roots:
            cover = self.sources.cover(root.path)
            if cover == "all":
                needed += root.totals.bytes
            elif cover == "some" and root.is_dir:
                partly.append(root.path)
        if partly:
            roots = IgnoredRoots(partly)
            for entry in ignored(project.context, project.rules, hidden=project.ignore_files):
                if roots.of(entry.path) is not None and self.sources.needs(entry.path):
                    needed += entry.bytes
        # An eligible ignore file is not there in a project without one.
        hidden = [path for path in project.ignore_files if not project.rules.verdict(path).ignored]
        sizes = (os.lstat(project.context / path).st_size for path in hidden if self.sources.needs(path))
        return needed - sum(sizes)

    @property
    def key(self) -> str:
        """What it is, from one run to the next: 16 hex digits."""
        project = self.project
        where = (project.context, project.dockerfile_path, self.options.target, self.engine.info.id)
        what = (*map(str, where), self.choice.name, *filter(None, [self.options.platform]))
        return hashlib.sha256(repr(what).encode()).hexdigest()[:16]

    @property
    def project_figures(self) -> ProjectFigures:
        """What a result says of the project."""
        return ProjectFigures(
            context=self.project.name,
            dockerfile=self.plan.resolved.dockerfile.path,
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
            instance=info.builder,
            driver=info.driver,
        )

    def variant(self, name: str) -> Variant:
        """The view of the tree that is built: ``with`` or ``without`` the ignore file."""
        project = self.project
        if name in self.views:
            return self.views[name]
        if name == WITHOUT:
            return Variant(WITHOUT, project.context, None, project.ignore_files, project.dialect)
        return Variant(WITH, project.context, project.rules, frozenset(), project.dialect)

    def blame_rule(self, failure: BuildFailed) -> None:
        """Have ``failure`` of the build of ``with`` name the rule that is to blame: that of the first thing
        which the Dockerfile copies and the ignore file keeps out, if there is one."""
        rules = self.project.rules
        if rules is None:
            return
        found = ignored_but_needed(self.sources, rules, self.project.context)
        if not found:
            return
        needed = found[0]
        failure.where = f"{rules.source}:{needed.rule.line}"
        # The path may be made of the value of a build argument.
        failure.hint = masker_of(self.options, self.plan.resolved)(
            f"the rule `{needed.rule.text.strip()}` ignores {needed.path}, which {needed.source.keyword} at"
            f" {self.project_figures.dockerfile}:{needed.source.line} needs: narrow the rule, or add"
            f" `!{needed.path}` after it"
        )

    @property
    def unbuildable(self) -> UsageError | None:
        """Why no builder would begin with it: a base image whose name is empty, for want of an argument."""
        resolved = self.plan.resolved
        stages = resolved.stages if resolved.buildkit else resolved.stages[: resolved.target + 1]
        stage = next((each for each in stages if each.image == "" and each.parent is None), None)
        if stage is None:
            return None
        name = _VARIABLE.search(stage.stage.base)
        return UsageError(
            f"the base image {stage.stage.base} is empty",
            where=f"{resolved.dockerfile.path}:{stage.stage.line}",
            hint=f"give --build-arg {name[1]}=…" if name else "name an image",
        )

    def builder(self, run: Run) -> Builder:
        """A builder whose leavings ``run`` removes at its end. Raises UsageError for what is unbuildable."""
        if (error := self.unbuildable) is not None:
            raise error
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

    ``builder`` is ``auto``, ``buildkit``, ``classic`` or, without an ``engine``, the name of a builder.
    Nothing is built. Raises CtxsizeError.
    """
    if engine is None:
        engine, choice = find_builder(builder, options.platform)
    else:
        choice = choose(engine, builder)
    project = open_project(path, dockerfile=dockerfile, dialect=choice.dialect, podman=engine.info.podman)
    return prepare_opened(project, engine, choice, options=options, progress=progress)


def prepare_opened(
    project: Project,
    engine: Engine,
    choice: Choice,
    *,
    options: BuildOptions,
    progress: Progress,
    forbidden: Matcher | None = None,
    asked: Collection[str] = (),
    depth: int = 0,
    largest: int = 0,
) -> Subject:
    """Scan a project that was opened for the builder ``choice`` of ``engine``, with a Dockerfile.
    ``forbidden``, ``asked``, ``depth`` and ``largest`` are as for the scan. Raises CtxsizeError."""
    assert project.dockerfile is not None  # it is required
    options = replace(
        options,
        platform=asked_platform(options.platform, podman=engine.info.podman),
        build_args={**proxies(engine.host), **options.build_args},
    )
    keep_out_of(project.context)
    progress.phase("scan")
    surveyed = time.time_ns()
    resolved = resolve(
        project.dockerfile,
        target=options.target,
        build_args={name: value for name, value in options.build_args.items() if value is not None},
        buildkit=choice.name != "classic",
        base_images=BaseImages(engine, options.platform),
        predefined=platform_variables(engine, options),
    )
    sources = plan_sources(resolved, ContextDirectory(project.context))
    seen = survey(
        project,
        sources,
        podman=engine.info.podman,
        depth=depth,
        largest=largest,
        forbidden=forbidden,
        asked=asked,
    )
    return Subject(
        engine=engine,
        choice=choice,
        project=project,
        options=options,
        found=seen.scan,
        sources=sources,
        plan=make_plan(
            project, options, resolved, [root.path for root in seen.scan.roots], surveyed=surveyed
        ),
        sensitive=seen.sensitive,
        warnings=tuple(_warnings(choice, seen)),
    )


def _warnings(choice: Choice, seen: Survey) -> Iterator[Warning]:
    for notice in (choice.notice, choice.other):
        if notice:
            yield Warning("builder", notice)
    state = state_folder()
    if state.temporary:
        yield Warning(
            "own-files",
            "the usual place for ctxsize's own files can't be written or lies in the context: they go to"
            f" {state.path.parent} (an XDG_STATE_HOME outside the context changes that)",
        )
    yield from seen.unread
    if seen.differing is not None:
        yield seen.differing.warning("builders-differ")
