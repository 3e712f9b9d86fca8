"""BuildKit driven exactly as ``docker build`` drives it, from pure Python over the Docker SDK's connection.

A package that stands alone: it needs docker, grpclib, protobuf and one leaf of ctxsize,
``ctxsize.files.beneath``. docs/buildkit-session.md tells the protocol and shows how to use it elsewhere.
"""

from ctxsize.engine.buildkit.directory import LocalDir
from ctxsize.engine.buildkit.entry import ServedEntry
from ctxsize.engine.buildkit.errors import (
    BuildKitError,
    ConnectionLost,
    LoginRefused,
    RequestError,
    ServeError,
    SessionUnavailable,
    SolveError,
)
from ctxsize.engine.buildkit.filesync import Sent, Transfer
from ctxsize.engine.buildkit.solve import SolveRequest, SolveResult, build
from ctxsize.engine.buildkit.trace import (
    TRACE_ID,
    LogLine,
    StatusUpdate,
    Trace,
    Vertex,
    decode_trace,
)

__all__ = [
    "TRACE_ID",
    "BuildKitError",
    "ConnectionLost",
    "LocalDir",
    "LogLine",
    "LoginRefused",
    "RequestError",
    "Sent",
    "ServeError",
    "ServedEntry",
    "SessionUnavailable",
    "SolveError",
    "SolveRequest",
    "SolveResult",
    "StatusUpdate",
    "Trace",
    "Transfer",
    "Vertex",
    "build",
    "decode_trace",
]
