"""Platforms and the arguments that builders set by them."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.platforms import local_platform, normalized, platform_args


@pytest.mark.parametrize(
    ("given", "platform"),
    [
        ("linux/amd64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("x86_64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("armhf", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("Windows/AMD64", "windows/amd64"),
    ],
)
def test_names_are_normalized(given: str, platform: str) -> None:
    assert normalized(given) == platform


def test_a_system_alone_is_of_this_machines_architecture() -> None:
    assert normalized("linux") == local_platform()
    assert local_platform().startswith("linux/")


def test_arguments() -> None:
    args = platform_args("linux/arm/v7")
    assert (args["TARGETPLATFORM"], args["TARGETARCH"], args["BUILDVARIANT"]) == ("linux/arm/v7", "arm", "v7")


def test_what_is_built_for_and_what_builds_are_kept_apart() -> None:
    args = platform_args("linux/arm64", "linux/amd64")
    assert (args["TARGETARCH"], args["BUILDARCH"], args["BUILDPLATFORM"]) == ("arm64", "amd64", "linux/amd64")
