"""BuildKit asks for the files it needs in a session, as `docker build` has it do."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ctxsize.context.errors import ContextError
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.variant import Variant
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.marked import MarkedBuilder, Task
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.vertices import ran_again
from ctxsize.engine.connect import Engine
from ctxsize.engine.exported import ExportedImages
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.marks import RUN_LABEL
from ctxsize.errors import BuildFailed, EngineError, UsageError
from ctxsize.files.sent import SentTree
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.progress import Progress

#: Bytes of chance in a shared key. Whoever knows it gets at what the engine received under it: a file of
#: theirs that has the size and time of one of ours becomes that one.
_KEY_BYTES = 16
#: What BuildKit says of an exporter that it does not have.
_NO_EXPORTER = "could not be found"


class BuildKitBuilder(MarkedBuilder):
    """Builds with BuildKit over a session of its own for every build.

    A shared key of its own per build makes every transfer a full one. The rebuilds of a variant share one
    key, as a user's builds do.
    """

    name = "buildkit"

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        super().__init__(engine, plan, run, journal)
        self._rebuilds = secrets.token_hex(_KEY_BYTES)
        self._keeps_images = engine.keeps_images
        #: What was built for each image that the builder does not keep, and the key it was sent under.
        self._built: dict[str, tuple[Task, str]] = {}
        if not engine.keeps_images:
            self.images = ExportedImages(self._export, engine.api)

    @staticmethod
    def unavailable(engine: Engine) -> str | None:
        """Why no session can be had with this engine, or None when one opens."""
        try:
            buildkit.probe(engine.control)
        except buildkit.BuildKitError as error:
            return str(error)
        return None

    def _solve(self, task: Task) -> tuple[BuildResult, tuple[buildkit.Vertex, ...]]:
        sent = self._plan.sent_tree()
        sending = _Sending(self._plan.ignored, task.progress)
        key = f"{self._rebuilds}-{task.variant.name}" if task.rebuild else secrets.token_hex(_KEY_BYTES)
        result = self._build(task, self._request(task, key), sent=sent, on_sent=sending.take)
        for transfer in result.context:
            for path, size in transfer.resized.items():
                sent.resize(path, size)
        image_id = result.image_id
        if not self._keeps_images:
            image_id = f"{self._run}-{len(self._built)}"
            self._built[image_id] = (task, key)
        done = BuildResult(
            image_id=image_id,
            seconds=0.0,
            steps=(),
            sent_bytes=result.sent_bytes,
            sent_files=result.sent_files,
            sent_seconds=sending.seconds,
            warnings=result.warnings,
            scan_seconds=result.listing_seconds,
            sent=sent,
        )
        return done, result.vertices

    def _export(
        self, image_id: str, take: Callable[[Iterator[bytes]], object], exporter: str, **attributes: str
    ) -> None:
        """Build an image once more, from the cache, and have ``take`` take what the exporter makes of it. See
        ctxsize.engine.exported. EngineError, too, when a step was not in the cache: the image may differ."""
        task, key = self._built[image_id]
        task = replace(task, options=task.options.for_rebuild(), on_update=self._cache.take)
        request = self._request(task, key)
        request = replace(request, exporter=exporter, exporter_attributes=attributes)
        try:
            result = self._build(task, request, take=take)
        except BuildFailed as error:
            own = _NO_EXPORTER in error.message
            raise EngineError(
                f"the builder does not give the image out: {error.message}",
                hint="it is an engine's own BuildKit: measure on that engine" if own else None,
            ) from error
        if step := ran_again(result.vertices):
            raise EngineError(
                f"the image that was built can't be read: to export it, {step} ran again",
                hint="did the context change, or somebody clear the builder's cache? run it once more",
            )

    def _build(
        self,
        task: Task,
        request: buildkit.SolveRequest,
        *,
        sent: SentTree | None = None,
        on_sent: Callable[[buildkit.Sent], None] | None = None,
        take: Callable[[Iterator[bytes]], object] | None = None,
    ) -> buildkit.SolveResult:
        variant, plan = task.variant, self._plan
        context = buildkit.LocalDir(
            variant.root,
            SessionMatcher,
            hidden=variant.hidden,
            overlay={**variant.changes.replaced, **_ignore_file(variant, variant.root)},
            appended=variant.changes.appended,
            record=sent,
        )
        name = plan.dockerfile_path.name
        rules = frozenset({f"{name}.dockerignore", ".dockerignore"})
        dockerfile = buildkit.LocalDir(
            plan.dockerfile_path.parent,
            SessionMatcher,
            only=beside(plan.dockerfile_path.parent, {name, *rules}),
            hidden=rules if variant.without else frozenset(),
            overlay={name: task.dockerfile, **_ignore_file(variant, plan.dockerfile_path.parent)},
        )
        try:
            return buildkit.build(
                self._control,
                request,
                context=context,
                dockerfile=dockerfile,
                logins=buildkit.Logins.of(self._api),
                take=take,
                on_update=task.on_update,
                on_sent=on_sent,
            )
        except buildkit.LoginRefused as error:
            raise BuildFailed(str(error), step=error.step, hint="see `docker login`") from error
        except buildkit.RequestError as error:
            raise UsageError(str(error)) from error
        except buildkit.SolveError as error:
            raise BuildFailed(str(error), step=error.step, log=error.log) from error
        except buildkit.ServeError as error:
            where = str(variant.root / error.path) if error.path else str(variant.root)
            message = str(error).removeprefix(f"{error.path}: ")
            raise ContextError(
                message, where=where, hint="ignore it if the image does not need it"
            ) from error
        except buildkit.BuildKitError as error:
            raise EngineError(str(error), hint="is the engine still running?") from error

    def _request(self, task: Task, key: str) -> buildkit.SolveRequest:
        options = task.options
        return buildkit.SolveRequest(
            dockerfile=self._plan.dockerfile_path.name,
            target=options.target,
            build_args=options.build_args,
            labels={**options.labels, RUN_LABEL: self._run},
            platform=options.platform,
            network=options.network,
            pull=options.pull,
            no_cache=options.no_cache,
            secrets=options.secrets,
            ssh=options.ssh,
            shared_key=f"ctxsize-{key}",
            cache_name=f"ctxsize-{self._run}",
            session_name="ctxsize",
            exporter="moby" if self._keeps_images else "",
        )


def _ignore_file(variant: Variant, directory: Path) -> dict[str, bytes]:
    """What the engine is to read as the ignore file, if that lies in ``directory``."""
    if variant.ignore_file is None or variant.ignore_file[0].parent != directory:
        return {}
    path, content = variant.ignore_file
    return {path.name: content}


def beside(directory: Path, names: Iterable[str]) -> frozenset[str]:
    """What of a Dockerfile's directory is served: ``names``, and where a link of that name leads in it.

    The official client serves all of the directory, which can be somebody's home; BuildKit asks for no more.
    """
    served: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        top = name.partition("/")[0]
        if top == ".." or top in served:
            continue
        served.add(top)
        with suppress(OSError):
            pending.append(
                os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(directory / name)))
            )
    return frozenset(served)


class _Sending:
    """Adds up what crosses to the engine: bytes, and seconds for each ignored root."""

    def __init__(self, roots: frozenset[str], progress: Progress) -> None:
        self._roots = IgnoredRoots(roots)
        self._progress = progress
        self._bytes = 0
        self.seconds: dict[str, float] = {}

    def take(self, part: buildkit.Sent) -> None:
        """Take one write, whose time is divided over its files by their bytes."""
        if not part.name.endswith("context"):
            return
        size = sum(count for _, count in part.files)
        self._bytes += size
        self._progress.sent(self._bytes)
        per_byte = (part.completed - part.started) / max(size, 1)
        for path, count in part.files:
            root = self._roots.of(path)
            if root is not None:
                self.seconds[root] = self.seconds.get(root, 0.0) + count * per_byte


class SessionMatcher:
    """ctxsize's matcher in the shape the buildkit package asks for (its ``PatternMatcher``)."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises ValueError for a malformed pattern."""
        self._matcher = Matcher.from_patterns(patterns, Dialect.BUILDKIT)

    def root(self) -> DirState:
        """The state of the root."""
        return self._matcher.start()

    def child(self, state: DirState, name: str) -> DirState:
        """The state of the directory ``name`` in the directory of ``state``."""
        return state.child(name)

    def matches(self, state: DirState, name: str) -> bool:
        """Whether the entry ``name`` in the directory of ``state`` matches."""
        return state.outcome(name).ignored

    def matches_or_parent(self, path: str) -> bool:
        """Whether ``path`` or one of its parents matches, looking at the path alone."""
        return self._matcher.matches_or_parent(path)
