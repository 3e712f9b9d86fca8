"""``grpc.health.v1.Health/Check``: BuildKit asks every few seconds whether the session still answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib.const import Cardinality, Handler

from ctxsize.engine.buildkit import messages_pb2 as pb

if TYPE_CHECKING:
    from grpclib.server import Stream

_SERVING = 1


class Health:
    """Always serving: a session that can answer is healthy."""

    def __mapping__(self) -> dict[str, Handler]:
        return {
            "/grpc.health.v1.Health/Check": Handler(
                self._check, Cardinality.UNARY_UNARY, pb.HealthCheckRequest, pb.HealthCheckResponse
            )
        }

    async def _check(self, stream: Stream[pb.HealthCheckRequest, pb.HealthCheckResponse]) -> None:
        await stream.recv_message()
        await stream.send_message(pb.HealthCheckResponse(status=_SERVING))
