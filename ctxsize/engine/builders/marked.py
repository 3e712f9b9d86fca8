"""What all ways of building with BuildKit share.

Markers (see ``markers``) keep the user's cache out of the run and make the affected steps run for real each
time; the cache records that are left are known by when the steps ran.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ctxsize.context.variant import Variant
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.markers import with_markers
from ctxsize.engine.builders.output import LogLines, failures_located
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.vertices import line_map, places, steps_of
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint.cache_records import OwnRecords
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.images import EngineImages, ImageStore
from ctxsize.engine.marks import is_marker
from ctxsize.engine.options import BuildOptions
from ctxsize.progress import Progress

#: The build argument that BuildKit puts before the names of cache mounts, which all builds on an engine share
#: (moby/buildkit frontend/dockerfile/dockerfile2llb/convert_runmount.go).
_CACHE_MOUNTS = "BUILDKIT_CACHE_MOUNT_NS"
#: What takes from another stage and runs this long is looked at more closely: whether its input is the same
#: in both variants, so that it need not run again and again.
WORTH_SECONDS = 5.0


def cache_namespace(build_args: Mapping[str, str | None], run: str) -> str:
    """The namespace of a run's cache mounts. The user's own is part of it: what it kept apart stays apart,
    and no mount of the user's is read or written, whatever it is."""
    own = build_args.get(_CACHE_MOUNTS)
    return f"{run}/{own}" if own else run


@dataclass(frozen=True, slots=True)
class Task:
    """One build. ``dockerfile`` is the Dockerfile with markers; ``on_update`` takes what BuildKit reports."""

    variant: Variant
    dockerfile: bytes
    options: BuildOptions
    rebuild: bool
    progress: Progress
    on_update: Callable[[buildkit.StatusUpdate], None]


class MarkedBuilder(ABC):
    """Builds with BuildKit; how the context gets there is for ``_solve`` to say."""

    name: str

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        self._api = engine.new_client()
        self.images: ImageStore = EngineImages(engine.api)
        self._plan = plan
        self._run = run
        self._control = engine.control
        self._cache = OwnRecords(self._control, run, journal)
        self._builds = 0
        #: By which plan steps are made to run for real, and whether the next build without the ignore file
        #: shows for which that is not needed.
        self._marking = plan
        self._undecided = False

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``. Raises BuildFailed, EngineError, UsageError for a secret that is not there, or
        what reading the tree raises."""
        self._builds += 1
        plan = self._plan
        shows = not rebuild and not plan.options.no_cache
        shows = shows and (self._builds == 1 or (self._undecided and variant.without))
        marking = plan.direct if shows else self._marking
        rewritten = with_markers(marking, self._run, None if rebuild else self._builds)
        options = plan.options.for_rebuild() if rebuild else plan.options
        build_args = {**options.build_args, _CACHE_MOUNTS: cache_namespace(options.build_args, self._run)}
        log = LogLines(progress.log)
        given = parse_dockerfile(rewritten.data, plan.dockerfile_path.name)
        place = places(given, rewritten, plan.resolved)

        def update(status: buildkit.StatusUpdate) -> None:
            self._cache.take(status)
            for vertex in status.vertexes:
                if vertex.started is not None and vertex.completed is None and not is_marker(vertex.name):
                    progress.step(place(vertex.name).name)
            log.add(status.logs)

        options = replace(options, build_args=build_args)
        task = Task(variant, rewritten.data, options, rebuild, progress, update)
        started = time.perf_counter()
        try:
            with failures_located(plan, rewritten.original_line, place):
                result, vertices = self._solve(task)
        finally:
            log.close()
        seconds = time.perf_counter() - started
        lines = line_map(given, rewritten.original_line, plan.resolved)
        result = replace(result, seconds=seconds, steps=(*result.steps, *steps_of(vertices, lines)))
        if shows and self._undecided:
            self._marking, self._undecided = plan.decided(result.steps), False
        elif shows:
            self._undecided = plan.undecided(result.steps) >= WORTH_SECONDS
        return replace(result, undecided=self._undecided)

    def forget(self) -> bool:
        """Remove the build-cache records of this run; False when some are still in use."""
        return self._cache.remove()

    @abstractmethod
    def _solve(self, task: Task) -> tuple[BuildResult, tuple[buildkit.Vertex, ...]]:
        """Have BuildKit do it: a result with the steps that came before BuildKit's own and without the
        seconds, and BuildKit's steps. Raises what ``build`` raises; BuildFailed with the lines of the
        Dockerfile with markers."""
