"""BuildKit driven exactly as ``docker build`` drives it, from pure Python over the Docker SDK's connection.

A package of its own: it needs docker, grpclib and protobuf, and nothing of ctxsize. docs/buildkit-session.md
tells the protocol and shows how to use it elsewhere.
"""

from ctxsize.engine.buildkit.directory import ContextDir, LocalDir, ServedTree
from ctxsize.engine.buildkit.entry import Entry
from ctxsize.engine.buildkit.errors import (
    BuildKitError,
    ConnectionLost,
    ContextError,
    LoginRefused,
    RequestError,
    SessionUnavailable,
    SolveError,
)
from ctxsize.engine.buildkit.filesync import Sent, Transfer
from ctxsize.engine.buildkit.filter import MatcherFactory, PatternMatcher
from ctxsize.engine.buildkit.solve import SolveRequest, SolveResult, build
from ctxsize.engine.buildkit.trace import (
    TRACE_ID,
    BuildWarning,
    LogLine,
    Status,
    StatusUpdate,
    Trace,
    Vertex,
    decode_trace,
)

__all__ = [
    "TRACE_ID",
    "BuildKitError",
    "BuildWarning",
    "ConnectionLost",
    "ContextDir",
    "ContextError",
    "Entry",
    "LocalDir",
    "LogLine",
    "LoginRefused",
    "MatcherFactory",
    "PatternMatcher",
    "RequestError",
    "Sent",
    "ServedTree",
    "SessionUnavailable",
    "SolveError",
    "SolveRequest",
    "SolveResult",
    "Status",
    "StatusUpdate",
    "Trace",
    "Transfer",
    "Vertex",
    "build",
    "decode_trace",
]
