"""BuildKit's own API, ``moby.buildkit.v1.Control``, on one connection of any kind."""

from ctxsize.engine.buildkit.control.channel import Dial
from ctxsize.engine.buildkit.control.client import CacheRecord, Control, Worker
from ctxsize.engine.buildkit.control.loop import Refused

__all__ = ["CacheRecord", "Control", "Dial", "Refused", "Worker"]
