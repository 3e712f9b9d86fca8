"""Comparisons of fixture repos that several tests look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from ctxsize import api as ctxsize_api
from ctxsize.comparison.types import Comparison, PathSaving
from ctxsize.engine.options import BuildOptions
from tests.support import buildcache
from tests.support.tree import tree_hash


@dataclass(frozen=True)
class Compared:
    """A comparison, with what was there before and after it."""

    comparison: Comparison
    tree: tuple[str, str]
    images: tuple[set[str], set[str]]
    cache: tuple[frozenset[str], frozenset[str]]

    @property
    def paths(self) -> dict[str, PathSaving]:
        return {path.path: path for path in self.comparison.paths}


@pytest.fixture(scope="session")
def compared(
    api: docker.APIClient,
    make_fixture: Callable[..., Path],
    base_args: Callable[[str], dict[str, str]],
) -> Callable[[str, str], Compared]:
    """``compared("links", "classic")``: the result, measured once however many tests look at it."""
    known: dict[tuple[str, str], Compared] = {}

    def get(name: str, builder: str) -> Compared:
        if (name, builder) not in known:
            path = make_fixture(name)
            options = BuildOptions(build_args=base_args(name))
            before = tree_hash(path), _images(api), buildcache.record_ids(api)
            result = ctxsize_api.compare(path, builder=builder, options=options, repeat=1)
            after = tree_hash(path), _images(api), buildcache.record_ids(api)
            known[name, builder] = Compared(result.comparison, *zip(before, after, strict=True))
        return known[name, builder]

    return get


def _images(api: docker.APIClient) -> set[str]:
    return {image["Id"] for image in api.images(all=True)}
