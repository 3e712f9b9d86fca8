"""BuildKit driven exactly as ``docker build`` drives it, from pure Python.

``connect`` reaches the BuildKit in a Docker engine over the Docker SDK's connection, ``Control`` one behind
any connection, ``build`` builds with either. A package that stands alone: it needs docker, grpclib, protobuf,
and of ctxsize only leaves (``files/beneath``, ``files/nested``, ``files/sent``). docs/buildkit-session.md
tells the protocol and shows how to use it elsewhere.
"""

from ctxsize.engine.buildkit.control import CacheRecord, Control, Dial, Refused, Worker
from ctxsize.engine.buildkit.directory import LocalDir
from ctxsize.engine.buildkit.engine import connect
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
from ctxsize.engine.buildkit.services.helpers import Logins
from ctxsize.engine.buildkit.solve import SolveRequest, SolveResult, build, named_context, probe
from ctxsize.engine.buildkit.trace import LogLine, StatusUpdate, Trace, Vertex

__all__ = [
    "BuildKitError",
    "CacheRecord",
    "ConnectionLost",
    "Control",
    "Dial",
    "LocalDir",
    "LogLine",
    "LoginRefused",
    "Logins",
    "Refused",
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
    "Worker",
    "build",
    "connect",
    "named_context",
    "probe",
]
