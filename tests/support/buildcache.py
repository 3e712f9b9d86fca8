"""The engine's build cache, looked at by another way than ctxsize's own: ``/system/df``."""

from __future__ import annotations

from collections.abc import Iterable

import docker

from ctxsize.engine.buildkit import CacheRecord
from ctxsize.engine.buildkit.fallback import Fallback
from ctxsize.engine.footprint import cache_records


def records(api: docker.APIClient) -> list[CacheRecord]:
    """All of it."""
    return Fallback(api).disk_usage()


def record_ids(api: docker.APIClient) -> frozenset[str]:
    """The ids of all its records."""
    return cache_records.record_ids(Fallback(api))


def remove(api: docker.APIClient, ids: Iterable[str]) -> set[str]:
    """Remove these records; returns those that are in use."""
    return cache_records.remove(Fallback(api), dict.fromkeys(ids))
