"""BuildKit through a session: the engine asks for the files it needs, as `docker build` has it do."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ctxsize.context.errors import ContextError
from ctxsize.context.roots import IgnoredRoots
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult
from ctxsize.engine.builders.loglines import LogLines
from ctxsize.engine.builders.markers import with_markers
from ctxsize.engine.builders.parseerror import locate_parse_error
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.vertices import line_map, steps_of
from ctxsize.engine.buildkit.health import Health
from ctxsize.engine.buildkit.session import Session
from ctxsize.engine.connect import Engine
from ctxsize.engine.footprint import cache_records
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.marks import RUN_LABEL, is_marker
from ctxsize.errors import BuildFailed, EngineError, UsageError
from ctxsize.ignore.automaton import DirState
from ctxsize.ignore.matcher import Matcher
from ctxsize.ignore.types import Dialect
from ctxsize.progress import Progress

#: Bytes of chance in a shared key. Whoever knows it gets at what the engine received under it: a file of
#: theirs that has the size and time of one of ours becomes that one.
_KEY_BYTES = 16


class BuildKitBuilder:
    """Builds with BuildKit over a session of its own for every build.

    Markers (see ctxsize.engine.builders.markers) keep the user's cache out of the run and make the affected
    steps run for real each time; a shared key of its own per build makes every transfer a full one. The
    rebuilds of a variant share one key, as a user's builds do.
    """

    name = "buildkit"

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        self._api = engine.new_client()
        self._plan = plan
        self._run = run
        self._cache = cache_records.OwnRecords(self._api, run, journal)
        self._builds = 0
        self._rebuilds = secrets.token_hex(_KEY_BYTES)

    @staticmethod
    def unavailable(engine: Engine) -> str | None:
        """Why no session can be had with this engine, or None when one opens."""
        try:
            with Session(engine.new_client(), [Health()], name="ctxsize", shared_key="ctxsize-probe"):
                return None
        except buildkit.BuildKitError as error:
            return str(error)

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``. Raises BuildFailed, EngineError, or ContextError for an unreadable tree."""
        self._builds += 1
        plan = self._plan
        rewritten = with_markers(plan, self._run, None if rebuild else self._builds)
        context = buildkit.LocalDir(
            variant.root,
            SessionMatcher,
            hidden=variant.hidden,
            overlay={**variant.changes.replaced, **_ignore_file(variant, variant.root)},
            appended=variant.changes.appended,
        )
        name = plan.dockerfile_path.name
        rules = frozenset({f"{name}.dockerignore", ".dockerignore"})
        dockerfile = buildkit.LocalDir(
            plan.dockerfile_path.parent,
            SessionMatcher,
            only=beside(plan.dockerfile_path.parent, {name, *rules}),
            hidden=rules if variant.without else frozenset(),
            overlay={name: rewritten.data, **_ignore_file(variant, plan.dockerfile_path.parent)},
        )
        sending = _Sending(plan.ignored, progress)
        log = LogLines(progress.log)

        def update(status: buildkit.StatusUpdate) -> None:
            self._cache.take(status)
            _report_steps(status, progress)
            log.add(status.logs)

        started = time.perf_counter()
        try:
            result = buildkit.build(
                self._api,
                self._request(name, variant.name if rebuild else None),
                context=context,
                dockerfile=dockerfile,
                on_update=update,
                on_sent=sending.take,
            )
        except buildkit.LoginRefused as error:
            raise BuildFailed(str(error), step=error.step, hint="see `docker login`") from error
        except buildkit.RequestError as error:
            raise UsageError(str(error)) from error
        except buildkit.SolveError as error:
            raise _failed(error, plan.resolved.dockerfile.path, rewritten.original_line) from error
        except buildkit.ContextError as error:
            where = str(variant.root / error.path) if error.path else str(variant.root)
            message = str(error).removeprefix(f"{error.path}: ")
            raise ContextError(
                message, where=where, hint="ignore it if the image does not need it"
            ) from error
        except buildkit.BuildKitError as error:
            raise EngineError(str(error), hint="is the engine still running?") from error
        finally:
            log.close()
        seconds = time.perf_counter() - started
        lines = line_map(parse_dockerfile(rewritten.data, name), rewritten.original_line, plan.resolved)
        return BuildResult(
            image_id=result.image_id,
            seconds=seconds,
            steps=steps_of(result.vertices, lines),
            sent_bytes=result.sent_bytes,
            sent_files=result.sent_files,
            sent_seconds=sending.seconds,
            warnings=tuple(warning.message for warning in result.warnings),
            scan_seconds=result.listing_seconds,
        )

    def forget(self) -> bool:
        """Remove the build-cache records of this run; False when some are still in use."""
        return self._cache.remove()

    def _request(self, dockerfile: str, rebuilt: str | None) -> buildkit.SolveRequest:
        """``rebuilt`` is the variant that is rebuilt, None for a build that shares nothing it was sent."""
        options = self._plan.options.for_rebuild() if rebuilt else self._plan.options
        key = f"{self._rebuilds}-{rebuilt}" if rebuilt else secrets.token_hex(_KEY_BYTES)
        return buildkit.SolveRequest(
            dockerfile=dockerfile,
            target=options.target,
            # Cache mounts are shared by name between all builds on an engine; this keeps ours apart.
            build_args={"BUILDKIT_CACHE_MOUNT_NS": self._run, **options.build_args},
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


def _report_steps(status: buildkit.StatusUpdate, progress: Progress) -> None:
    for vertex in status.vertexes:
        if vertex.started is not None and vertex.completed is None and not is_marker(vertex.name):
            progress.step(vertex.name)


def _failed(error: buildkit.SolveError, dockerfile: str, original_line: Callable[[int], int]) -> BuildFailed:
    message, where = locate_parse_error(str(error), dockerfile, original_line)
    return BuildFailed(message, where=where, step=error.step, log=error.log)
