"""BuildKit with the context uploaded as one tar: for engines and proxies that have no sessions.

It is not what `docker build` does, and it shows: the whole context is sent, no registry login and no
secrets are possible, and the Dockerfile that BuildKit reads has to be in the tar. It lies there under a
name of its own, so an image that copies the whole context holds it, in both variants alike: their
difference is exact, and each is larger than it should be by those few bytes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

from ctxsize.context.send import tar_stream
from ctxsize.context.variant import Variant
from ctxsize.dockerfile.parse import parse_dockerfile
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.engine.builders.loglines import LogLines
from ctxsize.engine.builders.markers import with_markers
from ctxsize.engine.builders.parseerror import locate_parse_error
from ctxsize.engine.builders.plan import BuildPlan
from ctxsize.engine.builders.tarbuild import LOG_LINES, Stopwatch, engine_errors, post_tar
from ctxsize.engine.builders.vertices import line_map, steps_of
from ctxsize.engine.connect import Engine
from ctxsize.engine.errors import TROUBLE, sensible
from ctxsize.engine.footprint import cache_records
from ctxsize.engine.footprint.journal import Journal
from ctxsize.engine.options import BuildOptions
from ctxsize.errors import BuildFailed
from ctxsize.progress import Progress

#: Where the Dockerfile with markers lies in the tar.
_NAME = ".ctxsize.Dockerfile"
#: How long the engine has to take note that a build is given up.
_CANCEL_SECONDS = 5


class UploadBuilder:
    """Builds with BuildKit from a tar in the request's body."""

    name = "buildkit-upload"

    def __init__(self, engine: Engine, plan: BuildPlan, run: str, journal: Journal) -> None:
        self._api = engine.new_client()
        # The SDK knows no parameter for it; its client adds these to every request it makes.
        self._api.params = {"version": "2"}
        self._plan = plan
        self._run = run
        self._cache = cache_records.OwnRecords(engine.new_client(), run, journal)
        self._builds = 0

    def build(self, variant: Variant, *, progress: Progress, rebuild: bool = False) -> BuildResult:
        """Build ``variant``. Raises BuildFailed, EngineError, or what reading the tree raises."""
        self._builds += 1
        rewritten = with_markers(self._plan, self._run, None if rebuild else self._builds)
        options = self._plan.options.for_rebuild() if rebuild else self._plan.options
        sent = 0

        def count(_path: str, size: int) -> None:
            nonlocal sent
            sent += size
            progress.sent(sent)

        trace = buildkit.Trace()
        log = LogLines(progress.log)
        scanning = Stopwatch()
        image_id = ""
        uploaded: float | None = None
        started = time.perf_counter()
        try:
            answer = self._events(variant, rewritten.data, options, scanning, count)
            with self._cancelled_when_given_up(), engine_errors(), closing(answer) as events:
                for event in events:
                    uploaded = uploaded or time.perf_counter()
                    image_id = self._take(event, trace, log) or image_id
        except BuildFailed as error:
            path = self._plan.resolved.dockerfile.path
            message, where = locate_parse_error(error.message, path, rewritten.original_line)
            raise BuildFailed(message, where=where, step=error.step, log=error.log) from error
        finally:
            log.close()
        seconds = time.perf_counter() - started
        rewritten_file = parse_dockerfile(rewritten.data, _NAME)
        lines = line_map(rewritten_file, rewritten.original_line, self._plan.resolved)
        sending = (uploaded or started) - started
        send = Step("send context", sending, cached=False, phase="send", critical=sending)
        return BuildResult(
            image_id=image_id,
            seconds=seconds,
            steps=(send, *steps_of(trace.vertices, lines)),
            sent_bytes=sent,
            warnings=tuple(warning.message for warning in trace.warnings),
            scan_seconds=scanning.seconds,
        )

    def forget(self) -> bool:
        """Remove the build-cache records of this run; False when some are still in use."""
        return self._cache.remove()

    @contextmanager
    def _cancelled_when_given_up(self) -> Iterator[None]:
        """The engine ends a build that is given up when it is told to; that the connection ends is not
        enough."""
        build = uuid.uuid4().hex
        self._api.params = {"version": "2", "buildid": build}
        self._cache.upload()
        try:
            yield
        except BaseException:
            with suppress(*TROUBLE):
                self._api.post(self._api._url("/build/cancel"), params={"id": build}, timeout=_CANCEL_SECONDS)
            raise

    def _events(
        self, variant: Variant, dockerfile: bytes, options: BuildOptions, scanning: Stopwatch, count: Any
    ) -> Any:
        body = tar_stream(
            scanning.time(variant.walk()),
            variant.root,
            extra={_NAME: dockerfile, **variant.replaced()},
            appended=variant.changes.appended,
            sent=count,
        )
        build_args = {"BUILDKIT_CACHE_MOUNT_NS": self._run, **options.build_args}
        return post_tar(self._api, body, _NAME, options, run=self._run, build_args=build_args)

    def _take(self, event: Mapping[str, Any], trace: buildkit.Trace, log: LogLines) -> str | None:
        if event.get("id") == buildkit.TRACE_ID:
            with sensible("the build"):
                status = buildkit.decode_trace(event["aux"])
            trace.add(status)
            self._cache.take(status)
            log.add(status.logs)
        elif message := event.get("error") or event.get("message"):
            failed = next((vertex for vertex in trace.vertices if vertex.error), None)
            raise BuildFailed(
                str(message).strip(),
                step=failed.name if failed else None,
                log=tuple(trace.log_lines(failed.digest)[-LOG_LINES:]) if failed else (),
            )
        elif isinstance(event.get("aux"), dict):
            return str(event["aux"].get("ID", "")) or None
        return None
