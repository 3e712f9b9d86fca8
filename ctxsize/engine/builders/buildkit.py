"""BuildKit asks for the files it needs in a session, as `docker build` has it do.

Markers (see ``markers``) keep the user's cache out of the run and make the affected steps run for real each
time; the cache records that are left are known by when the steps ran.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ctxsize.context.errors import ContextError
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.markers import with_markers
from ctxsize.engine.builders.output import LogLines, failures_located
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.vertices import places, ran_again, steps_of
from ctxsize.engine.connect import Engine
from ctxsize.engine.exported import ExportedImages
from ctxsize.engine.footprint.cache_records import OwnRecords
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.images import EngineImages, ImageStore
from ctxsize.engine.marks import RUN_LABEL, is_marker
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed, EngineError, UsageError
from ctxsize.files.sent import SentContext, SentTree
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.progress import Progress, Silent

#: Bytes of chance in a shared key. Whoever knows it gets at what the engine received under it: a file of
#: theirs that has the size and time of one of ours becomes that one.
_KEY_BYTES = 16
#: What a Dockerfile frontend before 1.4 says of named contexts.
_NO_CONTEXTS = "unsupported frontend capability moby.buildkit.frontend.contexts"
#: What BuildKit says of an exporter that it does not have.
_NO_EXPORTER = "could not be found"


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
    on_update: Callable[[buildkit.StatusUpdate], None]


class BuildKitBuilder:
    """Builds with BuildKit over a session of its own for every build.

    A shared key of its own per build makes every transfer a full one. The rebuilds of a variant share one
    key, as a user's builds do.
    """

    name = "buildkit"

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        self._api = engine.new_client()
        own = EngineImages(engine.api)
        self.images: ImageStore = own if engine.keeps_images else ExportedImages(self._export, engine.api)
        self._plan = plan
        self._run = run
        self._control = engine.control
        self._cache = OwnRecords(self._control, run, journal)
        self._builds = 0
        #: By which plan steps are made to run for real, and whether the next build without the ignore file
        #: shows for which that is not needed.
        self._marking = plan
        self._undecided = False
        self._rebuilds = secrets.token_hex(_KEY_BYTES)
        self._keeps_images = engine.keeps_images
        #: What was built for each image that the builder does not keep, and the key it was sent under.
        self._built: dict[str, tuple[Task, str]] = {}

    @staticmethod
    def unavailable(engine: Engine) -> str | None:
        """Why no session can be had with this engine, or None when one opens."""
        try:
            buildkit.probe(engine.control)
        except buildkit.BuildKitError as error:
            return str(error)
        return None

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

        task = Task(variant, rewritten.data, replace(options, build_args=build_args), update)
        key = f"{self._rebuilds}-{variant.name}" if rebuild else secrets.token_hex(_KEY_BYTES)
        sent = plan.sent_tree()
        sending = _Sending(plan.ignored, progress, tuple(variant.named))
        started = time.perf_counter()
        try:
            with failures_located(plan, rewritten.original_line, place):
                done = self._build(task, self._request(task, key), sent=sent, on_sent=sending.take)
        finally:
            log.close()
        seconds = time.perf_counter() - started
        _note_sizes(done, sent)
        steps = steps_of(done.vertices, place)
        if shows and self._undecided:
            self._marking, self._undecided = plan.decided(steps), False
        elif shows:
            self._undecided = plan.undecided(steps) >= WORTH_SECONDS
        image_id = done.image_id
        if not self._keeps_images:
            image_id = f"{self._run}-{len(self._built)}"
            self._built[image_id] = (task, key)
        return BuildResult(
            image_id=image_id,
            seconds=seconds,
            steps=steps,
            sent_bytes=done.sent_bytes,
            sent_files=done.sent_files,
            sent_seconds=sending.seconds,
            warnings=done.warnings,
            scan_seconds=done.listing_seconds,
            sent=sent,
            undecided=self._undecided,
        )

    def forget(self, progress: Progress | None = None) -> bool:
        """Remove the build-cache records of this run; False when some are still in use."""
        return self._cache.remove(progress or Silent())

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
        context = _served(variant, sent)
        named = {
            name: _served(each, None if sent is None else sent.within(name))
            for name, each in variant.named.items()
        }
        name = plan.dockerfile_path.name
        rules = frozenset({f"{name}.dockerignore", ".dockerignore"})
        dockerfile = buildkit.LocalDir(
            plan.dockerfile_path.parent,
            SessionMatcher,
            only=frozenset({name}) if plan.inline else beside(plan.dockerfile_path.parent, {name, *rules}),
            hidden=rules if variant.without else frozenset(),
            overlay={name: task.dockerfile, **_ignore_file(variant, plan.dockerfile_path.parent)},
        )
        try:
            return buildkit.build(
                self._control,
                request,
                context=context,
                dockerfile=dockerfile,
                named=named,
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
            if _NO_CONTEXTS in str(error):
                hint = "they need Docker Engine 23, or a `# syntax=docker/dockerfile:1` in the Dockerfile"
                raise BuildFailed("the engine's BuildKit knows no named contexts", hint=hint) from error
            raise BuildFailed(str(error), step=error.step, log=error.log) from error
        except buildkit.ServeError as error:
            # It was served by the number of its named context.
            of = buildkit.named_context(error.directory, tuple(variant.named))
            root = variant.root if of is None else variant.named[of].root
            where = str(root / error.path) if error.path else str(root)
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
            attributes={
                f"context:{each.name}": each.given for each in self._plan.named.values() if each.tree is None
            },
        )


def _note_sizes(done: buildkit.SolveResult, sent: SentTree) -> None:
    """Note of which files another number of bytes was sent than listed."""
    for name, transfer in (*((None, each) for each in done.context), *done.named_contexts):
        tree = sent if name is None else sent.within(name)
        for path, size in transfer.resized.items():
            tree.also(path, size)


def _served(variant: Variant, record: SentTree | SentContext | None) -> buildkit.LocalDir:
    """A context as this view of it is served."""
    return buildkit.LocalDir(
        variant.root,
        SessionMatcher,
        hidden=variant.hidden,
        overlay={**variant.changes.replaced, **_ignore_file(variant, variant.root)},
        appended=variant.changes.appended,
        record=record,
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

    def __init__(self, roots: frozenset[str], progress: Progress, named: tuple[str, ...]) -> None:
        self._roots = IgnoredRoots(roots)
        self._named = named
        self._progress = progress
        self._bytes = 0
        self.seconds: dict[str, float] = {}

    def take(self, part: buildkit.Sent) -> None:
        """Take one write, whose time is divided over its files by their bytes."""
        name = buildkit.named_context(part.name, self._named)
        if name is None and not part.name.endswith("context"):
            return
        size = sum(count for _, count in part.files)
        self._bytes += size
        self._progress.sent(self._bytes)
        per_byte = (part.completed - part.started) / max(size, 1)
        for path, count in part.files:
            root = self._roots.of(path if name is None else f"{name}:{path}")
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
