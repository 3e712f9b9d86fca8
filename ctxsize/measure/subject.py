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
from ctxsize.dockerfile.mapping import ImageMap
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
from ctxsize.measure.figures import EngineFigures, NamedFigures, ProjectFigures
from ctxsize.named.open import open_named
from ctxsize.progress import Progress
from ctxsize.project import Project, open_project
from ctxsize.sensitive.types import SensitiveFile
from ctxsize.survey.blame import IgnoredButNeeded, ignored_but_needed
from ctxsize.survey.listings import ignored
from ctxsize.survey.survey import Survey
from ctxsize.survey.together import Part, named_views, survey_all, view_of
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
    #: The contexts of the build, each for itself; ``found`` is all of them together.
    parts: tuple[Part, ...] = ()
    #: What is built for: what the options ask for, else the engine's own.
    platform: str | None = None
    #: The views that are built, by name, where they are other ones than with and without the ignore file.
    views: Mapping[str, Variant] = field(default_factory=dict)

    @property
    def needed_bytes(self) -> int | None:
        """The bytes of eligible files that the Dockerfile takes; None where that can't be known."""
        return None if self.sources.unknown or self.found.needed is None else self.found.needed.bytes

    @property
    def needed_bytes_without(self) -> int | None:
        """As ``needed_bytes``, of a project without the ignore file; None where that can't be known."""
        known = [_needed_without(part) for part in self.parts]
        return None if None in known else sum(each or 0 for each in known)

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
            contexts=tuple(
                NamedFigures(name, os.path.relpath(tree.context), tree.ignore.path if tree.ignore else None)
                for name, tree in self.project.trees.items()
            ),
            platform=self.platform,
            platform_asked=self.options.platform is not None,
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
        """The view of the trees that is built: ``with`` or ``without`` the ignore files."""
        if name in self.views:
            return self.views[name]
        return replace(view_of(self.project, name), named=named_views(self.project, name))

    def image_map(self, links: Mapping[str, str] | None = None) -> ImageMap:
        """The way back from its image to its contexts; ``links`` as for ImageMap."""
        named = {name: ContextDirectory(tree.context) for name, tree in self.project.trees.items()}
        return ImageMap(self.plan.resolved, ContextDirectory(self.project.context), links, named)

    def blame_rule(self, failure: BuildFailed) -> None:
        """Have ``failure`` of the build of ``with`` name the rule that is to blame: that of the first thing
        which the Dockerfile copies and the ignore file keeps out, if there is one."""
        for part in self.parts:
            if part.tree.rules is not None and part.sources is not None:
                found = ignored_but_needed(part.sources, part.tree.rules, part.tree.context)
                if found:
                    self._blame(failure, part.tree.rules, found[0])
                    return

    def _blame(self, failure: BuildFailed, rules: Matcher, needed: IgnoredButNeeded) -> None:
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


def _needed_without(part: Part) -> int | None:
    """The bytes that the Dockerfile takes of a context without its ignore file; None where that can't be
    known."""
    project, found, sources = part.tree, part.scan, part.sources
    if sources is None or sources.unknown or found.needed is None:
        return None
    needed = found.needed.bytes
    if project.rules is None:
        return needed
    if found.unread or found.emptied.bytes:
        return None
    partly = []
    for root in found.roots:
        cover = sources.cover(root.path)
        if cover == "all":
            needed += root.totals.bytes
        elif cover == "some" and root.is_dir:
            partly.append(root.path)
    if partly:
        roots = IgnoredRoots(partly)
        for entry in ignored(project.context, project.rules, hidden=project.ignore_files):
            if roots.of(entry.path) is not None and sources.needs(entry.path):
                needed += entry.bytes
    # An eligible ignore file is not there in a project without one.
    hidden = [path for path in project.ignore_files if not project.rules.verdict(path).ignored]
    sizes = (os.lstat(project.context / path).st_size for path in hidden if sources.needs(path))
    return needed - sum(sizes)


def prepare(
    path: str | Path,
    *,
    dockerfile: str | Path | None,
    builder: str,
    options: BuildOptions,
    progress: Progress,
    engine: Engine | None = None,
    turn: int = 0,
) -> Subject:
    """Read the project at ``path`` for one builder of an engine (None: the user's own), and scan it.

    ``builder`` is ``auto``, ``buildkit``, ``classic`` or, without an ``engine``, the name of a builder.
    Nothing is built. Raises CtxsizeError.
    """
    if engine is None:
        engine, choice = find_builder(builder, options.platform, turn=turn)
    else:
        choice = choose(engine, builder)
    podman = engine.info.podman
    project = open_project(path, dockerfile=dockerfile, dialect=choice.dialect, podman=podman)
    project = open_named(project, options.contexts, podman=podman)
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
    for tree in (project, *project.trees.values()):
        keep_out_of(tree.context)
    progress.phase("scan")
    surveyed = time.time_ns()
    variables = platform_variables(engine, options)
    resolved = resolve(
        project.dockerfile,
        target=options.target,
        build_args={name: value for name, value in options.build_args.items() if value is not None},
        buildkit=choice.name != "classic",
        base_images=BaseImages(engine, options.platform),
        predefined=variables,
        replacements=project.replacements,
    )
    sources = plan_sources(resolved, ContextDirectory(project.context))
    seen, parts = survey_all(
        project,
        resolved,
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
        parts=parts,
        platform=variables["TARGETPLATFORM"],
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
