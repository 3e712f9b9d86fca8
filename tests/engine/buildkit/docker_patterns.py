"""The matcher the tests inject into the package: the one the program injects, too."""

from __future__ import annotations

from ctxsize.engine.builders.buildkit import SessionMatcher as DockerPatterns

__all__ = ["DockerPatterns"]
