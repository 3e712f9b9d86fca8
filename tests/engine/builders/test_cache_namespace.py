"""The cache mounts of a run are nobody else's."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ctxsize.engine.builders.buildkit import cache_namespace


@pytest.mark.parametrize(
    ("build_args", "namespace"),
    [
        ({}, "0123abcd-1"),
        ({"BUILDKIT_CACHE_MOUNT_NS": None}, "0123abcd-1"),
        ({"BUILDKIT_CACHE_MOUNT_NS": ""}, "0123abcd-1"),
        ({"BUILDKIT_CACHE_MOUNT_NS": "mine", "A": "b"}, "0123abcd-1/mine"),
        ({"BUILDKIT_CACHE_MOUNT_NS": "../mine"}, "0123abcd-1/../mine"),
    ],
)
def test_the_users_namespace_is_part_of_the_runs_and_never_instead_of_it(
    build_args: Mapping[str, str | None], namespace: str
) -> None:
    """BuildKit puts the namespace and a slash before a mount's name, as they are."""
    assert cache_namespace(build_args, "0123abcd-1") == namespace
