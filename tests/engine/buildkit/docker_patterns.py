"""The matcher the tests inject into the package: the one the program injects, too."""

from __future__ import annotations

from ctxsize.engine.session import SessionMatcher as DockerPatterns

__all__ = ["DockerPatterns"]
