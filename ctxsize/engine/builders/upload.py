"""BuildKit with the context uploaded as one tar: for engines and proxies that have no sessions.

This differs from what `docker build` does: the whole context is sent, there are no registry logins and no
secrets, and the Dockerfile that BuildKit reads has to be in the tar. An image that copies the whole context
has that file in it, in both variants: their difference is exact, and each is those few bytes larger than it
should be.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

from ctxsize.context.send import tar_stream
from ctxsize.engine import buildkit
from ctxsize.engine.builders.interface import BuildResult, Step
from ctxsize.engine.builders.marked import MarkedBuilder, Task
from ctxsize.engine.builders.tarbuild import Stopwatch, engine_errors, post_tar
from ctxsize.engine.errors import TROUBLE, sensible
from ctxsize.errors import BuildFailed

#: Where the Dockerfile with markers lies in the tar.
_NAME = ".ctxsize.Dockerfile"
#: How long the engine has to take note that a build is given up.
_CANCEL_SECONDS = 5


class UploadBuilder(MarkedBuilder):
    """Builds with BuildKit from a tar in the request's body."""

    name = "buildkit-upload"

    def _solve(self, task: Task) -> tuple[BuildResult, tuple[buildkit.Vertex, ...]]:
        variant = task.variant
        sent = 0

        def count(_path: str, size: int) -> None:
            nonlocal sent
            sent += size
            task.progress.sent(sent)

        trace = buildkit.Trace(task.on_update)
        scanning = Stopwatch()
        tree = self._plan.sent_tree()
        body = tar_stream(
            scanning.time(variant.walk()),
            variant.root,
            extra={_NAME: task.dockerfile, **variant.replaced()},
            appended=variant.changes.appended,
            sent=count,
            record=tree,
        )
        image_id = ""
        uploaded: float | None = None
        started = time.perf_counter()
        answer = post_tar(self._api, body, _NAME, task.options, run=self._run)
        with self._cancelled_when_given_up(), engine_errors(), closing(answer) as events:
            for event in events:
                uploaded = uploaded or time.perf_counter()
                image_id = _take(event, trace) or image_id
        sending = (uploaded or started) - started
        send = Step("send context", sending, cached=False, phase="send", critical=sending)
        warnings = tuple(trace.warnings)
        done = BuildResult(
            image_id, 0.0, (send,), sent, warnings=warnings, scan_seconds=scanning.seconds, sent=tree
        )
        return done, trace.vertices

    @contextmanager
    def _cancelled_when_given_up(self) -> Iterator[None]:
        """Tell the engine when the build is given up: that the connection ends is not enough for it."""
        build = uuid.uuid4().hex
        # The SDK knows no parameters for it; its client adds these to every request it makes.
        self._api.params = {"version": "2", "buildid": build}
        self._cache.upload()
        try:
            yield
        except BaseException:
            with suppress(*TROUBLE):
                self._api.post(self._api._url("/build/cancel"), params={"id": build}, timeout=_CANCEL_SECONDS)
            raise


def _take(event: Mapping[str, Any], trace: buildkit.Trace) -> str | None:
    """Read one event of the answer into ``trace``; the id of the image if it tells it."""
    if event.get("id") == buildkit.TRACE_ID:
        with sensible("the build"):
            status = buildkit.decode_trace(event["aux"])
            trace.check(status)
        trace.add(status)
    elif message := event.get("error") or event.get("message"):
        step, log = trace.failure()
        raise BuildFailed(str(message).strip(), step=step, log=log)
    elif isinstance(event.get("aux"), dict):
        return str(event["aux"].get("ID", "")) or None
    return None
