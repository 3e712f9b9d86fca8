"""What a Dockerfile takes of a context."""

from __future__ import annotations

from typing import Any

from ctxsize.dockerfile.names import ContextDirectory
from ctxsize.dockerfile.parse import Dockerfile
from ctxsize.dockerfile.resolve import resolve
from ctxsize.dockerfile.sources import Sources, plan_sources


def context_sources(
    dockerfile: Dockerfile, *, names: ContextDirectory | None = None, **options: Any
) -> Sources:
    """What the target takes; ``options`` as for ``resolve``."""
    return plan_sources(resolve(dockerfile, **options), names)
