"""Platforms and the arguments that builders set by them."""

from __future__ import annotations

import pytest

from ctxsize.dockerfile.platforms import (
    asked_platform,
    chosen,
    local_platform,
    normalized,
    parse_platform,
    platform_args,
)
from ctxsize.errors import ConfigError, UsageError

#: What buildx 0.29 makes of it: TARGETPLATFORM of a build with Engine 28.5.
MEASURED = [
    ("linux/amd64", "linux/amd64"),
    ("linux/arm64", "linux/arm64"),
    ("linux/arm64/v8", "linux/arm64"),
    ("linux/arm64/v9", "linux/arm64/v9"),
    ("arm64", "linux/arm64"),
    ("aarch64", "linux/arm64"),
    ("linux/aarch64", "linux/arm64"),
    ("arm", "linux/arm/v7"),
    ("linux/arm", "linux/arm/v7"),
    ("linux/arm/v7", "linux/arm/v7"),
    ("linux/arm/7", "linux/arm/v7"),
    ("linux/arm/v6", "linux/arm/v6"),
    ("armhf", "linux/arm/v7"),
    ("armel", "linux/arm/v6"),
    ("linux/armel", "linux/arm/v6"),
    ("i386", "linux/386"),
    ("linux/386", "linux/386"),
    ("x86_64", "linux/amd64"),
    ("X86-64", "linux/amd64"),
    ("linux/amd64/v1", "linux/amd64"),
    ("linux/amd64/v3", "linux/amd64/v3"),
    ("LINUX/ARM64", "linux/arm64"),
    ("linux/foo", "linux/foo"),
]


@pytest.mark.parametrize(("given", "platform"), MEASURED)
def test_names_are_read_as_buildx_reads_them(given: str, platform: str) -> None:
    assert parse_platform(given, "--platform") == platform


@pytest.mark.parametrize("given", ["linux", "local", "Linux", "LOCAL"])
def test_what_names_no_architecture_is_of_this_machines(given: str) -> None:
    assert parse_platform(given, "--platform") == local_platform()
    assert local_platform().startswith("linux/")


@pytest.mark.parametrize("given", ["", "foo", "linux/", "/amd64", "linux/arm/v7/x", "linux/*", "a b", "\n"])
def test_what_is_no_platform(given: str) -> None:
    with pytest.raises(UsageError, match="is no platform") as failure:
        parse_platform(given, "--platform")
    assert "\n" not in str(failure.value) and failure.value.where == "--platform"


def test_a_list_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError) as failure:
        parse_platform("linux/amd64, arm64", "c.toml:3", ConfigError)
    assert str(failure.value) == (
        "c.toml:3: ctxsize measures one platform per run (name one of linux/amd64, arm64)"
    )
    assert failure.value.exit_code == 2


class TestAsked:
    """As docker build: what is given, else DOCKER_DEFAULT_PLATFORM, else the engine's own."""

    def test_what_is_given_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64")
        assert asked_platform("s390x") == "linux/s390x"
        assert asked_platform(None) == "linux/arm64"

    @pytest.mark.parametrize("value", [None, ""])
    def test_nothing_is_asked_for(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DOCKER_DEFAULT_PLATFORM", raising=False)
        if value is not None:
            monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", value)
        assert asked_platform(None) is None

    @pytest.mark.parametrize("value", ["foo", "linux/amd64,linux/arm64"])
    def test_a_wrong_variable_is_named(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", value)
        with pytest.raises(UsageError) as failure:
            asked_platform(None)
        assert failure.value.where == "DOCKER_DEFAULT_PLATFORM"


@pytest.mark.parametrize(
    ("wanted", "there", "index"),
    [
        ("linux/arm64", ["linux/amd64", "linux/arm64"], 1),
        ("linux/arm64", ["linux/amd64", "linux/arm64/v8"], 1),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], 1),  # such a machine runs them
        ("linux/arm64", ["linux/arm64/v9"], None),
        ("linux/arm64/v9", ["linux/arm64", "linux/amd64"], 0),
        ("linux/arm64/v8.2", ["linux/arm64/v8.1", "linux/arm64"], 0),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], 1),
        ("linux/arm/v6", ["linux/arm/v7"], None),
        ("linux/arm/v7", ["linux/arm64"], None),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], 1),
        ("linux/amd64", ["linux/amd64/v2"], None),
        ("linux/amd64", ["linux/386"], 0),
        ("linux/amd64", ["windows/amd64", None], None),
        ("linux/amd64", [], None),
    ],
)
def test_an_image_is_chosen_as_containerd_does(
    wanted: str, there: list[str | None], index: int | None
) -> None:
    assert chosen(there, wanted) == index


@pytest.mark.parametrize(
    ("said", "platform"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("unknown/unknown", "unknown/unknown"),
    ],
)
def test_what_an_image_says_is_normalized(said: str, platform: str) -> None:
    assert normalized(said) == platform


def test_arguments() -> None:
    args = platform_args("linux/arm/v7")
    assert (args["TARGETPLATFORM"], args["TARGETARCH"], args["BUILDVARIANT"]) == ("linux/arm/v7", "arm", "v7")


def test_what_is_built_for_and_what_builds_are_kept_apart() -> None:
    args = platform_args("linux/arm64", "linux/amd64")
    assert (args["TARGETARCH"], args["BUILDARCH"], args["BUILDPLATFORM"]) == ("arm64", "amd64", "linux/amd64")
